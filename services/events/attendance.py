"""What attendance publishes: who was there, for how long, and what became of it. Ordered per person."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from msgspec import Struct

from services.events.contract import event

Witness = Literal["code", "card", "coordinator"]


@event("attendance.opened.v1", key="person_id")
class AttendanceOpened(Struct, frozen=True, kw_only=True):
    attendance_id: UUID
    person_id: UUID
    shift_id: UUID
    checked_in_at: datetime
    witness: Witness


@event("attendance.closed.v1", key="person_id")
class AttendanceClosed(Struct, frozen=True, kw_only=True):
    """Checked out, or the shift ended with the check-out forgotten (`forgotten`): then the shift's end counts, never overtime."""

    attendance_id: UUID
    person_id: UUID
    shift_id: UUID
    checked_out_at: datetime
    minutes: int
    forgotten: bool = False


@event("attendance.confirmed.v1", key="person_id")
class AttendanceConfirmed(Struct, frozen=True, kw_only=True):
    """The coordinator says: this person took part, for so many minutes. Earns an award.

    `revision` starts at 1; a dispute settled by a correction confirms again with the next revision, and replaces the earlier one.
    """

    attendance_id: UUID
    person_id: UUID
    shift_id: UUID
    programme_id: UUID
    organisation_id: UUID
    neighbourhood_id: str
    kind: str
    place: str
    started_at: datetime
    minutes: int
    revision: int = 1


@event("attendance.disputed.v1", key="person_id")
class AttendanceDisputed(Struct, frozen=True, kw_only=True):
    attendance_id: UUID
    person_id: UUID
    shift_id: UUID


@event("attendance.rejected.v1", key="person_id")
class AttendanceRejected(Struct, frozen=True, kw_only=True):
    """The coordinator says: this person did not take part. `revision` as in `AttendanceConfirmed`."""

    attendance_id: UUID
    person_id: UUID
    shift_id: UUID
    reason: str
    revision: int = 1
