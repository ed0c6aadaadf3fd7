"""Who was there and for how long: the pure decisions."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.apis.errors import Refused
from services.attendance.domain import (
    Record,
    ShiftFacts,
    check_disputable,
    gesture,
    minutes_counted,
    minutes_to_confirm,
    moment,
    proposed,
    walks_in,
    why_left,
)

START = datetime(2026, 5, 4, 9, 0, tzinfo=UTC)
ANNA, BRUNO = UUID(int=1), UUID(int=2)
minute = st.integers(min_value=-200, max_value=400)


def a_shift(*, minutes: int = 120, **more: Any) -> ShiftFacts:
    facts = {"capacity": 10, "adults_only": False, "cancelled": False, **more}
    return ShiftFacts(starts_at=START, ends_at=START + timedelta(minutes=minutes), **facts)


def a_record(**more: Any) -> Record:
    facts = {"state": "open", "checked_in_at": START, "checked_out_at": START + timedelta(minutes=90), "minutes": 90}
    return Record(**{"person_id": ANNA, "forgotten": False, **facts, **more})


def after(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


@given(minute, minute, st.integers(min_value=1, max_value=300))
def test_minutes_are_whole_never_negative_and_never_beyond_the_shift(came: int, left: int, lasts: int) -> None:
    shift = a_shift(minutes=lasts)
    assert 0 <= minutes_counted(shift, after(came), after(left)) <= lasts


@given(minute, minute, minute)
def test_staying_longer_never_counts_less(came: int, left: int, later: int) -> None:
    shift = a_shift()
    first, second = sorted((left, later))
    assert minutes_counted(shift, after(came), after(first)) <= minutes_counted(shift, after(came), after(second))


def test_coming_early_and_staying_late_counts_as_the_shift_and_no_started_minute_counts() -> None:
    assert minutes_counted(a_shift(), after(-25), after(150)) == 120
    assert minutes_counted(a_shift(), after(0), after(59.99)) == 59


@pytest.mark.parametrize(
    ("lasts", "least"), [(120, 30), (240, 60), (40, 15), (61, 16), (10, 10)]
)  # a quarter; at least 15 minutes; never more than the shift
def test_a_quarter_of_the_shift_is_proposed_for_confirmation(lasts: int, least: int) -> None:
    assert proposed(least, a_shift(minutes=lasts))
    assert not proposed(least - 1, a_shift(minutes=lasts))
    assert not proposed(None, a_shift(minutes=lasts))


@given(came=st.integers(0, 30), awaited=st.integers(0, 30), capacity=st.integers(1, 20), at=st.integers(-30, 120))
def test_whoever_has_a_place_always_comes_in_and_a_walk_in_only_where_room_is(
    came: int, awaited: int, capacity: int, at: int
) -> None:
    shift = a_shift(capacity=capacity)
    more = {"adult": True, "came": came, "awaited": awaited, "at": after(at)}
    assert walks_in(shift, place="going", **more) is False
    room = came < capacity if at >= 0 else came + awaited < capacity
    for place in (None, "waiting"):
        if room:
            assert walks_in(shift, place=place, **more) is True
        else:
            with pytest.raises(Refused, match="shift_full"):
                walks_in(shift, place=place, **more)


def test_before_the_start_the_refusal_says_that_free_places_are_given_away_then() -> None:
    shift = a_shift(capacity=1)
    with pytest.raises(Refused, match="Ask again when the shift starts"):
        walks_in(shift, place="waiting", adult=True, came=0, awaited=1, at=after(-5))
    assert walks_in(shift, place="waiting", adult=True, came=0, awaited=1, at=after(0))


@pytest.mark.parametrize(("at", "code"), [(-31, "too_early"), (121, "shift_over"), (-30, None), (0, None), (120, None)])
def test_check_in_opens_half_an_hour_before_and_closes_at_the_end(at: int, code: str | None) -> None:
    more: Any = {"place": "going", "adult": True, "came": 0, "awaited": 0, "at": after(at)}
    if code is None:
        assert walks_in(a_shift(), **more) is False
        with pytest.raises(Refused, match="shift_cancelled"):
            walks_in(a_shift(cancelled=True), **more)
    else:
        with pytest.raises(Refused, match=code):
            walks_in(a_shift(), **more)


@pytest.mark.parametrize(("hours", "accepted"), [(0, True), (-47, True), (-49, False), (0.1, False)])
def test_what_a_device_notes_is_at_most_two_days_old_and_never_in_the_future(hours: float, accepted: bool) -> None:
    noted = START + timedelta(hours=hours)
    if accepted:
        assert moment(noted, START) == noted
    else:
        with pytest.raises(Refused, match="happened_at_wrong"):
            moment(noted, START)


def test_a_device_a_few_seconds_ahead_means_now() -> None:
    assert moment(START + timedelta(seconds=20), START) == START
    assert moment(None, START) == START


def test_a_card_means_in_then_nothing_for_a_minute_then_out_then_enough() -> None:
    inside = a_record(checked_out_at=None, minutes=None)
    assert gesture(None, START) == "in"
    assert gesture(inside, after(0.5)) == "nothing"
    assert gesture(inside, after(-10)) == "nothing"
    assert gesture(inside, after(60)) == "out"
    with pytest.raises(Refused, match="already_checked_out"):
        gesture(a_record(), after(95))


def test_a_late_check_out_replaces_a_forgotten_one_until_somebody_decided() -> None:
    assert gesture(a_record(forgotten=True), after(60)) == "out"
    with pytest.raises(Refused, match="already_checked_out"):
        gesture(a_record(forgotten=True, state="confirmed"), after(60))


def test_confirming_takes_the_recorded_minutes_or_those_the_coordinator_says() -> None:
    assert minutes_to_confirm(a_record(), a_shift(), None) == 90
    assert minutes_to_confirm(a_record(), a_shift(), 120) == 120
    with pytest.raises(Refused, match="minutes_beyond_shift"):
        minutes_to_confirm(a_record(), a_shift(), 121)
    with pytest.raises(Refused, match="minutes_missing"):
        minutes_to_confirm(a_record(minutes=0), a_shift(), None)
    with pytest.raises(Refused, match="not_checked_out"):
        minutes_to_confirm(a_record(checked_out_at=None, minutes=None), a_shift(), 60)


@pytest.mark.parametrize(
    ("record", "more", "why"),
    [
        (a_record(), {}, None),
        (a_record(), {"left_out": True}, "left_out"),
        (a_record(person_id=BRUNO), {}, "own_attendance"),
        (a_record(person_id=BRUNO), {"corrected": True}, "own_attendance"),
        (a_record(state="disputed"), {"corrected": True}, "disputed"),
        (a_record(checked_out_at=None, minutes=None), {}, "not_checked_out"),
        (a_record(minutes=20), {}, "too_short"),
        (a_record(minutes=20), {"corrected": True}, None),
    ],
)
def test_confirm_all_leaves_what_needs_a_look_of_its_own(record: Record, more: Any, why: str | None) -> None:
    facts = {"left_out": False, "corrected": False, **more}
    assert why_left(record, a_shift(), decider_id=BRUNO, **facts) == why


def test_a_dispute_has_thirty_days_from_the_end_or_from_the_decision() -> None:
    more: Any = {"settled": False, "signed_up": True}
    check_disputable(a_record(), a_shift(), decided_at=None, now=after(120) + timedelta(days=30), **more)
    with pytest.raises(Refused, match="dispute_too_late"):
        check_disputable(a_record(), a_shift(), decided_at=None, now=after(121) + timedelta(days=30), **more)
    check_disputable(a_record(), a_shift(), decided_at=after(9999), now=after(121) + timedelta(days=30), **more)
