"""What the ledger and the bank tell of each fund's money: sums that only ever add up, in whatever order the news comes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert

from services.events import Envelope
from services.events.attendance import AttendanceConfirmed, AttendanceRejected
from services.events.awards import CoinsAwarded
from services.events.ledger import (
    CoinsExpired,
    CoinsIssued,
    CoinsSpent,
    CoinsUnspent,
    CoinsWithdrawn,
    FundCredited,
    Part,
)
from services.events.reimbursement import BankCredited, PaymentReturned, PaymentSettled
from services.funding.handlers_bank import on_bank_credited
from services.funding.handlers_impact import (
    back_awards,
    forget_purchases,
    on_attendance_confirmed,
    on_attendance_rejected,
    on_coins_awarded,
    remember_purchases,
)
from services.funding.models import Flow
from services.kit.db import Tx


def on_fund_credited(tx: Tx, events: list[Envelope[FundCredited]]) -> None:
    _add(tx, "in_cents", ((e.data.fund_id, e.data.amount_cents) for e in events))


def on_coins_issued(tx: Tx, events: list[Envelope[CoinsIssued]]) -> None:
    _add(tx, "issued_cents", ((lot.fund_id, lot.amount_cents) for e in events for lot in e.data.lots))
    back_awards(
        tx, [(e.data.award_id, e.data.person_id, lot.fund_id, lot.amount_cents) for e in events for lot in e.data.lots]
    )


def on_coins_withdrawn(tx: Tx, events: list[Envelope[CoinsWithdrawn]]) -> None:
    _add(tx, "issued_cents", ((part.fund_id, -part.amount_cents) for e in events for part in e.data.parts))
    back_awards(
        tx,
        [
            (e.data.award_id, e.data.person_id, part.fund_id, -part.amount_cents)
            for e in events
            for part in e.data.parts
        ],
    )


def on_coins_expired(tx: Tx, events: list[Envelope[CoinsExpired]]) -> None:
    _add(tx, "expired_cents", ((e.data.fund_id, e.data.amount_cents) for e in events))


def on_coins_spent(tx: Tx, events: list[Envelope[CoinsSpent]]) -> None:
    _add(tx, "spent_cents", _parts(e.data.parts for e in events))
    remember_purchases(tx, events)


def on_coins_unspent(tx: Tx, events: list[Envelope[CoinsUnspent]]) -> None:
    _add(tx, "spent_cents", ((part.fund_id, -part.amount_cents) for e in events for part in e.data.parts))
    forget_purchases(tx, events)


def on_payment_settled(tx: Tx, events: list[Envelope[PaymentSettled]]) -> None:
    _add(tx, "paid_cents", _parts(e.data.parts for e in events))


def on_payment_returned(tx: Tx, events: list[Envelope[PaymentReturned]]) -> None:
    """A payment that had never been booked as settled was never counted."""
    settled = [e.data for e in events if e.data.was_settled]
    _add(tx, "paid_cents", ((part.fund_id, -part.amount_cents) for data in settled for part in data.parts))


def _parts(many: Iterable[tuple[Part, ...]]) -> Iterable[tuple[UUID, int]]:
    return ((part.fund_id, part.amount_cents) for parts in many for part in parts)


def _add(tx: Tx, column: str, amounts: Iterable[tuple[UUID, int]]) -> None:
    """Add to one sum of each fund. In order of id, so that two batches never wait for each other in a circle."""
    sums: Counter[UUID] = Counter()
    for fund_id, cents in amounts:
        sums[fund_id] += cents
    if not sums:
        return
    rows = insert(Flow).values([{"fund_id": fund_id, column: cents} for fund_id, cents in sorted(sums.items())])
    more = {column: getattr(Flow, column) + rows.excluded[column]}
    tx.session.execute(rows.on_conflict_do_update(index_elements=[Flow.fund_id], set_=more))


HANDLERS = {
    BankCredited: on_bank_credited,
    FundCredited: on_fund_credited,
    CoinsIssued: on_coins_issued,
    CoinsWithdrawn: on_coins_withdrawn,
    CoinsExpired: on_coins_expired,
    CoinsSpent: on_coins_spent,
    CoinsUnspent: on_coins_unspent,
    PaymentSettled: on_payment_settled,
    PaymentReturned: on_payment_returned,
    CoinsAwarded: on_coins_awarded,
    AttendanceConfirmed: on_attendance_confirmed,
    AttendanceRejected: on_attendance_rejected,
}
