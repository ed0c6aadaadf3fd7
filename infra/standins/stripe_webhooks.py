"""How the stand-in sends its news: signed as by Stripe, at least once, in any order asked for."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable, Iterable

import httpx

from infra.standins.stripe_memory import StripeMemory
from infra.standins.stripe_shapes import Json

ATTEMPTS_AT_MOST = 16

Deliver = Callable[[bytes, dict[str, str]], int]


class Webhooks:
    """Events wait here until `send`; what is not answered with 2xx waits for the next, 16 times.

    Nothing is sent while an API request is under way: its caller may hold locks that its own
    webhook needs.
    """

    def __init__(self, memory: StripeMemory, secret: str, deliver: Deliver) -> None:
        self._memory, self._secret, self._deliver = memory, secret, deliver
        self.held = False

    def waiting(self) -> list[Json]:
        """The events not yet taken, oldest first."""
        with self._memory.lock:
            return [self._memory.objects[id_] for id_ in self._memory.waiting]

    def send(self, event_ids: Iterable[str] | None = None) -> list[int]:
        """Send all that wait, unless held; or just these, in this order and as often as named."""
        if event_ids is None:
            event_ids = [] if self.held else [event["id"] for event in self.waiting()]
        return [self._send(id_) for id_ in event_ids]

    def signed(self, payload: bytes) -> dict[str, str]:
        """The headers of a body: HMAC-SHA256 over time and body (docs.stripe.com/webhooks)."""
        at = self._memory.seconds()
        mac = hmac.new(self._secret.encode(), b"%d." % at + payload, hashlib.sha256).hexdigest()
        return {"Content-Type": "application/json", "Stripe-Signature": f"t={at},v1={mac}"}

    def _send(self, event_id: str) -> int:
        payload = json.dumps(self._memory.get("event", event_id), indent=2).encode()
        try:
            status = self._deliver(payload, self.signed(payload))
        except (OSError, httpx.TransportError):
            status = 0
        with self._memory.change():
            attempts = self._memory.waiting.pop(event_id, 0) + 1
            if not 200 <= status < 300 and attempts < ATTEMPTS_AT_MOST:
                self._memory.waiting[event_id] = attempts
        return status
