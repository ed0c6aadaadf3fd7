"""Who is asking. Sessions of people, tokens of services and tokens of tills are all signed values with an end.

A session is minted by identity alone and lives minutes (`SESSION_SECONDS`); its holder renews it at identity, which looks whether it was
ended meanwhile. So every other service can trust a session without asking anybody.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

import msgspec
from itsdangerous import BadSignature, Signer

from services.apis.errors import Refused

SESSION_SECONDS = 15 * 60
CLOCK_WRONG_SECONDS = 5 * 60  # what the clock of a host may be wrong by before services refuse each other
SERVICE_SECONDS = 60 + 2 * CLOCK_WRONG_SECONDS  # minted by one that is late, read by one that is early


class Grant(msgspec.Struct, frozen=True):
    """A role, within one organisation, shop or sponsor where the role has a scope."""

    role: str
    scope_id: UUID | None = None


class Principal(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who may ask: a person, a till, a service, or the public."""

    kind: Literal["public", "person", "till", "service"]
    id: str = ""
    grants: tuple[Grant, ...] = ()
    session_id: UUID | None = None

    @property
    def words(self) -> frozenset[str]:
        """The caller words of `Endpoint.allow` this principal answers to."""
        own = {"public"} | {grant.role for grant in self.grants}
        return frozenset(own | {f"service:{self.id}"} if self.kind == "service" else own)

    @property
    def person_id(self) -> UUID:
        """The person's id. Raises Refused for a caller who is no person."""
        if self.kind != "person":
            raise Refused("not_allowed", "Only a person can do this: sign in first.", status=403)
        return UUID(self.id)

    def has(self, role: str, scope_id: UUID | None = None) -> bool:
        """Whether the principal holds the role – in that scope, when one is given (a grant without scope holds everywhere)."""
        return any(g.role == role and (scope_id is None or g.scope_id in (None, scope_id)) for g in self.grants)

    def scopes(self, role: str) -> frozenset[UUID]:
        """The organisations, shops or sponsors in which the principal holds the role."""
        return frozenset(g.scope_id for g in self.grants if g.role == role and g.scope_id is not None)

    def must(self, role: str, scope_id: UUID | None = None) -> None:
        """Refuse unless the principal holds the role in that scope."""
        if not self.has(role, scope_id):
            raise Refused(
                "not_allowed",
                f"This needs the role of {role.replace('_', ' ')} here. Ask the scheme's administrator for it.",
                {"role": role},
                status=403,
            )


NOBODY = Principal(kind="public")


class _Token(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    kind: Literal["person", "till", "service"]
    id: str
    ends_at: datetime
    grants: tuple[Grant, ...]
    session_id: UUID | None


_read = msgspec.json.Decoder(_Token).decode


class Tokens:
    """Mints and reads the signed tokens. `keys`: newest first; older ones are still accepted, so that a key can be replaced."""

    def __init__(self, keys: tuple[str, ...]) -> None:
        self._signers = [Signer(key, salt="meritcoin.token.v1") for key in keys]

    def mint(self, who: Principal, *, now: datetime, seconds: int) -> str:
        token = _Token(
            kind=who.kind,  # type: ignore[arg-type]
            id=who.id,
            ends_at=now + timedelta(seconds=seconds),
            grants=who.grants,
            session_id=who.session_id,
        )
        packed = msgspec.json.encode(token).hex()
        return self._signers[0].sign(packed).decode()

    def service(self, name: str, *, now: datetime) -> str:
        """The token one service shows another, minted anew for each call: good for a minute even where both their clocks are wrong."""
        return self.mint(Principal(kind="service", id=name), now=now, seconds=SERVICE_SECONDS)

    def read(self, text: str, *, now: datetime) -> Principal:
        """Who the token stands for. Raises Refused `session_ended` or `session_wrong` (401)."""
        for signer in self._signers:
            try:
                packed = signer.unsign(text).decode()
                token = _read(bytes.fromhex(packed))
            except (BadSignature, ValueError, msgspec.DecodeError):
                continue
            if token.ends_at <= now:
                raise Refused(
                    "session_ended", "You were away for a while. Sign in again, or renew the session.", status=401
                )
            return Principal(kind=token.kind, id=token.id, grants=token.grants, session_id=token.session_id)
        raise Refused("session_wrong", "This sign-in is not valid here. Sign in again.", status=401)
