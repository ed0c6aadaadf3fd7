"""Decisions about who was there and for how long: pure, the clock and the facts are arguments."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from services.apis.attendance import State, WhyLeft
from services.apis.errors import Refused

OPENS_BEFORE = timedelta(minutes=30)
LEAVES_AFTER = timedelta(minutes=15)
OLDEST_SYNC = timedelta(hours=48)
CLOCK_SKEW = timedelta(minutes=1)
SAME_GESTURE = timedelta(minutes=1)
DISPUTE_WITHIN = timedelta(days=30)
LEAST_MINUTES = 15

Place = Literal["going", "waiting"]


@dataclass(frozen=True)
class ShiftFacts:
    """What is decided on, of a shift."""

    starts_at: datetime
    ends_at: datetime
    capacity: int
    adults_only: bool
    cancelled: bool

    @property
    def minutes(self) -> int:
        return int((self.ends_at - self.starts_at).total_seconds() // 60)


@dataclass(frozen=True)
class Record:
    """What is decided on, of an attendance."""

    person_id: UUID
    state: State
    checked_in_at: datetime | None
    checked_out_at: datetime | None
    forgotten: bool
    minutes: int | None

    @property
    def inside(self) -> bool:
        return self.state == "open" and self.checked_out_at is None


def moment(happened_at: datetime | None, now: datetime) -> datetime:
    """When something happened: now, or as a device without signal noted it. Raises Refused `happened_at_wrong`.

    A device's clock may run a minute ahead; that counts as now.
    """
    if happened_at is None:
        return now
    if not now - OLDEST_SYNC <= happened_at <= now + CLOCK_SKEW:
        raise Refused(
            "happened_at_wrong",
            "This was noted in the future, or more than 48 hours ago. Set the device's clock, or correct the minutes by hand.",
            {"now": now.isoformat(), "hours": 48},
        )
    return min(happened_at, now)


def check_window(shift: ShiftFacts, at: datetime) -> None:
    """Refuse a moment outside the shift: 30 minutes before its start to its end."""
    check_begun(shift, at)
    if at > shift.ends_at:
        raise _over(shift)


def check_leaving(shift: ShiftFacts, at: datetime) -> None:
    """Refuse a moment when nobody checks out: as `check_window`, but tools are put away and people queue before the screen, so there
    are 15 minutes more. They are not counted."""
    check_begun(shift, at)
    if at > shift.ends_at + LEAVES_AFTER:
        raise _over(shift)


def _over(shift: ShiftFacts) -> Refused:
    return Refused(
        "shift_over",
        "This shift is over. Whoever was checked in is counted until its end; else tell the coordinator.",
        {"ended_at": shift.ends_at.isoformat()},
    )


def check_begun(shift: ShiftFacts, at: datetime) -> None:
    """Refuse a cancelled shift, and a moment before check-in opens."""
    if shift.cancelled:
        raise Refused("shift_cancelled", "This shift was cancelled. Look for another one in the list.")
    opens_at = shift.starts_at - OPENS_BEFORE
    if at < opens_at:
        raise Refused(
            "too_early",
            "Check-in opens 30 minutes before the shift starts. Come back then.",
            {"opens_at": opens_at.isoformat()},
        )


def walks_in(shift: ShiftFacts, *, place: Place | None, adult: bool, came: int, awaited: int, at: datetime) -> bool:
    """Whether somebody who comes is a walk-in. Raises Refused `adults_only`, `shift_full` or as `check_window`.

    `came`: people who came so far; `awaited`: people with a place who did not yet. Whoever has a place comes in. Until the start
    the places of those awaited are kept; from then on free places go to whoever is there, first of all the waiting list's people.
    """
    check_window(shift, at)
    if place == "going":
        return False
    if place is None and shift.adults_only and not adult:
        raise Refused("adults_only", "This shift is for adults. Look for one without the mark.")
    kept = awaited if at < shift.starts_at else 0
    if came + kept >= shift.capacity:
        raise Refused(
            "shift_full",
            "All places are taken. Ask again when the shift starts: places still free then are given away."
            if kept
            else "All places are taken. Look for another shift in the list.",
            {"capacity": shift.capacity},
        )
    return True


def gesture(record: Record | None, at: datetime) -> Literal["in", "out", "nothing"]:
    """What a scanned card or a tapped name means. Raises Refused `already_checked_out`.

    The same card held up twice within a minute means nothing more. A check-out that a device without signal sends late replaces a
    forgotten one, as long as nobody has decided on it.
    """
    if record is None:
        return "in"
    if record.checked_in_at and record.state == "open" and (record.inside or record.forgotten):
        return "out" if at >= record.checked_in_at + SAME_GESTURE else "nothing"
    raise already_checked_out()


def already_checked_out() -> Refused:
    return Refused(
        "already_checked_out", "This visit is already written down. If it is wrong, correct or dispute the minutes."
    )


def minutes_counted(shift: ShiftFacts, came: datetime, left: datetime) -> int:
    """Whole minutes between coming and leaving, inside the shift only: neither early arrival nor overtime counts."""
    inside = min(left, shift.ends_at) - max(came, shift.starts_at)
    return max(0, int(inside.total_seconds() // 60))


def proposed(minutes: int | None, shift: ShiftFacts) -> bool:
    """Whether to propose confirmation: a quarter of the shift, and 15 minutes unless the shift is shorter.

    Only a proposal: the coordinator may confirm less, and a short visit is not held against anyone.
    """
    least = min(shift.minutes, max(LEAST_MINUTES, -(-shift.minutes // 4)))
    return minutes is not None and minutes >= least


def check_not_own(person_id: UUID, decider_id: UUID) -> None:
    """Refuse a decision on one's own attendance."""
    if person_id == decider_id:
        raise Refused(
            "own_attendance", "Nobody decides on their own attendance. Ask another coordinator of your organisation."
        )


