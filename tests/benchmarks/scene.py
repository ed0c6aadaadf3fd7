"""A ledger to measure: a town on a scratch server with PostgreSQL's own durability, a rich fund, and many people."""

from __future__ import annotations

import logging
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

import psycopg

from infra.embedded import start_postgres, stop_postgres
from infra.wiring import Town, build_town, quiet_collector
from services.events import Envelope, encode
from services.events.awards import CoinsAwarded
from services.kit.bus import Record, Spot
from services.kit.context import Context
from services.kit.ids import new_id
from services.kit.inbox import Consumer
from services.kit.settings import read_settings
from tests.builders_ledger import a_fund, an_award, in_order

TOPIC = "awards"


@contextmanager
def a_scratch_town() -> Iterator[Town]:
    """A town of its own under a temporary folder, fsync on, nothing logged."""
    logging.getLogger("meritcoin").setLevel(logging.CRITICAL)
    with tempfile.TemporaryDirectory(prefix="meritcoin-", ignore_cleanup_errors=True) as name:
        var = Path(name)
        town = build_town(read_settings({"VAR": str(var)}), url=start_postgres(var))
        quiet_collector()
        try:
            yield town
        finally:
            town.close()
            stop_postgres(var)


class Awards:
    """Batches of awards from one fund into random wallets of `people`, as the consumer reads them from the bus."""

    def __init__(self, town: Town, people: int) -> None:
        self.town, self.ctx = town, town.rooms["ledger"]
        self.fund_id = a_fund(town, 90_000_000)
        self.plan = in_order(self.fund_id)
        self.people = [new_id() for _ in range(people)]
        self.consumer = Consumer(self.ctx, town.bus.subscribe("bench", [TOPIC]))
        self._offset = 0
        self._next = 0

    def batch(self, size: int) -> list[Record]:
        """Wallets take turns in a fixed stride, so that neighbours in time are no neighbours in the index."""
        records = []
        for _ in range(size):
            self._next = (self._next + 7919) % len(self.people)
            award = an_award(5, self.plan, person_id=self.people[self._next])
            records.append(
                Record(spot=Spot(TOPIC, 0), offset=self._offset, key="", value=encode(envelope(self.town, award)))
            )
            self._offset += 1
        return records

    def post(self, batches: list[list[Record]]) -> float:
        """Seconds to take the batches, each in one transaction: positions, inbox, decision, transfers, outcomes, outbox, commit."""
        began = time.perf_counter()
        for batch in batches:
            self.consumer._apply(batch)
        return time.perf_counter() - began


def envelope(town: Town, award: CoinsAwarded) -> Envelope[CoinsAwarded]:
    return Envelope(
        id=new_id(),
        type="coins.awarded.v1",
        occurred_at=town.clock.now(),
        key=str(award.person_id),
        correlation_id=new_id(),
        data=award,
    )


def sql(ctx: Context, statement: str, *arguments: object) -> list[tuple[object, ...]]:
    """Run a statement on the service's database, outside its transactions; its rows."""
    with psycopg.connect(
        ctx.engine.url.set(drivername="postgresql").render_as_string(hide_password=False), autocommit=True
    ) as conn:
        answer = conn.execute(statement, arguments)  # type: ignore[call-overload]
        return list(answer.fetchall()) if answer.description else []


def wallets_of(ctx: Context, people: list[UUID]) -> int:
    """How many of these people have a lot."""
    return len(sql(ctx, "SELECT DISTINCT person FROM accounts WHERE person = ANY(%s)", people))
