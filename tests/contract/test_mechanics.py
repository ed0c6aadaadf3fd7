"""Outbox, relay, consumer, parking: whatever dies or repeats, each event takes effect once, in order per key."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from infra.embedded import ensure_databases
from infra.local_bus import LocalBus
from infra.wiring import Town
from services.events import Envelope, encode
from services.events.identity import PersonErased, PersonJoined
from services.kit import parked
from services.kit.bus import Message, MessageTooLarge
from services.kit.context import Context
from services.kit.db import OUTBOX, Tx, engine_for
from services.kit.ids import new_id
from services.kit.inbox import Consumer, TooManyParked
from services.kit.outbox import oldest_unpublished_s, relay_once
from tests.builders_mechanics import ROOM, broken, drain, heard, joined


@pytest.fixture
def bus(postgres_url: str) -> Iterator[LocalBus]:
    ensure_databases(postgres_url, ["mechanics_bus"])
    engine = engine_for(postgres_url.replace("{service}", "mechanics_bus"))
    with engine.begin() as conn:
        conn.exec_driver_sql("DROP TABLE IF EXISTS log, heads")
    bus = LocalBus(engine, ["identity"])
    yield bus
    bus.close()


def put(ctx: Context, *people: UUID) -> None:
    with ctx.transaction() as tx:
        for person_id in people:
            tx.put(joined(person_id))


def consumer_of(ctx: Context, bus: LocalBus) -> Consumer:
    return Consumer(ctx, bus.subscribe("identity", ["identity"]))


def raw(bus: LocalBus, key: str, value: bytes) -> None:
    bus.publish([Message(topic="identity", key=key, value=value)])


def test_an_event_is_published_with_its_transaction_or_not_at_all(ctx: Context, bus: LocalBus) -> None:
    def put_and_fail() -> None:
        with ctx.transaction() as tx:
            tx.put(joined(new_id()))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        put_and_fail()
    assert relay_once(ctx, bus) == 0
    put(ctx, new_id())
    assert relay_once(ctx, bus) == 1
    assert relay_once(ctx, bus) == 0


def test_the_relay_finds_an_event_committed_late_behind_a_higher_number(ctx: Context, bus: LocalBus) -> None:
    late = ctx.transaction()
    tx = late.__enter__()
    tx.put(joined(new_id()))
    tx.write_outbox()  # its number is drawn, its transaction still open
    put(ctx, new_id())
    assert relay_once(ctx, bus) == 1
    late.__exit__(None, None, None)
    assert relay_once(ctx, bus) == 1


def test_only_one_relay_of_a_service_is_at_work(ctx: Context, bus: LocalBus) -> None:
    put(ctx, new_id())
    with ctx.engine.begin() as conn:
        conn.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": 0x6D65726974})
        assert relay_once(ctx, bus) == 0
    assert relay_once(ctx, bus) == 1


def test_a_relay_that_died_before_marking_publishes_again_and_the_effect_stays_single(
    ctx: Context, bus: LocalBus
) -> None:
    person = new_id()
    put(ctx, person)
    relay_once(ctx, bus)
    with ctx.engine.begin() as conn:
        conn.execute(OUTBOX.update().values(published_at=None))
    assert oldest_unpublished_s(ctx) >= 0
    relay_once(ctx, bus)
    drain(consumer_of(ctx, bus))
    assert heard(ctx) == [str(person)]


def test_a_consumer_that_died_after_the_effect_does_not_repeat_it(ctx: Context, bus: LocalBus) -> None:
    people = [new_id() for _ in range(3)]
    put(ctx, *people)
    relay_once(ctx, bus)
    consumer_of(ctx, bus).poll_once()  # dies before telling the bus
    drain(consumer_of(ctx, bus))
    assert sorted(heard(ctx)) == sorted(map(str, people))


def test_a_consumer_whose_transaction_dies_repeats_the_whole_batch(
    ctx: Context, bus: LocalBus, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = [new_id() for _ in range(3)]
    put(ctx, *people)
    relay_once(ctx, bus)

    def cut_off(self: Tx) -> None:
        self.session.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))

    monkeypatch.setattr(Tx, "write_outbox", cut_off)
    consumer = consumer_of(ctx, bus)
    with pytest.raises(Exception, match=r"terminating connection|server closed"):
        consumer.poll_once()
    assert heard(ctx) == []
    monkeypatch.undo()
    drain(consumer)
    assert sorted(heard(ctx)) == sorted(map(str, people))


def test_an_unreadable_record_is_parked_and_does_not_hold_the_others(ctx: Context, bus: LocalBus) -> None:
    person = new_id()
    raw(bus, "x", b"no json")
    raw(bus, "x", b'{"type": "nobody.knows.v1"}')
    put(ctx, person)
    relay_once(ctx, bus)
    drain(consumer_of(ctx, bus))
    assert heard(ctx) == [str(person)]
    assert [row.reason.split(":")[0] for row in parked.parked(ctx)] == [
        "unreadable",
        "an earlier event of this key is parked",
    ]


def test_a_failing_event_is_parked_its_key_waits_behind_it_and_replay_keeps_the_order(
    ctx: Context, bus: LocalBus
) -> None:
    bad, good = new_id(), new_id()
    broken.add(bad)
    put(ctx, bad, good, bad)
    relay_once(ctx, bus)
    drain(consumer_of(ctx, bus))
    assert heard(ctx) == [str(good)]
    assert parked.parked_count(ctx) == 2

    broken.clear()
    assert parked.replay(ctx).done == 2
    assert heard(ctx) == [str(good), str(bad), str(bad)]
    assert parked.parked_count(ctx) == 0


def test_a_parked_event_is_dropped_only_for_a_stated_reason(ctx: Context, bus: LocalBus) -> None:
    raw(bus, "x", b"no json")
    drain(consumer_of(ctx, bus))
    (row,) = parked.parked(ctx)
    with pytest.raises(Exception, match="reason_missing"):
        parked.drop(ctx, row.seq, " ")
    parked.drop(ctx, row.seq, "written by hand during a rehearsal")
    assert parked.parked_count(ctx) == 0


def test_many_failures_in_a_row_stop_the_consumer(ctx: Context, bus: LocalBus) -> None:
    people = [new_id() for _ in range(25)]
    broken.update(people)
    put(ctx, *people)
    relay_once(ctx, bus)
    with pytest.raises(TooManyParked):
        drain(consumer_of(ctx, bus))


def test_failures_with_good_events_between_them_are_not_in_a_row(ctx: Context, bus: LocalBus) -> None:
    consumer, people = consumer_of(ctx, bus), [new_id() for _ in range(25)]
    broken.update(people)
    for person in people:
        for one in (person, new_id()):
            put(ctx, one)
            relay_once(ctx, bus)
            drain(consumer)
    assert parked.parked_count(ctx) == 25


def test_a_service_may_not_publish_for_another(ctx: Context) -> None:
    other = replace(ctx, room=replace(ROOM, name="shifts"))
    with pytest.raises(ValueError, match="may not publish"), other.transaction() as tx:
        tx.put(PersonErased(person_id=new_id()))


def test_a_read_model_can_be_rebuilt_from_the_first_event(ctx: Context, bus: LocalBus) -> None:
    people = [new_id() for _ in range(5)]
    put(ctx, *people)
    relay_once(ctx, bus)
    drain(consumer_of(ctx, bus))
    before = heard(ctx)
    with ctx.engine.begin() as conn:
        conn.exec_driver_sql("TRUNCATE heard, inbox, positions RESTART IDENTITY")
    drain(consumer_of(ctx, bus))
    assert sorted(heard(ctx)) == sorted(before)


def test_an_event_no_handler_wants_only_moves_the_position(ctx: Context, bus: LocalBus) -> None:
    envelope: Envelope[Any] = Envelope(
        id=new_id(), type="person.erased.v1", occurred_at=ctx.clock.now(), key="k", correlation_id=new_id(),
        data=PersonErased(person_id=new_id()),
    )  # fmt: skip
    raw(bus, "k", encode(envelope))
    consumer = consumer_of(ctx, bus)
    assert consumer.poll_once() == 1
    assert consumer.poll_once() == 0
    with ctx.engine.connect() as conn:
        assert conn.scalar(text("SELECT count(*) FROM inbox")) == 0


def test_an_event_too_large_for_the_bus_ends_its_transaction_and_holds_up_nobody(town: Town) -> None:
    ctx = town.rooms["identity"]

    def join(role: str) -> None:
        with ctx.transaction() as tx:
            tx.put(PersonJoined(person_id=new_id(), role=role))

    with pytest.raises(MessageTooLarge, match="at most 800000"):
        join("x" * 800_000)
    join("volunteer")
    assert relay_once(ctx, town.bus) == 1
