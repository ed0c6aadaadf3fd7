"""32 tills sell while the ledger's process is killed again and again: what a till was told happened, and happened once.

Real processes, `kill -9`, PostgreSQL as it comes (fsync on). `KILLS` sets how often (`make faults`: 200 times).
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Protocol
from uuid import UUID

import httpx
import pytest
from sqlalchemy import text

from infra.embedded import start_postgres, stop_postgres
from infra.local_bus import LocalBus
from services.apis import ledger as api
from services.apis.errors import Refused
from services.events import Envelope, contract_of, decode, encode
from services.events.awards import CoinsAwarded
from services.events.funding import TopUpSettled
from services.events.ledger import CoinsSpent
from services.kit.bus import Message
from services.kit.context import Context
from services.kit.http import Client
from services.kit.ids import new_id
from services.kit.inbox import Consumer, topics_of
from services.kit.outbox import relay_once
from tests.builders_ledger import an_award, in_order, post_sale
from tests.conftest import a_folder
from tests.faults.serve_ledger import the_ledger
from tests.faults.test_kill_the_demo import free_port

pytestmark = pytest.mark.proof

KILLS = int(os.environ.get("KILLS", "5"))
TILLS, PEOPLE, SHOPS = 32, 8, 3
COINS_EACH = 50_000_000
KEY = "a key of thirty-two signs or more"
FOR_GOOD = date(2099, 12, 31)
PATIENCE_S = 60


class Server:
    """A process that serves, and whether it answers (at `path`)."""

    def __init__(self, command: Sequence[str], port: int, path: str = "/status", **environment: str) -> None:
        self.command, self.port, self.path = [sys.executable, "-m", *command], port, path
        self.environment = {**os.environ, **environment}
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it answers."""
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self.process = subprocess.Popen(self.command, env=self.environment, **quiet)  # type: ignore[call-overload]
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            assert self.process.poll() is None, "the server ended by itself"
            try:
                if httpx.get(f"http://127.0.0.1:{self.port}{self.path}", timeout=1).is_success:
                    return
            except httpx.TransportError:
                time.sleep(0.05)
        raise AssertionError("the server does not answer")

    def kill(self) -> None:
        assert self.process
        self.process.kill()
        self.process.wait(timeout=10)


class Selling(Protocol):
    thread: threading.Thread
    closing: threading.Event


class Till:
    """Sells again and again; each sale is asked for under its own id until it is answered."""

    def __init__(self, server: Server, ctx: Context, number: int, people: list[UUID], shops: list[UUID]) -> None:
        self.draw, self.people, self.shops, self.id = random.Random(number), people, shops, new_id()
        self.http = httpx.Client(base_url=f"http://127.0.0.1:{server.port}")
        self.client = Client("ledger", self.http, lambda: ctx.tokens.service("redemption", now=ctx.clock.now()))
        self.told: dict[UUID, int] = {}
        self.tries = 0
        self.thread = threading.Thread(target=self._work, daemon=True)
        self.closing = threading.Event()

    def _work(self) -> None:
        while not self.closing.is_set():
            sale = api.PostSale(
                sale_id=new_id(), person_id=self.draw.choice(self.people), shop_id=self.draw.choice(self.shops), till_id=self.id,
                payment_code_id=new_id(), neighbourhood_id="le-querce", amount_cents=self.draw.randint(1, 900),
                correlation_id=new_id(),
            )  # fmt: skip
            self.told[sale.sale_id] = self._until_told(sale)
        self.http.close()

    def _until_told(self, sale: api.PostSale) -> int:
        while True:
            self.tries += 1
            try:
                answer = post_sale(self.client, sale)
            except Refused as refused:
                if refused.status < 500:
                    raise
                time.sleep(self.draw.uniform(0.02, 0.1))
            else:
                assert sum(part.amount_cents for part in answer.parts) == answer.amount_cents
                return answer.amount_cents


@contextmanager
def a_ledger(url: str) -> Iterator[tuple[Context, LocalBus]]:
    ctx, bus = the_ledger(url, KEY)
    yield ctx, bus
    bus.close()
    ctx.engine.dispose()


@pytest.fixture
def url() -> Iterator[str]:
    with a_folder() as var:
        yield start_postgres(Path(var))
        stop_postgres(Path(var))


