"""What a sponsor is shown never tells of a few: neither a line, nor what a total leaves when lines are taken away."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from services.funding.domain_impact import LEAST, Sum, lines, total

PLACES, MONTHS = ("arco-vecchio", "le-querce", "stazione", "borgo-mulini"), ("2026-03", "2026-04", "2026-05")


def some(count: int, *, of: int = 0, minutes: int = 60) -> Sum:
    """So many people, numbered from `of`."""
    return Sum(frozenset(f"person {of + n}" for n in range(count)), count * minutes, count * 500)


cells = st.dictionaries(
    st.tuples(st.sampled_from(PLACES), st.sampled_from(MONTHS)),
    st.builds(some, st.integers(1, 25), of=st.integers(0, 30)),
    max_size=12,
)


def test_large_lines_stand_alone_and_small_ones_together() -> None:
    march, april, may = MONTHS
    shown = lines(
        {
            ("le-querce", march): some(12),
            ("le-querce", april): some(6),
            ("le-querce", may): some(6, of=6),
            ("stazione", may): some(9, of=50),
            ("arco-vecchio", may): some(3, of=60),
        }
    )
    assert {key: len(cell.members) for key, cell in shown.items()} == {
        ("le-querce", march): 12,
        ("le-querce", None): 12,
        (None, None): 12,
    }


def test_a_small_line_takes_the_smallest_large_one_with_it() -> None:
    shown = lines(
        {
            ("le-querce", "2026-03"): some(30),
            ("le-querce", "2026-04"): some(15, of=40),
            ("stazione", "2026-04"): some(2, of=90),
        }
    )
    assert {key: len(cell.members) for key, cell in shown.items()} == {(None, None): 47}


def test_of_too_few_nothing_is_shown() -> None:
    assert lines({("le-querce", "2026-03"): some(5), ("stazione", "2026-03"): some(4, of=5)}) == {}
    assert lines({}) == {}


@given(cells)
def test_every_line_stands_for_enough_and_all_lines_make_up_the_whole(
    cells: dict[tuple[str, str], Sum],
) -> None:
    shown, whole = lines(cells), total(cells.values())
    assert all(len(cell.members) >= LEAST for cell in shown.values())
    assert bool(shown) == (len(whole.members) >= LEAST)
    if shown:
        assert total(shown.values()) == whole


@given(cells)
def test_a_place_is_named_only_where_what_is_not_named_of_it_is_nobody_or_enough(
    cells: dict[tuple[str, str], Sum],
) -> None:
    shown = lines(cells)
    for place in {place for place, _ in shown if place is not None}:
        inside = total(cell for (at, _), cell in cells.items() if at == place)
        assert total(cell for (at, _), cell in shown.items() if at == place) == inside
