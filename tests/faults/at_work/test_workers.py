"""Relays and consumers of a city at work: killed between any two of their steps, coming and going as members of their group, frozen for
longer than their group waits, and given records that are none.

`ROUNDS` sets how often members come and go (`make faults`: five times).
"""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from contextlib import suppress
from typing import Any

import psycopg
import pytest
from kafka import KafkaAdminClient, KafkaProducer
from kafka.errors import KafkaError

from infra.kafka_bus import connection_of
from services.events import Unreadable, decode
from services.kit.bus import BusAway
from services.kit.parked import drop, parked
from tests.builders_bus import read_all
from tests.city import City
from tests.faults.between_steps import BEFORE_COMMIT, BEFORE_MARK, IN_COMMIT, gate, kill, until
from tests.faults.town_at_work import AtWork

pytestmark = [pytest.mark.kafka, pytest.mark.many]
ROUNDS = int(os.environ.get("ROUNDS", "1"))
ENDED_S = 240
MOST_FREEZES = 8
STUCK_WITHIN_S = 8.0  # before the brokers choose another leader
# With what the client puts around a record, one byte less than what a broker refuses; more than a bus of ours would send.
LARGEST = 1_048_588 - 100


def repeated(city: City, topic: str) -> int:
    """How many events stand more than once on a topic."""
    found: Counter[object] = Counter()
    for record in read_all(city.town.bus, topic):
        try:
            found[decode(record.value).id] += 1
        except Unreadable:
            continue
    return sum(count > 1 for count in found.values())


def test_a_worker_killed_between_two_of_its_steps_loses_nothing_and_doubles_nothing(city: City) -> None:
    work, before = AtWork(city), {topic: repeated(city, topic) for topic in ("attendance", "awards")}
    steps: list[tuple[str, str, str, str]] = [
        ("awards", "consume", BEFORE_COMMIT, "aborted"),
        ("awards", "consume", IN_COMMIT, "committed"),
        ("ledger", "consume", IN_COMMIT, "committed"),
        ("attendance", "relay", BEFORE_MARK, "aborted"),
        ("awards", "relay", BEFORE_MARK, "aborted"),
    ]
    with work.working():
        work.until_more()
        for service, kind, step, becomes in steps:
            with gate(city, service, step) as shut:
                pid, transaction = shut.somebody_waits()
                kill(city, f"{service} {kind}")
                shut.open()
                assert shut.outcome(pid, transaction) == becomes, (service, kind)
            work.until_more()
    work.prove()
    for topic, count in before.items():
        assert repeated(city, topic) > count, (
            f"nothing on {topic} was published twice: the relay was not killed where we meant"
        )


def test_a_relay_killed_while_some_brokers_have_acknowledged_and_one_has_not(city: City) -> None:
    work, before = AtWork(city, seed=2), repeated(city, "attendance")
    with work.working():
        work.until_more()
        for _ in range(MOST_FREEZES):
            killed = killed_while_frozen(city, leader(city, "attendance", 0))
            work.until_more()
            # What it published then may have been for that broker alone: then nobody had acknowledged any of it.
            if killed and repeated(city, "attendance") > before:
                break
        else:
            pytest.fail(f"of {MOST_FREEZES} times that a broker said nothing, none had the relay half acknowledged")
    work.prove()


def leader(city: City, topic: str, partition: int) -> int:
    """The number of the broker that takes what is published there."""
    (told,) = city.town.bus.ask(lambda admin: admin.describe_topics([topic]))  # type: ignore[attr-defined]
    return next(one["leader_id"] for one in told["partitions"] if one["partition_index"] == partition)


def killed_while_frozen(city: City, broker: int) -> bool:
    """Kills the relay of attendance while that broker says nothing. Answers False where the relay had nothing for it: the hours were far
    ahead of those who hear of them, or the others had chosen another leader already."""
    frozen = city.cluster.pid(broker)
    signal_to(frozen, signal.SIGSTOP)
    try:
        if stuck := publishing_for_long(city, "attendance"):
            kill(city, "attendance relay")
        return stuck
    finally:
        signal_to(frozen, signal.SIGCONT)


