"""What tests of the bus and of what rides on it stand on: either bus, and a made-up service."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from infra.embedded import ensure_databases
from infra.local_bus import LocalBus
from infra.wiring import Town
from services.kit.bus import Bus
from services.kit.context import Context
from services.kit.db import engine_for
from services.kit.ids import new_id
from tests.builders_bus import MakeBus
from tests.builders_mechanics import METADATA, ROOM, broken, gates
from tests.kafka_broker import a_kafka_bus

BUSES = ["local", pytest.param("kafka", marks=pytest.mark.kafka)]


@pytest.fixture(params=BUSES)
def a_bus(request: pytest.FixtureRequest, postgres_url: str) -> Iterator[MakeBus]:
    """Makes a bus on fresh topics; called twice with the same topics it is the same log, as after a restart."""
    opened: list[Bus] = []

    def make(*topics: str) -> Bus:
        if request.param == "kafka":
            opened.append(a_kafka_bus(request.getfixturevalue("kafka"), *topics))
        else:
            ensure_databases(postgres_url, ["bus_suite"])
            opened.append(LocalBus(engine_for(postgres_url.replace("{service}", "bus_suite")), topics))
        return opened[-1]

    yield make
    for bus in opened:
        bus.close()


@pytest.fixture
def ctx(one_town: Town, postgres_url: str) -> Iterator[Context]:
    """A service that publishes on `identity` and listens to itself, on a database of its own."""
    ensure_databases(postgres_url, ["mechanics"])
    engine = engine_for(postgres_url.replace("{service}", "mechanics"))
    METADATA.drop_all(engine)
    METADATA.create_all(engine)
    broken.clear()
    gates.clear()
    yield Context(ROOM, engine, one_town.clock, new_id, one_town.city, one_town.tokens)
    engine.dispose()
