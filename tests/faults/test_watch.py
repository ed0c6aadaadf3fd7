"""Watching processes of a city: whether a worker works, also while what it needs is away; one answer for all processes on one port."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import httpx
import psutil
import pytest
from prometheus_client.parser import text_string_to_metric_families

from infra.kafka.cluster import Cluster, free_ports
from infra.local_bus import PARTITIONS
from infra.one_service import address_of, context_of
from services.apis.identity import GET_ME
from services.events.identity import PersonJoined
from services.kit.ids import new_id
from services.kit.settings import read_settings
from tests.builders_bus import until
from tests.faults.test_web_processes import ENDED_S, listens

Environment = dict[str, str]


pytestmark = pytest.mark.proof


@pytest.fixture(scope="module")
def environment(postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """Of a city on the bus inside PostgreSQL, its databases made."""
    environment = {
        "DATABASE_URL": postgres_url.replace("{service}", "watch_{service}"), "VAR": str(tmp_path_factory.mktemp("var")),
        "SECRET_KEYS": "a key that all processes of the city share",
    }  # fmt: skip
    with running(environment, "migrate") as process:
        assert process.wait(ENDED_S) == 0
    return environment


@contextmanager
def running(environment: Environment, *command: str, **more: str) -> Iterator[subprocess.Popen[bytes]]:
    env = {**os.environ, **environment, **more, "PYTHONWARNINGS": "ignore"}
    with subprocess.Popen([sys.executable, "-m", "infra", *command], env=env, stderr=subprocess.DEVNULL) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.terminate()


@contextmanager
def web_of_identity(
    environment: Environment, *more: str, **settings: str
) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """Processes that answer for identity, and where."""
    here = {**environment, **settings, "PORT": str(free_ports(1)[0] - 1)}  # identity is the first after it
    with running(here, "web", "identity", *more) as web:
        url = address_of("identity", read_settings(here))
        listens(httpx.URL(url).port or 0)
        yield web, url


@contextmanager
def watched(environment: Environment, *command: str, **more: str) -> Iterator[httpx.Client]:
    """A worker, and who asks it how it is."""
    port = free_ports(1)[0]
    with running(environment, *command, WATCH_PORT=str(port), **more):
        listens(port)
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=20) as http:
            yield http


def says(http: httpx.Client, why: str) -> bool:
    """Whether it is ready (no `why`), or not and says so."""
    answer = http.get("/ready")
    assert answer.status_code == (503 if answer.json()["why"] else 200)
    return why in answer.json()["why"] if why else answer.status_code == 200


def figures(http: httpx.Client) -> dict[str, list[float]]:
    """Name -> the values of its samples."""
    found: dict[str, list[float]] = {}
    for family in text_string_to_metric_families(http.get("/metrics").text):
        for sample in family.samples:
            found.setdefault(sample.name, []).append(sample.value)
    return found


def test_a_relay_and_a_consumer_tell_that_they_work_and_how_much_waits(environment: Environment) -> None:
    identity = context_of(read_settings(environment), "identity")
    with watched(environment, "relay", "identity") as relay, watched(environment, "consume", "attendance") as consumer:
        for http in (relay, consumer):
            assert http.get("/health").json() == {"alive": True}
            until(lambda http=http: says(http, ""), lambda: None)  # type: ignore[misc]
            assert http.get("/nonsense").status_code == 404
        with identity.transaction() as tx:
            tx.put(PersonJoined(person_id=new_id(), role="volunteer"))
        until(lambda: sum(figures(consumer).get("meritcoin_events_handled_total", [])) == 1, lambda: None)
        assert figures(relay)["meritcoin_events_published_total"] == [1]
        told = figures(consumer)
        assert len(told["meritcoin_consumer_lag_events"]) == told["meritcoin_assigned_partitions"][0] == 2 * PARTITIONS
        assert (told["meritcoin_ready"], told["meritcoin_backing_off"]) == ([1], [0])
        assert consumer.get("/status").json()["service"] == "attendance"
    identity.engine.dispose()


def test_a_worker_whose_database_is_away_is_alive_and_not_ready(environment: Environment, tmp_path: object) -> None:
    nowhere = f"postgresql://postgres:@/{{service}}?host={tmp_path}"
    with watched(environment, "consume", "attendance", DATABASE_URL=nowhere) as worker:
        until(lambda: says(worker, "The worker waits for its database or bus, which is away."), lambda: None)
        assert worker.get("/health").status_code == 200
        told = figures(worker)
        assert (told["meritcoin_ready"], told["meritcoin_backing_off"]) == ([0], [1])


@pytest.mark.kafka
def test_workers_are_not_ready_while_the_brokers_are_away_and_then_are_again(
    environment: Environment, kafka: Cluster
) -> None:
    on_kafka = {
        **environment, "KAFKA_BOOTSTRAP": kafka.bootstrap, "KAFKA_PARTITIONS": "4", "KAFKA_REPLICATION": "1", "KAFKA_MIN_IN_SYNC": "1",
    }  # fmt: skip
    with running(on_kafka, "topics", "apply") as process:
        assert process.wait(ENDED_S) == 0
    with (
        watched(on_kafka, "relay", "identity") as relay,
        watched(on_kafka, "consume", "redemption") as one,
        watched(on_kafka, "consume", "redemption") as other,
    ):
        workers = (relay, one, other)
        for http in workers:
            until(lambda http=http: says(http, ""), lambda: None)  # type: ignore[misc]
        kafka.stop_one(1)
        try:
            for http in workers:
                until(lambda http=http: not says(http, ""), lambda: None)  # type: ignore[misc]
                assert http.get("/health").status_code == 200
        finally:
            kafka.start_one(1)
            kafka.wait()
        for http in workers:
            until(lambda http=http: says(http, ""), lambda: None)  # type: ignore[misc]


def test_of_several_processes_on_one_port_any_tells_what_all_counted(environment: Environment) -> None:
    asked = 60
    with web_of_identity(environment, "--processes", "2") as (web, url):
        until(lambda: len(psutil.Process(web.pid).children()) >= 2, lambda: None)

        def ask(_: int) -> int:
            with httpx.Client(base_url=url) as http:  # a connection of its own: the system gives it to either process
                return http.get(GET_ME.path).status_code

        with ThreadPoolExecutor(8) as pool:
            assert set(pool.map(ask, range(asked))) == {401}
        totals = set()
        for _ in range(10):
            with httpx.Client(base_url=url) as http:
                totals.add(sum(figures(http)["meritcoin_requests_total"]))
    assert totals == {asked}
