"""What was sold: for a till, for a shop's owner, and for the volunteer who bought."""

from __future__ import annotations

from calendar import monthrange
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, func, select

from services.apis import redemption as api
from services.apis import redemption_days as days_api
from services.apis.endpoint import Page
from services.kit.cursor import after, next_cursor
from services.kit.db import Tx
from services.redemption.handlers_till import paired_till
from services.redemption.models import Sale, Shop, Till


def list_sales(tx: Tx, query: api.SaleQuery) -> api.SaleList:
    wanted = select(Sale).where(_seen_by(tx, query.shop_id))
    if query.day:
        wanted = wanted.where(Sale.day == query.day)
    rows = _page(tx, wanted, query)
    return api.SaleList(
        sales=tuple(sale_view(row) for row in rows[: query.limit]),
        next_cursor=next_cursor(query, rows, lambda row: (row.sold_at, row.sale_id)),
    )


_STANDS = Sale.voided_at.is_(None)
COUNTED = (
    func.count().filter(_STANDS).label("sales"),
    func.count().filter(~_STANDS).label("voids"),
    func.coalesce(func.sum(Sale.amount_cents).filter(_STANDS), 0).label("amount_cents"),
)


def totals(tx: Tx, query: api.TotalsQuery) -> api.Totals:
    day = query.day or tx.city.day_of(tx.now)
    counted = (
        select(Sale.till_id, Till.name, *COUNTED)
        .join(Till, Till.till_id == Sale.till_id)
        .where(_seen_by(tx, query.shop_id), Sale.day == day)
        .group_by(Sale.till_id, Till.name)
        .order_by(Till.name, Sale.till_id)
    )
    tills = tuple(
        api.TillTotal(till_id=r.till_id, name=r.name, sales=r.sales, voids=r.voids, amount_cents=int(r.amount_cents))
        for r in tx.session.execute(counted)
    )
    return api.Totals(day=day, amount_cents=sum(till.amount_cents for till in tills), tills=tills)


def days(tx: Tx, query: days_api.DaysQuery) -> days_api.Days:
    month = query.month or f"{tx.city.day_of(tx.now):%Y-%m}"
    first = date.fromisoformat(f"{month}-01")
    last = first.replace(day=monthrange(first.year, first.month)[1])
    seen, within = _seen_by(tx, query.shop_id), Sale.day.between(first, last)
    counted = select(Sale.day, *COUNTED).where(seen, within).group_by(Sale.day).order_by(Sale.day.desc())
    found = tuple(
        days_api.DayTotal(day=r.day, sales=r.sales, voids=r.voids, amount_cents=int(r.amount_cents))
        for r in tx.session.execute(counted)
    )
    before = tx.session.scalar(select(func.max(Sale.day)).where(seen, Sale.day < first))
    return days_api.Days(
        month=month, amount_cents=sum(one.amount_cents for one in found), days=found,
        earlier=f"{before:%Y-%m}" if before else None,
    )  # fmt: skip


def my_sales(tx: Tx, query: Page) -> api.Purchases:
    rows = _page(tx, select(Sale).where(Sale.person_id == tx.who.person_id), query)
    names: dict[Any, str] = dict(
        tx.session.execute(select(Shop.shop_id, Shop.name).where(Shop.shop_id.in_({r.shop_id for r in rows}))).all()
    )
    return api.Purchases(
        purchases=tuple(
            api.Purchase(
                sale_id=row.sale_id, shop_name=names[row.shop_id], amount_cents=row.amount_cents,
                sold_at=row.sold_at, voided_at=row.voided_at,
            )
            for row in rows[: query.limit]
        ),
        next_cursor=next_cursor(query, rows, lambda row: (row.sold_at, row.sale_id)),
    )  # fmt: skip


def sale_view(sale: Sale) -> api.Sale:
    """What the shop sees of a sale: never who, and not which fund."""
    return api.Sale(**{f: getattr(sale, f) for f in api.Sale.__struct_fields__})


def _seen_by(tx: Tx, shop_id: UUID | None) -> ColumnElement[bool]:
    """A till sees its own sales; an owner those of their shops, or of the one asked for."""
    if tx.who.kind == "till":
        till = paired_till(tx)
        return (Sale.till_id == till.till_id) & (Sale.shop_id == till.shop_id)  # the shop's, whose days are indexed
    if shop_id is not None:
        tx.who.must("shop_owner", shop_id)
        return Sale.shop_id == shop_id
    return Sale.shop_id.in_(tx.who.scopes("shop_owner"))


def _page(tx: Tx, wanted: Any, query: Page) -> list[Sale]:
    wanted = wanted.where(after(query, Sale.sold_at, Sale.sale_id, newest_first=True))
    return list(tx.session.scalars(wanted.order_by(Sale.sold_at.desc(), Sale.sale_id.desc()).limit(query.limit + 1)))
