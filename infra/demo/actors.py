"""The people of the demo as they act: signed in through the real API, asking services in their own name."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pyotp

from infra.demo.memory import Memory, Someone
from infra.town import Town
from services.apis import identity as identity_api
from services.apis.errors import Refused
from services.kit.ids import derived_id

RENEW_BEFORE = timedelta(minutes=2)


class Actors:
    """Everybody in the demo by their key in `cast.py`; sessions are opened and renewed as needed."""

    def __init__(self, town: Town, memory: Memory) -> None:
        self._town = town
        self._memory = memory
        self._tokens: dict[str, tuple[str, datetime]] = {}

    def ask(self, who: str, service: str, endpoint: Any, body: Any = None, *, key: object = None, **more: Any) -> Any:
        """Ask a service as `who`. `key` names what is done: the same one is done once, however often the demo is killed."""
        client = self._town.client(service).as_(self.token(who))
        once = derived_id("demo", self._memory.seed, who, key) if key is not None else None
        return client.call(endpoint, body, key=once, **more)

    def ask_once(self, who: str, service: str, endpoint: Any, body: Any = None, *, key: object, **more: Any) -> Any:
        """As `ask`; None when it was done before the demo was killed (the key is known with an older code in its body)."""
        try:
            return self.ask(who, service, endpoint, body, key=key, **more)
        except Refused as refusal:
            if refusal.code != "key_reused":
                raise
            return None

    def at_till(self, shop: str, endpoint: Any, body: Any = None, *, key: object = None, **more: Any) -> Any:
        """Ask redemption as the till of a shop."""
        client = self._town.client("redemption").as_(self._memory.tills[shop])
        once = derived_id("demo", self._memory.seed, shop, key) if key is not None else None
        return client.call(endpoint, body, key=once, **more)

    def token(self, who: str) -> str:
        """A session token of somebody, good for a while."""
        known = self._tokens.get(who)
        if known and known[1] - RENEW_BEFORE > self._town.clock.now():
            return known[0]
        return self.session(who).token

    def session(self, who: str) -> identity_api.SignedIn:
        """Somebody's session, renewed, or begun where it has ended."""
        now = self._town.clock.now()
        signed_in = self._renewed(self._memory.people[who]) or self._signed_in(self._memory.people[who], now)
        self._memory.people[who].session_id = signed_in.session_id
        self._memory.people[who].renewal = signed_in.renewal
        self._tokens[who] = signed_in.token, signed_in.token_ends_at
        return signed_in

    def _renewed(self, someone: Someone) -> identity_api.SignedIn | None:
        if someone.session_id is None or someone.renewal is None:
            return None
        proof = identity_api.SessionProof(session_id=someone.session_id, renewal=someone.renewal)
        try:
            return self._identity(identity_api.POST_SESSION_RENEW, proof)
        except Refused:
            return None

    def _signed_in(self, someone: Someone, now: datetime) -> identity_api.SignedIn:
        if someone.card_code is not None and someone.pin is not None:
            with_card = identity_api.CardSignIn(card_code=someone.card_code, pin=someone.pin)
            return self._identity(identity_api.POST_CARD_SESSION, with_card)
        if someone.email is None or someone.password is None:
            raise ValueError("the demo forgot how this person signs in")
        for step in range(4):
            # After a kill the clock may stand a little before the last sign-in, whose digits are used up: take the next ones.
            at = now + step * timedelta(seconds=30)
            digits = pyotp.TOTP(someone.totp_secret).at(at) if someone.totp_secret else None
            with_password = identity_api.StaffSignIn(email=someone.email, password=someone.password, totp=digits)
            self._town.clock.move_to(at)  # type: ignore[attr-defined]
            try:
                return self._identity(identity_api.POST_STAFF_SESSION, with_password)
            except Refused as refusal:
                if refusal.code != "totp_used":
                    raise
        raise RuntimeError("no fresh digits of the code app were accepted")

    def _identity(self, endpoint: Any, body: Any) -> identity_api.SignedIn:
        answer: identity_api.SignedIn = self._town.client("identity").call(endpoint, body)
        return answer