def give_coins(ctx: Context, bus: LocalBus) -> list[UUID]:
    """People with many coins, from two funds."""
    people, funds = [new_id() for _ in range(PEOPLE)], [new_id(), new_id()]
    half = COINS_EACH * PEOPLE // 2
    events: list[TopUpSettled | CoinsAwarded] = [
        TopUpSettled(topup_id=new_id(), fund_id=fund, amount_cents=half, fee_cents=0, channel="bank") for fund in funds
    ]
    events += [an_award(COINS_EACH, in_order(*funds), person_id=person, expires_on=FOR_GOOD) for person in people]
    consumer = Consumer(ctx, bus.subscribe("ledger", topics_of(ctx)))
    for event in events:
        contract = contract_of(type(event))
        told: Envelope[object] = Envelope(
            id=new_id(), type=contract.type, occurred_at=ctx.clock.now(), key=str(getattr(event, contract.key)),
            correlation_id=new_id(), data=event,
        )  # fmt: skip
        bus.publish([Message(topic=contract.topic, key=told.key, value=encode(told))])
        while consumer.poll_once():
            pass
    return people


def sell_under_kills(server: Server, tills: Sequence[Selling], *, seed: int, between_s: tuple[float, float]) -> None:
    """All tills sell while the server is killed `KILLS` times; each ends when it has heard of what it asked last."""
    draw = random.Random(seed)
    server.start()
    for till in tills:
        till.thread.start()
    for _ in range(KILLS):
        time.sleep(draw.uniform(*between_s))
        server.kill()
        server.start()
    time.sleep(1)
    for till in tills:
        till.closing.set()
    for till in tills:
        till.thread.join(timeout=PATIENCE_S)
        assert not till.thread.is_alive(), "a till was never answered"


def test_whatever_the_moment_of_the_kill_each_sale_a_till_was_told_of_is_in_the_books_once(url: str) -> None:
    with a_ledger(url) as (ctx, bus):
        people, shops = give_coins(ctx, bus), [new_id() for _ in range(SHOPS)]
        port = free_port()
        server = Server(["tests.faults.serve_ledger", url, str(port), KEY], port)
        tills = [Till(server, ctx, number, people, shops) for number in range(TILLS)]
        try:
            sell_under_kills(server, tills, seed=13, between_s=(0.1, 1.2))
        finally:
            server.kill()
        told = {sale_id: cents for till in tills for sale_id, cents in till.told.items()}
        print(f"{KILLS} kills, {len(told)} sales acknowledged after {sum(till.tries for till in tills)} tries")
        assert len(told) > 20 * KILLS

        with ctx.engine.connect() as conn:
            sold = conn.execute(
                text("SELECT journal, sum(amount_cents) FROM transfers WHERE kind = 'sale' GROUP BY journal")
            ).all()
            assert {row[0]: int(row[1]) for row in sold} == told, (
                "every till was answered in the end, so nothing else is there"
            )
            sums = (
                "SELECT split_part(code, '/', 1), sum(credits_posted - debits_posted)::bigint FROM accounts GROUP BY 1"
            )
            total = Counter(dict(map(tuple, conn.execute(text(sums)).all())))
            assert (total["coins"] + total["shop"], total["shop"]) == (COINS_EACH * PEOPLE, sum(told.values()))
            broken = {sentence: conn.execute(text(query)).all() for sentence, query in ctx.room.checks.items()}
        assert {sentence: rows for sentence, rows in broken.items() if rows} == {}

        while relay_once(ctx, bus):
            pass
        assert spent_on_the_bus(bus) == told


def spent_on_the_bus(bus: LocalBus) -> dict[UUID, int]:
    """The sales the others hear of; under how many event ids each comes is told by a clash here."""
    with bus._engine.connect() as conn:
        values = conn.scalars(text("SELECT value FROM log WHERE topic = 'ledger'")).all()
    events = {event.id: event.data for event in map(decode, map(bytes, values)) if isinstance(event.data, CoinsSpent)}
    sales = Counter(spent.sale_id for spent in events.values())
    assert set(sales.values()) <= {1}, "a sale was told under two event ids"
    return {spent.sale_id: spent.amount_cents for spent in events.values()}
