"""Decisions about shifts and sign-ups: pure, the clock and the facts are arguments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal
from uuid import UUID

from services.apis.errors import Refused

LONGEST_SHIFT = timedelta(hours=12)

Place = Literal["going", "waiting"]


@dataclass(frozen=True)
class ShiftFacts:
    """What a sign-up is decided on."""

    starts_at: datetime
    ends_at: datetime
    capacity: int
    adults_only: bool
    state: str


@dataclass(frozen=True)
class InLine:
    """A living sign-up: its place, and its turn in the order of asking."""

    signup_id: UUID
    person_id: UUID
    place: Place
    turn: int


def check_times(starts_at: datetime, ends_at: datetime, *, now: datetime, opens_on: date, day: date) -> None:
    """Refuse a shift that lies in the past, ends before it starts, is longer than 12 hours, or comes before its programme opens."""
    if starts_at <= now:
        raise Refused(
            "shift_in_the_past",
            "A shift must start in the future. Choose a later time.",
            {"starts_at": starts_at.isoformat()},
        )
    if not starts_at < ends_at <= starts_at + LONGEST_SHIFT:
        raise Refused(
            "shift_too_long", "A shift ends after it starts and lasts 12 hours at most. Publish two shifts instead."
        )
    if day < opens_on:
        raise Refused(
            "programme_not_open",
            f"This programme opens on {opens_on.isoformat()}. Choose that day or a later one.",
            {"opens_on": str(opens_on)},
        )


def check_insurance_days(insured_from: date | None, insured_until: date | None) -> None:
    """Refuse an insurance that ends before it begins."""
    if insured_from and insured_until and insured_until < insured_from:
        raise Refused("insurance_days", "The insurance ends before it begins. Look at the two days again.")


def check_insured(insured_from: date | None, insured_until: date | None, day: date) -> None:
    """Refuse a day on which the volunteers would not be insured, where it is written down from when until when they are."""
    if insured_from and day < insured_from:
        raise Refused(
            "not_insured",
            f"The insurance begins on {insured_from.isoformat()}. Choose that day or a later one.",
            {"from": insured_from.isoformat()},
        )
    if insured_until and day > insured_until:
        raise Refused(
            "not_insured",
            f"The insurance ends on {insured_until.isoformat()}. Renew it and write the new day down, or choose an earlier day.",
            {"until": insured_until.isoformat()},
        )


def check_open(shift: ShiftFacts, *, now: datetime) -> None:
    """Refuse a shift that was cancelled or is over."""
    if shift.state == "cancelled":
        raise Refused(
            "shift_closed", "This shift was cancelled. Look for another one in the list.", {"state": "cancelled"}
        )
    if shift.ends_at <= now:
        raise Refused(
            "shift_closed",
            "This shift is over. Look for the next one in the list.",
            {"ended_at": shift.ends_at.isoformat()},
        )


def check_not_started(shift: ShiftFacts, *, now: datetime) -> None:
    """Refuse what can only be done before the shift starts."""
    if shift.starts_at <= now:
        raise Refused("shift_started", "The shift has started. What happened there is settled with its attendance.")


def place_for(shift: ShiftFacts, line: Sequence[InLine], *, person_id: UUID, adult: bool, now: datetime) -> Place:
    """Where a new sign-up stands: going, or waiting when the shift is full. Raises Refused where it cannot stand at all."""
    check_open(shift, now=now)
    if shift.adults_only and not adult:
        raise Refused("adults_only", "This shift is for adults. Look for one without the mark.")
    if any(one.person_id == person_id for one in line):
        raise Refused("already_signed_up", "You are on this shift already. See it under your shifts.")
    return "going" if going(line) < shift.capacity and not waiting(line) else "waiting"


def going(line: Sequence[InLine]) -> int:
    return sum(one.place == "going" for one in line)


def waiting(line: Sequence[InLine]) -> int:
    return sum(one.place == "waiting" for one in line)


def moving_up(line: Sequence[InLine], capacity: int) -> list[InLine]:
    """Who moves from the waiting list to a free place, first asked first served."""
    free = max(0, capacity - going(line))
    return sorted((one for one in line if one.place == "waiting"), key=lambda one: one.turn)[:free]
