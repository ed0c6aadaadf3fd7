"""Shops and their signed agreements."""

from __future__ import annotations

from uuid import UUID

import msgspec
from sqlalchemy import or_, select

from services.apis import redemption as api
from services.apis.errors import not_found
from services.events.redemption import ShopAgreed, ShopClosed
from services.kit.cursor import after, next_cursor
from services.kit.db import Tx
from services.redemption import domain
from services.redemption.models import Shop


def register_shop(tx: Tx, body: api.RegisterShop) -> api.Shop:
    for neighbourhood_id in body.neighbourhood_ids:
        if tx.city.neighbourhood(neighbourhood_id) is None:
            raise not_found("neighbourhood", neighbourhood_id)
    domain.check_agreement_days(body.signed_on, body.ends_on)
    domain.check_opening(body.opening)
    fields = {f: getattr(body, f) for f in body.__struct_fields__}
    fields |= {
        "neighbourhood_ids": list(dict.fromkeys(body.neighbourhood_ids)),
        "opening": msgspec.to_builtins(body.opening),
        "languages": list(body.languages),
    }
    shop = Shop(shop_id=tx.new_id(), registered_at=tx.now, **fields)
    tx.session.add(shop)
    tx.put(
        ShopAgreed(
            shop_id=shop.shop_id, name=shop.name, neighbourhood_ids=tuple(shop.neighbourhood_ids),
            signed_on=shop.signed_on, ends_on=shop.ends_on,
        )
    )  # fmt: skip
    return _view(shop)


def close_shop(tx: Tx, shop_id: UUID) -> api.Shop:
    shop = _shop(tx, shop_id, lock=True)
    if shop.closed_at is None:
        shop.closed_at = tx.now
        tx.put(ShopClosed(shop_id=shop_id))
    return _view(shop)


def get_shop(tx: Tx, shop_id: UUID) -> api.Shop:
    return _view(_shop(tx, shop_id))


def get_agreement(tx: Tx, shop_id: UUID) -> api.Agreement:
    shop = _shop(tx, shop_id)
    if not {"admin", "auditor", "finance"} & tx.who.words:
        tx.who.must("shop_owner", shop_id)
    return api.Agreement(**{f: getattr(shop, f) for f in api.Agreement.__struct_fields__})


def list_shops(tx: Tx, query: api.ShopQuery) -> api.ShopList:
    today = tx.city.day_of(tx.now)
    wanted = select(Shop)
    if not query.also_ended:
        wanted = wanted.where(Shop.closed_at.is_(None), or_(Shop.ends_on.is_(None), Shop.ends_on >= today))
    if query.neighbourhood_id:
        wanted = wanted.where(Shop.neighbourhood_ids.contains([query.neighbourhood_id]))
    wanted = wanted.where(after(query, Shop.registered_at, Shop.shop_id)).order_by(Shop.registered_at, Shop.shop_id)
    rows = list(tx.session.scalars(wanted.limit(query.limit + 1)))
    return api.ShopList(
        shops=tuple(_view(row) for row in rows[: query.limit]),
        next_cursor=next_cursor(query, rows, lambda row: (row.registered_at, row.shop_id)),
    )


def shop_of_owner(tx: Tx, shop_id: UUID) -> Shop:
    """The shop, for its owner or the administrator only."""
    shop = _shop(tx, shop_id)
    if not tx.who.has("admin"):
        tx.who.must("shop_owner", shop_id)
    return shop


def shop_read(tx: Tx, shop_id: UUID) -> Shop:
    """The shop, for whoever reads its statements: the city's officers and auditors, too."""
    inside = tx.who.has("finance") or tx.who.has("auditor")
    return _shop(tx, shop_id) if inside else shop_of_owner(tx, shop_id)


def agreement_of(shop: Shop) -> domain.Agreement:
    return domain.Agreement(shop.signed_on, shop.ends_on, closed=shop.closed_at is not None)


def check_not_closed(tx: Tx, shop: Shop) -> None:
    """Refuse a shop whose agreement is over; one that starts later may prepare."""
    domain.check_agreement(agreement_of(shop), max(tx.city.day_of(tx.now), shop.signed_on))


def _shop(tx: Tx, shop_id: UUID, *, lock: bool = False) -> Shop:
    shop = tx.session.get(Shop, shop_id, with_for_update=lock or None)
    if shop is None:
        raise not_found("shop", shop_id)
    return shop


def _view(shop: Shop) -> api.Shop:
    fields = {f: getattr(shop, f) for f in api.Shop.__struct_fields__ if f not in ("opening", "closed")}
    fields |= {"neighbourhood_ids": tuple(shop.neighbourhood_ids), "languages": tuple(shop.languages)}
    opening = msgspec.convert(shop.opening, tuple[api.Opening, ...])
    return api.Shop(opening=opening, closed=shop.closed_at is not None, **fields)
