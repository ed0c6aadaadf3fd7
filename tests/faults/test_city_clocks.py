"""Hosts whose clocks are wrong: the processes of one service live five minutes ahead, those of another that asks it five minutes behind."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from infra.embedded import start_postgres, stop_postgres
from services.kit.clock import SharedClock
from tests.city import City, a_city
from tests.conftest import NOON, a_folder
from tests.faults.town_at_work import AtWork
from tests.kafka_broker import a_cluster

pytestmark = [pytest.mark.kafka, pytest.mark.many]
STEP_S = 0.02
WRONG_BY = timedelta(minutes=5)
# Redemption asks the ledger at each sale, with a token that ends; awards hears what attendance says of times.
CLOCKS = {"redemption": -WRONG_BY, "ledger": WRONG_BY, "attendance": WRONG_BY, "awards": -WRONG_BY}


@contextmanager
def going_wrong(clocks: Mapping[SharedClock, timedelta], right: SharedClock) -> Iterator[None]:
    """Clocks that go on with the right one, so much beside it."""
    stopped = threading.Event()

    def set_them() -> None:
        for clock, wrong_by in clocks.items():
            clock.start_at(right.now() + wrong_by)

    def go() -> None:
        while not stopped.wait(STEP_S):
            set_them()

    set_them()
    thread = threading.Thread(target=go)
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        thread.join()


@pytest.fixture(scope="module")
def city() -> Iterator[City]:
    """One broker; the services of `CLOCKS` on clocks of their own."""
    with ExitStack() as stack:
        var, cluster = stack.enter_context(a_folder()), stack.enter_context(a_cluster())
        files = {service: var / f"clock of {service}" for service in CLOCKS}
        right = SharedClock(var / "clock")
        right.start_at(NOON)
        stack.enter_context(going_wrong({SharedClock(file): CLOCKS[service] for service, file in files.items()}, right))
        stack.callback(stop_postgres, Path(var))
        own = {service: {"CLOCK": str(file)} for service, file in files.items()}
        city = stack.enter_context(a_city(cluster, start_postgres(var), var, own=own))
        right.release()
        yield city


def test_a_town_whose_hosts_are_ten_minutes_apart_works_and_nothing_ends_too_early(city: City) -> None:
    work = AtWork(city)
    with work.working():
        work.until_more(sales=100, hours=400)
    print(f"clocks ten minutes apart: {work.summary()}")
    assert sum(sum(till.put_off.values()) for till in work.tills) < work.sold() / 10
    work.prove()
