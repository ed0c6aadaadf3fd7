"""What one can ask of attendance: the code on the coordinator's screen, check-in and check-out, decisions, disputes, certificates.

Minutes are whole and never more than the shift has. Instants are UTC.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta, Struct

from services.apis.endpoint import Endpoint, Page
from services.events.attendance import Witness

State = Literal["open", "confirmed", "disputed", "rejected"]
DisputeReason = Literal["minutes_wrong", "was_there", "other"]
RejectReason = Literal["not_there", "too_short", "entered_by_mistake"]
WhyLeft = Literal["left_out", "own_attendance", "not_checked_out", "disputed", "too_short"]

Scanned = Annotated[str, Meta(min_length=1, max_length=300)]
Minutes = Annotated[int, Meta(ge=1, le=720)]
Instant = Annotated[datetime, Meta(tz=True)]
Note = Annotated[str, Meta(min_length=1, max_length=300)]
MOST_SEEN = 1000


class ShiftCode(Struct, frozen=True, kw_only=True):
    """What the coordinator's screen shows now. `path` goes into the QR behind the city's address; a new one comes in `seconds_left`."""

    shift_id: UUID
    path: str
    seconds_left: int


class UseCode(Struct, frozen=True, kw_only=True):
    """The text as scanned: the code alone, or the whole link that ends in it."""

    code: Scanned


class Scan(Struct, frozen=True, kw_only=True):
    """A card held before the coordinator's camera. `happened_at`: when, for a device that had no signal (at most 48 hours ago)."""

    card_code: Scanned
    happened_at: Instant | None = None


class Tap(Struct, frozen=True, kw_only=True):
    """A name tapped in the coordinator's list: somebody who signed up, or a walk-in. `happened_at` as in `Scan`."""

    person_id: UUID
    happened_at: Instant | None = None


class CheckOutAll(Struct, frozen=True, kw_only=True):
    """`happened_at` as in `Scan`."""

    happened_at: Instant | None = None


class Attendance(Struct, frozen=True, kw_only=True):
    """Who was there, and for how long. One per person and shift.

    `minutes` is None until the check-out; `forgotten`: the check-out was, so the shift's end counts. `proposed`: long enough that
    "confirm all" confirms it. `revision` counts the decisions taken. An absence in dispute has no `checked_in_at` and no `witness`.
    """

    attendance_id: UUID
    person_id: UUID
    shift_id: UUID
    place: str
    starts_at: datetime
    ends_at: datetime
    state: State
    walk_in: bool
    witness: Witness | None
    checked_in_at: datetime | None
    checked_out_at: datetime | None
    forgotten: bool
    minutes: int | None
    proposed: bool
    revision: int
    reject_reason: str | None
    dispute_reason: DisputeReason | None


class CheckedOut(Struct, frozen=True, kw_only=True):
    attendances: tuple[Attendance, ...]


class ShiftAttendance(Struct, frozen=True, kw_only=True):
    """The coordinator's list. `awaited`: people with a place who have not come, until the shift ends; afterwards only how many,
    `no_shows`. Nothing follows from not coming.
    """

    shift_id: UUID
    signed_up: int
    attendances: tuple[Attendance, ...]
    awaited: tuple[UUID, ...]
    no_shows: int | None


class Confirm(Struct, frozen=True, kw_only=True):
    """`minutes`: None for those recorded. On a confirmed attendance, other minutes correct it; on a disputed one, they settle it."""

    minutes: Minutes | None = None


class Corrected(Struct, frozen=True, kw_only=True):
    attendance_id: UUID
    minutes: Minutes


class ConfirmAll(Struct, frozen=True, kw_only=True):
    """Confirm a shift, with exceptions: attendances `left_out` for now, and others with `corrected` minutes."""

    left_out: Annotated[tuple[UUID, ...], Meta(max_length=1000)] = ()
    corrected: Annotated[tuple[Corrected, ...], Meta(max_length=1000)] = ()


