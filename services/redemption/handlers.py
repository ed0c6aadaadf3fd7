"""What redemption hears from the others, what it does by the clock, and which handler hears what."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import and_, delete, select, update
from sqlalchemy.dialects.postgresql import insert

from services.events import Envelope
from services.events.attendance import AttendanceConfirmed, AttendanceRejected
from services.events.funding import FundOpened
from services.events.identity import CardIssued, CardRevoked, PersonErased, RoleRevoked
from services.events.ledger import CoinsSpent, CoinsUnspent
from services.events.reimbursement import StatementIssued
from services.kit.db import Tx
from services.redemption import domain
from services.redemption.handlers_code import forget_codes, lock_people, on_card_issued
from services.redemption.handlers_offline import forget_keys, on_card_revoked, on_role_revoked
from services.redemption.handlers_sale import on_coins_spent
from services.redemption.handlers_void import on_coins_unspent, on_statement_issued
from services.redemption.models import Fund, Participation, PaymentCode, PaymentKey, Sale, Statement


def on_attendance_confirmed(tx: Tx, events: list[Envelope[AttendanceConfirmed]]) -> None:
    """Somebody took part: their coins are good in that neighbourhood. Nothing is kept of a person already erased."""
    people = lock_people(tx, {event.data.person_id for event in events})
    last = {event.data.attendance_id: event.data for event in events}
    rows = [
        {"attendance_id": a.attendance_id, "person_id": a.person_id, "neighbourhood_id": a.neighbourhood_id}
        for a in last.values()
        if people[a.person_id].erased_at is None
    ]
    if rows:
        upsert = insert(Participation)
        changed = {"neighbourhood_id": upsert.excluded.neighbourhood_id}
        tx.session.execute(upsert.on_conflict_do_update(index_elements=["attendance_id"], set_=changed), rows)


def on_attendance_rejected(tx: Tx, events: list[Envelope[AttendanceRejected]]) -> None:
    gone = {event.data.attendance_id for event in events}
    tx.session.execute(delete(Participation).where(Participation.attendance_id.in_(gone)))


def on_fund_opened(tx: Tx, events: list[Envelope[FundOpened]]) -> None:
    for event in events:
        places = list(event.data.earmark.neighbourhood_ids)
        tx.session.merge(Fund(fund_id=event.data.fund_id, neighbourhood_ids=places))


def on_person_erased(tx: Tx, events: list[Envelope[PersonErased]]) -> None:
    """Cut every link at once: codes, keys, purchases, places. That the id was erased is remembered."""
    erased: dict[object, datetime] = {event.data.person_id: event.occurred_at for event in events}
    for person_id, person in lock_people(tx, {event.data.person_id for event in events}).items():
        person.erased_at = person.erased_at or erased[person_id]
    tx.session.execute(update(Sale).where(Sale.person_id.in_(erased)).values(person_id=None))
    tx.session.execute(delete(PaymentCode).where(PaymentCode.person_id.in_(erased)))
    tx.session.execute(delete(PaymentKey).where(PaymentKey.person_id.in_(erased)))
    tx.session.execute(delete(Participation).where(Participation.person_id.in_(erased)))


def cut_links(tx: Tx) -> int:
    """Forget who bought, 90 days after the statement that contains the sale was issued."""
    covers = and_(Statement.shop_id == Sale.shop_id, Sale.day.between(Statement.period_from, Statement.period_to))
    due = (
        select(Sale.sale_id)
        .join(Statement, covers)
        .where(Statement.issued_at <= tx.now - domain.LINK_KEPT, Sale.person_id.is_not(None))
        .limit(500)
    )
    cut = update(Sale).where(Sale.sale_id.in_(due)).values(person_id=None).returning(Sale.sale_id)
    return len(tx.session.scalars(cut).all())


HANDLERS = {
    AttendanceConfirmed: on_attendance_confirmed,
    AttendanceRejected: on_attendance_rejected,
    FundOpened: on_fund_opened,
    CardIssued: on_card_issued,
    CardRevoked: on_card_revoked,
    RoleRevoked: on_role_revoked,
    PersonErased: on_person_erased,
    CoinsSpent: on_coins_spent,
    CoinsUnspent: on_coins_unspent,
    StatementIssued: on_statement_issued,
}
JOBS = (cut_links, forget_codes, forget_keys)
