"""A stored position never passes over an event, whatever becomes of the database or the connection to it while a consumer runs."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from uuid import UUID

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError

from services.kit.bus import Bus
from services.kit.context import Context
from services.kit.ids import new_id
from services.kit.inbox import Consumer
from services.kit.parked import parked_count as waiting
from tests.builders_bus import MakeBus, fresh_group, fresh_topic, until
from tests.builders_mechanics import broken, heard, tell_of


@pytest.fixture
def topic() -> str:
    return fresh_topic()


@pytest.fixture
def bus(a_bus: MakeBus, topic: str) -> Bus:
    return a_bus(topic)


@contextmanager
def consuming(ctx: Context, bus: Bus, topic: str) -> Iterator[Consumer]:
    consumer = Consumer(ctx, bus.subscribe(fresh_group(), [topic]), look_back_every=1)
    yield consumer
    consumer.close()


def hear_of(ctx: Context, consumer: Consumer, *people: UUID) -> None:
    """Poll until each of these was heard of, and once more."""
    wanted = set(map(str, people))
    until(lambda: wanted <= set(heard(ctx)), lambda: consumer.poll_once(timeout_s=0.1))
    consumer.poll_once()


def an_earlier_database(ctx: Context) -> None:
    """As if the database had been restored to when nothing had been heard, under a consumer that goes on."""
    with ctx.engine.begin() as conn:
        conn.exec_driver_sql("TRUNCATE heard, inbox, positions RESTART IDENTITY")


def cut_off(ctx: Context) -> None:
    """As if the server had closed every connection to this database."""
    other = create_engine(ctx.engine.url.set(database="postgres"))
    with other.connect() as conn:
        ended = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = :name"
        conn.execute(text(ended), {"name": ctx.engine.url.database}).all()
    other.dispose()


def test_what_lies_between_the_stored_position_and_what_was_read_is_read_again(
    ctx: Context, bus: Bus, topic: str
) -> None:
    people = [new_id() for _ in range(8)]
    with consuming(ctx, bus, topic) as consumer:
        tell_of(ctx, bus, topic, *people[:7])
        hear_of(ctx, consumer, *people[:7])
        an_earlier_database(ctx)
        tell_of(ctx, bus, topic, people[7])
        hear_of(ctx, consumer, *people)
    assert sorted(heard(ctx)) == sorted(map(str, people))


def test_a_consumer_to_whom_nothing_comes_notices_an_earlier_database_too(ctx: Context, bus: Bus, topic: str) -> None:
    people = [new_id() for _ in range(5)]
    with consuming(ctx, bus, topic) as consumer:
        tell_of(ctx, bus, topic, *people)
        hear_of(ctx, consumer, *people)
        an_earlier_database(ctx)
        hear_of(ctx, consumer, *people)
    assert sorted(heard(ctx)) == sorted(map(str, people))


def test_an_earlier_database_amid_a_batch_that_goes_one_at_a_time_passes_over_nothing(
    ctx: Context, bus: Bus, topic: str
) -> None:
    before, bad, after = [new_id() for _ in range(3)], new_id(), new_id()
    with consuming(ctx, bus, topic) as consumer:
        tell_of(ctx, bus, topic, *before, key="k")
        hear_of(ctx, consumer, *before)
        broken.add(bad)
        tell_of(ctx, bus, topic, bad, after, key="k")
        with at_the_first_failure(lambda: an_earlier_database(ctx)):
            until(lambda: waiting(ctx) == 2, lambda: consumer.poll_once(timeout_s=0.1))
        broken.clear()
    assert heard(ctx) == [str(p) for p in before]


def test_a_connection_that_breaks_amid_such_a_batch_passes_over_nothing_of_any_partition(
    ctx: Context, bus: Bus, topic: str
) -> None:
    """Nothing may have to come after it: what was read with it and not handled is read again at once."""
    bad, people = [new_id() for _ in range(8)], [new_id() for _ in range(40)]  # some of them in every partition
    with consuming(ctx, bus, topic) as consumer:
        until(lambda: bool(consumer._subscription.newly_assigned()), lambda: consumer.poll_once(timeout_s=0.1))
        consumer.poll_once()
        broken.update(bad)
        tell_of(ctx, bus, topic, *bad, *people)
        with at_the_first_failure(lambda: cut_off(ctx)), pytest.raises(DBAPIError):
            until(lambda: False, lambda: consumer.poll_once(timeout_s=0.1))
        hear_of(ctx, consumer, *people)
    assert sorted(heard(ctx)) == sorted(map(str, people))


@contextmanager
def at_the_first_failure(what: Callable[[], None]) -> Iterator[None]:
    """Do it when the first failed event is told of, which is between two attempts at it."""
    left = [what]

    class Listener(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if left and record.getMessage() == "event failed":
                left.pop()()

    listener = Listener()
    logging.getLogger("meritcoin").addHandler(listener)
    try:
        yield
    finally:
        logging.getLogger("meritcoin").removeHandler(listener)
    assert not left
