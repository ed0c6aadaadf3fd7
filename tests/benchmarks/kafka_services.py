"""How fast an attendance becomes coins through three services in processes of their own, and what the outbox costs a sale."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from contextlib import ExitStack
from unittest.mock import patch

from services.kit.db import Tx
from tests.benchmarks.kafka import PATIENCE_S, PROGRAMME, City, a_city, count_of, fill_outbox, produced
from tests.benchmarks.row import Row
from tests.benchmarks.scene import a_scratch_town
from tests.builders_awards import a_confirmed
from tests.builders_redemption import a_customer, a_paired_till, a_payment_code

THROUGH_THREE = 30_000
AT_100_S = 20
SALES = 400
ATTENDANCE, AWARDS = "relay attendance", "relay awards"
ISSUED = "SELECT count(*) FROM transfers WHERE kind = 'award'"
WAITING = "SELECT count(*) FROM outbox WHERE published_at IS NULL"


def through_services() -> list[Row]:
    """Attendance confirmed to coins on the balance: attendance's outbox, awards, the ledger."""
    rates = {}
    for consumers in (1, 3):
        workers = [f"consume {service}" for service in ("awards", "ledger") for _ in range(consumers)]
        with a_city() as city:
            rates[consumers] = statistics.median(confirmed_to_balance(city, *workers) for _ in range(3))
    with a_city() as city:
        took = sorted(latencies(city))
        plain = statistics.median(produced(city, THROUGH_THREE // 2) for _ in range(3))
    return [
        Row("kafka.confirmed_to_balance", rates[1], "/s", "reference.kafka_produce", rates[1] / plain),
        Row("kafka.confirmed_to_balance_3", rates[3], "/s", "kafka.confirmed_to_balance", rates[3] / rates[1]),
        Row("kafka.confirmed_to_balance_p50_ms", took[len(took) // 2], "ms"),
        Row("kafka.confirmed_to_balance_p99_ms", took[int(len(took) * 0.99)], "ms"),
        share_of_sale(),
    ]


def until(done: Callable[[], bool], pause_s: float = 0.05) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not done():
        assert time.monotonic() < deadline, f"not done after {PATIENCE_S:.0f} s"
        time.sleep(pause_s)


def confirmed_to_balance(city: City, *workers: str) -> float:
    """Per second, from the first that leaves attendance's outbox on: it is filled before, all others wait for it."""
    attendance, ledger = city.context("attendance"), city.context("ledger")
    before = count_of(ledger, ISSUED)
    with city.running(AWARDS, *workers):
        with city.running(ATTENDANCE):
            fill_outbox(attendance, 100)
            until(lambda: count_of(ledger, ISSUED) == before + 100)  # everybody has begun
        fill_outbox(attendance, THROUGH_THREE)
        with city.running(ATTENDANCE):
            until(lambda: count_of(attendance, WAITING) < THROUGH_THREE)
            began = time.perf_counter()
            until(lambda: count_of(ledger, ISSUED) == before + 100 + THROUGH_THREE)
            took = time.perf_counter() - began
    attendance.engine.dispose()
    ledger.engine.dispose()
    return THROUGH_THREE / took


def latencies(city: City) -> list[float]:
    """Milliseconds from the commit in attendance to coins that can be read, of each of a hundred a second."""
    attendance, ledger = city.context("attendance"), city.context("ledger")
    told: dict[str, float] = {}
    took: list[float] = []
    with city.running(ATTENDANCE, AWARDS, "consume awards", "consume ledger"):
        fill_outbox(attendance, 100)
        until(lambda: count_of(ledger, ISSUED) == 100)
        seen, began = count_of(ledger, "SELECT max(seq) FROM outbox"), time.perf_counter()
        with ledger.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:

            def look() -> bool:
                """Note whose coins have come. By `seq`, as the ledger's one consumer is alone in writing events here."""
                nonlocal seen
                new = "SELECT seq, key FROM outbox WHERE seq > %s ORDER BY seq"
                for seq, key in conn.exec_driver_sql(new, (seen,)).all():
                    seen = seq
                    took.append((time.perf_counter() - told[key]) * 1000)
                return len(took) == len(told)

            for n in range(100 * AT_100_S):
                one = a_confirmed(started_at=attendance.clock.now(), programme_id=PROGRAMME)
                with attendance.transaction() as tx:
                    tx.put(one)
                told[str(one.person_id)] = time.perf_counter()
                while time.perf_counter() < began + (n + 1) / 100:
                    look()
                    time.sleep(0.002)
            until(look, 0.002)
    attendance.engine.dispose()
    ledger.engine.dispose()
    return took


def share_of_sale() -> Row:
    """How much shorter a sale is when its events are not written: redemption and the ledger in one process, in turns with and without."""
    with a_scratch_town() as town:
        till = a_paired_till(town)
        customers = [a_customer(town, 10_000) for _ in range(SALES // 5)]
        took: dict[bool, list[float]] = {True: [], False: []}
        for n in range(SALES):
            code = a_payment_code(town, customers[n % len(customers)])
            written = (n + n // len(customers)) % 2 == 0  # everybody buys both ways
            with ExitStack() as stack:
                if not written:
                    stack.enter_context(patch.object(Tx, "put", lambda *_, **__: None))
                began = time.perf_counter()
                till.sell(code, 1)
                took[written].append(time.perf_counter() - began)
        whole, without = statistics.median(took[True]), statistics.median(took[False])
    return Row("outbox.share_of_sale", (1 - without / whole) * 100, "%")
