"""A town as its stories, its demo and its pages know it, whether its services share one process or have their own."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import httpx
from sqlalchemy import text

from services.apis.city import City
from services.kit.auth import Tokens
from services.kit.bus import Bus
from services.kit.clock import Clock
from services.kit.context import Context
from services.kit.http import Client
from services.kit.ids import Ids
from services.kit.parked import parked
from services.kit.settings import Settings

if TYPE_CHECKING:
    from infra.standins.stripe_account import StripeAccount

Tell = Callable[[str, int], None]


class Town(ABC):
    """`rooms`: every service's context, on its own database. `stripe_standin`: where no real Stripe is called."""

    settings: Settings
    city: City
    clock: Clock
    ids: Ids
    tokens: Tokens
    bus: Bus
    rooms: Mapping[str, Context]
    stripe_standin: StripeAccount | None

    @abstractmethod
    def http(self, service: str) -> httpx.Client:
        """What speaks HTTP to a service."""

    @abstractmethod
    def settle(self) -> None:
        """Return when every event has been carried and handled, with all that followed. Raises RuntimeError if that does not end."""

    @abstractmethod
    def tick(self) -> int:
        """Do the timed work that is due now (forgotten check-outs, expiry …). Answers how much was done."""

    @abstractmethod
    def close(self) -> None: ...

    def client(self, service: str, *, speaking_as: str | None = None) -> Client:
        """A client of a service, speaking as another service, or as nobody until `as_(token)`."""
        token: Callable[[], str | None] = (
            (lambda: self.tokens.service(speaking_as, now=self.clock.now())) if speaking_as else (lambda: None)
        )
        return Client(service, self.http(service), token)

    def check(self, tell: Tell = lambda name, count: None) -> list[str]:
        """Every invariant that does not hold, as a sentence with the offending row; empty when all is well.

        `tell`: hears after each service its name and how many invariants were looked at so far.
        """
        wrong, count = [], 0
        for name, ctx in self.rooms.items():
            wrong += [
                f"{name}: event {row.seq} of {row.topic} waits parked: {row.reason}" for row in parked(ctx, most=5)
            ]
            with ctx.engine.connect() as conn:
                for sentence, query in ctx.room.checks.items():
                    for row in conn.execute(text(query)).mappings().fetchmany(5):
                        wrong.append(f"{name}: not true that {sentence}: {dict(row)}")
            count += len(ctx.room.checks)
            tell(name, count)
        return wrong
