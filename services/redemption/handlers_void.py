"""Voids: the till that sold takes a sale back while its statement is open."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select

from services.apis import ledger as ledger_api
from services.apis import redemption as api
from services.apis.errors import Refused, not_found
from services.events import Envelope
from services.events.ledger import CoinsUnspent, Part
from services.events.redemption import SaleVoided
from services.events.reimbursement import StatementIssued
from services.kit.db import Tx
from services.kit.ids import derived_id
from services.redemption import domain
from services.redemption.handlers_history import sale_view
from services.redemption.handlers_till import paired_till
from services.redemption.models import Sale, Statement


def void_sale(tx: Tx, sale_id: UUID) -> api.Sale:
    """Put the coins back. The sale's row is locked: two requests, or a request and `on_coins_unspent`, cannot both void it."""
    till = paired_till(tx)
    sale = tx.session.get(Sale, sale_id, with_for_update=True)
    if sale is None or sale.shop_id != till.shop_id:
        raise not_found("sale", sale_id)
    if sale.voided_at is not None and not sale.void_told and sale.till_id == till.till_id:
        # `on_coins_unspent` completed the void of a request that died before its answer. This is that request, asking again.
        sale.void_told = True
        return sale_view(sale)
    periods = select(Statement.period_from, Statement.period_to).where(Statement.shop_id == sale.shop_id)
    domain.check_void(
        till_id=till.till_id,
        sold_at_till=sale.till_id,
        day=sale.day,
        voided=sale.voided_at is not None,
        settled=[(first, last) for first, last in tx.session.execute(periods)],
    )
    _put_back(tx, sale)
    sale.void_told = True
    _void(tx, sale)
    return sale_view(sale)


def on_coins_unspent(tx: Tx, events: list[Envelope[CoinsUnspent]]) -> None:
    """Complete the voids the ledger has posted and we never wrote down. Normally there are none: our commit comes first."""
    wanted = select(Sale).where(Sale.sale_id.in_({e.data.sale_id for e in events})).order_by(Sale.sale_id)
    # Waits for a void still between the ledger's answer and its commit, then sees it done.
    sales = {
        s.sale_id: s for s in tx.session.scalars(wanted.with_for_update().execution_options(populate_existing=True))
    }
    for event in events:
        sale = sales.get(event.data.sale_id)
        if sale is not None and sale.voided_at is None:
            _void(tx, sale, because=event)


def on_statement_issued(tx: Tx, events: list[Envelope[StatementIssued]]) -> None:
    for event in events:
        tx.session.merge(
            Statement(
                statement_id=event.data.statement_id, shop_id=event.data.shop_id, period_from=event.data.period_from,
                period_to=event.data.period_to, issued_at=event.occurred_at,
            )
        )  # fmt: skip


def _put_back(tx: Tx, sale: Sale) -> None:
    """Ask the ledger, with a key of this sale and this press of the button: should the request have died after the ledger posted, its
    answer comes again, and so it does under any other key. A no holds for this press alone: a payment may come back meanwhile."""
    try:
        tx.clients["ledger"].call(
            ledger_api.POST_VOID,
            ledger_api.PostVoid(sale_id=sale.sale_id),
            key=derived_id("void", sale.sale_id, tx.key),
            correlation_id=tx.correlation_id,
        )
    except Refused as refusal:
        if refusal.code == "sale_paid_out":
            raise domain.void_too_late(sale.day) from refusal
        raise


def _void(tx: Tx, sale: Sale, *, because: Envelope[CoinsUnspent] | None = None) -> None:
    # A clock set back, or another machine's, may say an instant before the sale's: nothing is undone before it was done.
    sale.voided_at = max(because.occurred_at if because else tx.now, sale.sold_at)
    parts = tuple(Part(fund_id=UUID(p["fund_id"]), amount_cents=p["amount_cents"]) for p in sale.parts)
    tx.put(
        SaleVoided(
            sale_id=sale.sale_id, shop_id=sale.shop_id, till_id=sale.till_id, neighbourhood_id=sale.neighbourhood_id,
            amount_cents=sale.amount_cents, parts=parts, sold_at=sale.sold_at, voided_at=sale.voided_at,
        ),
        because=because,
    )  # fmt: skip
