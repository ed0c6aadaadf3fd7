"""What one can ask of identity: joining, signing in, cards and one's own data.

`identity_vault.py` holds the organisations' vaults, `identity_staff.py` the staff and their roles.

Most POSTs here are `keyless`: their bodies or answers hold what must not lie in a database (a code, a PIN, a name), and repeating them is
harmless. A repeated join or acceptance gets the same answer for 15 minutes.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from services.apis.endpoint import PUBLIC, Endpoint, Nothing, Page, Role

Picture = Annotated[int, Meta(ge=0, le=11)]
Pin = tuple[Picture, Picture, Picture, Picture]
Code = Annotated[str, Meta(min_length=1, max_length=100)]
Language = Annotated[str, Meta(pattern="^[a-z]{2}$")]
Name = Annotated[str, Meta(pattern=r"\S", max_length=80)]
Email = Annotated[str, Meta(pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$", max_length=254)]
Password = Annotated[str, Meta(min_length=1, max_length=200)]
Reason = Annotated[str, Meta(pattern=r"\S\s*\S\s*\S", max_length=200)]

STAFF: tuple[Role, ...] = ("coordinator", "shop_owner", "finance", "sponsor", "admin", "auditor")
EVERYONE: tuple[Role, ...] = ("volunteer", *STAFF)


class Invite(Struct, frozen=True, kw_only=True):
    """Invite one volunteer. `language`: what the person reads, if known; they can choose another."""

    organisation_id: UUID
    adult: bool
    language: Language | None = None


class Invitation(Struct, frozen=True, kw_only=True):
    """`code` is shown this once. In `link` it stands behind the #, which browsers send to no server and write in no log."""

    invitation_id: UUID
    code: str
    link: str
    expires_at: datetime


class Join(Struct, frozen=True, kw_only=True):
    """`pin`: 4 of 12 pictures in order, each 0–11. `language`: one of the city's; default the invitation's, else the city's first."""

    invitation_code: Code
    nickname: Name
    pin: Pin
    language: Language | None = None


class Joined(Struct, frozen=True, kw_only=True):
    """`card_code` is what the card's QR holds. Sign in with it and the PIN."""

    person_id: UUID
    card_id: UUID
    card_code: str


class CardSignIn(Struct, frozen=True, kw_only=True):
    card_code: Code
    pin: Pin


class StaffSignIn(Struct, frozen=True, kw_only=True):
    """`totp`: the six digits of the code app (RFC 6238), for those who have one set up."""

    email: Email
    password: Password
    totp: Annotated[str, Meta(pattern="^[0-9]{6}$")] | None = None


class RoleHeld(Struct, frozen=True, kw_only=True):
    """A role; `scope_id` is the organisation, shop or sponsor it holds in."""

    role: Role
    scope_id: UUID | None = None


class SignedIn(Struct, frozen=True, kw_only=True):
    """`token` (a bearer token) lasts minutes; `renewal` with `session_id` gets the next one until `session_ends_at`."""

    person_id: UUID
    roles: tuple[RoleHeld, ...]
    token: str
    token_ends_at: datetime
    session_id: UUID
    session_ends_at: datetime
    renewal: str


class SessionProof(Struct, frozen=True, kw_only=True):
    """What a session is renewed or ended with, whether its token still lives or not."""

    session_id: UUID
    renewal: Code


class Card(Struct, frozen=True, kw_only=True):
    card_id: UUID
    issued_at: datetime
    revoked_at: datetime | None = None


class PrintableCard(Struct, frozen=True, kw_only=True):
    """`code` is what the QR holds."""

    card_id: UUID
    person_id: UUID
    code: str


class Me(Struct, frozen=True, kw_only=True):
    person_id: UUID
    roles: tuple[RoleHeld, ...]
    adult: bool
    language: str
    joined_at: datetime
    organisation_id: UUID | None
    nickname: str | None
    email: str | None
    has_totp: bool


class ChooseLanguage(Struct, frozen=True, kw_only=True):
    language: Language


class ChangePin(Struct, frozen=True, kw_only=True):
    pin: Pin
    new_pin: Pin


class ChangePassword(Struct, frozen=True, kw_only=True):
    password: Password
    new_password: Password


class SetUpTotp(Struct, frozen=True, kw_only=True):
    password: Password


class TotpSecret(Struct, frozen=True, kw_only=True):
    """`uri`: `otpauth://…`, to be shown as a QR to a code app; None where the role needs none."""

    person_id: UUID
    uri: str | None


class Erase(Struct, frozen=True, kw_only=True):
    pin: Pin


class Unmasking(Struct, frozen=True, kw_only=True):
    """Somebody opened my name, or let me choose new pictures: in which role, of which organisation, when and why."""

    role: str
    organisation_id: UUID
    looked_at: datetime
    reason: str


class Unmaskings(Struct, frozen=True, kw_only=True):
    unmaskings: tuple[Unmasking, ...]
    next_cursor: str | None = None