def publishing_for_long(city: City, service: str) -> bool:
    """Whether, within some seconds, the service's relay has read what waits and has not been acknowledged all of it for a while: as a rule
    that takes it milliseconds."""
    assert city.settings.database_url
    stuck = (
        "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND state = 'idle in transaction'"
        " AND query LIKE '%FROM outbox WHERE published_at IS NULL%' AND state_change < clock_timestamp() - interval '500 ms'"
    )
    deadline = time.monotonic() + STUCK_WITHIN_S
    with psycopg.connect(city.settings.database_url.replace("{service}", service), autocommit=True) as conn:
        while not (found := conn.execute(stuck).fetchone() is not None) and time.monotonic() < deadline:
            time.sleep(0.01)
    return found


def signal_to(pid: int, what: signal.Signals) -> None:
    os.kill(pid, what)


def until_shared_by(count: int, city: City, *groups: str) -> None:
    """Wait until so many members have shared the partitions of each group among them."""
    found: dict[str, Any] = {}

    def asked(admin: KafkaAdminClient) -> None:
        found.update(admin.describe_groups(list(groups)))
        if any(told["error"] for told in found.values()):
            raise KafkaError  # a client remembers which broker kept a group, though another does since: so the next asks anew

    def shared() -> bool:
        found.clear()
        with suppress(BusAway):
            city.town.bus.ask(asked)  # type: ignore[attr-defined]
        settled = [told for told in found.values() if len(told["members"]) == count and told["group_state"] == "Stable"]
        return len(settled) == len(groups)

    try:
        until(shared)
    except AssertionError:
        print(f"the groups at last: {found}")
        raise


def test_members_of_a_group_come_and_go_in_order_and_by_kill(city: City) -> None:
    work = AtWork(city, seed=3)
    with work.working():
        for _ in range(ROUNDS):
            with city.started("consume", "awards") as second, city.started("consume", "ledger") as other:
                until_shared_by(2, city, "awards", "ledger")
                with city.started("consume", "awards") as third:
                    until_shared_by(3, city, "awards")
                    work.until_more()
                    third.kill()
                    other.kill()
                    work.until_more()
                second.terminate()
                assert second.wait(ENDED_S) == 0
            work.until_more()
    work.prove()


def test_a_member_that_was_frozen_for_longer_than_its_group_waits_doubles_nothing_when_it_goes_on(city: City) -> None:
    work = AtWork(city, seed=4)
    with work.working(), city.started("consume", "awards") as frozen:
        until_shared_by(2, city, "awards")
        work.until_more()
        signal_to(frozen.pid, signal.SIGSTOP)
        until_shared_by(1, city, "awards")  # its partitions are others' now
        work.until_more()
        signal_to(frozen.pid, signal.SIGCONT)
        until_shared_by(2, city, "awards")
        work.until_more()
        assert frozen.poll() is None
    work.prove()


POISON = {
    "no JSON": b"\xff\xfe a test message of the network team",
    "no event": b'{"hello":"world"}',
    "nobody knows it": b'{"data":{},"id":"00000000-0000-7000-8000-000000000000","type":"nobody.knows.v1"}',
    "nothing": b"",
    "as large as Kafka takes": b"x" * LARGEST,
}


def test_what_is_no_event_is_parked_and_nobody_waits_behind_it(city: City) -> None:
    work = AtWork(city, seed=5)
    with work.working():
        work.until_more()
        with KafkaProducer(**connection_of(city.settings), acks="all", max_request_size=2 * LARGEST) as stranger:
            for topic in ("attendance", "awards", "ledger"):
                for number, value in enumerate(POISON.values()):
                    stranger.send(topic, key=f"nobody {number}".encode(), value=value).get(timeout=ENDED_S)
                    work.until_more(sales=1, hours=50)
        work.until_more()
    city.town.settle()  # nothing waits
    found = {service: parked(ctx) for service, ctx in city.town.rooms.items()}
    for service, topics in (
        ("awards", ("attendance", "ledger")),
        ("ledger", ("awards",)),
        ("impact", ("attendance", "ledger")),
    ):
        assert Counter(row.topic for row in found[service]) == dict.fromkeys(topics, len(POISON)), service
    for service, rows in found.items():
        for row in rows:
            assert row.reason.startswith("unreadable: ")
            assert bytes(row.value) in POISON.values()
            drop(city.town.rooms[service], row.seq, "sent by a stranger in a rehearsal")
    work.prove()
