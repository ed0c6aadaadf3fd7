"""`meritcoin topics` on a real broker: planned, applied, and then there is nothing left to do."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from infra.kafka.cluster import Cluster
from infra.kafka_bus import KafkaBus
from infra.kafka_topics import carry_out, found_on
from infra.topics import Step, Wanted, plan
from tests.builders_bus import fresh_topic, message
from tests.kafka_broker import a_kafka_bus, make_topics

pytestmark = pytest.mark.kafka
WANTED = Wanted(partitions=6, replication=1, min_in_sync=1)


@pytest.fixture
def bus(kafka: Cluster) -> Iterator[KafkaBus]:
    bus = a_kafka_bus(kafka)
    yield bus
    bus.close()


def planned(bus: KafkaBus, names: list[str], wanted: Wanted = WANTED) -> tuple[list[Step], list[str]]:
    return plan(names, wanted, found_on(bus, names))


def test_topics_are_made_and_weak_ones_put_right_until_nothing_is_left(bus: KafkaBus) -> None:
    missing, weak = names = [fresh_topic(), fresh_topic()]
    make_topics(bus, weak)  # four partitions, kept for a week
    steps, refused = planned(bus, names)
    assert refused == []
    assert Step(topic=missing, create=True) in steps
    assert {step.topic for step in steps} == {missing, weak}
    carry_out(bus, WANTED, steps)
    assert planned(bus, names) == ([], [])
    found = found_on(bus, names)
    assert found[missing] == found[weak]
    assert found[missing].configuration["retention.ms"] == "-1"
    assert (found[missing].partitions, found[missing].replication, found[missing].empty) == (6, 1, True)


def test_a_topic_that_holds_events_keeps_its_partitions_and_its_guarantees(bus: KafkaBus) -> None:
    name = fresh_topic()
    carry_out(bus, WANTED, [Step(topic=name, create=True)])
    bus.publish([message(name, "k", b"v")])
    for other in (
        Wanted(partitions=7, replication=1, min_in_sync=1),
        Wanted(partitions=5, replication=1, min_in_sync=1),
        Wanted(partitions=6, replication=2, min_in_sync=1),
    ):
        _, refused = planned(bus, [name], other)
        assert len(refused) == 1
