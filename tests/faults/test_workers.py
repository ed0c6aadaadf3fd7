"""A city in many processes: relays and consumers on PostgreSQL and Kafka, stopped, killed, and left without their broker."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import text

from infra.embedded import ensure_databases
from infra.kafka.cluster import Cluster
from infra.kafka_bus import KafkaBus, connection_of
from infra.lag import behind, ends_for
from infra.one_service import context_of
from services.events.identity import PersonJoined
from services.kit.context import Context
from services.kit.ids import new_id
from services.kit.settings import Settings, read_settings
from tests.builders_bus import until
from tests.kafka_broker import a_cluster

pytestmark = [pytest.mark.kafka, pytest.mark.proof]
ENDED_S = 60


class City:
    """Settings, and the command line as an operator uses it."""

    def __init__(self, environment: dict[str, str], cluster: Cluster) -> None:
        self.environment, self.cluster = environment, cluster
        self.settings: Settings = read_settings(environment)

    def start(self, *command: str, **more: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "infra", *command], env={**os.environ, **self.environment, **more, "PYTHONWARNINGS": "ignore"},
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    def run(self, *command: str) -> str:
        with self.start(*command) as process:
            said, wrong = process.communicate(timeout=ENDED_S)
        assert process.returncode == 0, wrong
        return said

    @contextmanager
    def working(self, *command: str, **more: str) -> Iterator[subprocess.Popen[str]]:
        """A worker that has begun; ended at the latest with the block."""
        with self.start(*command, **more) as process:
            try:
                assert process.stderr
                line = next((line for line in process.stderr if "worker ready" in line), "")
                assert line, "the worker ended before it was ready"
                yield process
            finally:
                if process.poll() is None:
                    process.kill()


@pytest.fixture(scope="module")
def city(postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    with a_cluster() as cluster:
        environment = {
            "DATABASE_URL": postgres_url.replace("{service}", "apart_{service}"), "VAR": str(tmp_path_factory.mktemp("var")),
            "SECRET_KEYS": "a key that all processes of the city share", "KAFKA_BOOTSTRAP": cluster.bootstrap,
            "KAFKA_PARTITIONS": "4", "KAFKA_REPLICATION": "1", "KAFKA_MIN_IN_SYNC": "1", "AWAY_S": "5",
        }  # fmt: skip
        yield City(environment, cluster)


@pytest.fixture(scope="module")
def opened(city: City) -> City:
    """Databases and topics made, as before the first process starts."""
    ensure_databases(city.environment["DATABASE_URL"], ["attendance"])
    with city.start("consume", "attendance") as early:
        _, said = early.communicate(timeout=ENDED_S)
    assert (early.returncode, "run `meritcoin migrate` first" in said) == (2, True), said
    city.run("migrate")
    city.run("topics", "apply")
    assert city.run("topics", "plan") == "8 topics, 0 steps to do.\n"
    return city


def people_join(identity: Context, count: int) -> None:
    for _ in range(count):
        with identity.transaction() as tx:
            tx.put(PersonJoined(person_id=new_id(), role="volunteer"))


def counts(ctx: Context) -> tuple[int, int]:
    """Events taken, and events not yet published."""
    with ctx.engine.connect() as conn:
        taken = conn.scalar(text("SELECT count(*) FROM inbox")) or 0
        return taken, conn.scalar(text("SELECT count(*) FROM outbox WHERE published_at IS NULL")) or 0


@pytest.fixture
def bus(opened: City) -> Iterator[KafkaBus]:
    bus = KafkaBus(connection_of(opened.settings))
    yield bus
    bus.close()


@pytest.fixture
def identity(opened: City) -> Iterator[Context]:
    ctx = context_of(opened.settings, "identity")
    yield ctx
    ctx.engine.dispose()


@pytest.fixture
def attendance(opened: City) -> Iterator[Context]:
    ctx = context_of(opened.settings, "attendance")
    yield ctx
    ctx.engine.dispose()


def all_heard(bus: KafkaBus, attendance: Context) -> bool:
    return not behind(attendance, ends_for(bus, [attendance]))


def ended_in_order(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=ENDED_S)
    assert process.returncode == 0, said
    assert "worker stopped" in said


def test_events_pass_from_one_service_to_another_and_workers_end_in_order(
    opened: City, bus: KafkaBus, identity: Context, attendance: Context
) -> None:
    before, _ = counts(attendance)
    with opened.working("relay", "identity") as relay, opened.working("consume", "attendance") as consumer:
        people_join(identity, 50)
        until(lambda: counts(attendance)[0] == before + 50, lambda: bus.ends(["identity"]))
        ended_in_order(relay)
        ended_in_order(consumer)
    assert counts(identity)[1] == 0
    assert opened.run("lag", "attendance") == "0 events wait.\n"
    assert opened.run("parked", "list", "attendance") == ""


def test_killed_workers_lose_nothing_and_repeat_nothing(
    opened: City, bus: KafkaBus, identity: Context, attendance: Context
) -> None:
    before, _ = counts(attendance)
    with opened.working("consume", "attendance"):
        for _ in range(3):
            with opened.working("relay", "identity") as relay, opened.working("consume", "attendance") as consumer:
                people_join(identity, 100)
                relay.send_signal(signal.SIGKILL)
                consumer.send_signal(signal.SIGKILL)
        with opened.working("relay", "identity"):
            until(lambda: counts(identity)[1] == 0, lambda: bus.ends(["identity"]))
            until(lambda: all_heard(bus, attendance), lambda: None)
    assert counts(attendance)[0] == before + 300


def test_a_worker_whose_broker_stays_away_ends_with_one(opened: City, identity: Context) -> None:
    with opened.working("consume", "attendance") as consumer, opened.working("relay", "identity") as relay:
        opened.cluster.stop_one(1)
        try:
            people_join(identity, 1)
            for process in (consumer, relay):
                _, said = process.communicate(timeout=ENDED_S)
                assert process.returncode == 1, said
                assert "worker gives up" in said
                assert "database or bus away" in said
        finally:
            opened.cluster.start_one(1)
            opened.cluster.wait()


def test_a_worker_whose_database_stays_away_ends_with_one(opened: City, tmp_path: Path) -> None:
    nowhere = f"postgresql://postgres:@/{{service}}?host={tmp_path}"
    with opened.start("consume", "attendance", DATABASE_URL=nowhere, AWAY_S="1") as consumer:
        _, said = consumer.communicate(timeout=ENDED_S)
    assert consumer.returncode == 1, said
    assert "worker gives up" in said
