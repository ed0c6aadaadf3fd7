"""What a city stands on fails while the town works at full speed: brokers, the controller among them, all of them for a while; PostgreSQL;
a broker's disk. Nothing of ours is restarted by hand; the town goes on by itself once the servers are back.

`AWAY_S` sets how long all brokers are away (`make faults`: a minute).
"""

from __future__ import annotations

import os
import sys
import time
from contextlib import ExitStack

import msgspec
import pytest
from sqlalchemy import text

from infra.embedded import start_postgres
from infra.kafka_bus import KafkaBus
from infra.rooms import ROOMS
from services.kit.inbox import topics_of
from services.kit.settings import environment_of
from tests.builders_bus import until
from tests.city import LOG, City
from tests.faults.machines import am_root, do, filled, held, kill_postgres, need
from tests.faults.test_made_anew import delete
from tests.faults.town_at_work import BROKERS, TOLD_TO_TRY_AGAIN, AtWork

pytestmark = [pytest.mark.kafka, pytest.mark.many]
AWAY_S = float(os.environ.get("AWAY_S", "15"))


def pids(city: City) -> dict[str, int | None]:
    return {name: city.supervisor.pid(name) for name in city.supervisor.names()}


def the_controller(city: City) -> int:
    """The broker that leads the others."""
    quorum = city.town.bus.ask(lambda admin: admin.describe_metadata_quorum())  # type: ignore[attr-defined]
    return int(quorum["topics"][0]["partitions"][0]["leader_id"])


def test_a_broker_is_killed_and_then_the_one_that_leads_them(city: City) -> None:
    work, before = AtWork(city), pids(city)
    with work.working():
        work.until_more()
        leads = the_controller(city)
        for n in (leads % len(BROKERS) + 1, leads):
            city.cluster.kill_one(n)
            work.until_more()
            city.cluster.start_one(n)
            city.cluster.wait()
        assert the_controller(city) != leads
        work.until_more()
    print(f"a broker and the controller: {work.summary()}; put off {dict(work.put_off())}")
    assert pids(city) == before, "somebody gave up instead of waiting"
    work.prove()


def test_all_brokers_are_down_and_tills_sell_meanwhile(city: City) -> None:
    work, before = AtWork(city), pids(city)
    with work.working():
        work.until_more()
        for n in BROKERS:
            city.cluster.kill_one(n)
        sold = work.sold()
        time.sleep(AWAY_S)
        sold_meanwhile, waited = work.sold() - sold, waiting(city, "redemption")
        city.cluster.start()
        back = time.monotonic()
        work.until_more()
        print(f"all brokers down: {sold_meanwhile} sales meanwhile, back at work after {time.monotonic() - back:.1f} s")
    assert waited >= sold_meanwhile > AWAY_S
    assert set(work.put_off()) <= TOLD_TO_TRY_AGAIN, work.put_off()
    assert pids(city) == before, "somebody gave up instead of waiting"
    work.prove()


def waiting(city: City, service: str) -> int:
    """Events in the outbox that are not carried yet."""
    with city.town.rooms[service].engine.connect() as conn:
        return int(conn.scalar(text("SELECT count(*) FROM outbox WHERE published_at IS NULL")) or 0)


def test_postgres_is_killed_and_started_again(city: City) -> None:
    work, before = AtWork(city), pids(city)
    with work.working():
        for _ in range(2):
            work.until_more()
            away_and_back(city, work)
            work.until_more()
    assert set(work.put_off()) <= TOLD_TO_TRY_AGAIN, work.put_off()
    assert pids(city) == before, "somebody gave up instead of waiting"
    work.prove()


def away_and_back(city: City, work: AtWork) -> None:
    """PostgreSQL ends at once, is away until everybody at a till has heard of it, and starts from what its disk has."""
    seen = work.put_off()
    kill_postgres(city.settings.var)
    until(lambda: sum((work.put_off() - seen).values()) > len(work.tills), lambda: time.sleep(0.05))
    for room in city.town.rooms.values():
        room.engine.dispose()  # ours, who only look: nobody tries again for us
    began = time.monotonic()
    assert start_postgres(city.settings.var) == city.settings.database_url
    up, at_start = time.monotonic(), work.put_off()
    work.until_more()
    print(
        f"PostgreSQL back after {up - began:.1f} s, at work {time.monotonic() - up:.1f} s later; put off {dict(at_start - seen)}, and "
        f"{dict(work.put_off() - at_start)} after it was back"
    )


def test_a_brokers_disk_is_full_and_then_those_of_all(city: City) -> None:
    need(am_root(), "a broker's own small disk is mounted by root: run this test as root")
    work, brokers = AtWork(city), city.cluster
    with work.working():
        for full in ((2,), BROKERS):
            work.until_more()
            with ExitStack() as disks:
                for n in full:
                    disks.enter_context(filled(brokers.folder / str(n)))
                until(lambda: any(brokers.ended(n) for n in full), lambda: time.sleep(0.1))  # noqa: B023 - used up at once
                if len(full) == 1:
                    work.until_more()
                else:
                    sold = work.sold()
                    until(lambda: work.sold() > sold + 20, lambda: time.sleep(0.05))  # noqa: B023
            for n in full:
                brokers.stop_one(n)
                brokers.start_one(n)
            brokers.wait()
    print(f"full disks: {work.summary()}; put off {dict(work.put_off())}")
    work.prove()


def test_a_topic_is_deleted_and_an_operator_brings_back_what_it_held(city: City) -> None:
    work, bus = AtWork(city), city.town.bus
    assert isinstance(bus, KafkaBus)
    hear = [name for name in ROOMS if "attendance" in topics_of(city.town.rooms[name])]
    said = (city.settings.var / LOG).stat().st_size
    with work.working():
        work.until_more()
        delete(bus, "attendance")
        sold = work.sold()
        until(lambda: work.sold() > sold + 20, lambda: time.sleep(0.05))
        with held(city, "attendance relay"):
            operate(city, "topics", "apply")
            until(lambda: must_be_looked_at(city, said) >= set(hear), lambda: time.sleep(0.2))
            operate(city, "republish", "attendance", "--reason", "deleted by mistake, ticket 118")
            with held(city, *(f"{name} consume" for name in hear)):
                for name in hear:
                    operate(city, "positions", name, "--topic", "attendance", "--restart", "--reason", "ticket 118")
        work.until_more()
    print(f"a topic made anew: {work.summary()}; put off {dict(work.put_off())}")
    assert set(work.put_off()) <= TOLD_TO_TRY_AGAIN, work.put_off()
    work.prove()


def operate(city: City, *command: str) -> None:
    """The command line, as an operator uses it."""
    do(sys.executable, "-W", "ignore", "-m", "infra", *command, environment=environment_of(city.settings))


def must_be_looked_at(city: City, since: int) -> set[str]:
    """The services whose workers stopped because a person must look."""
    with (city.settings.var / LOG).open("rb") as log:
        log.seek(since)
        lines = log.read().splitlines()
    return {msgspec.json.decode(line)["service"] for line in lines if b'"worker stops: a person must look"' in line}
