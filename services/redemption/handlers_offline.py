"""Payment keys, with which a phone makes codes where it has no connection, and what such a code becomes at the till."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert

from services.apis import redemption as api
from services.apis.endpoint import Nothing
from services.apis.errors import Refused
from services.events import Envelope
from services.events.identity import CardRevoked, RoleRevoked
from services.kit.db import Tx
from services.kit.ids import derived_id
from services.kit.writer import Asked
from services.redemption import domain, domain_offline
from services.redemption.handlers_code import hash_of, is_card, lock_payer, lock_people
from services.redemption.models import PaymentCode, PaymentKey


def keep_payment_key(tx: Tx, body: api.KeepPaymentKey) -> api.PaymentKey:
    """The phone's key if it is good for a while; else a new one in its place."""
    person_id = lock_payer(tx)
    living = select(PaymentKey).where(PaymentKey.person_id == person_id, PaymentKey.ends_at > tx.now)
    keys = list(tx.session.scalars(living.order_by(PaymentKey.made_at, PaymentKey.payment_key_id)))
    mine = next((key for key in keys if key.payment_key_id == body.payment_key_id), None)
    if mine and mine.ends_at - tx.now > domain_offline.KEY_RENEWED:
        return api.PaymentKey(payment_key_id=mine.payment_key_id, ends_at=mine.ends_at)
    others = [key for key in keys if key is not mine]
    too_many = max(0, len(others) + 1 - domain_offline.MOST_KEYS)
    for key in [*others[:too_many], *([mine] if mine else ())]:
        key.ends_at = tx.now
    made = PaymentKey(
        payment_key_id=tx.new_id(), person_id=person_id, made_at=tx.now, ends_at=tx.now + domain_offline.KEY_LIFE
    )
    tx.session.add(made)
    secret = domain_offline.secret_of(tx.extras["payment_secret"], made.payment_key_id)
    return api.PaymentKey(
        payment_key_id=made.payment_key_id, ends_at=made.ends_at, secret=urlsafe_b64encode(secret).decode()
    )


def end_payment_key(tx: Tx, payment_key_id: UUID) -> Nothing:
    mine = (PaymentKey.payment_key_id == payment_key_id, PaymentKey.person_id == tx.who.person_id)
    tx.session.execute(update(PaymentKey).where(*mine, PaymentKey.ends_at > tx.now).values(ends_at=tx.now))
    return Nothing()


def note_codes(tx: Tx, asked: Sequence[Asked]) -> None:
    """Write down the codes that phones made by themselves, so that they are payment codes like any other when the sale is decided.

    In a transaction before the sale's: should we die after the ledger has posted, its event finds whose code it was.
    """
    found = {one.body.code: domain_offline.read(one.body.code, tx.extras["payment_secret"]) for one in asked}
    codes = {text: code for text, code in found.items() if code and code.begins_at <= tx.now < code.expires_at}
    if not codes:
        return
    owners = select(PaymentKey.payment_key_id, PaymentKey.person_id)
    owners = owners.where(PaymentKey.payment_key_id.in_({code.payment_key_id for code in codes.values()}))
    people = lock_people(tx, [person_id for _, person_id in tx.session.execute(owners)])
    # Read only now: an erasure may have removed a key while we waited.
    whose: dict[UUID, UUID] = dict(iter(tx.session.execute(owners)))
    rows = [
        {
            "payment_code_id": derived_id("payment-code", code.payment_key_id, code.step), "code_hash": hash_of(text),
            "person_id": whose[code.payment_key_id], "expires_at": code.expires_at, "refusals": 0,
            "payment_key_id": code.payment_key_id, "step": code.step,
        }
        for text, code in codes.items()
        if code.payment_key_id in whose and people[whose[code.payment_key_id]].erased_at is None
    ]  # fmt: skip
    if rows:
        tx.session.execute(insert(PaymentCode).on_conflict_do_nothing(), rows)


def not_known(tx: Tx, text: str) -> Refused:
    """The refusal for a text no payment code is known for."""
    if code := domain_offline.read(text, tx.extras["payment_secret"]):
        try:
            domain_offline.check_time(code, tx.now)
        except Refused as refusal:
            return refusal
    return domain.not_a_payment_code(text, card=is_card(tx, text))


def on_card_revoked(tx: Tx, events: list[Envelope[CardRevoked]]) -> None:
    """Whoever reports their card lost may have lost their phone with it: it pays no more, unless it asks for a new key."""
    _end_keys(tx, {event.data.person_id: event.occurred_at for event in events})


def on_role_revoked(tx: Tx, events: list[Envelope[RoleRevoked]]) -> None:
    _end_keys(tx, {event.data.person_id: event.occurred_at for event in events if event.data.role == "volunteer"})


def _end_keys(tx: Tx, before: Mapping[UUID, datetime]) -> None:
    """End the keys these people were given up to then."""
    lock_people(tx, before.keys())
    for person_id, then in before.items():
        theirs = (PaymentKey.person_id == person_id, PaymentKey.made_at <= then, PaymentKey.ends_at > tx.now)
        tx.session.execute(update(PaymentKey).where(*theirs).values(ends_at=tx.now))


def forget_keys(tx: Tx) -> int:
    """Delete keys a day past their end, and the codes made with them."""
    old = select(PaymentKey.payment_key_id).where(PaymentKey.ends_at <= tx.now - domain.CODE_KEPT).limit(500)
    gone = delete(PaymentKey).where(PaymentKey.payment_key_id.in_(old)).returning(PaymentKey.payment_key_id)
    return len(tx.session.scalars(gone).all())
