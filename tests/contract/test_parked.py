"""Replaying parked events keeps the order of each key, also while consumers go on."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest
from sqlalchemy import text

from infra.embedded import ensure_databases
from infra.local_bus import LocalBus
from services.apis.errors import Refused
from services.kit import parked
from services.kit.bus import Message
from services.kit.context import Context
from services.kit.db import engine_for
from services.kit.ids import new_id
from services.kit.inbox import Consumer
from tests.builders_bus import fresh_topic, until
from tests.builders_mechanics import Gate, as_bytes, broken, drain, gates, heard, tell_of


@pytest.fixture
def topic() -> str:
    return fresh_topic()


@pytest.fixture
def bus(postgres_url: str, topic: str) -> Iterator[LocalBus]:
    ensure_databases(postgres_url, ["bus_suite"])
    bus = LocalBus(engine_for(postgres_url.replace("{service}", "bus_suite")), [topic])
    yield bus
    bus.close()


@pytest.fixture
def consumer(ctx: Context, bus: LocalBus, topic: str) -> Consumer:
    return Consumer(ctx, bus.subscribe("readers", [topic]))


def park(ctx: Context, bus: LocalBus, topic: str, consumer: Consumer, *people: UUID, key: str = "k") -> None:
    """All of one key, of which the first cannot be handled: mended when this returns."""
    broken.add(people[0])
    tell_of(ctx, bus, topic, *people, key=key)
    drain(consumer)
    broken.clear()


def numbers(ctx: Context) -> list[int]:
    return [row.seq for row in parked.parked(ctx)]


def a_lock_is_waited_for(ctx: Context) -> bool:
    waiting = (
        "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock')"
    )
    with ctx.engine.connect() as conn:
        return bool(conn.scalar(text(waiting)))


def test_what_is_parked_at_the_moment_when_the_last_before_it_is_replayed_is_replayed_too(
    ctx: Context, bus: LocalBus, topic: str, consumer: Consumer
) -> None:
    """The consumer has seen that its key waits, and has not yet committed what it parks behind it, when the replay comes."""
    first, second, slow = new_id(), new_id(), new_id()
    park(ctx, bus, topic, consumer, first)
    gates[slow] = gate = Gate()
    bus.publish([Message(topic=topic, key=key, value=as_bytes(ctx, p)) for key, p in (("k", second), ("other", slow))])
    with ThreadPoolExecutor(2) as pool:
        consuming = pool.submit(drain, consumer)
        assert gate.reached.wait(60)
        replaying = pool.submit(parked.replay, ctx)
        until(lambda: replaying.done() or a_lock_is_waited_for(ctx), lambda: None)
        gate.opened.set()
        consuming.result()
        assert replaying.result() == parked.Replayed(2, {})
    assert heard(ctx) == [str(slow), str(first), str(second)]
    assert numbers(ctx) == []


def test_a_consumer_waits_while_the_last_before_its_event_is_replayed(
    ctx: Context, bus: LocalBus, topic: str, consumer: Consumer
) -> None:
    """Otherwise it would either overtake the one before it, or be parked behind what no longer waits."""
    first, second = new_id(), new_id()
    park(ctx, bus, topic, consumer, first)
    gates[first] = gate = Gate()
    with ThreadPoolExecutor(2) as pool:
        replaying = pool.submit(parked.replay, ctx)
        assert gate.reached.wait(60)
        tell_of(ctx, bus, topic, second, key="k")
        consuming = pool.submit(drain, consumer)
        until(lambda: consuming.done() or a_lock_is_waited_for(ctx), lambda: None)
        gate.opened.set()
        assert replaying.result() == parked.Replayed(1, {})
        consuming.result()
    assert heard(ctx) == [str(first), str(second)]
    assert numbers(ctx) == []


def test_the_last_of_several_is_given_up_while_a_consumer_is_about_to_park_behind_it(
    ctx: Context, bus: LocalBus, topic: str, consumer: Consumer
) -> None:
    """What waits before it still holds the key."""
    first, last, after = new_id(), new_id(), new_id()
    park(ctx, bus, topic, consumer, first, last)
    dropping = ctx.transaction()
    tx = dropping.__enter__()
    parked._end(tx.session, numbers(ctx)[1], tx.now, "dropped: in a test")
    with ThreadPoolExecutor(1) as pool:
        tell_of(ctx, bus, topic, after, key="k")
        consuming = pool.submit(drain, consumer)
        until(lambda: consuming.done() or a_lock_is_waited_for(ctx), lambda: None)
        dropping.__exit__(None, None, None)
        consuming.result()
    assert heard(ctx) == []
    assert parked.replay(ctx) == parked.Replayed(2, {})
    assert heard(ctx) == [str(first), str(after)]


def test_the_order_of_a_key_outlives_replays_that_never_cease(
    ctx: Context, bus: LocalBus, topic: str, consumer: Consumer
) -> None:
    """Two replay without end, faults come and are mended, and the consumer goes on: each is heard once, in order."""
    people = [new_id() for _ in range(120)]
    ended = threading.Event()

    def replay() -> None:
        while not ended.is_set():
            parked.replay(ctx)

    with ThreadPoolExecutor(2) as pool:
        replaying = [pool.submit(replay) for _ in range(2)]
        try:
            for n in range(0, len(people), 4):
                broken.update(people[n : n + 1])
                tell_of(ctx, bus, topic, *people[n : n + 4], key="k")
                drain(consumer)
                broken.clear()
            until(lambda: not numbers(ctx), lambda: None)
        finally:
            ended.set()
        for one in replaying:
            one.result()
    assert heard(ctx) == [str(p) for p in people]


def test_what_still_fails_holds_its_own_key_and_no_other(
    ctx: Context, bus: LocalBus, topic: str, consumer: Consumer
) -> None:
    bad, behind, good = new_id(), new_id(), new_id()
    park(ctx, bus, topic, consumer, bad, behind, key="bad")
    park(ctx, bus, topic, consumer, good, key="good")
    first = numbers(ctx)[0]
    assert [(row.seq, row.behind) for row in parked.first_of_each_key(ctx)] == [(first, 1), (numbers(ctx)[2], 0)]
    broken.add(bad)
    assert parked.replay(ctx) == parked.Replayed(1, {first: "ZeroDivisionError: a planted fault"})
    assert heard(ctx) == [str(good)]
    with pytest.raises(Refused, match=f"waits behind {first} of the same key"):
        parked.replay(ctx, numbers(ctx)[1])
    parked.drop(ctx, first, "it never happened")
    assert parked.replay(ctx, numbers(ctx)[0]) == parked.Replayed(1, {})
    assert heard(ctx) == [str(good), str(behind)]


def test_one_is_replayed_with_what_waits_behind_it_and_others_are_left(
    ctx: Context, bus: LocalBus, topic: str, consumer: Consumer
) -> None:
    left, first, second = new_id(), new_id(), new_id()
    park(ctx, bus, topic, consumer, left, key="left")
    park(ctx, bus, topic, consumer, first, second)
    assert parked.replay(ctx, numbers(ctx)[1]) == parked.Replayed(2, {})
    assert heard(ctx) == [str(first), str(second)]
    assert len(numbers(ctx)) == 1
