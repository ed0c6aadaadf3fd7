"""One city for every fault of what it stands on and of its own processes: each test is a scene in it, and proves whole what it broke."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from infra.embedded import start_postgres, stop_postgres
from infra.kafka.cluster import Cluster, free_ports
from services.kit.clock import SharedClock
from tests.city import City, a_city
from tests.conftest import a_folder
from tests.faults.machines import a_disk, am_root
from tests.faults.town_at_work import BROKERS
from tests.kafka_broker import brokers_jars

DISK_MB = 400


@pytest.fixture(scope="package")
def city() -> Iterator[City]:
    """Three brokers, each on a disk of its own where we may make one, PostgreSQL with its own durability, every process, and a clock that
    runs."""
    jars = brokers_jars()
    with ExitStack() as stack:
        var, brokers = stack.enter_context(a_folder()), stack.enter_context(a_folder())
        for n in BROKERS if am_root() else ():
            stack.enter_context(a_disk(brokers / str(n), DISK_MB))
        ports = free_ports(2 * len(BROKERS))
        cluster = Cluster(brokers, jars, ports=ports[: len(BROKERS)], controllers=ports[len(BROKERS) :])
        stack.callback(cluster.stop)
        cluster.start()
        stack.callback(stop_postgres, Path(var))
        url = start_postgres(var)
        city = stack.enter_context(a_city(cluster, url, var, KAFKA_REPLICATION="3", KAFKA_MIN_IN_SYNC="2"))
        assert isinstance(city.town.clock, SharedClock)
        city.town.clock.release()
        yield city
