"""A topic is deleted by mistake in a city of many processes: the worker stops, and the command line brings everything back."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from infra.kafka_bus import KafkaBus, connection_of
from infra.lag import behind, ends_for
from infra.one_service import context_of
from services.kit.context import Context
from tests.builders_bus import until
from tests.faults.test_parked import ended
from tests.faults.test_workers import ENDED_S, City, counts, people_join

pytestmark = [pytest.mark.kafka, pytest.mark.proof]


@pytest.fixture
def bus(apart: City) -> Iterator[KafkaBus]:
    bus = KafkaBus(connection_of(apart.settings))
    yield bus
    bus.close()


@pytest.fixture
def identity(apart: City) -> Iterator[Context]:
    ctx = context_of(apart.settings, "identity")
    yield ctx
    ctx.engine.dispose()


@pytest.fixture
def attendance(apart: City) -> Iterator[Context]:
    ctx = context_of(apart.settings, "attendance")
    yield ctx
    ctx.engine.dispose()


def delete(bus: KafkaBus, topic: str) -> None:
    bus.ask(lambda admin: admin.delete_topics([topic]))
    gone = threading.Event()
    until(lambda: topic not in bus.ask(lambda admin: admin.list_topics()), lambda: gone.wait(0.1))


def carried(city: City, bus: KafkaBus, identity: Context) -> None:
    """One relay carries all that waits."""
    with city.working("relay", "identity"):
        until(lambda: counts(identity)[1] == 0, lambda: bus.ends(["identity"]))


def test_a_deleted_topic_is_filled_again_and_heard_without_repeating_anything(
    apart: City, bus: KafkaBus, identity: Context, attendance: Context
) -> None:
    people_join(identity, 40)
    carried(apart, bus, identity)
    with apart.working("consume", "attendance"):
        until(lambda: not behind(attendance, ends_for(bus, [attendance])), lambda: None)
    taken, _ = counts(attendance)
    assert taken >= 40
    assert ended(apart, "positions", "attendance", "--topic", "identity")[0] == 0
    status, said = ended(apart, "republish", "identity", "--reason", "too early")
    assert (status, "topic_not_empty: The topic identity holds" in said) == (2, True), said

    delete(bus, "identity")
    apart.run("topics", "apply")
    assert ended(apart, "republish", "identity")[0] == 2
    assert f"{taken} events are published again" in apart.run("republish", "identity", "--reason", "deleted by mistake")
    people_join(identity, 10)
    carried(apart, bus, identity)

    with apart.start("consume", "attendance") as consumer:
        _, said = consumer.communicate(timeout=ENDED_S)
    assert consumer.returncode == 1
    assert "a person must look" in said
    assert "`meritcoin positions attendance` shows what can be done" in said
    status, said = ended(apart, "positions", "attendance")
    assert (status, said.startswith("Made anew: identity.")) == (1, True), said
    restart = ("positions", "attendance", "--topic", "identity", "--restart")
    assert ended(apart, *restart)[0] == 2
    apart.run(*restart, "--reason", "it was deleted by mistake")
    with apart.working("consume", "attendance"):
        until(lambda: not behind(attendance, ends_for(bus, [attendance])), lambda: None)
    assert counts(attendance)[0] == taken + 10
    assert ended(apart, "positions", "attendance")[0] == 0
