"""Events are handled in runs of one type: as few as keep the order of each key."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import groupby
from typing import Any
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from services.events import Envelope
from services.kit.handle import runs

NOON = datetime(2026, 5, 4, 10, tzinfo=UTC)


class Confirmed:
    """A type of event."""


class Rejected:
    """Another."""


class Corrected:
    """A third."""


def event(number: int, key: str, data: Any) -> Envelope[Any]:
    id_ = UUID(int=number)
    return Envelope(id=id_, type="a.type.v1", occurred_at=NOON, key=key, correlation_id=id_, data=data)


drawn = st.lists(st.tuples(st.sampled_from("abcde"), st.sampled_from((Confirmed, Rejected, Corrected))), max_size=40)


@given(drawn)
def test_each_event_is_in_one_run_of_its_type_and_each_key_keeps_its_order(wanted: list[tuple[str, type]]) -> None:
    events = [event(number, key, kind()) for number, (key, kind) in enumerate(wanted)]
    made = runs(events)
    flat = [one for run in made for one in run]
    assert sorted(flat, key=lambda one: one.id) == events
    assert all(len({type(one.data) for one in run}) == 1 for run in made)
    for wanted_key in "abcde":
        assert [one for one in flat if one.key == wanted_key] == [one for one in events if one.key == wanted_key]
    assert len(made) <= len(list(groupby(events, key=lambda one: type(one.data))))


def test_people_whose_verdicts_are_mixed_on_the_topic_are_handled_in_two_runs() -> None:
    verdicts = [event(number, f"person {number // 2}", (Confirmed, Rejected)[number % 2]()) for number in range(100)]
    assert [len(run) for run in runs(verdicts)] == [50, 50]
    back = [event(number, "person", (Confirmed, Rejected)[number % 2]()) for number in range(4)]
    assert [len(run) for run in runs(back)] == [1, 1, 1, 1]
