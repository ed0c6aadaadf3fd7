"""Signing in with a card or as staff, renewing, signing out."""

from __future__ import annotations

import hmac

from sqlalchemy import select

from services.apis import identity as api
from services.apis.endpoint import Nothing
from services.apis.errors import Refused
from services.identity import domain
from services.identity.credentials import pin_text, secret_fits, step_of
from services.identity.handlers_attempt import counted, guarded
from services.identity.handlers_person import (
    living_person,
    living_session,
    lock_of,
    next_token,
    open_session,
    vault_of,
)
from services.identity.models import Card, Person, Session, Staff
from services.kit.db import Tx


def sign_in_with_card(tx: Tx, body: api.CardSignIn) -> api.SignedIn:
    fitting = Card.code_hash == domain.hash_of(body.card_code)
    person_id = tx.session.scalar(select(Card.person_id).where(fitting))
    if person_id is None:
        raise counted(
            tx, Refused("unknown_card", "This is no card of ours. Scan the code on the card again.", status=401)
        )
    # Whether the card still lives is read once the person is locked: it may be replaced at this very moment.
    person = tx.session.get_one(Person, person_id, with_for_update=True)
    if tx.session.scalars(select(Card.revoked_at).where(fitting)).one() is not None:
        message = "This card was replaced or ended. Use the new one, or ask your coordinator."
        raise Refused("card_revoked", message, status=401)
    prove_pin(tx, person, body.pin)
    return open_session(tx, person_id, domain.VOLUNTEER_SESSION)


def prove_pin(tx: Tx, person: Person, pin: api.Pin) -> None:
    """Raises Refused `wrong_pin` (counted) or `too_many_tries`."""

    def prove() -> Refused | None:
        if secret_fits(person.pin_hash, pin_text(vault_of(tx), person.person_id, pin)):
            return None
        return Refused("wrong_pin", "These are not your pictures, or not in this order. Try again.", status=401)

    guarded(tx, ("person", str(person.person_id)), prove)


def sign_in_staff(tx: Tx, body: api.StaffSignIn) -> api.SignedIn:
    email_hash = email_hash_of(tx, body.email)
    staff = tx.session.scalar(select(Staff).where(Staff.email_hash == email_hash))
    if staff is not None:
        living_person(tx, staff.person_id)
        tx.session.refresh(staff)

    def prove() -> Staff | Refused:
        if not secret_fits(staff.password_hash if staff else None, body.password) or staff is None:
            return wrong_password()
        return _totp_refusal(tx, staff, body.totp) or staff

    person_id = guarded(tx, ("email", email_hash), prove).person_id
    return open_session(tx, person_id, domain.STAFF_SESSION)


def _totp_refusal(tx: Tx, staff: Staff, code: str | None) -> Refused | None:
    if staff.totp_sealed is None:
        return None
    if code is None:
        # Not a failed try, and no success either: the count stays as it is.
        raise Refused("totp_needed", "Type the six digits your code app shows now.", status=401)
    secret = lock_of(tx, staff.person_id).open("totp", staff.totp_sealed)
    try:
        staff.totp_step = domain.check_step(step_of(secret, code, now=tx.now), staff.totp_step)
    except Refused as refusal:
        return refusal
    return None


def prove_password(tx: Tx, staff: Staff, password: str) -> None:
    """Raises Refused `wrong_password` (counted) or `too_many_tries`."""
    guarded(
        tx,
        ("email", staff.email_hash),
        lambda: None if secret_fits(staff.password_hash, password) else wrong_password(),
    )


def wrong_password() -> Refused:
    return Refused("wrong_password", "E-mail and password do not belong together. Try again.", status=401)


def email_hash_of(tx: Tx, email: str) -> str:
    return vault_of(tx).blind("email", email.strip().casefold())


def renew_session(tx: Tx, body: api.SessionProof) -> api.SignedIn:
    session = _session_of(tx, body)
    return next_token(tx, living_session(tx, session.session_id if session else None), body.renewal)


def end_session(tx: Tx, body: api.SessionProof) -> Nothing:
    """Sign out. Silent about a session that has ended already or never was: the caller is out either way."""
    session = _session_of(tx, body)
    if session is not None and session.ended_at is None:
        session.ended_at = tx.now
    return Nothing()


def _session_of(tx: Tx, body: api.SessionProof) -> Session | None:
    session = tx.session.get(Session, body.session_id)
    if session is None or not hmac.compare_digest(session.renewal_hash, domain.hash_of(body.renewal)):
        return None
    return session
