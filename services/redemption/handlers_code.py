"""Payment codes: what a volunteer shows at the till, and whose it is."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Collection, Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert

from services.apis import redemption as api
from services.apis.errors import Refused
from services.events import Envelope
from services.events.identity import CardIssued
from services.kit.bulk import rows_of
from services.kit.db import Tx
from services.redemption import domain
from services.redemption.models import Card, PaymentCode, Person

_LOCK_OWNERS = """
    SELECT p.person_id FROM unnest(%(hashes)s::bytea[]) AS asked (hash) JOIN payment_codes ON code_hash = hash
        JOIN people p USING (person_id)
    ORDER BY p.person_id FOR UPDATE OF p"""


def make_payment_code(tx: Tx) -> api.PaymentCode:
    """A fresh code; the one asked for before it ends."""
    person_id = lock_payer(tx)
    living = (
        PaymentCode.person_id == person_id,
        PaymentCode.payment_key_id.is_(
            None
        ),  # what a phone made itself is good for its time: its request may have been slow
        PaymentCode.used_at.is_(None),
        PaymentCode.replaced_at.is_(None),
    )
    tx.session.execute(update(PaymentCode).where(*living).values(replaced_at=tx.now))
    text = domain.PAYMENT_PREFIX + secrets.token_urlsafe(16)
    expires_at = tx.now + timedelta(seconds=tx.city.sales.code_seconds)
    tx.session.add(
        PaymentCode(
            payment_code_id=tx.new_id(), code_hash=hash_of(text), person_id=person_id, expires_at=expires_at, refusals=0
        )
    )  # fmt: skip
    return api.PaymentCode(code=text, expires_at=expires_at)


def lock_payer(tx: Tx) -> UUID:
    """Lock the row of the person who asks, and answer who it is. Raises Refused for somebody erased."""
    person_id = tx.who.person_id
    if lock_people(tx, [person_id])[person_id].erased_at is not None:
        raise Refused("person_erased", "This account was erased. To take part again, ask for a new invitation.")
    return person_id


def lock_owners(tx: Tx, hashes: Sequence[bytes]) -> None:
    """Lock the rows of the people whose codes these are, in the order of their ids."""
    rows_of(tx.session, _LOCK_OWNERS, hashes=list(hashes))


def is_card(tx: Tx, text: str) -> bool:
    return tx.session.get(Card, hash_of(text).hex()) is not None


def lock_people(tx: Tx, person_ids: Collection[UUID]) -> dict[UUID, Person]:
    """Lock the rows of these people, made if missing; in the order of their ids, so that two who lock never wait in a circle."""
    wanted = sorted(set(person_ids))
    if not wanted:
        return {}
    tx.session.execute(insert(Person).on_conflict_do_nothing(), [{"person_id": p} for p in wanted])
    rows = select(Person).where(Person.person_id.in_(wanted)).order_by(Person.person_id)
    rows = rows.with_for_update().execution_options(populate_existing=True)
    return {person.person_id: person for person in tx.session.scalars(rows)}


def on_card_issued(tx: Tx, events: list[Envelope[CardIssued]]) -> None:
    hashes = {event.data.code_hash for event in events}
    tx.session.execute(insert(Card).on_conflict_do_nothing(), [{"code_hash": h} for h in sorted(hashes)])


def forget_codes(tx: Tx) -> int:
    """Delete codes a day past their end: used ones still tie a person to a sale."""
    old = select(PaymentCode.payment_code_id).where(PaymentCode.expires_at <= tx.now - domain.CODE_KEPT).limit(500)
    gone = delete(PaymentCode).where(PaymentCode.payment_code_id.in_(old)).returning(PaymentCode.payment_code_id)
    return len(tx.session.scalars(gone).all())


def hash_of(text: str) -> bytes:
    """All that is kept of a code."""
    return hashlib.sha256(text.encode()).digest()
