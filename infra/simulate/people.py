"""Who lives in the simulated town, and how they ask: stubbornly, with the same key, until they are answered – as the real apps do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy.exc import DBAPIError

from infra.simulate.faults import Crash, Faults, SimulatedClock
from infra.wiring import OneProcess
from services.apis.errors import Refused
from services.kit.auth import Grant, Principal
from services.kit.bus import BusAway
from services.kit.ids import derived_id

T = TypeVar("T")
LONG_S = 10 * 365 * 24 * 3600
PATIENCE = 60


class Stuck(Exception):
    """Somebody asked again and again and was never answered: the town does not recover by itself."""


class Ways:
    """How anything is done in a town where everything fails now and then."""

    def __init__(self, town: OneProcess, clock: SimulatedClock, faults: Faults, seed: int) -> None:
        self.town, self.clock, self.faults, self.seed = town, clock, faults, seed
        self.refusals: Counter[str] = Counter()
        self._asked = 0

    def somebody(self, role: str, scope_id: UUID | None = None, id_: UUID | None = None) -> Somebody:
        return Somebody(self, id_ or self.town.ids(), role, scope_id)

    def new_key(self) -> UUID:
        self._asked += 1
        return derived_id("simulate", self.seed, self._asked)

    def until_done(self, work: Callable[[], T], *, patience: int = PATIENCE) -> T:
        """Do it again until it is answered. Raises Refused when the answer is a no, Stuck."""
        for _ in range(patience):
            try:
                return work()
            except Crash:
                self.restart()
            except Refused as refusal:
                if refusal.status < 500:
                    raise
                self.carry()
        raise Stuck(f"no answer after {patience} tries")

    def restart(self) -> None:
        """The process died: a new one has nothing in memory, and starts its consumers where the databases say."""
        for ctx in self.town.rooms.values():
            ctx.engine.dispose()
        self.town.start_consumers()

    def carry(self, rounds: int = 1) -> None:
        """Carry events a few rounds, whatever happens."""
        if self.faults.at("the clock", "jump"):
            self.clock.wrong_by = timedelta(seconds=self.faults.draw.randint(-90, 900))
        for _ in range(rounds):
            if self._survive(self.town.pump) == 0:
                return

    def do_the_jobs(self) -> None:
        self._survive(self.town.tick)

    def _survive(self, work: Callable[[], int]) -> int:
        try:
            return work()
        except Crash:
            self.restart()
        except (DBAPIError, BusAway):
            pass  # what `infra/serve.py` does: it is tried again
        return 1


class Somebody:
    """A person, or a till, that asks services in their own name."""

    def __init__(
        self, ways: Ways, id_: UUID, role: str, scope_id: UUID | None = None, token: str | None = None
    ) -> None:
        who = Principal(kind="person", id=str(id_), grants=(Grant(role, scope_id),), session_id=id_)
        self._ways, self.id = ways, id_
        self._token = token or ways.town.tokens.mint(who, now=ways.clock.now(), seconds=LONG_S)

    def ask(self, service: str, endpoint: Any, body: Any = None, **more: Any) -> Any:
        """The answer. Raises Refused when it is a no."""
        key, client = self._ways.new_key(), self._ways.town.client(service).as_(self._token)
        return self._ways.until_done(lambda: client.call(endpoint, body, key=key, **more))

    def ask_once(self, service: str, endpoint: Any, body: Any = None, **more: Any) -> Any:
        """The answer, or None: whoever asks walks away without one, and nobody asks again."""
        key, client = self._ways.new_key(), self._ways.town.client(service).as_(self._token)
        try:
            return self._ways.until_done(lambda: client.call(endpoint, body, key=key, **more), patience=1)
        except (Refused, Stuck):
            self._ways.refusals["walked away"] += 1
            return None

    def try_(self, service: str, endpoint: Any, body: Any = None, **more: Any) -> Any:
        """The answer, or None for a no: it is counted, and life goes on."""
        try:
            return self.ask(service, endpoint, body, **more)
        except Refused as refusal:
            self._ways.refusals[refusal.code] += 1
            return None
