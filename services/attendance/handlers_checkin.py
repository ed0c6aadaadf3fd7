"""Coming and leaving: by the rotating code, by card, by a tap on a name; and closing what somebody forgot."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select

from services.apis import attendance as api
from services.apis.errors import Refused, not_found
from services.attendance import domain, domain_code
from services.attendance.models import Attendance, Card, Person, Shift
from services.attendance.queries import attendance_of, came, facts_of, place_of, record_of, shift_of, signed_up, view
from services.events import Envelope
from services.events.attendance import AttendanceClosed, AttendanceOpened, Witness
from services.kit.db import Tx

CLOSE_AT_ONCE = 200


def show_code(tx: Tx, shift_id: UUID) -> api.ShiftCode:
    shift = shift_of(tx, shift_id)
    tx.who.must("coordinator", shift.organisation_id)
    domain.check_leaving(facts_of(shift), tx.now)
    code = domain_code.code_at(shift.secret, shift_id, tx.now)
    return api.ShiftCode(shift_id=shift_id, path=f"/c/{code}", seconds_left=domain_code.seconds_left(tx.now))


def check_in(tx: Tx, body: api.UseCode) -> api.Attendance:
    shift, step, attendance = _use_code(tx, body)
    if attendance is not None:
        if record_of(attendance).inside:
            raise Refused("already_checked_in", "You are checked in. Scan to check out when you leave.")
        raise domain.already_checked_out()
    return _come(tx, shift, tx.who.person_id, tx.now, witness="code", step=step)


def check_out(tx: Tx, body: api.UseCode) -> api.Attendance:
    shift, _, attendance = _use_code(tx, body)
    domain.check_leaving(facts_of(shift), tx.now)
    if attendance is None:
        raise Refused("not_checked_in", "You are not checked in at this shift. Scan to check in first.")
    if not record_of(attendance).inside:
        raise domain.already_checked_out()
    return _leave(tx, shift, attendance, tx.now)


def scan_card(tx: Tx, body: api.Scan, shift_id: UUID) -> api.Attendance:
    shift = _coordinated(tx, shift_id)
    code_hash = hashlib.sha256(body.card_code.encode()).hexdigest()
    card = tx.session.scalar(select(Card).where(Card.code_hash == code_hash))
    if card is None:
        raise Refused("unknown_card", "We do not know this card. If it is new, try again in a moment, or tap the name.")
    if card.revoked:
        raise Refused(
            "card_replaced", "This card was lost or replaced. Scan the new card, or tap the name in the list."
        )
    return _gesture(tx, shift, card.person_id, body.happened_at, witness="card")


def tap_name(tx: Tx, body: api.Tap, shift_id: UUID) -> api.Attendance:
    shift = _coordinated(tx, shift_id)
    if tx.session.get(Person, body.person_id) is None and place_of(tx, shift_id, body.person_id) is None:
        raise not_found("person", body.person_id)
    return _gesture(tx, shift, body.person_id, body.happened_at, witness="coordinator")


def check_out_all(tx: Tx, body: api.CheckOutAll, shift_id: UUID) -> api.CheckedOut:
    """Everybody still in leaves now, or at the shift's end if that has passed."""
    shift = _coordinated(tx, shift_id)
    at = domain.moment(body.happened_at, tx.now)
    domain.check_begun(facts_of(shift), at)
    at = min(at, shift.ends_at)
    rows = tx.session.scalars(
        select(Attendance)
        .where(Attendance.shift_id == shift_id, Attendance.state == "open", Attendance.checked_in_at <= at)
        .where(Attendance.checked_out_at.is_(None) | Attendance.forgotten)
        .order_by(Attendance.attendance_id)
        .with_for_update()
    )
    return api.CheckedOut(attendances=tuple(_leave(tx, shift, attendance, at) for attendance in rows.all()))


def close_forgotten(tx: Tx) -> int:
    """Timed work, when nobody can check out any more: whoever forgot was there until the shift's end, and not longer."""
    rows = tx.session.execute(
        select(Attendance, Shift)
        .join(Shift)
        .where(
            Attendance.state == "open",
            Attendance.checked_out_at.is_(None),
            Shift.ends_at < tx.now - domain.LEAVES_AFTER,
        )
        .order_by(Attendance.attendance_id)
        .limit(CLOSE_AT_ONCE)
        .with_for_update(of=Attendance, skip_locked=True)
    ).all()
    for attendance, shift in rows:
        close(tx, attendance, shift, shift.ends_at, forgotten=True)
    return len(rows)


