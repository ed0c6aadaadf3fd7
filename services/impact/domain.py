"""How figures are made safe to publish: pure.

Everything published comes from one grid of areas × spans of months. Where a cell stands for too few, its area is shown together with
another one, or its month with the next, for the whole grid. As every total is a sum of published cells, no subtraction gives one away.
(Small numbers: the threshold of ten is the scheme's; the approach is global recoding as in the Handbook on Statistical Disclosure
Control, ESSNet SDC 2010, ch. 5.)
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

LEAST = 10

Group = tuple[str, ...]


@dataclass(frozen=True)
class Cell:
    """What happened in an area in some months. Amounts in cents; people, places and shops are sets, so that sums count each once."""

    people: frozenset[UUID] = frozenset()
    shifts: frozenset[UUID] = frozenset()
    places: frozenset[str] = frozenset()
    shops: frozenset[UUID] = frozenset()
    minutes: int = 0
    sales: int = 0
    issued_cents: int = 0
    spent_cents: int = 0

    def __add__(self, other: Cell) -> Cell:
        return Cell(
            people=self.people | other.people,
            shifts=self.shifts | other.shifts,
            places=self.places | other.places,
            shops=self.shops | other.shops,
            minutes=self.minutes + other.minutes,
            sales=self.sales + other.sales,
            issued_cents=self.issued_cents + other.issued_cents,
            spent_cents=self.spent_cents + other.spent_cents,
        )

    @property
    def small(self) -> bool:
        """Whether it stands for somebody, but too few: people who took part, people who bought, or coins that reached somebody."""
        if 0 < len(self.people) < LEAST or 0 < self.sales < LEAST:
            return True
        return not self.people and self.issued_cents > 0


@dataclass(frozen=True)
class Grid:
    """Areas and spans (each a group of neighbourhoods or consecutive months) and what happened where they cross."""

    areas: tuple[Group, ...]
    spans: tuple[Group, ...]
    cells: Mapping[tuple[Group, Group], Cell] = field(default_factory=dict)

    @property
    def smalls(self) -> int:
        return sum(cell.small for cell in self.cells.values())

    def row(self, area: Group) -> Cell:
        return total(cell for (a, _), cell in self.cells.items() if a == area)

    def column(self, span: Group) -> Cell:
        return total(cell for (_, s), cell in self.cells.items() if s == span)

    @property
    def whole(self) -> Cell:
        return total(self.cells.values())


def total(cells: Iterable[Cell]) -> Cell:
    """All cells together."""
    result = Cell()
    for cell in cells:
        result = result + cell
    return result


def publishable(cells: Mapping[tuple[str, str], Cell], areas: Sequence[str], months: Sequence[str]) -> Grid | None:
    """The finest grid we can reach in which no cell is small; None when even the whole town is too few.

    `cells`: (neighbourhood, month YYYY-MM) -> what happened there. `months` in order, without a gap.
    """
    grid = _grid(cells, tuple((a,) for a in areas), tuple((m,) for m in months))
    while grid.smalls:
        coarser = [_grid(cells, a, s) for a, s in _merges(grid)]
        if not coarser:
            return None
        # The merge that leaves the fewest small cells; among equals the finest grid, then the least crowded pair stays predictable.
        grid = min(coarser, key=lambda g: (g.smalls, -len(g.areas) * len(g.spans), g.areas, g.spans))
    return grid if grid.whole.people else None


def _merges(grid: Grid) -> Iterator[tuple[tuple[Group, ...], tuple[Group, ...]]]:
    """Every grid one step coarser: any two areas together, or two spans that follow each other."""
    for i, first in enumerate(grid.areas):
        for second in grid.areas[i + 1 :]:
            rest = [a for a in grid.areas if a not in (first, second)]
            yield tuple(sorted([*rest, tuple(sorted(first + second))])), grid.spans
    for i in range(len(grid.spans) - 1):
        merged = grid.spans[i] + grid.spans[i + 1]
        yield grid.areas, (*grid.spans[:i], merged, *grid.spans[i + 2 :])


def _grid(cells: Mapping[tuple[str, str], Cell], areas: tuple[Group, ...], spans: tuple[Group, ...]) -> Grid:
    empty = Cell()
    return Grid(
        areas=areas,
        spans=spans,
        cells={
            (area, span): total([cells.get((n, m), empty) for n in area for m in span])
            for area in areas
            for span in spans
        },
    )


def months_between(first: str, last: str) -> list[str]:
    """Every month from `first` to `last` (YYYY-MM), both included."""
    year, month = int(first[:4]), int(first[5:])
    found = []
    while f"{year:04d}-{month:02d}" <= last:
        found.append(f"{year:04d}-{month:02d}")
        year, month = (year, month + 1) if month < 12 else (year + 1, 1)
    return found
