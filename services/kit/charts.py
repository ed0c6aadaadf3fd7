"""Charts and maps as SVG drawn on the server: where each bar and tile stands, in units of the drawing. `kit/charts.html` writes them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from textwrap import wrap

TOP, FOOT = 24.0, 28.0  # room for the highest bar's number, and for the names below
LETTER = 7.5  # how much a letter of the drawing's type takes
CORNER = 4.0
ROOMY = 60.0  # between the middles of two bars whose values do not touch
SHADES = 5
NAME_LETTER, NAME_LINES = 8.5, 2  # of the name on a tile, in the map's type


@dataclass(frozen=True)
class Bar:
    """`path` of an SVG, its middle and top, the bar's name ("" where there is no room for it), and its value where that is shown."""

    path: str
    middle: float
    top: float
    name: str
    value: int | None


@dataclass(frozen=True)
class BarChart:
    """`lines`: height in the drawing and the value there, zero first."""

    wide: float
    high: float
    start: float
    lines: tuple[tuple[float, int], ...]
    bars: tuple[Bar, ...]


@dataclass(frozen=True)
class Tile:
    """A place on a map of tiles. `shade` from 1, little, to 5; 0 where there is nothing. `mark` (`*`, `**` …) stands beside the value.
    `href`: where it leads; `said`: how that is called aloud; `here`: whether it is what is shown now."""

    name: str
    value: int
    shade: int
    mark: str = ""
    href: str = ""
    said: str = ""
    here: bool = False


def shade_of(value: int, step: int) -> int:
    """How dark a tile is: up to one step the lightest, above four the darkest."""
    return min(SHADES, max(0, value - 1) // step + 1)


def tile_places(
    tiles: Sequence[Tile], columns: int, wide: float, high: float
) -> list[tuple[float, float, Tile, list[str]]]:
    """Where each tile stands, row by row, and its name in lines that fit."""
    letters = int((wide - 14) / NAME_LETTER)
    return [
        (n % columns * wide, n // columns * high, tile, wrap(tile.name, letters, break_long_words=False)[:NAME_LINES])
        for n, tile in enumerate(tiles)
    ]


def nice_step(most: int, steps: int) -> int:
    """The smallest of 1, 2, 5, 10, 20, 50 … of which `steps` reach `most`."""
    power = 1
    while True:
        for first in (1, 2, 5):
            if first * power * steps >= most:
                return first * power
        power *= 10


def bar_chart(values: Sequence[tuple[str, int]], wide: float, high: float) -> BarChart:
    """Bars from zero for pairs of a name and a value. The highest carries its value; all do where there is room."""
    most = max((value for _, value in values), default=0)
    step = nice_step(max(most, 4), 4)
    top = step * max(1, ceil(most / step))
    start, base = 12 + LETTER * len(f"{top:,}"), high - FOOT
    rise = (base - TOP) / top
    pitch = (wide - start) / max(1, len(values))
    every = ceil(LETTER * (max((len(name) for name, _ in values), default=0) + 1) / pitch)
    thick = min(pitch * 0.62, 64.0)
    all_said = pitch > ROOMY
    first = next((n for n, (_, value) in enumerate(values) if value == most), 0)
    return BarChart(
        wide, high, start,
        lines=tuple((round(base - value * rise, 1), value) for value in range(0, top + 1, step)),
        bars=tuple(
            Bar(
                path=_column(start + pitch * (n + 0.5) - thick / 2, base, thick, value * rise),
                middle=round(start + pitch * (n + 0.5), 1), top=round(base - value * rise, 1),
                name=name if n % every == 0 else "", value=value if all_said or n == first else None,
            )
            for n, (name, value) in enumerate(values)
        ),
    )  # fmt: skip


def _column(x: float, base: float, thick: float, tall: float) -> str:
    """A bar with round shoulders."""
    r = min(CORNER, tall, thick / 2)
    up, corner = tall - r, f"a{r:.1f} {r:.1f} 0 0 1 {r:.1f}"
    return f"M{x:.1f} {base:.1f}v{-up:.1f}{corner} {-r:.1f}h{thick - 2 * r:.1f}{corner} {r:.1f}v{up:.1f}z"
