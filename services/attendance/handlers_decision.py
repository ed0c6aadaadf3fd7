"""What coordinators decide: confirm one or all, correct, reject – and so settle what a volunteer disputes."""

from __future__ import annotations

from typing import Any, Literal
from uuid import UUID

from sqlalchemy import select

from services.apis import attendance as api
from services.apis.errors import not_found
from services.attendance import domain
from services.attendance.handlers_checkin import close_if_over
from services.attendance.models import Attendance, Decision, Shift
from services.attendance.queries import attendance_of, facts_of, last_decision, place_of, record_of, shift_of, view
from services.events import Envelope
from services.events.attendance import AttendanceConfirmed, AttendanceDisputed, AttendanceRejected
from services.kit.db import Tx


def confirm(tx: Tx, body: api.Confirm, attendance_id: UUID) -> api.Attendance:
    """Confirm, correct, or settle. Saying the same again changes nothing."""
    attendance, shift = _decidable(tx, attendance_id)
    close_if_over(tx, attendance, shift)
    minutes = domain.minutes_to_confirm(record_of(attendance), facts_of(shift), body.minutes)
    if (attendance.state, attendance.minutes) != ("confirmed", minutes):
        _decide(tx, attendance, shift, "confirmed", minutes=minutes)
    return view(attendance, shift)


def reject(tx: Tx, body: api.Reject, attendance_id: UUID) -> api.Attendance:
    """Say that somebody did not take part. Saying it again changes nothing."""
    attendance, shift = _decidable(tx, attendance_id)
    if attendance.state != "rejected":
        _decide(tx, attendance, shift, "rejected", minutes=attendance.minutes, reason=body.reason)
    return view(attendance, shift, last_decision(tx, attendance))


def confirm_all(tx: Tx, body: api.ConfirmAll, shift_id: UUID) -> api.ConfirmedAll:
    """Confirm all that waits at a shift, except what needs a look of its own. The rows are locked: somebody may dispute just now."""
    shift = shift_of(tx, shift_id)
    tx.who.must("coordinator", shift.organisation_id)
    facts, decider_id = facts_of(shift), tx.who.person_id
    waiting = tx.session.scalars(
        select(Attendance)
        .where(Attendance.shift_id == shift_id, Attendance.state.in_(("open", "disputed")))
        .order_by(Attendance.attendance_id)
        .with_for_update()
    ).all()
    left_out, corrected = frozenset(body.left_out), {c.attendance_id: c.minutes for c in body.corrected}
    domain.check_exceptions(left_out | corrected.keys(), {a.attendance_id for a in waiting})
    confirmed, left = [], []
    for attendance in waiting:
        close_if_over(tx, attendance, shift)
        record, id_ = record_of(attendance), attendance.attendance_id
        why = domain.why_left(
            record, facts, decider_id=decider_id, left_out=id_ in left_out, corrected=id_ in corrected
        )
        if why:
            left.append(api.Left(attendance_id=id_, why=why))
            continue
        minutes = domain.minutes_to_confirm(record, facts, corrected.get(id_))
        _decide(tx, attendance, shift, "confirmed", minutes=minutes)
        confirmed.append(view(attendance, shift))
    return api.ConfirmedAll(confirmed=tuple(confirmed), left=tuple(left))


def dispute(tx: Tx, body: api.MakeDispute, shift_id: UUID) -> api.Attendance:
    """A volunteer objects. The shift's row is locked: a card scanned late cannot open a second attendance beside a disputed absence."""
    shift = shift_of(tx, shift_id, lock=True)
    person_id = tx.who.person_id
    attendance = attendance_of(tx, shift_id, person_id)
    decision = last_decision(tx, attendance) if attendance else None
    domain.check_disputable(
        record_of(attendance) if attendance else None, facts_of(shift), decided_at=decision.decided_at if decision else None,
        settled=bool(decision and decision.settles_dispute), signed_up=place_of(tx, shift_id, person_id) is not None, now=tx.now,
    )  # fmt: skip
    if attendance is None:
        attendance = Attendance(
            attendance_id=tx.new_id(), shift_id=shift_id, person_id=person_id, state="disputed", walk_in=False,
            forgotten=False, revision=0,
        )  # fmt: skip
        tx.session.add(attendance)
    close_if_over(tx, attendance, shift)
    attendance.state, attendance.disputed_at = "disputed", tx.now
    attendance.dispute_reason, attendance.dispute_note = body.reason, body.note
    tx.put(AttendanceDisputed(attendance_id=attendance.attendance_id, person_id=person_id, shift_id=shift_id))
    return view(attendance, shift)


def reject_all_of(tx: Tx, shift: Shift, *, because: Envelope[Any]) -> None:
    """A shift cancelled after check-in had opened took place for nobody."""
    opened = select(Attendance).where(Attendance.shift_id == shift.shift_id, Attendance.state == "open")
    for attendance in tx.session.scalars(opened.order_by(Attendance.attendance_id).with_for_update()).all():
        _decide(tx, attendance, shift, "rejected", minutes=None, reason="shift_cancelled", because=because)


def _decidable(tx: Tx, attendance_id: UUID) -> tuple[Attendance, Shift]:
    """An attendance the caller may decide on, its row locked: a dispute or another coordinator's decision waits, and sees this one."""
    attendance = tx.session.get(Attendance, attendance_id, with_for_update=True)
    shift = tx.session.get(Shift, attendance.shift_id) if attendance else None
    if attendance is None or shift is None or not tx.who.has("coordinator", shift.organisation_id):
        raise not_found("attendance", attendance_id)
    domain.check_not_own(attendance.person_id, tx.who.person_id)
    return attendance, shift


def _decide(
    tx: Tx, attendance: Attendance, shift: Shift, verdict: Literal["confirmed", "rejected"], *, minutes: int | None,
    reason: str | None = None, because: Envelope[Any] | None = None,
) -> None:  # fmt: skip
    settles = attendance.state == "disputed"
    attendance.revision += 1
    attendance.state, attendance.minutes, attendance.dispute_note = verdict, minutes, None
    tx.session.add(
        Decision(
            attendance_id=attendance.attendance_id, revision=attendance.revision, verdict=verdict, minutes=minutes, reason=reason,
            settles_dispute=settles, decided_by=None if because else tx.who.person_id, decided_at=tx.now,
        )
    )  # fmt: skip
    ids = {"attendance_id": attendance.attendance_id, "person_id": attendance.person_id, "shift_id": shift.shift_id}
    if minutes is not None and verdict == "confirmed":
        confirmed = AttendanceConfirmed(
            **ids, programme_id=shift.programme_id, organisation_id=shift.organisation_id, neighbourhood_id=shift.neighbourhood_id,
            kind=shift.kind, place=shift.place, started_at=shift.starts_at, minutes=minutes, revision=attendance.revision,
        )  # fmt: skip
        tx.put(confirmed, because=because)
    else:
        tx.put(AttendanceRejected(**ids, reason=reason or "", revision=attendance.revision), because=because)
