"""A read model rebuilt from its events under processes that go on, and killed while it is rebuilt."""

from __future__ import annotations

import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import httpx
import psycopg
import pytest

from infra.kafka_bus import KafkaBus, connection_of
from infra.lag import behind, ends_for
from infra.one_service import context_of
from infra.rooms import ROOMS
from services.apis.impact import Impact
from services.kit.context import Context
from services.kit.ids import new_id
from tests.builders_bus import until
from tests.builders_impact import confirmed, issued, tell_bus, withdrawn
from tests.faults.test_kill_the_demo import free_port
from tests.faults.test_parked import ended
from tests.faults.test_workers import City

pytestmark = [pytest.mark.kafka, pytest.mark.proof]
TABLES = ("issued", "participations", "sales")
READING, SWITCHING = "is made; reading.", "switching."
AT = datetime(2099, 1, 30, 12, 0, tzinfo=UTC)
AWAY_S = 3.0  # more than it takes, less than anybody would call an outage


@pytest.fixture
def bus(apart: City) -> Iterator[KafkaBus]:
    bus = KafkaBus(connection_of(apart.settings))
    yield bus
    bus.close()


@pytest.fixture
def impact(apart: City) -> Iterator[Context]:
    ctx = context_of(apart.settings, "impact")
    yield ctx
    ctx.engine.dispose()


def rows(city: City, name: str = "impact") -> list[list[tuple[Any, ...]]]:
    """Everything a database of this name says."""
    with psycopg.connect(city.environment["DATABASE_URL"].replace("{service}", name)) as conn:
        return [conn.execute(f"SELECT * FROM {table} ORDER BY 1").fetchall() for table in TABLES]


def a_month(bus: KafkaBus, people: int = 60) -> None:
    """Enough people for figures to be published, each with an hour confirmed, and coins of which some were taken back."""
    ids = [new_id() for _ in range(people)]
    given = [issued(person, 500) for person in ids]
    tell_bus(bus, *(confirmed(person, 60) for person in ids), *given, *(withdrawn(one, 100) for one in given[::3]))


def all_heard(bus: KafkaBus, impact: Context) -> None:
    impact.engine.dispose()  # a switch ended what was connected
    until(lambda: not behind(impact, ends_for(bus, [impact])), lambda: None)


def corrupt(city: City) -> None:
    with psycopg.connect(city.environment["DATABASE_URL"].replace("{service}", "impact")) as conn:
        conn.execute("UPDATE issued SET amount_cents = amount_cents + 7")
        conn.execute(
            "DELETE FROM participations WHERE attendance_id = (SELECT attendance_id FROM participations LIMIT 1)"
        )
        conn.execute("DELETE FROM kept")  # figures are worked out of what now stands there


@contextmanager
def web(city: City) -> Iterator[httpx.Client]:
    """Its answers, on a port that was free a moment ago."""
    port = free_port()
    first = str(port - 1 - list(ROOMS).index("impact"))
    with city.start("web", "impact", PORT=first) as process, httpx.Client(base_url=f"http://127.0.0.1:{port}") as http:
        try:
            until(lambda: answers(http), lambda: threading.Event().wait(0.1))
            yield http
        finally:
            process.terminate()


def answers(http: httpx.Client) -> bool:
    try:
        return http.get("/figures").status_code == 200
    except httpx.ConnectError:
        return False


class Visitor(threading.Thread):
    """Asks for the figures again and again; `failed`: when that was in vain."""

    def __init__(self, http: httpx.Client) -> None:
        super().__init__()
        self._http, self._leaving = http, threading.Event()
        self.asked, self.failed, self.codes = 0, list[float](), set[int]()

    def run(self) -> None:
        while not self._leaving.wait(0.01):
            self.asked += 1
            code = self._http.get("/figures").status_code
            self.codes.add(code)
            if code != 200:
                self.failed.append(time.monotonic())

    def leave(self) -> None:
        self._leaving.set()
        self.join()


