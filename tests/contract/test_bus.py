"""What every bus must promise. One suite; a bus is added by adding it to the parameters of `a_bus`."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from infra.embedded import ensure_databases
from infra.local_bus import LocalBus
from services.kit.bus import Bus, BusAway, Message, Record, Subscription, TopicRecreated
from services.kit.db import engine_for
from services.kit.ids import new_id

BUSES = ["local"]


@pytest.fixture(params=BUSES)
def a_bus(request: pytest.FixtureRequest, postgres_url: str) -> Iterator[Callable[..., Bus]]:
    """Makes a bus on fresh topics; called twice with the same topics it is the same log, as after a restart."""
    opened: list[Bus] = []
    ensure_databases(postgres_url, ["bus_suite"])

    def make(*topics: str) -> Bus:
        bus = LocalBus(engine_for(postgres_url.replace("{service}", "bus_suite")), topics)
        opened.append(bus)
        return bus

    yield make
    for bus in opened:
        bus.close()


def fresh_topic() -> str:
    return f"topic-{new_id()}"


def message(topic: str, key: str, value: bytes) -> Message:
    return Message(topic=topic, key=key, value=value, headers=(("id", b"1"),))


def from_the_start(bus: Bus, topic: str, group: str = "readers") -> Subscription:
    subscription = bus.subscribe(group, [topic])
    read_some(subscription)
    return subscription


def read_some(subscription: Subscription, most: int = 500) -> list[Record]:
    for spot in subscription.newly_assigned():
        subscription.seek(spot, 0)
    return list(subscription.poll(most, 0.0))


def read_all(bus: Bus, topic: str, group: str = "readers", most: int = 500) -> list[Record]:
    subscription = bus.subscribe(group, [topic])
    found: list[Record] = []
    quiet = 0
    while quiet < 2:
        batch = read_some(subscription, most)
        quiet = 0 if batch else quiet + 1
        found += batch
    subscription.close()
    return found


def test_what_was_published_is_read_with_key_value_and_headers(a_bus: Callable[..., Bus]) -> None:
    topic = fresh_topic()
    a_bus(topic).publish([message(topic, "k", b"v")])
    (record,) = read_all(a_bus(topic), topic)
    assert (record.key, record.value, record.headers, record.offset) == ("k", b"v", (("id", b"1"),), 0)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batches=st.lists(st.lists(st.sampled_from("abcdef"), max_size=8), max_size=6), most=st.integers(1, 7))
def test_messages_of_one_key_stay_in_order_whatever_the_batches(
    a_bus: Callable[..., Bus], batches: list[list[str]], most: int
) -> None:
    topic = fresh_topic()
    bus = a_bus(topic)
    count = 0
    wanted: dict[str, list[bytes]] = {}
    for batch in batches:
        messages = []
        for key in batch:
            count += 1
            messages.append(message(topic, key, str(count).encode()))
            wanted.setdefault(key, []).append(str(count).encode())
        bus.publish(messages)
    found: dict[str, list[bytes]] = {}
    for record in read_all(bus, topic, most=most):
        found.setdefault(record.key, []).append(record.value)
    assert found == wanted


def test_offsets_count_from_zero_without_a_gap_under_many_publishers(a_bus: Callable[..., Bus]) -> None:
    topic = fresh_topic()
    bus = a_bus(topic)

    def publish(name: int) -> None:
        for n in range(20):
            bus.publish([message(topic, f"{name}-{n}", b""), message(topic, f"{n}-{name}", b"")])

    threads = [threading.Thread(target=publish, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    offsets: dict[object, list[int]] = {}
    for record in read_all(bus, topic):
        offsets.setdefault(record.spot, []).append(record.offset)
    assert sum(map(len, offsets.values())) == 160
    assert all(seen == list(range(len(seen))) for seen in offsets.values())


def test_a_reader_never_passes_a_message_that_is_committed_late(a_bus: Callable[..., Bus]) -> None:
    """Publishers race while one reads on and on: what the reader saw, put together, is everything, in order."""
    topic = fresh_topic()
    bus = a_bus(topic)
    ready = threading.Event()

    def publish(name: str) -> None:
        for n in range(40):
            bus.publish([message(topic, name, str(n).encode())])

    threads = [threading.Thread(target=publish, args=(name,)) for name in "xyz"]
    subscription = from_the_start(bus, topic)
    found: list[Record] = []
    for thread in threads:
        thread.start()
    while any(t.is_alive() for t in threads) or not ready.is_set():
        if not any(t.is_alive() for t in threads):
            ready.set()
        found += subscription.poll(7, 0.0)
    while batch := subscription.poll(7, 0.0):
        found += batch
    for name in "xyz":
        assert [r.value for r in found if r.key == name] == [str(n).encode() for n in range(40)]


def test_a_restarted_reader_reads_again_from_where_it_is_told(a_bus: Callable[..., Bus]) -> None:
    topic = fresh_topic()
    bus = a_bus(topic)
    bus.publish([message(topic, "k", str(n).encode()) for n in range(5)])
    (spot,) = {record.spot for record in read_all(bus, topic)}
    again = bus.subscribe("readers", [topic])
    for assigned in again.newly_assigned():
        again.seek(assigned, 3 if assigned == spot else 0)
    assert [r.value for r in again.poll(10, 0.0)] == [b"3", b"4"]


def test_two_groups_each_read_everything(a_bus: Callable[..., Bus]) -> None:
    topic = fresh_topic()
    bus = a_bus(topic)
    bus.publish([message(topic, "k", b"v")])
    assert len(read_all(bus, topic, "one")) == len(read_all(bus, topic, "two")) == 1


def test_a_position_beyond_the_end_says_that_the_topic_was_made_anew(a_bus: Callable[..., Bus]) -> None:
    topic = fresh_topic()
    subscription = a_bus(topic).subscribe("readers", [topic])
    spot = sorted(subscription.newly_assigned())[0]
    with pytest.raises(TopicRecreated):
        subscription.seek(spot, 1)


def test_publishing_on_an_unknown_topic_fails_and_writes_nothing(a_bus: Callable[..., Bus]) -> None:
    topic = fresh_topic()
    bus = a_bus(topic)
    with pytest.raises(BusAway):
        bus.publish([message(topic, "k", b"v"), message(fresh_topic(), "k", b"v")])
