"""Inviting volunteers and joining; what identity hears, and what it forgets in time."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, delete, func, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import InstrumentedAttribute

from services.apis import identity as api
from services.apis.errors import Refused, not_found
from services.events import Envelope
from services.events.shifts import OrganisationRegistered
from services.identity import domain
from services.identity.credentials import hash_secret, pin_text
from services.identity.handlers_attempt import counted
from services.identity.handlers_card import issue_card, living_card
from services.identity.handlers_person import living_person, signed_in, take_on, vault_of
from services.identity.handlers_session import prove_pin
from services.identity.handlers_vault import put_name
from services.identity.models import (
    Attempt,
    Card,
    Invitation,
    Organisation,
    Person,
    PicturesCode,
    Session,
    StaffInvitation,
)
from services.identity.vault import new_code
from services.kit.db import Tx

FORGET_AT_ONCE = 500


def invite(tx: Tx, body: api.Invite) -> api.Invitation:
    """An invitation for one volunteer. The organisation's row is locked: two requests cannot both take the day's last one."""
    inviter = signed_in(tx)
    held = frozenset((g.role, g.scope_id) for g in tx.who.grants)
    domain.check_may_invite(held, body.organisation_id)
    if tx.session.get(Organisation, body.organisation_id, with_for_update=True) is None:
        raise not_found("organisation", body.organisation_id)
    if body.language is not None:
        domain.language_of([body.language], tx.city.languages)
    made = select(func.count()).where(
        Invitation.organisation_id == body.organisation_id, Invitation.invited_at > tx.now - timedelta(days=1)
    )
    domain.check_invitations_left(tx.session.scalar(made) or 0)
    code = new_code()
    invitation = Invitation(
        invitation_id=tx.new_id(), organisation_id=body.organisation_id, code_hash=domain.hash_of(code), adult=body.adult,
        language=body.language, invited_by=inviter.person_id, invited_at=tx.now, expires_at=tx.now + domain.INVITATION_LIFE,
        used_at=None, person_id=None,
    )  # fmt: skip
    tx.session.add(invitation)
    return api.Invitation(
        invitation_id=invitation.invitation_id,
        code=code,
        link=f"{tx.extras['public_url']}/join#{code}",
        expires_at=invitation.expires_at,
    )


def join(tx: Tx, body: api.Join) -> api.Joined:
    """Join with an invitation. Its row is locked: it is used once. A repeat with the same PIN gets the same card."""
    code_hash = domain.hash_of(body.invitation_code)
    invitation = tx.session.scalar(select(Invitation).where(Invitation.code_hash == code_hash).with_for_update())
    if invitation is None:
        message = "There is no invitation with this code. Scan it again, or ask for a new one."
        raise counted(tx, Refused("unknown_invitation", message, status=404))
    domain.check_invitation(expires_at=invitation.expires_at, used_at=invitation.used_at, now=tx.now)
    if invitation.person_id is not None:
        person = living_person(tx, invitation.person_id)
        prove_pin(tx, person, body.pin)
        return _joined(tx, living_card(tx, person.person_id))
    domain.check_pin(body.pin)
    person_id = tx.new_id()
    person = Person(
        person_id=person_id,
        organisation_id=invitation.organisation_id,
        adult=invitation.adult,
        language=domain.language_of([body.language, invitation.language], tx.city.languages),
        pin_hash=hash_secret(pin_text(vault_of(tx), person_id, body.pin)),
        joined_at=tx.now,
        erased_at=None,
    )
    lock = take_on(tx, person, "volunteer")
    put_name(tx, lock, invitation.organisation_id, person_id, nickname=body.nickname)
    invitation.used_at, invitation.person_id = tx.now, person_id
    return _joined(tx, issue_card(tx, person_id))


def _joined(tx: Tx, card: Card) -> api.Joined:
    return api.Joined(person_id=card.person_id, card_id=card.card_id, card_code=vault_of(tx).card_code(card.card_id))


def on_organisation_registered(tx: Tx, events: list[Envelope[OrganisationRegistered]]) -> None:
    rows = [{"organisation_id": event.data.organisation_id} for event in events]
    tx.session.execute(insert(Organisation).on_conflict_do_nothing(), rows)


def forget_what_is_over(tx: Tx) -> int:
    """Delete expired invitations and codes, ended sessions and forgotten failures: what is kept for nothing is only a risk."""
    return sum(
        (
            _forget(tx, Invitation.invitation_id, Invitation.expires_at < tx.now),
            _forget(tx, StaffInvitation.invitation_id, StaffInvitation.expires_at < tx.now),
            _forget(tx, PicturesCode.person_id, PicturesCode.expires_at < tx.now),
            _forget(
                tx,
                Session.session_id,
                or_(Session.ends_at < tx.now, Session.ended_at < tx.now - domain.KEEP_ENDED_SESSIONS),
            ),
            _forget(tx, Attempt.subject, (Attempt.forgotten_at < tx.now) & (Attempt.locked_until < tx.now)),
        )
    )


def _forget(tx: Tx, key: InstrumentedAttribute[Any], over: ColumnElement[bool]) -> int:
    some = select(key).where(over).limit(FORGET_AT_ONCE).with_for_update(skip_locked=True)
    return len(tx.session.scalars(delete(key.class_).where(key.in_(some)).returning(key)).all())


HANDLERS = {OrganisationRegistered: on_organisation_registered}
JOBS = (forget_what_is_over,)