def test_a_read_model_is_rebuilt_and_switched_under_processes_that_go_on(
    apart: City, bus: KafkaBus, impact: Context
) -> None:
    with apart.working("consume", "impact"), web(apart) as http:
        a_month(bus)
        all_heard(bus, impact)
        right = http.get("/figures").json()
        assert Impact(**right).published
        whole = rows(apart)
        corrupt(apart)
        assert http.get("/figures").json() != right

        visitor, ended = Visitor(http), threading.Event()
        publishing = threading.Thread(target=publish_until, args=(bus, ended))
        visitor.start()
        publishing.start()
        try:
            said = apart.run("replay", "impact", "--from", "beginning")
        finally:
            ended.set()
            publishing.join()
        all_heard(bus, impact)
        visitor.leave()
        assert "could not be entered for" in said
        assert visitor.codes <= {200, 503}
        assert not visitor.failed or visitor.failed[-1] - visitor.failed[0] < AWAY_S
        again = rows(apart)
        assert all(set(before) <= set(after) for before, after in zip(whole, again, strict=True))
        assert len(again[0]) > len(whole[0])
        assert rows(apart, "impact_before") != again

        corrupt(apart)
        apart.run("replay", "impact", "--from", "beginning")
        assert rows(apart) == again


def publish_until(bus: KafkaBus, ended: threading.Event) -> None:
    while not ended.wait(0.05):
        tell_bus(bus, issued(new_id(), 100))


@pytest.mark.parametrize(("seen", "later_s"), [(READING, 0.2), (SWITCHING, 0.0), (SWITCHING, 0.1), (SWITCHING, 0.2)])
def test_killed_at_any_moment_it_leaves_one_of_the_two_and_is_done_by_the_next_run(
    apart: City, bus: KafkaBus, impact: Context, seen: str, later_s: float
) -> None:
    a_month(bus, 12)
    with apart.working("consume", "impact"):
        all_heard(bus, impact)
        right = rows(apart)
        corrupt(apart)
        wrong = rows(apart)
        with apart.start("replay", "impact", "--from", "beginning") as process:
            assert any(line.strip().endswith(seen) for line in process.stdout or ())
            killed_after(process, later_s)
        assert rows(apart) in (wrong, right)
        tell_bus(bus, issued(new_id(), 100))
        all_heard(bus, impact)
    apart.run("replay", "impact", "--from", "beginning")
    assert [set(a) >= set(b) for a, b in zip(rows(apart), right, strict=True)] == [True] * len(TABLES)
    assert len(rows(apart)[0]) == len(right[0]) + 1
    assert apart.run("lag", "impact") == "0 events wait.\n"


def killed_after(process: subprocess.Popen[str], later_s: float) -> None:
    try:
        process.wait(later_s)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)


def test_only_what_occurred_since_a_day_is_counted(apart: City, bus: KafkaBus, impact: Context) -> None:
    with impact.engine.begin() as conn:
        conn.exec_driver_sql("TRUNCATE issued")
    early, late = issued(new_id(), 111), issued(new_id(), 222)
    tell_bus(bus, early, occurred_at=AT.replace(day=30))
    tell_bus(bus, late, occurred_at=AT.replace(day=31))
    apart.run("replay", "impact", "--from", "2099-01-31")
    assert [row[0] for row in rows(apart)[0]] == [late.award_id]
    assert apart.run("lag", "impact") == "0 events wait.\n"
    apart.run("replay", "impact", "--from", "beginning")
    assert {early.award_id, late.award_id} <= {row[0] for row in rows(apart)[0]}


def test_who_publishes_is_not_rebuilt_and_nonsense_is_refused(apart: City) -> None:
    for service, begin, why in (
        (
            "ledger",
            "beginning",
            "ledger cannot be rebuilt from events: it publishes events, and would publish them again.",
        ),
        ("impact", "yesterday", "--from yesterday: say beginning, or a day such as 2026-01-31."),
    ):
        assert ended(apart, "replay", service, "--from", begin) == (2, why)


def test_a_replay_that_would_lose_what_the_topics_no_longer_hold_is_refused(
    apart: City, bus: KafkaBus, impact: Context
) -> None:
    with impact.engine.begin() as conn:
        conn.exec_driver_sql(
            "INSERT INTO inbox SELECT gen_random_uuid(), now() FROM generate_series(1, 10 + (SELECT count(*) FROM inbox))"
        )
    before = rows(apart)
    status, said = ended(apart, "replay", "impact", "--from", "beginning")
    assert (status, "was a topic made anew? Nothing was changed" in said) == (2, True), said
    assert rows(apart) == before
    apart.run("replay", "impact", "--from", "beginning", "--even-with-fewer")