def minutes_to_confirm(record: Record, shift: ShiftFacts, asked: int | None) -> int:
    """The minutes a confirmation gives: those asked for, else those recorded.

    Raises Refused `not_checked_out`, `minutes_missing`, `minutes_beyond_shift`.
    """
    if record.inside:
        raise Refused(
            "not_checked_out", "This person is still checked in. Check them out first, or wait for the shift's end."
        )
    minutes = asked if asked is not None else record.minutes
    if not minutes:
        raise Refused("minutes_missing", "No whole minute is recorded. Say how many minutes, or reject the attendance.")
    if minutes > shift.minutes:
        raise Refused(
            "minutes_beyond_shift",
            f"The shift lasted {shift.minutes} minutes. Confirm that many at most.",
            {"shift_minutes": shift.minutes},
        )
    return minutes


def why_left(record: Record, shift: ShiftFacts, *, decider_id: UUID, left_out: bool, corrected: bool) -> WhyLeft | None:
    """Why "confirm all" leaves an attendance for a decision of its own; None when it is confirmed."""
    if left_out:
        return "left_out"
    if record.person_id == decider_id:
        return "own_attendance"
    if record.state == "disputed":
        return "disputed"
    if record.inside:
        return "not_checked_out"
    if not corrected and not proposed(record.minutes, shift):
        return "too_short"
    return None


def check_exceptions(named: Set[UUID], waiting: Set[UUID]) -> None:
    """Refuse an exception for an attendance that waits for no decision at this shift."""
    for stranger in sorted(named - waiting):
        raise Refused(
            "unknown_attendance",
            "One of the exceptions is no attendance of this shift that waits for a decision. Load the list again.",
            {"id": str(stranger)},
            status=404,
        )


def check_disputable(
    record: Record | None, shift: ShiftFacts, *, decided_at: datetime | None, settled: bool, signed_up: bool, now: datetime
) -> None:  # fmt: skip
    """Refuse a dispute that cannot be: 30 days from the shift's end or the decision, once per decision that settled one.

    `record` None: an absence, which somebody who signed up may dispute.
    """
    if record is None and not signed_up:
        raise Refused("no_sign_up", "You were not signed up for this shift. If you were there, tell the coordinator.")
    if record and record.state == "disputed":
        raise Refused("already_disputed", "A coordinator will look at this already. You see the answer in your list.")
    if (record is None or record.inside) and now <= shift.ends_at:
        raise Refused(
            "shift_not_over", "The shift is not over. Check in or out now; dispute afterwards if it is wrong."
        )
    if settled:
        raise Refused("dispute_settled", "This dispute was settled. Talk to the organisation, or to the city.")
    last_day = max(shift.ends_at, decided_at or shift.ends_at) + DISPUTE_WITHIN
    if now > last_day:
        raise Refused(
            "dispute_too_late",
            "A dispute is possible for 30 days. Talk to the organisation, or to the city.",
            {"until": last_day.isoformat()},
        )
