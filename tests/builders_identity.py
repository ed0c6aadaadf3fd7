"""People the real way: invited, joined, taken on, and signed in through the API. `tests/builders.As` mints a token directly instead."""

from __future__ import annotations

import contextlib
from typing import Any
from uuid import UUID
from weakref import WeakKeyDictionary

import pyotp
from sqlalchemy import text

from infra.wiring import Town
from services.apis import identity as api
from services.apis import identity_staff as staff_api
from services.apis.errors import Refused
from services.identity.handlers_staff import take_on_first_admin
from services.kit.ids import new_id
from tests.builders import an_organisation

PIN = (0, 4, 8, 2)
PASSWORD = "lantern gravel otter nine"


class SignedIn:
    """Somebody who signed in. Asks any service in their name, and renews the session when its token has ended."""

    def __init__(self, town: Town, session: api.SignedIn, **known: str) -> None:
        self.town, self.session, self.person_id = town, session, session.person_id
        self.card_code, self.email, self.totp_uri = (known.get(k) for k in ("card_code", "email", "totp_uri"))

    @property
    def token(self) -> str:
        return self.session.token

    def ask(self, service: str, endpoint: Any, body: Any = None, *, key: Any = None, **more: Any) -> Any:
        """Call an endpoint with a fresh idempotency key unless one is given."""
        if self.session.session_ends_at <= self.town.clock.now() and self.email:
            self.session = sign_in_staff(self.town, self.email, self.totp_uri).session
        elif self.session.token_ends_at <= self.town.clock.now():
            self.renew()
        return self.town.client(service).as_(self.token).call(endpoint, body, key=key or new_id(), **more)

    def renew(self) -> None:
        self.session = nobody(self.town, api.POST_SESSION_RENEW, self.proof)

    @property
    def proof(self) -> api.SessionProof:
        return api.SessionProof(session_id=self.session.session_id, renewal=self.session.renewal)


def nobody(town: Town, endpoint: Any, body: Any = None) -> Any:
    """Ask identity without being signed in."""
    return town.client("identity").call(endpoint, body)


def a_known_organisation(town: Town, name: str | None = None) -> UUID:
    """A registered organisation identity has heard of."""
    organisation_id = an_organisation(town, name or f"Organisation {new_id()}")
    town.settle()
    return organisation_id


def an_invitation(
    town: Town, organisation_id: UUID | None = None, *, adult: bool = True, **more: Any
) -> api.Invitation:
    """Made by the administrator; one code for one volunteer."""
    body = api.Invite(organisation_id=organisation_id or a_known_organisation(town), adult=adult, **more)
    return the_admin(town).ask("identity", api.POST_INVITATION, body)


def join(
    town: Town, invitation: api.Invitation, nickname: str = "Zafira", pin: api.Pin = PIN, **more: Any
) -> api.Joined:
    return nobody(town, api.POST_JOIN, api.Join(invitation_code=invitation.code, nickname=nickname, pin=pin, **more))


def sign_in_with(town: Town, card_code: str, pin: api.Pin = PIN) -> SignedIn:
    session = nobody(town, api.POST_CARD_SESSION, api.CardSignIn(card_code=card_code, pin=pin))
    return SignedIn(town, session, card_code=card_code)


def a_joined_volunteer(
    town: Town, organisation_id: UUID | None = None, *, nickname: str = "Zafira", adult: bool = True
) -> SignedIn:
    """A volunteer who joined by invitation and signed in with the card; `person_id`, `token`, `card_code`."""
    joined = join(town, an_invitation(town, organisation_id, adult=adult), nickname)
    return sign_in_with(town, joined.card_code)


def totp_now(town: Town, uri: str | None) -> str | None:
    """What the code app shows at this moment of the town."""
    return pyotp.parse_uri(uri).at(town.clock.now()) if uri else None  # type: ignore[union-attr]


def sign_in_staff(town: Town, email: str, totp_uri: str | None = None, *, password: str = PASSWORD) -> SignedIn:
    body = api.StaffSignIn(email=email, password=password, totp=totp_now(town, totp_uri))
    return SignedIn(town, nobody(town, api.POST_STAFF_SESSION, body), email=email, totp_uri=totp_uri or "")


def staff(town: Town, role: Any, scope_id: UUID | None = None, *, email: str | None = None) -> SignedIn:
    """Somebody on the staff: invited by the administrator, accepted, signed in (with a code app where the role needs one)."""
    email = email or f"{role}.{new_id().hex[-8:]}@valdarco.example"
    invited = the_admin(town).ask(
        "identity", staff_api.POST_STAFF_INVITATION, staff_api.InviteStaff(email=email, role=role, scope_id=scope_id)
    )
    accepted = nobody(
        town,
        staff_api.POST_STAFF_JOIN,
        staff_api.JoinStaff(invitation_code=invited.code, email=email, password=PASSWORD),
    )
    return sign_in_staff(town, email, accepted.uri)


ADMIN = "rita@valdarco.example"
_ADMINS: WeakKeyDictionary[Town, SignedIn] = WeakKeyDictionary()


def the_admin(town: Town) -> SignedIn:
    """The town's first administrator, taken on when the town has none yet, signed in again when half a day has passed."""
    known = _ADMINS.get(town)
    if known is None or not _still_here(known):
        _ADMINS[town] = known = _come_in(town, known.totp_uri if known else None)
    return known


def _still_here(admin: SignedIn) -> bool:
    try:
        return bool(admin.ask("identity", api.GET_ME))
    except Refused:
        return False


def _come_in(town: Town, uri: str | None) -> SignedIn:
    with contextlib.suppress(Refused), town.rooms["identity"].transaction() as tx:
        uri = take_on_first_admin(tx, ADMIN, PASSWORD).uri  # refused when only the session is over
    return sign_in_staff(town, ADMIN, uri)


def until_waiting(town: Town, number: int) -> None:
    """Return once so many requests wait for a lock of identity."""
    with town.rooms["identity"].engine.connect().execution_options(isolation_level="AUTOCOMMIT") as watch:
        while watch.scalar(text("SELECT count(*) FROM pg_locks WHERE NOT granted")) != number:
            watch.execute(text("SELECT pg_sleep(0.005)"))
