"""Bars stand where their numbers say."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.kit.charts import bar_chart, nice_step


@pytest.mark.parametrize(
    ("most", "steps", "step"), [(0, 4, 1), (4, 4, 1), (5, 4, 2), (95, 4, 50), (1420, 4, 500), (176, 5, 50)]
)
def test_a_scale_goes_by_numbers_people_count_in(most: int, steps: int, step: int) -> None:
    assert nice_step(most, steps) == step


@given(st.lists(st.tuples(st.just("Oct"), st.integers(0, 10**7)), max_size=24))
def test_every_bar_ends_at_its_value_on_the_scale(values: list[tuple[str, int]]) -> None:
    chart = bar_chart(values, 560, 320)
    (base, zero), (top_at, top) = chart.lines[0], chart.lines[-1]
    assert zero == 0
    assert top >= max((value for _, value in values), default=0)
    for bar, (_, value) in zip(chart.bars, values, strict=True):
        assert bar.top == pytest.approx(base - (base - top_at) * value / top, abs=0.2)
        assert chart.start < bar.middle < chart.wide


def test_the_highest_bar_says_its_value_and_names_that_do_not_fit_are_left_out() -> None:
    chart = bar_chart([(f"month {n}", n) for n in range(24)], 330, 240)
    assert [bar.value for bar in chart.bars if bar.value is not None] == [23]
    assert 0 < len([bar for bar in chart.bars if bar.name]) < 24
