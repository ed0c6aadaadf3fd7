"""The reads that commands, lists and screens share."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import Select, and_, select

from services.apis import attendance as api
from services.apis.errors import not_found
from services.attendance import domain
from services.attendance.models import Attendance, Decision, Shift, SignUp
from services.kit.db import Tx


def shift_of(tx: Tx, shift_id: UUID, *, lock: bool = False) -> Shift:
    """A shift heard of. Raises Refused `unknown_shift`, which for a brand-new shift passes in a moment."""
    shift = tx.session.get(Shift, shift_id, with_for_update=lock or None)
    if shift is None:
        raise not_found("shift", shift_id)
    return shift


def attendance_of(tx: Tx, shift_id: UUID, person_id: UUID) -> Attendance | None:
    """A person's attendance at a shift, its row locked."""
    return tx.session.scalar(
        select(Attendance).where(Attendance.shift_id == shift_id, Attendance.person_id == person_id).with_for_update()
    )


def place_of(tx: Tx, shift_id: UUID, person_id: UUID) -> domain.Place | None:
    """Where a person's sign-up stands, if they have one."""
    of_person = select(SignUp.state).where(SignUp.shift_id == shift_id, SignUp.person_id == person_id)
    place: domain.Place | None = tx.session.scalar(of_person.where(SignUp.state != "cancelled"))
    return place


def signed_up(tx: Tx, shift_id: UUID) -> frozenset[UUID]:
    """The people with a place."""
    return frozenset(
        tx.session.scalars(select(SignUp.person_id).where(SignUp.shift_id == shift_id, SignUp.state == "going"))
    )


def came(tx: Tx, shift_id: UUID) -> frozenset[UUID]:
    """The people who came, gone again or not."""
    return frozenset(
        tx.session.scalars(
            select(Attendance.person_id).where(Attendance.shift_id == shift_id, Attendance.state != "rejected")
        )
    )


def last_decision(tx: Tx, attendance: Attendance) -> Decision | None:
    return tx.session.get(Decision, (attendance.attendance_id, attendance.revision))


def attendances() -> Select[Attendance, Shift, Decision]:
    """Attendances with their shift and the last decision: what `view` shows."""
    last = and_(Decision.attendance_id == Attendance.attendance_id, Decision.revision == Attendance.revision)
    return select(Attendance, Shift, Decision).join(Shift).outerjoin(Decision, last)


def facts_of(shift: Shift) -> domain.ShiftFacts:
    return domain.ShiftFacts(**{f: getattr(shift, f) for f in domain.ShiftFacts.__dataclass_fields__})


def record_of(attendance: Attendance) -> domain.Record:
    return domain.Record(**{f: getattr(attendance, f) for f in domain.Record.__dataclass_fields__})


def view(attendance: Attendance, shift: Shift, decision: Decision | None = None) -> api.Attendance:
    shown = {
        f: getattr(attendance, f)
        for f in api.Attendance.__struct_fields__
        if f not in ("place", "starts_at", "ends_at", "proposed", "reject_reason")
    }
    return api.Attendance(
        **shown, place=shift.place, starts_at=shift.starts_at, ends_at=shift.ends_at,
        proposed=domain.proposed(attendance.minutes, facts_of(shift)),
        reject_reason=decision.reason if decision and attendance.state == "rejected" else None,
    )  # fmt: skip