class NameHeld(Struct, frozen=True, kw_only=True):
    """What one organisation's vault holds on a person."""

    organisation_id: UUID
    person_id: UUID
    nickname: str | None
    name: str | None


class RolePast(Struct, frozen=True, kw_only=True):
    role: str
    scope_id: UUID | None
    granted_at: datetime
    revoked_at: datetime | None


class SessionPast(Struct, frozen=True, kw_only=True):
    started_at: datetime
    ends_at: datetime
    ended_at: datetime | None


class Export(Struct, frozen=True, kw_only=True):
    """Everything identity holds on me (GDPR art. 15 and 20)."""

    me: Me
    names: tuple[NameHeld, ...]
    roles: tuple[RolePast, ...]
    cards: tuple[Card, ...]
    sessions: tuple[SessionPast, ...]
    unmaskings: tuple[Unmasking, ...]


POST_INVITATION = Endpoint(
    method="POST", path="/invitations", summary="Invite a volunteer", allow=("coordinator", "admin"), keyless=True,
    request=Invite, answer=Invitation, status=201, errors=("unknown_organisation", "unknown_language", "too_many_invitations"),
)  # fmt: skip
POST_JOIN = Endpoint(
    method="POST", path="/join", summary="Join with an invitation, a nickname and a picture PIN", allow=(PUBLIC,), keyless=True,
    request=Join, answer=Joined, status=201,
    errors=("unknown_invitation", "invitation_expired", "invitation_used", "unknown_language", "weak_pin", "wrong_pin", "too_many_tries"),
)  # fmt: skip
POST_CARD_SESSION = Endpoint(
    method="POST", path="/sessions/card", summary="Sign in with a card and the picture PIN", allow=(PUBLIC,), keyless=True,
    request=CardSignIn, answer=SignedIn, status=201, errors=("unknown_card", "card_revoked", "wrong_pin", "too_many_tries"),
)  # fmt: skip
POST_STAFF_SESSION = Endpoint(
    method="POST", path="/sessions/staff", summary="Sign in with e-mail, password and the code app", allow=(PUBLIC,), keyless=True,
    request=StaffSignIn, answer=SignedIn, status=201,
    errors=("wrong_password", "totp_needed", "wrong_totp", "totp_used", "no_role", "too_many_tries"),
)  # fmt: skip
POST_SESSION_RENEW = Endpoint(
    method="POST", path="/sessions/renew", summary="Get the session's next token, with the roles of now", allow=(PUBLIC,), keyless=True,
    request=SessionProof, answer=SignedIn, errors=("session_ended",), per_minute=12_000,
)  # fmt: skip
POST_SESSION_END = Endpoint(
    method="POST", path="/sessions/end", summary="Sign out", allow=(PUBLIC,), keyless=True, request=SessionProof, answer=Nothing,
)  # fmt: skip
GET_ME = Endpoint(method="GET", path="/me", summary="Who I am here", allow=EVERYONE, answer=Me)
GET_MY_EXPORT = Endpoint(method="GET", path="/me/export", summary="Take my data away", allow=EVERYONE, answer=Export)
GET_MY_UNMASKINGS = Endpoint(
    method="GET", path="/me/unmaskings", summary="Who opened my name, when and why", allow=("volunteer",), query=Page, answer=Unmaskings
)  # fmt: skip
POST_MY_LANGUAGE = Endpoint(
    method="POST", path="/me/language", summary="Choose my language", allow=EVERYONE, keyless=True,
    request=ChooseLanguage, answer=Me, errors=("unknown_language",),
)  # fmt: skip
POST_MY_PIN = Endpoint(
    method="POST", path="/me/pin", summary="Change my picture PIN; other sessions end", allow=("volunteer",), keyless=True,
    request=ChangePin, answer=Nothing, errors=("weak_pin", "wrong_pin", "too_many_tries"),
)  # fmt: skip
POST_MY_PASSWORD = Endpoint(
    method="POST", path="/me/password", summary="Change my password; other sessions end", allow=STAFF, keyless=True,
    request=ChangePassword, answer=Nothing, errors=("weak_password", "wrong_password", "too_many_tries"),
)  # fmt: skip
POST_MY_TOTP = Endpoint(
    method="POST", path="/me/totp", summary="Set up a code app", allow=STAFF, keyless=True,
    request=SetUpTotp, answer=TotpSecret, errors=("wrong_password", "totp_set", "too_many_tries"),
)  # fmt: skip
POST_MY_ERASURE = Endpoint(
    method="POST", path="/me/erase", summary="Erase me: my names can never be read again", allow=("volunteer",), keyless=True,
    request=Erase, answer=Nothing, errors=("wrong_pin", "too_many_tries"),
)  # fmt: skip
GET_MY_CARD = Endpoint(
    method="GET", path="/me/card", summary="My card, to show or print", allow=("volunteer",), answer=PrintableCard
)
POST_MY_CARD_REPLACE = Endpoint(
    method="POST",
    path="/me/card/replace",
    summary="My card is lost: end it and get a new one",
    allow=("volunteer",),
    answer=Card,
    status=201,
)
