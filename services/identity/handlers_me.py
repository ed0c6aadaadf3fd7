"""A person's own: what is known of them, their language and PIN, taking their data away, and erasure."""

from __future__ import annotations

from sqlalchemy import delete, select

from services.apis import identity as api
from services.apis.endpoint import Nothing
from services.events.identity import PersonErased, RoleRevoked
from services.identity import domain
from services.identity.credentials import hash_secret, pin_text
from services.identity.handlers_attempt import forget_attempts_of
from services.identity.handlers_card import card_view, revoke_card
from services.identity.handlers_person import end_sessions, living_roles, lock_of, role_view, signed_in, vault_of
from services.identity.handlers_session import prove_password, prove_pin
from services.identity.handlers_vault import name_view, unmasking_view
from services.identity.models import (
    Card,
    Invitation,
    Name,
    Person,
    PersonKey,
    PicturesCode,
    Role,
    Session,
    Staff,
    Unmasking,
)
from services.kit.db import Tx


def me(tx: Tx) -> api.Me:
    return _me(tx, signed_in(tx))


def choose_language(tx: Tx, body: api.ChooseLanguage) -> api.Me:
    person = signed_in(tx)
    person.language = domain.language_of([body.language], tx.city.languages)
    return _me(tx, person)


def change_pin(tx: Tx, body: api.ChangePin) -> Nothing:
    person = signed_in(tx)
    prove_pin(tx, person, body.pin)
    domain.check_pin(body.new_pin)
    person.pin_hash = hash_secret(pin_text(vault_of(tx), person.person_id, body.new_pin))
    end_sessions(tx, person.person_id, but=tx.who.session_id)
    return Nothing()


def change_password(tx: Tx, body: api.ChangePassword) -> Nothing:
    person = signed_in(tx)
    staff = tx.session.get_one(Staff, person.person_id)
    prove_password(tx, staff, body.password)
    domain.check_password(body.new_password, lock_of(tx, person.person_id).open("email", staff.email_sealed))
    staff.password_hash = hash_secret(body.new_password)
    end_sessions(tx, person.person_id, but=tx.who.session_id)
    return Nothing()


def export_me(tx: Tx) -> api.Export:
    person = signed_in(tx)
    lock = lock_of(tx, person.person_id)
    of = person.person_id
    names = tx.session.scalars(select(Name).where(Name.person_id == of).order_by(Name.organisation_id))
    roles = tx.session.scalars(select(Role).where(Role.person_id == of).order_by(Role.granted_at, Role.role_id))
    cards = tx.session.scalars(select(Card).where(Card.person_id == of).order_by(Card.issued_at, Card.card_id))
    sessions = tx.session.scalars(select(Session).where(Session.person_id == of).order_by(Session.session_id))
    looks = tx.session.scalars(select(Unmasking).where(Unmasking.person_id == of).order_by(Unmasking.unmasking_id))
    return api.Export(
        me=_me(tx, person),
        names=tuple(name_view(name, lock) for name in names),
        roles=tuple(
            api.RolePast(role=r.role, scope_id=r.scope_id, granted_at=r.granted_at, revoked_at=r.revoked_at)
            for r in roles
        ),
        cards=tuple(map(card_view, cards)),
        sessions=tuple(
            api.SessionPast(started_at=s.started_at, ends_at=s.ends_at, ended_at=s.ended_at) for s in sessions
        ),
        unmaskings=tuple(unmasking_view(look, lock) for look in looks),
    )


def erase_me(tx: Tx, body: api.Erase) -> Nothing:
    """Destroy the person's key and all that leads to them; the random id stays in the books.

    What was sealed with the key (names, reasons of unmaskings) can be read nowhere again, in no copy either.
    """
    person = signed_in(tx)
    prove_pin(tx, person, body.pin)
    of = person.person_id
    revoke_card(tx, of)
    for role in living_roles(tx, [of]):
        role.revoked_at, role.revoked_by = tx.now, of
        tx.put(RoleRevoked(person_id=of, role=role.role, scope_id=role.scope_id))
    tx.session.flush()
    for table in (PersonKey, Name, Session, Invitation, PicturesCode):
        tx.session.execute(delete(table).where(table.person_id == of))
    forget_attempts_of(tx, "person", str(of))
    person.erased_at = tx.now
    person.organisation_id = person.adult = person.language = person.pin_hash = None
    tx.put(PersonErased(person_id=of))
    return Nothing()


def _me(tx: Tx, person: Person) -> api.Me:
    lock = lock_of(tx, person.person_id)
    name = tx.session.get(Name, (person.organisation_id, person.person_id)) if person.organisation_id else None
    staff = tx.session.get(Staff, person.person_id)
    return api.Me(
        person_id=person.person_id,
        roles=tuple(map(role_view, living_roles(tx, [person.person_id]))),
        adult=bool(person.adult),
        language=person.language or tx.city.languages[0],
        joined_at=person.joined_at,
        organisation_id=person.organisation_id,
        nickname=name_view(name, lock).nickname if name else None,
        email=lock.open("email", staff.email_sealed) if staff else None,
        has_totp=staff is not None and staff.totp_sealed is not None,
    )
