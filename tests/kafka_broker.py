"""A real Kafka broker for tests: one per test process, on ports of its own, without a download."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from infra.embedded import CannotStart
from infra.kafka.cluster import Cluster, free_ports
from infra.kafka.jars import jars_under, java, wrong
from infra.kafka_bus import KafkaBus, connection_of
from services.kit.settings import read_settings
from tests.conftest import a_folder

ROOT = Path(__file__).parents[1]
PARTITIONS = 4
HOW = "`python -m infra.kafka get` fetches the broker (it needs Java 17 and Maven)"


def brokers_jars() -> Path:
    """The verified jars, or the test is skipped with what would enable it; where CI says nothing may be skipped, it fails."""
    jars = jars_under(ROOT / "var")
    try:
        java()
        reason = "" if not wrong(jars) else f"no Kafka broker under {jars.relative_to(ROOT)}"
    except CannotStart as error:
        reason = str(error)
    if not reason:
        return jars
    if os.environ.get("CI", "").lower() in ("1", "true"):
        pytest.fail(f"{reason}: {HOW}")
    pytest.skip(f"{reason}: {HOW}")


@contextmanager
def a_cluster(brokers: int = 1, **options: dict[str, str]) -> Iterator[Cluster]:
    """Brokers on an empty folder, ready; stopped at the end whatever happened."""
    jars = brokers_jars()
    with a_folder() as folder:
        ports = free_ports(2 * brokers)
        cluster = Cluster(folder, jars, ports=ports[:brokers], controllers=ports[brokers:], **options)
        try:
            cluster.start()
            yield cluster
        finally:
            cluster.stop()


def a_kafka_bus(cluster: Cluster, *topics: str, patience_s: float = 10.0) -> KafkaBus:
    """A bus on a cluster, where these topics exist from now on."""
    bus = KafkaBus(connection_of(read_settings({"KAFKA_BOOTSTRAP": cluster.bootstrap})), patience_s=patience_s)
    make_topics(bus, *topics)
    return bus


def make_topics(bus: KafkaBus, *topics: str) -> None:
    there = set(bus.ask(lambda admin: admin.list_topics()))
    new = {t: {"num_partitions": PARTITIONS, "replication_factor": 1} for t in topics if t not in there}
    if new:
        bus.ask(lambda admin: admin.create_topics(new, wait_for_metadata=True))
