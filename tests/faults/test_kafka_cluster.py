"""Three brokers: one may die and nobody notices; two are one too many, and then nothing counts as published."""

from __future__ import annotations

import pytest

from infra.kafka_topics import carry_out
from infra.topics import Step, Wanted
from services.kit.bus import BusAway, Record
from tests.builders_bus import fresh_topic, message, read, reading, until
from tests.kafka_broker import a_cluster, a_kafka_bus

pytestmark = [pytest.mark.kafka, pytest.mark.proof]


def test_one_broker_of_three_may_die_but_not_two() -> None:
    topic = fresh_topic()
    found: list[Record] = []
    with a_cluster(3) as cluster:
        bus = a_kafka_bus(cluster, patience_s=20.0)
        carry_out(bus, Wanted(partitions=3, replication=3, min_in_sync=2), [Step(topic=topic, create=True)])
        with reading(bus, topic) as subscription:

            def publish(start: int) -> None:
                bus.publish([message(topic, str(n % 7), b"%d" % n) for n in range(start, start + 70)])

            publish(0)
            until(lambda: len(found) >= 70, lambda: found.extend(read(subscription)))
            cluster.kill_one(1)
            publish(70)
            until(lambda: len(found) >= 140, lambda: found.extend(read(subscription)))
            cluster.kill_one(2)
            with pytest.raises(BusAway):
                publish(140)
            cluster.start_one(1)
            cluster.start_one(2)
            cluster.wait()
            publish(140)
            until(lambda: {int(r.value) for r in found} == set(range(210)), lambda: found.extend(read(subscription)))
        bus.close()
    for key in range(7):
        firsts = list(dict.fromkeys(int(r.value) for r in found if r.key == str(key)))
        assert firsts == list(range(key, 210, 7)), "what was published twice may come twice, but in order"