class Left(Struct, frozen=True, kw_only=True):
    attendance_id: UUID
    why: WhyLeft


class ConfirmedAll(Struct, frozen=True, kw_only=True):
    confirmed: tuple[Attendance, ...]
    left: tuple[Left, ...]


class Reject(Struct, frozen=True, kw_only=True):
    reason: RejectReason


class MakeDispute(Struct, frozen=True, kw_only=True):
    """`note` is read by the coordinator who settles it, and then deleted."""

    reason: DisputeReason
    note: Note | None = None


class Dispute(Struct, frozen=True, kw_only=True):
    attendance: Attendance
    disputed_at: datetime
    note: str | None


class Attendances(Struct, frozen=True, kw_only=True):
    attendances: tuple[Attendance, ...]
    next_cursor: str | None = None


class Disputes(Struct, frozen=True, kw_only=True):
    disputes: tuple[Dispute, ...]
    next_cursor: str | None = None


class AskSeen(Struct, frozen=True, kw_only=True):
    attendance_ids: Annotated[tuple[UUID, ...], Meta(min_length=1, max_length=MOST_SEEN)]


class Seen(Struct, frozen=True, kw_only=True):
    """An attendance as evidence, without whose it is. `minutes` are those that count; `witness`: who saw the check-in."""

    attendance_id: UUID
    shift_id: UUID
    place: str
    starts_at: datetime
    ends_at: datetime
    state: State
    walk_in: bool
    witness: Witness | None
    checked_in_at: datetime | None
    checked_out_at: datetime | None
    forgotten: bool
    minutes: int | None
    revision: int


class AllSeen(Struct, frozen=True, kw_only=True):
    """Those of the attendances asked for that there are, oldest first."""

    seen: tuple[Seen, ...]


class Period(Struct, frozen=True, kw_only=True, rename={"from_": "from"}):
    """Days of the city, both included."""

    from_: date
    to: date


class CertificateLine(Struct, frozen=True, kw_only=True):
    """What was confirmed with one organisation in one programme. Names are None where they have not been heard yet."""

    programme_id: UUID
    programme: str | None
    organisation_id: UUID
    organisation: str | None
    participations: int
    minutes: int
    first_on: date
    last_on: date


class CertificateData(Struct, frozen=True, kw_only=True, rename={"from_": "from"}):
    person_id: UUID
    from_: date
    to: date
    participations: int
    minutes: int
    lines: tuple[CertificateLine, ...]


CODE_ERRORS = ("code_wrong", "code_expired", "code_used", "unknown_shift", "unknown_person")
WINDOW_ERRORS = ("shift_cancelled", "too_early", "shift_over")
COMING_ERRORS = ("adults_only", "shift_full", "already_checked_out")
COORDINATOR_ERRORS = ("unknown_shift", "unknown_person", "happened_at_wrong", *WINDOW_ERRORS, *COMING_ERRORS)

