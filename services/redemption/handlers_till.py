"""Tills: a device becomes one with a one-time code, sells in the shop's name, and stops when the owner says so."""

from __future__ import annotations

import hashlib
import secrets
from uuid import UUID

from sqlalchemy import delete, select

from services.apis import redemption as api
from services.apis.errors import Refused, forbidden, not_found
from services.events.redemption import TillPaired, TillUnpaired
from services.kit.auth import Grant, Principal
from services.kit.db import Tx
from services.redemption import domain
from services.redemption.handlers_shop import check_not_closed, shop_of_owner, shop_read
from services.redemption.models import PairingCode, Shop, Till


def make_pairing_code(tx: Tx, shop_id: UUID) -> api.PairingCode:
    check_not_closed(tx, shop_of_owner(tx, shop_id))
    tx.session.execute(delete(PairingCode).where(PairingCode.expires_at <= tx.now))
    text = "".join(secrets.choice(domain.PAIRING_ALPHABET) for _ in range(domain.PAIRING_LENGTH))
    expires_at = tx.now + domain.PAIRING_LIFE
    tx.session.add(PairingCode(code_hash=_hash(text), shop_id=shop_id, expires_at=expires_at))
    return api.PairingCode(pairing_code=text, expires_at=expires_at)


def pair_till(tx: Tx, body: api.PairTill) -> api.PairedTill:
    """The one use of a pairing code: deleting it decides which of two devices that typed the same code becomes the till."""
    used = delete(PairingCode).where(
        PairingCode.code_hash == _hash(domain.typed(body.pairing_code)), PairingCode.expires_at > tx.now
    )
    shop_id = tx.session.scalar(used.returning(PairingCode.shop_id))
    if shop_id is None:
        raise Refused(
            "pairing_code_wrong",
            "This pairing code is mistyped, was used already, or is older than 15 minutes. Ask the shop's owner for a new one.",
            status=403,
        )
    shop = tx.session.get_one(Shop, shop_id)
    check_not_closed(tx, shop)
    till = Till(till_id=tx.new_id(), shop_id=shop_id, name=body.name, paired_at=tx.now)
    tx.session.add(till)
    tx.put(TillPaired(till_id=till.till_id, shop_id=shop_id))
    who = Principal(kind="till", id=str(till.till_id), grants=(Grant("cashier", shop_id),))
    token = tx.extras["tokens"].mint(who, now=tx.now, seconds=int(domain.TILL_LIFE.total_seconds()))
    return api.PairedTill(till_id=till.till_id, shop_id=shop_id, shop_name=shop.name, name=till.name, token=token)


def unpair_till(tx: Tx, till_id: UUID) -> api.Till:
    till = tx.session.get(Till, till_id, with_for_update=True)
    if till is None:
        raise not_found("till", till_id)
    shop_of_owner(tx, till.shop_id)
    if till.unpaired_at is None:
        till.unpaired_at = tx.now
        tx.put(TillUnpaired(till_id=till_id, shop_id=till.shop_id))
    return _view(till)


def this_till(tx: Tx) -> api.ThisTill:
    till = paired_till(tx)
    shop = tx.session.get_one(Shop, till.shop_id)
    return api.ThisTill(till_id=till.till_id, name=till.name, shop_id=shop.shop_id, shop_name=shop.name)


def list_tills(tx: Tx, shop_id: UUID) -> api.Tills:
    shop_read(tx, shop_id)
    rows = tx.session.scalars(select(Till).where(Till.shop_id == shop_id).order_by(Till.paired_at, Till.till_id))
    return api.Tills(tills=tuple(_view(row) for row in rows))


def paired_till(tx: Tx) -> Till:
    """The till that asks. Its token lives long, so whether it is still paired is looked up each time."""
    if tx.who.kind != "till":
        raise no_till()
    till = tx.session.get(Till, UUID(tx.who.id))
    if till is None or till.unpaired_at is not None:
        raise unpaired_till()
    return till


def no_till() -> Refused:
    return forbidden("Only a till can do this. Pair a device with the shop's code.")


def unpaired_till() -> Refused:
    return Refused(
        "till_unpaired",
        "This device is no longer a till of the shop. Ask the owner for a pairing code.",
        status=403,
    )


def _hash(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


def _view(till: Till) -> api.Till:
    return api.Till(**{f: getattr(till, f) for f in api.Till.__struct_fields__})
