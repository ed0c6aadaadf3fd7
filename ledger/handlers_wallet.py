"""A person's coins: what can be spent, what is on the way, what moved."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select

from ledger import rules
from ledger.domain_values import Transfer
from ledger.models import Account, WaitingAward
from ledger.models import Transfer as Row
from ledger.queries import newest_of, read_numbered, spendable_lots
from services.apis import ledger as api
from services.apis.endpoint import Page
from services.apis.errors import forbidden
from services.kit.cursor import after, next_cursor
from services.kit.db import Tx


def get_wallet(tx: Tx, person_id: UUID) -> api.Wallet:
    _own(tx, person_id)
    lots = [
        rules.lot_of(lot.code, lot.amount_cents)
        for lot in spendable_lots(tx, [person_id], tx.city.day_of(tx.now))[person_id]
    ]
    line = select(WaitingAward).where(WaitingAward.person_id == person_id).order_by(WaitingAward.turn)
    fields = api.WaitingAward.__struct_fields__
    return api.Wallet(
        person_id=person_id,
        balance_cents=sum(lot.amount_cents for lot in lots),
        lots=tuple(lots),
        waiting=tuple(api.WaitingAward(**{f: getattr(row, f) for f in fields}) for row in tx.session.scalars(line)),
    )


def get_movements(tx: Tx, page: Page, person_id: UUID) -> api.Movements:
    _own(tx, person_id)
    mine = tx.session.scalars(select(Account.id).where(Account.person == person_id))
    behind = after(page, Row.occurred_at, Row.seq, newest_first=True)
    rows = read_numbered(tx, newest_of(mine, Row.occurred_at, page.limit + 1, behind))
    return api.Movements(
        movements=tuple(_movement(transfer) for _, transfer in rows[: page.limit]),
        next_cursor=next_cursor(page, rows, lambda row: (row[1].occurred_at, row[0])),
    )


def _movement(transfer: Transfer) -> api.Movement:
    incoming = rules.class_of(transfer.credit) == "coins"
    own, other = (transfer.credit, transfer.debit) if incoming else (transfer.debit, transfer.credit)
    lot = rules.lot_of(own, transfer.amount_cents if incoming else -transfer.amount_cents)
    return api.Movement(
        transfer_id=transfer.transfer_id, journal=transfer.journal, kind=transfer.kind, amount_cents=lot.amount_cents,
        occurred_at=transfer.occurred_at, fund_id=lot.fund_id, expires_on=lot.expires_on, with_kind=rules.class_of(other),
    )  # fmt: skip


def _own(tx: Tx, person_id: UUID) -> None:
    if tx.who.kind == "person" and tx.who.person_id != person_id:
        raise forbidden("A wallet is shown to its owner alone. Open your own.")
