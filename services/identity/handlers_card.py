"""Printed cards: one living card a person; a lost one ends at once."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select

from services.apis import identity as api
from services.apis.errors import not_found
from services.events.identity import CardIssued, CardRevoked
from services.identity import domain
from services.identity.handlers_person import coordinator_of, living_person, signed_in, vault_of
from services.identity.models import Card, Person
from services.kit.db import Tx


def issue_card(tx: Tx, person_id: UUID, *, replaces: Card | None = None) -> Card:
    card_id = tx.new_id()
    card = Card(
        card_id=card_id, person_id=person_id, code_hash=domain.hash_of(vault_of(tx).card_code(card_id)),
        replaces_card_id=replaces.card_id if replaces else None, issued_at=tx.now, revoked_at=None,
    )  # fmt: skip
    tx.session.add(card)
    tx.session.flush()
    tx.put(CardIssued(**{f: getattr(card, f) for f in CardIssued.__struct_fields__}))
    return card


def revoke_card(tx: Tx, person_id: UUID) -> Card:
    """End the living card of a volunteer (whose row the caller has locked)."""
    card = living_card(tx, person_id)
    card.revoked_at = tx.now
    tx.session.flush()
    tx.put(CardRevoked(card_id=card.card_id, person_id=person_id))
    return card


def living_card(tx: Tx, person_id: UUID) -> Card:
    return tx.session.scalars(select(Card).where(Card.person_id == person_id, Card.revoked_at.is_(None))).one()


def my_card(tx: Tx) -> api.PrintableCard:
    return _printable(tx, signed_in(tx).person_id)


def replace_my_card(tx: Tx) -> api.Card:
    return _replace(tx, signed_in(tx).person_id)


def card_of(tx: Tx, organisation_id: UUID, person_id: UUID) -> api.PrintableCard:
    return _printable(tx, volunteer_of(tx, organisation_id, person_id).person_id)


def replace_card_of(tx: Tx, organisation_id: UUID, person_id: UUID) -> api.Card:
    return _replace(tx, volunteer_of(tx, organisation_id, person_id).person_id)


def card_view(card: Card) -> api.Card:
    return api.Card(card_id=card.card_id, issued_at=card.issued_at, revoked_at=card.revoked_at)


def volunteer_of(tx: Tx, organisation_id: UUID, person_id: UUID) -> Person:
    """The person, locked, for a coordinator of the organisation they joined through."""
    coordinator_of(tx, organisation_id)
    person = living_person(tx, person_id)
    if person.organisation_id != organisation_id:
        raise not_found("person", person_id)
    return person


def _replace(tx: Tx, person_id: UUID) -> api.Card:
    return card_view(issue_card(tx, person_id, replaces=revoke_card(tx, person_id)))


def _printable(tx: Tx, person_id: UUID) -> api.PrintableCard:
    card = living_card(tx, person_id)
    return api.PrintableCard(card_id=card.card_id, person_id=person_id, code=vault_of(tx).card_code(card.card_id))
