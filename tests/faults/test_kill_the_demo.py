"""Killing the demo at any moment loses nothing: real processes, real kills, the books compared before and after."""

from __future__ import annotations

import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import psycopg
import pytest

from infra.demo.memory import Memory, MemoryFile
from infra.embedded import start_postgres, stop_postgres
from tests.conftest import a_folder

pytestmark = pytest.mark.proof

DAYS = 8
KILLS = ((3, 7), (9, 14), (14, 18), (12, 18), (9, 18))  # seconds after the start: while it opens, is founded, lives
PATIENCE_S = 150


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Demo:
    """The demo as a person runs it, with a short history."""

    def __init__(self, var: Path) -> None:
        self.var, self.port = var, free_port()
        memory = Memory(seed=7, first_day=date(2026, 5, 4), days=DAYS, clock=datetime(2026, 5, 4, 4, 0, tzinfo=UTC))
        MemoryFile(var / "demo" / "town.json").write(memory)
        self.log = (var / "demo.log").open("ab")
        self.process: subprocess.Popen[bytes] | None = None

    def environment(self) -> dict[str, str]:
        return {**os.environ, "VAR": str(self.var), "PORT": str(self.port), "PYTHONWARNINGS": "ignore"}

    def start(self) -> None:
        command = [sys.executable, "-m", "infra", "demo"]
        self.process = subprocess.Popen(command, env=self.environment(), stdout=self.log, stderr=self.log)

    def kill(self) -> None:
        assert self.process
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(timeout=10)

    def stop(self) -> int:
        assert self.process
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(timeout=30)

    def progress(self) -> tuple[int, bool]:
        """Days lived, and whether the history is over; (0, False) while nothing answers."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/demo/progress", timeout=2) as answer:
                said = json.load(answer)
                return said["done"], said["over"]
        except OSError:
            return 0, False

    def url(self, service: str) -> str:
        return start_postgres(self.var).replace("{service}", service)

    def check(self) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "infra", "check"]
        return subprocess.run(command, env=self.environment(), capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture
def demo() -> Iterator[Demo]:
    with a_folder() as var:
        demo = Demo(var)
        yield demo
        if demo.process and demo.process.poll() is None:
            demo.kill()
        demo.log.close()
        stop_postgres(demo.var)


def rows(demo: Demo, service: str, table: str, query: str) -> list[tuple[object, ...]]:
    """What a query finds; nothing where the kill came before there was a database or a table."""
    with psycopg.connect(demo.url("postgres")) as conn:
        there = conn.execute("SELECT 1 FROM pg_database WHERE datname = %s", [service]).fetchone()
    if there is None:
        return []
    with psycopg.connect(demo.url(service)) as conn:
        there = conn.execute("SELECT to_regclass(%s) IS NOT NULL", [table]).fetchone()
        return conn.execute(query).fetchall() if there == (True,) else []


def books(demo: Demo) -> dict[str, tuple[object, ...]]:
    """Every transfer as it stands now."""
    found = rows(
        demo,
        "ledger",
        "transfers",
        "SELECT id, debit_account, credit_account, amount_cents, kind, posted_at FROM transfers",
    )
    return {str(row[0]): row for row in found}


def accepted_sales(demo: Demo) -> set[str]:
    return {str(row[0]) for row in rows(demo, "redemption", "sales", "SELECT sale_id FROM sales")}


def test_a_demo_killed_again_and_again_lives_its_history_and_loses_nothing(demo: Demo) -> None:
    draw = random.Random(11)
    seen: dict[str, tuple[object, ...]] = {}
    sold: set[str] = set()
    for kill, (soonest, latest) in enumerate(KILLS):
        demo.start()
        time.sleep(draw.uniform(soonest, latest))
        demo.kill()
        if kill == 2:  # the database's processes too, all at once
            subprocess.run(["pkill", "-KILL", "-f", f"{demo.var}/pg"], check=False)
            time.sleep(0.5)
        if (demo.var / "pg" / "PG_VERSION").exists():
            now = books(demo)
            assert {key: now.get(key) for key in seen} == seen, "a transfer was lost or changed"
            assert sold <= accepted_sales(demo), "a sale was lost"
            seen, sold = now, accepted_sales(demo)

    demo.start()
    deadline = time.monotonic() + PATIENCE_S
    while demo.progress() != (DAYS, True) and time.monotonic() < deadline:
        assert demo.process is not None
        assert demo.process.poll() is None, (demo.var / "demo.log").read_text()[-3000:]
        time.sleep(0.5)
    log = (demo.var / "demo.log").read_text()
    assert demo.progress() == (DAYS, True), log[-3000:]
    assert "history stopped" not in log
    assert demo.stop() == 0

    after = books(demo)
    assert {key: after.get(key) for key in seen} == seen
    assert len(after) >= len(seen) > 0
    checked = demo.check()
    assert checked.returncode == 0, checked.stdout
