"""Lists and figures: a shift's attendance, disputes that wait, one's own history, the data of a certificate."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import func, select, true

from services.apis import attendance as api
from services.apis.endpoint import Page
from services.apis.errors import Refused, not_found
from services.attendance.models import Attendance, Name, Shift
from services.attendance.queries import attendances, came, shift_of, signed_up, view
from services.kit.cursor import after, next_cursor
from services.kit.db import Tx
from services.kit.views import view_of


def list_of_shift(tx: Tx, shift_id: UUID) -> api.ShiftAttendance:
    shift = shift_of(tx, shift_id)
    if not tx.who.has("auditor"):
        tx.who.must("coordinator", shift.organisation_id)
    listed = attendances().where(Attendance.shift_id == shift_id)
    rows = tx.session.execute(listed.order_by(Attendance.checked_in_at, Attendance.attendance_id))
    expected, over = signed_up(tx, shift_id), shift.ends_at <= tx.now
    missing = expected - came(tx, shift_id)
    return api.ShiftAttendance(
        shift_id=shift_id,
        signed_up=len(expected),
        attendances=tuple(view(*row) for row in rows),
        awaited=() if over else tuple(sorted(missing)),
        no_shows=len(missing) if over else None,
    )


def get_attendance(tx: Tx, attendance_id: UUID) -> api.Attendance:
    found = tx.session.execute(attendances().where(Attendance.attendance_id == attendance_id)).one_or_none()
    if found is None:
        raise not_found("attendance", attendance_id)
    return view(*found)


def post_seen(tx: Tx, body: api.AskSeen) -> api.AllSeen:
    wanted = attendances().where(Attendance.attendance_id.in_(body.attendance_ids))
    rows = tx.session.execute(wanted.order_by(Shift.starts_at, Attendance.attendance_id))
    return api.AllSeen(seen=tuple(view_of(api.Seen, view(*row)) for row in rows))


def list_disputes(tx: Tx, query: Page) -> api.Disputes:
    mine = true() if tx.who.has("auditor") else Shift.organisation_id.in_(tx.who.scopes("coordinator"))
    listed = attendances().where(Attendance.state == "disputed", mine)
    listed = listed.where(after(query, Attendance.disputed_at, Attendance.attendance_id))
    rows = tx.session.execute(
        listed.order_by(Attendance.disputed_at, Attendance.attendance_id).limit(query.limit + 1)
    ).all()
    return api.Disputes(
        disputes=tuple(
            api.Dispute(attendance=view(*row), disputed_at=row.Attendance.disputed_at, note=row.Attendance.dispute_note)
            for row in rows[: query.limit]
        ),
        next_cursor=next_cursor(query, rows, lambda row: (row.Attendance.disputed_at, row.Attendance.attendance_id)),
    )


def my_attendances(tx: Tx, query: Page) -> api.Attendances:
    listed = attendances().where(Attendance.person_id == tx.who.person_id)
    listed = listed.where(after(query, Shift.starts_at, Attendance.attendance_id, newest_first=True))
    order = (Shift.starts_at.desc(), Attendance.attendance_id.desc())
    rows = tx.session.execute(listed.order_by(*order).limit(query.limit + 1)).all()
    return api.Attendances(
        attendances=tuple(view(*row) for row in rows[: query.limit]),
        next_cursor=next_cursor(query, rows, lambda row: (row.Shift.starts_at, row.Attendance.attendance_id)),
    )


def certificate_data(tx: Tx, query: api.Period) -> api.CertificateData:
    """What a certificate of participation says of the caller; only what a coordinator confirmed."""
    if query.from_ > query.to:
        raise Refused("period_wrong", "The period ends before it begins. Swap the two days.")
    rows = tx.session.execute(
        select(
            Shift.programme_id, Shift.organisation_id, func.count().label("participations"),
            func.sum(Attendance.minutes).label("minutes"), func.min(Shift.starts_at).label("first"),
            func.max(Shift.starts_at).label("last"),
        )
        .join_from(Attendance, Shift)
        .where(Attendance.person_id == tx.who.person_id, Attendance.state == "confirmed")
        .where(Shift.starts_at >= _begin(tx, query.from_), Shift.starts_at < _begin(tx, query.to + timedelta(days=1)))
        .group_by(Shift.programme_id, Shift.organisation_id)
        .order_by("first", Shift.programme_id, Shift.organisation_id)
    ).all()  # fmt: skip
    owners = {row.programme_id for row in rows} | {row.organisation_id for row in rows}
    names = {n.owner_id: n.name for n in tx.session.scalars(select(Name).where(Name.owner_id.in_(owners)))}
    lines = tuple(
        api.CertificateLine(
            programme_id=row.programme_id, programme=names.get(row.programme_id),
            organisation_id=row.organisation_id, organisation=names.get(row.organisation_id),
            participations=row.participations, minutes=row.minutes,
            first_on=tx.city.day_of(row.first), last_on=tx.city.day_of(row.last),
        )
        for row in rows
    )  # fmt: skip
    return api.CertificateData(
        person_id=tx.who.person_id, from_=query.from_, to=query.to, lines=lines,
        participations=sum(line.participations for line in lines), minutes=sum(line.minutes for line in lines),
    )  # fmt: skip


def _begin(tx: Tx, day: date) -> datetime:
    """Midnight of the city, as an instant."""
    return datetime.combine(day, time(), ZoneInfo(tx.city.zone)).astimezone(UTC)
