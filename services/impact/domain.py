"""How figures are made safe to publish: pure.

Everything published comes from one grid of areas × spans of months. Where a cell stands for too few, its area is shown together with
another one, or its month with the next, for the whole grid. As every total is a sum of published cells, no subtraction gives one away.
(Small numbers: the threshold of ten is the scheme's; the approach is global recoding as in the Handbook on Statistical Disclosure
Control, ESSNet SDC 2010, ch. 5.)
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from itertools import pairwise
from uuid import UUID

LEAST = 10

Group = tuple[str, ...]
Key = tuple[Group, Group]


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
    cells: Mapping[Key, Cell] = field(default_factory=dict)

    @property
    def small(self) -> frozenset[Key]:
        """Where a cell stands for too few."""
        return frozenset(key for key, cell in self.cells.items() if cell.small)

    def row(self, area: Group) -> Cell:
        return total(self.cells[area, span] for span in self.spans)

    def column(self, span: Group) -> Cell:
        return total(self.cells[area, span] for area in self.areas)

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
    empty = Cell()
    grid = Grid(
        areas=tuple((a,) for a in areas),
        spans=tuple((m,) for m in months),
        cells={((a,), (m,)): cells.get((a, m), empty) for a in areas for m in months},
    )
    while small := grid.small:
        left = [(len(small) + merge.change(grid, small), merge) for merge in _merges(grid)]
        if not left:
            return None
        # The merge that leaves the fewest small cells; among equals the finest grid, then the least crowded pair stays predictable.
        _, merge = min(
            left, key=lambda one: (one[0], -len(one[1].areas) * len(one[1].spans), one[1].areas, one[1].spans)
        )
        grid = merge.of(grid)
    return grid if grid.whole.people else None


@dataclass(frozen=True)
class _Merge:
    """One step coarser. `pairs`: each cell of the new grid that is two of the old one."""

    areas: tuple[Group, ...]
    spans: tuple[Group, ...]
    pairs: Mapping[Key, tuple[Key, Key]]

    def change(self, grid: Grid, small: Set[Key]) -> int:
        """How many small cells there are more (below zero: fewer). Two that are not small never make a small one."""
        return sum(
            (grid.cells[one] + grid.cells[other]).small - (one in small) - (other in small)
            for one, other in self.pairs.values()
            if one in small or other in small
        )

    def of(self, grid: Grid) -> Grid:
        gone = {key for pair in self.pairs.values() for key in pair}
        cells = {key: cell for key, cell in grid.cells.items() if key not in gone}
        cells |= {key: grid.cells[one] + grid.cells[other] for key, (one, other) in self.pairs.items()}
        return Grid(self.areas, self.spans, {(a, s): cells[a, s] for a in self.areas for s in self.spans})


def _merges(grid: Grid) -> Iterator[_Merge]:
    """Every grid one step coarser: any two areas together, or two spans that follow each other."""
    for i, first in enumerate(grid.areas):
        for second in grid.areas[i + 1 :]:
            both = tuple(sorted(first + second))
            rest = [a for a in grid.areas if a not in (first, second)]
            pairs = {(both, span): ((first, span), (second, span)) for span in grid.spans}
            yield _Merge(tuple(sorted([*rest, both])), grid.spans, pairs)
    for i, (earlier, later) in enumerate(pairwise(grid.spans)):
        merged = earlier + later
        pairs = {(area, merged): ((area, earlier), (area, later)) for area in grid.areas}
        yield _Merge(grid.areas, (*grid.spans[:i], merged, *grid.spans[i + 2 :]), pairs)


def months_between(first: str, last: str) -> list[str]:
    """Every month from `first` to `last` (YYYY-MM), both included."""
    year, month = int(first[:4]), int(first[5:])
    found = []
    while f"{year:04d}-{month:02d}" <= last:
        found.append(f"{year:04d}-{month:02d}")
        year, month = (year, month + 1) if month < 12 else (year + 1, 1)
    return found
