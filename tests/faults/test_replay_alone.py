"""The read model of a city in one process on the embedded server, rebuilt while that process runs, and while it does not."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from infra.buses import bus_of
from infra.embedded import start_postgres, stop_postgres
from services.kit.bus import Bus
from services.kit.ids import new_id
from services.kit.settings import read_settings
from tests.builders_bus import until
from tests.builders_impact import issued, tell_bus
from tests.conftest import a_folder
from tests.faults.test_kill_the_demo import free_port

pytestmark = pytest.mark.proof


class Alone:
    """`meritcoin serve` and what an operator runs beside it."""

    def __init__(self, var: Path) -> None:
        self.environment = {"VAR": str(var), "PORT": str(free_port())}
        self.settings = read_settings(self.environment)

    def start(self, *command: str) -> subprocess.Popen[str]:
        env = {**os.environ, **self.environment, "PYTHONWARNINGS": "ignore"}
        return subprocess.Popen(
            [sys.executable, "-m", "infra", *command],
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    @contextmanager
    def serving(self) -> Iterator[None]:
        with self.start("serve") as process:
            try:
                assert any("is served on" in line for line in process.stdout or ())
                yield
                assert self.figures() == 200
            finally:
                process.send_signal(signal.SIGINT)

    def figures(self) -> int:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.settings.port}/api/impact/figures", timeout=30) as answer:
            return int(answer.status)

    def replay(self) -> str:
        with self.start("replay", "impact", "--from", "beginning") as process:
            said, _ = process.communicate(timeout=120)
        assert process.returncode == 0
        return said


def issued_in(url: str) -> list[Any]:
    with psycopg.connect(url.replace("{service}", "impact")) as conn:
        return conn.execute("SELECT award_id, amount_cents FROM issued ORDER BY 1").fetchall()


def corrupt(url: str) -> None:
    with psycopg.connect(url.replace("{service}", "impact")) as conn:
        conn.execute("UPDATE issued SET amount_cents = amount_cents + 7")


def tell(bus: Bus, url: str, count: int) -> None:
    """Issue coins, and wait until the process that serves has heard of them."""
    before = len(issued_in(url))
    tell_bus(bus, *(issued(new_id(), 500) for _ in range(count)))
    until(lambda: len(issued_in(url)) == before + count, lambda: None)


def test_the_embedded_city_is_rebuilt_while_it_is_served_and_while_it_is_not() -> None:
    with a_folder() as var:
        city = Alone(var)
        try:
            with city.serving():
                url = start_postgres(var)
                bus = bus_of(city.settings, url)
                tell(bus, url, 40)
                whole = issued_in(url)
                corrupt(url)
                assert "Switched: impact could not be entered for" in city.replay()
                assert issued_in(url) == whole
                tell(bus, url, 3)
                whole = issued_in(url)
            corrupt(url)
            city.replay()
            assert issued_in(url) == whole
            bus.close()
        finally:
            stop_postgres(var)
