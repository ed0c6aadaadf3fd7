"""New pictures for a volunteer who forgot theirs. A coordinator makes the code, the person chooses; card, coins and name stay."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from services.apis import identity as api
from services.apis import identity_pictures as pictures_api
from services.apis.errors import Refused
from services.identity import domain
from services.identity.credentials import hash_secret, pin_text
from services.identity.handlers_attempt import counted, forget_attempts_of
from services.identity.handlers_card import living_card, volunteer_of
from services.identity.handlers_person import end_sessions, living_person, lock_of, vault_of
from services.identity.handlers_session import prove_pin
from services.identity.handlers_vault import log_look
from services.identity.models import PicturesCode
from services.identity.vault import new_code
from services.kit.db import Tx
from services.kit.looks import NEW_PICTURES


def make_pictures_code(tx: Tx, organisation_id: UUID, person_id: UUID) -> pictures_api.PicturesCode:
    """A new code replaces the one before. It is logged when it is made: whoever holds it could choose for the person."""
    person = volunteer_of(tx, organisation_id, person_id)
    code = new_code()
    row = {"code_hash": domain.hash_of(code), "expires_at": tx.now + domain.PICTURES_CODE_LIFE, "used_at": None}
    made = insert(PicturesCode).values(person_id=person.person_id, **row)
    tx.session.execute(made.on_conflict_do_update(index_elements=[PicturesCode.person_id], set_=row))
    log_look(tx, lock_of(tx, person_id), person_id, organisation_id, NEW_PICTURES)
    return pictures_api.PicturesCode(
        code=code, link=f"{tx.extras['public_url']}/pictures#{code}", expires_at=tx.now + domain.PICTURES_CODE_LIFE
    )


def choose_pictures(tx: Tx, body: pictures_api.ChoosePictures) -> api.Joined:
    """Set the pictures, end every session, lift the waits after wrong tries. A repeat with the same pictures gets the same answer."""
    fitting = PicturesCode.code_hash == domain.hash_of(body.code)
    person_id = tx.session.scalar(select(PicturesCode.person_id).where(fitting))
    person = living_person(tx, person_id) if person_id else None
    # Read again once the person is locked: it may be used, or replaced, at this very moment.
    code = tx.session.scalar(select(PicturesCode).where(fitting).execution_options(populate_existing=True))
    if person is None or code is None:
        message = "There is no code like this. Ask your coordinator for a new one."
        raise counted(tx, Refused("unknown_pictures_code", message, status=404))
    domain.check_pictures_code(code.expires_at, now=tx.now)
    if code.used_at is not None:
        prove_pin(tx, person, body.pin)
    else:
        domain.check_pin(body.pin)
        person.pin_hash = hash_secret(pin_text(vault_of(tx), person.person_id, body.pin))
        code.used_at = tx.now
        end_sessions(tx, person.person_id)
        forget_attempts_of(tx, "person", str(person.person_id))
    card = living_card(tx, person.person_id)
    return api.Joined(person_id=card.person_id, card_id=card.card_id, card_code=vault_of(tx).card_code(card.card_id))
