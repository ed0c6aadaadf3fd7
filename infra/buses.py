"""Which bus an installation has: Kafka where brokers are set, else the one inside PostgreSQL."""

from __future__ import annotations

from infra.local_bus import LocalBus
from infra.rooms import ROOMS
from services.kit.bus import Bus
from services.kit.db import engine_for
from services.kit.settings import Settings


def bus_of(settings: Settings, url: str) -> Bus:
    """`url`: of the databases, with a literal `{service}`. Kafka is not reached yet: that may fail later, and is tried again then."""
    if settings.kafka_bootstrap:
        from infra.kafka_bus import KafkaBus, connection_of  # half a second of loading that others need not wait for

        return KafkaBus(connection_of(settings))
    return LocalBus(engine_for(url.replace("{service}", "bus")), ROOMS)
