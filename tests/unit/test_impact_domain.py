"""No published figure stands for fewer than ten people, alone or by subtraction."""

from __future__ import annotations

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from services.impact.domain import LEAST, Cell, months_between, publishable, total

AREAS = ["a", "b", "c", "d"]
MONTHS = ["2026-03", "2026-04", "2026-05"]
cells = st.dictionaries(
    st.tuples(st.sampled_from(AREAS), st.sampled_from(MONTHS)),
    st.builds(
        Cell,
        people=st.frozensets(st.integers(1, 40).map(lambda n: UUID(int=n)), max_size=25),
        minutes=st.integers(0, 5000),
        sales=st.integers(0, 30),
        spent_cents=st.integers(0, 9000),
    ),
)


@given(cells)
def test_every_published_figure_stands_for_ten_or_for_nobody(found: dict[tuple[str, str], Cell]) -> None:
    grid = publishable(found, AREAS, MONTHS)
    if grid is None:
        return
    everything = [*grid.cells.values(), *map(grid.row, grid.areas), *map(grid.column, grid.spans), grid.whole]
    assert all(len(c.people) == 0 or len(c.people) >= LEAST for c in everything)
    assert all(c.sales == 0 or c.sales >= LEAST for c in everything)


@given(cells)
def test_nothing_is_lost_or_counted_twice(found: dict[tuple[str, str], Cell]) -> None:
    grid = publishable(found, AREAS, MONTHS)
    if grid is None:
        assert total(found.values()).small or not total(found.values()).people
    else:
        assert grid.whole == total(found.values())
        assert sorted(n for area in grid.areas for n in area) == AREAS
        assert [m for span in grid.spans for m in span] == MONTHS


@given(cells)
def test_rows_and_columns_are_sums_of_published_cells_so_subtraction_finds_nothing_finer(
    found: dict[tuple[str, str], Cell],
) -> None:
    grid = publishable(found, AREAS, MONTHS)
    if grid is not None:
        assert total(grid.row(a) for a in grid.areas) == grid.whole == total(grid.column(s) for s in grid.spans)


def test_a_grid_that_is_safe_already_is_left_as_fine_as_it_is() -> None:
    crowd = Cell(people=frozenset(UUID(int=n) for n in range(12)), minutes=60)
    grid = publishable({(a, m): crowd for a in AREAS for m in MONTHS}, AREAS, MONTHS)
    assert grid is not None
    assert (len(grid.areas), len(grid.spans)) == (4, 3)


def test_months_run_over_the_turn_of_the_year() -> None:
    assert months_between("2026-11", "2027-02") == ["2026-11", "2026-12", "2027-01", "2027-02"]
