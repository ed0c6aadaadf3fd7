"""Any process of a city in many processes is killed at any moment, while the town works at full speed.

`kill -9` of web, relay and consume processes of every service, one after the other and several at once, and now and then of a broker; the
supervisor starts them again. `KILLS` sets how often (`make faults`: 300 times).
"""

from __future__ import annotations

import random
import time

import pytest

from infra.kafka.cluster import Cluster
from tests.city import City
from tests.faults.test_kill_tills import KILLS
from tests.faults.town_at_work import BROKERS, AtWork

pytestmark = [pytest.mark.kafka, pytest.mark.many]
BROKER_EVERY = 25  # kills of processes for one of a broker
MOST_AWAY = 3  # a third of all


def test_whatever_process_is_killed_nothing_is_lost_or_doubled_and_everybody_is_answered(city: City) -> None:
    work, draw = AtWork(city), random.Random(5)
    names, killed, brokers = city.supervisor.names(), 0, 0
    with work.working():
        work.until_more()
        began = time.monotonic()
        while killed < KILLS:
            for name in draw.sample(names, min(draw.choice((1, 1, 1, 2, 4)), KILLS - killed)):
                killed += city.kill(name)
            if killed // BROKER_EVERY > brokers:
                brokers += 1
                kill_a_broker(city.cluster, draw.choice(BROKERS))
            time.sleep(draw.uniform(0.2, 2.0))
            while len(city.supervisor.waiting_for()) > len(names) // MOST_AWAY:
                time.sleep(0.1)  # whom we kill should be at work
        took_s = time.monotonic() - began
        work.until_more()
    print(f"{killed} kills of {len(names)} processes, {brokers} of brokers, in {took_s:.0f} s: {work.summary()}")
    work.prove()


def kill_a_broker(cluster: Cluster, n: int) -> None:
    """It comes back at once, and is awaited: the two others are too few to do without one more."""
    cluster.kill_one(n)
    cluster.start_one(n)
    cluster.wait(wait_s=180)