GET_CODE = Endpoint(
    method="GET", path="/shifts/{shift_id:uuid}/code", summary="The rotating check-in code", allow=("coordinator",),
    answer=ShiftCode, errors=("unknown_shift", *WINDOW_ERRORS),
)  # fmt: skip
POST_CHECK_IN = Endpoint(
    method="POST", path="/check-ins", summary="Check in with the code on the coordinator's screen", allow=("volunteer",),
    request=UseCode, answer=Attendance, status=201, per_minute=30,
    errors=(*CODE_ERRORS, *WINDOW_ERRORS, *COMING_ERRORS, "already_checked_in"),
)  # fmt: skip
POST_CHECK_OUT = Endpoint(
    method="POST", path="/check-outs", summary="Check out with the code on the coordinator's screen, up to 15 minutes after the end",
    allow=("volunteer",), request=UseCode, answer=Attendance, per_minute=30,
    errors=(*CODE_ERRORS, *WINDOW_ERRORS, "not_checked_in", "already_checked_out"),
)  # fmt: skip
POST_SCAN = Endpoint(
    method="POST", path="/shifts/{shift_id:uuid}/scans", summary="Check a card in, or out when in already",
    allow=("coordinator",), request=Scan, answer=Attendance, errors=("unknown_card", "card_replaced", *COORDINATOR_ERRORS),
)  # fmt: skip
POST_TAP = Endpoint(
    method="POST", path="/shifts/{shift_id:uuid}/taps", summary="Check a name in (walk-ins too), or out when in already",
    allow=("coordinator",), request=Tap, answer=Attendance, errors=COORDINATOR_ERRORS,
)  # fmt: skip
POST_CHECK_OUT_ALL = Endpoint(
    method="POST", path="/shifts/{shift_id:uuid}/check-out-all", summary="Check out everybody who is still in",
    allow=("coordinator",), request=CheckOutAll, answer=CheckedOut,
    errors=("unknown_shift", "happened_at_wrong", "shift_cancelled", "too_early"),
)  # fmt: skip
GET_SHIFT_ATTENDANCES = Endpoint(
    method="GET", path="/shifts/{shift_id:uuid}/attendances", summary="Who is and was at a shift",
    allow=("coordinator", "auditor"), answer=ShiftAttendance, errors=("unknown_shift",),
)  # fmt: skip
GET_ATTENDANCE = Endpoint(
    method="GET", path="/attendances/{attendance_id:uuid}", summary="One attendance", allow=("auditor",), answer=Attendance,
    errors=("unknown_attendance",),
)  # fmt: skip
POST_CONFIRM = Endpoint(
    method="POST", path="/attendances/{attendance_id:uuid}/confirm", summary="Confirm, correct, or settle a dispute",
    allow=("coordinator",), request=Confirm, answer=Attendance,
    errors=("unknown_attendance", "own_attendance", "not_checked_out", "minutes_missing", "minutes_beyond_shift"),
)  # fmt: skip
POST_CONFIRM_ALL = Endpoint(
    method="POST", path="/shifts/{shift_id:uuid}/confirm-all", summary="Confirm a whole shift, with exceptions",
    allow=("coordinator",), request=ConfirmAll, answer=ConfirmedAll, max_bytes=262_144,
    errors=("unknown_shift", "unknown_attendance", "minutes_beyond_shift"),
)  # fmt: skip
POST_REJECT = Endpoint(
    method="POST", path="/attendances/{attendance_id:uuid}/reject", summary="Say that somebody did not take part",
    allow=("coordinator",), request=Reject, answer=Attendance, errors=("unknown_attendance", "own_attendance"),
)  # fmt: skip
POST_DISPUTE = Endpoint(
    method="POST", path="/shifts/{shift_id:uuid}/dispute", summary="Dispute what is recorded of me at a shift, or that nothing is",
    allow=("volunteer",), request=MakeDispute, answer=Attendance, status=201,
    errors=("unknown_shift", "no_sign_up", "shift_not_over", "already_disputed", "dispute_settled", "dispute_too_late"),
)  # fmt: skip
GET_DISPUTES = Endpoint(
    method="GET", path="/disputes", summary="Disputes that wait for a decision, oldest first",
    allow=("coordinator", "auditor"), query=Page, answer=Disputes,
)  # fmt: skip
GET_MY_ATTENDANCES = Endpoint(
    method="GET", path="/me/attendances", summary="My attendances, newest first", allow=("volunteer",),
    query=Page, answer=Attendances,
)  # fmt: skip
GET_CERTIFICATE_DATA = Endpoint(
    method="GET", path="/me/certificate-data", summary="My confirmed hours in a period, by programme and organisation",
    allow=("volunteer",), query=Period, answer=CertificateData, errors=("period_wrong",),
)  # fmt: skip
POST_SEEN = Endpoint(
    method="POST", path="/attendances/seen", summary="Attendances as evidence, without whose they are", allow=("finance", "auditor"),
    request=AskSeen, answer=AllSeen, keyless=True,
)  # fmt: skip