def close_if_over(tx: Tx, attendance: Attendance, shift: Shift) -> None:
    """What `close_forgotten` would do in a moment, for a coordinator who is quicker."""
    if record_of(attendance).inside and shift.ends_at <= tx.now:
        close(tx, attendance, shift, shift.ends_at, forgotten=True)


def close(
    tx: Tx, attendance: Attendance, shift: Shift, at: datetime, *, forgotten: bool = False, because: Envelope[Any] | None = None
) -> None:  # fmt: skip
    """Write a check-out down. The caller holds the attendance's row."""
    came_at = attendance.checked_in_at or at  # an open attendance has one: ck_attendances_opened
    attendance.checked_out_at, attendance.forgotten = at, forgotten
    attendance.minutes = domain.minutes_counted(facts_of(shift), came_at, at)
    closed = AttendanceClosed(
        attendance_id=attendance.attendance_id, person_id=attendance.person_id, shift_id=shift.shift_id, checked_out_at=at,
        minutes=attendance.minutes, forgotten=forgotten,
    )  # fmt: skip
    tx.put(closed, because=because)


def _use_code(tx: Tx, body: api.UseCode) -> tuple[Shift, int, Attendance | None]:
    code = domain_code.read_code(body.code)
    shift = shift_of(tx, code.shift_id, lock=True)
    attendance = attendance_of(tx, shift.shift_id, tx.who.person_id)
    used_step = attendance.in_step if attendance else None
    domain_code.check_code(code, shift.secret, now=tx.now, used_step=used_step)
    return shift, code.step, attendance


def _coordinated(tx: Tx, shift_id: UUID) -> Shift:
    shift = shift_of(tx, shift_id, lock=True)
    tx.who.must("coordinator", shift.organisation_id)
    return shift


def _gesture(
    tx: Tx, shift: Shift, person_id: UUID, happened_at: datetime | None, *, witness: Witness
) -> api.Attendance:
    """In, or out when in already. The shift's row is locked: two taps at once cannot open two attendances."""
    at = domain.moment(happened_at, tx.now)
    attendance = attendance_of(tx, shift.shift_id, person_id)
    if attendance is None:
        return _come(tx, shift, person_id, at, witness=witness)
    domain.check_leaving(facts_of(shift), at)
    if domain.gesture(record_of(attendance), at) == "nothing":
        return view(attendance, shift)
    return _leave(tx, shift, attendance, at)


def _come(
    tx: Tx, shift: Shift, person_id: UUID, at: datetime, *, witness: Witness, step: int | None = None
) -> api.Attendance:
    """Open an attendance. The shift's row is locked: two walk-ins cannot both get the last place."""
    person = tx.session.get(Person, person_id)
    if person and person.erased:
        raise not_found("person", person_id)
    here = came(tx, shift.shift_id)
    walk_in = domain.walks_in(
        facts_of(shift), place=place_of(tx, shift.shift_id, person_id), adult=person.adult if person else False,
        came=len(here), awaited=len(signed_up(tx, shift.shift_id) - here), at=at,
    )  # fmt: skip
    _leave_other_shifts(tx, person_id, at)
    attendance = Attendance(
        attendance_id=tx.new_id(), shift_id=shift.shift_id, person_id=person_id, state="open", walk_in=walk_in, witness=witness,
        in_step=step, checked_in_at=at, forgotten=False, revision=0,
    )  # fmt: skip
    tx.session.add(attendance)
    tx.put(
        AttendanceOpened(
            attendance_id=attendance.attendance_id, person_id=person_id, shift_id=shift.shift_id, checked_in_at=at, witness=witness,
        )
    )  # fmt: skip
    return view(attendance, shift)


def _leave(tx: Tx, shift: Shift, attendance: Attendance, at: datetime) -> api.Attendance:
    close(tx, attendance, shift, min(at, shift.ends_at))
    return view(attendance, shift)


def _leave_other_shifts(tx: Tx, person_id: UUID, at: datetime) -> None:
    """Nobody is at two places: whoever arrives here has left the shift they were checked in at."""
    rows = tx.session.execute(
        select(Attendance, Shift)
        .join(Shift)
        .where(Attendance.person_id == person_id, Attendance.state == "open", Attendance.checked_out_at.is_(None))
        .where(Attendance.checked_in_at <= at)
        .with_for_update(of=Attendance)
    ).all()
    for attendance, shift in rows:
        close(tx, attendance, shift, min(at, shift.ends_at), forgotten=at >= shift.ends_at)
