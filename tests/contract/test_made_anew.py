"""A topic that was deleted and made anew is another log, however far it has grown; a person decides what becomes of the positions."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import text

from infra.kafka_bus import KafkaBus
from infra.local_bus import LocalBus
from services.apis.errors import Refused
from services.kit import positions
from services.kit.bus import Bus, BusAway, TopicRecreated
from services.kit.context import Context
from services.kit.ids import new_id
from services.kit.inbox import Consumer
from tests.builders_bus import MakeBus, fresh_group, fresh_topic, until
from tests.builders_mechanics import heard, tell_of
from tests.kafka_broker import make_topics


@contextmanager
def consuming(ctx: Context, bus: Bus, topic: str) -> Iterator[Consumer]:
    consumer = Consumer(ctx, bus.subscribe(fresh_group(), [topic]))
    yield consumer
    consumer.close()


def poll(consumer: Consumer) -> None:
    try:
        consumer.poll_once(timeout_s=0.1)
    except BusAway:
        return  # as a worker: tried again


def made_anew(bus: Bus, topic: str) -> None:
    if isinstance(bus, KafkaBus):
        bus.ask(lambda admin: admin.delete_topics([topic]))
        gone = threading.Event()
        until(lambda: topic not in bus.ask(lambda admin: admin.list_topics()), lambda: gone.wait(0.1))
        make_topics(bus, topic)
        return
    assert isinstance(bus, LocalBus)
    with bus._engine.begin() as conn:
        for table in ("log", "heads"):
            conn.execute(text(f"DELETE FROM {table} WHERE topic = :topic"), {"topic": topic})
    LocalBus(bus._engine, [topic])


def publish(ctx: Context, bus: Bus, topic: str, *people: object) -> None:
    told = threading.Event()

    def attempt() -> None:
        try:
            tell_of(ctx, bus, topic, *people, key="k")  # type: ignore[arg-type]
            told.set()
        except BusAway:
            return

    until(told.is_set, attempt)


def test_one_that_has_outgrown_the_stored_position_is_noticed_and_read_from_its_beginning_once_that_was_decided(
    a_bus: MakeBus, ctx: Context
) -> None:
    topic = fresh_topic()
    bus = a_bus(topic)
    old, new = [new_id() for _ in range(3)], [new_id() for _ in range(5)]
    publish(ctx, bus, topic, *old)
    with consuming(ctx, bus, topic) as consumer:
        until(lambda: len(heard(ctx)) == 3, lambda: poll(consumer))
    made_anew(bus, topic)
    publish(ctx, bus, topic, *new)
    with consuming(ctx, bus, topic) as consumer, pytest.raises(TopicRecreated, match=f"{topic}/. is another log"):
        until(lambda: False, lambda: poll(consumer))
    assert len(heard(ctx)) == 3
    assert any(line.made_anew for line in positions.positions(ctx, bus, [topic]))

    with pytest.raises(Refused, match="reason_missing"):
        positions.restart(ctx, bus, topic, " ")
    positions.restart(ctx, bus, topic, "it was deleted by mistake")
    with consuming(ctx, bus, topic) as consumer:
        until(lambda: len(heard(ctx)) == 8, lambda: poll(consumer))
    assert heard(ctx) == [str(person) for person in (*old, *new)]
    assert not any(line.made_anew or line.waiting for line in positions.positions(ctx, bus, [topic]))


@pytest.mark.parametrize("a_bus", [pytest.param("kafka", marks=pytest.mark.kafka)], indirect=True)
def test_one_that_outgrows_what_was_read_of_it_while_one_reads_is_noticed(a_bus: MakeBus, ctx: Context) -> None:
    topic = fresh_topic()
    bus = a_bus(topic)
    old, new = [new_id() for _ in range(3)], [new_id() for _ in range(50)]
    publish(ctx, bus, topic, *old)
    with consuming(ctx, bus, topic) as consumer:
        until(lambda: len(heard(ctx)) == 3, lambda: poll(consumer))
        made_anew(bus, topic)
        publish(ctx, bus, topic, *new)
        with pytest.raises(TopicRecreated):
            until(lambda: False, lambda: poll(consumer))


def test_events_that_come_again_in_a_log_read_from_its_beginning_change_nothing(a_bus: MakeBus, ctx: Context) -> None:
    topic = fresh_topic()
    bus = a_bus(topic)
    people = [new_id() for _ in range(4)]
    publish(ctx, bus, topic, *people)
    with consuming(ctx, bus, topic) as consumer:
        until(lambda: len(heard(ctx)) == 4, lambda: poll(consumer))
        positions.restart(ctx, bus, topic, "to see that nothing changes")
        publish(ctx, bus, topic, last := new_id())
        until(lambda: str(last) in heard(ctx), lambda: poll(consumer))
    assert heard(ctx) == [str(person) for person in (*people, last)]
