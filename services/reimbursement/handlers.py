"""What reimbursement hears: shops, their sales and voids, and which funds are earmarked."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert

from services.events import Envelope
from services.events.funding import FundOpened
from services.events.redemption import SaleAccepted, SaleVoided, ShopAgreed
from services.kit.db import Tx
from services.kit.ids import derived_id
from services.reimbursement.handlers_void import meet_its_sale
from services.reimbursement.models import Fund, Line, LinePart, Shop


def on_shop_agreed(tx: Tx, events: list[Envelope[ShopAgreed]]) -> None:
    for event in events:
        tx.session.merge(Shop(shop_id=event.data.shop_id, name=event.data.name))


def on_fund_opened(tx: Tx, events: list[Envelope[FundOpened]]) -> None:
    for event in events:
        tx.session.merge(Fund(fund_id=event.data.fund_id, kind=event.data.kind, name=event.data.name))


def on_sale_accepted(tx: Tx, events: list[Envelope[SaleAccepted]]) -> None:
    """A sale is a line. Its shop is known: agreement and sales are ordered by shop."""
    _write_lines(tx, "sale", [(e.data.sale_id, e.data, e.data.sold_at) for e in events])


def on_sale_voided(tx: Tx, events: list[Envelope[SaleVoided]]) -> None:
    """A void is a line below zero of the sale's own day: it meets its sale on the same statement, or in the claim that became of it."""
    lines = [(derived_id("void", e.data.sale_id), e.data, e.data.voided_at) for e in events]
    _write_lines(tx, "void", lines)
    for line_id, _, _ in lines:
        meet_its_sale(tx, line_id)


def _write_lines(
    tx: Tx, kind: Literal["sale", "void"], told: Sequence[tuple[UUID, SaleAccepted | SaleVoided, datetime]]
) -> None:
    """Write a line for each of `told` (line id, event, moment), once: redemption may tell a sale again after it was interrupted."""
    sign = 1 if kind == "sale" else -1
    lines = [
        {
            "line_id": line_id, "kind": kind, "sale_id": sale.sale_id, "shop_id": sale.shop_id, "till_id": sale.till_id,
            "amount_cents": sign * sale.amount_cents, "happened_at": moment, "day": tx.city.day_of(sale.sold_at),
        }
        for line_id, sale, moment in told
    ]  # fmt: skip
    parts = [
        {"line_id": line_id, "fund_id": part.fund_id, "amount_cents": sign * part.amount_cents}
        for line_id, sale, _ in told
        for part in sale.parts
    ]
    tx.session.execute(insert(Line).on_conflict_do_nothing(), lines)
    tx.session.execute(insert(LinePart).on_conflict_do_nothing(), parts)


HANDLERS = {
    ShopAgreed: on_shop_agreed,
    FundOpened: on_fund_opened,
    SaleAccepted: on_sale_accepted,
    SaleVoided: on_sale_voided,
}
