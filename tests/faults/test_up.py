"""`meritcoin up`: what it brings up stays up, whoever is killed, and ends in order."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import httpx
import msgspec
import psutil
import pytest

from infra.demo.memory import Memory, MemoryFile
from infra.kafka.cluster import Cluster
from infra.one_service import migrate_all
from infra.supervisor import Process, Supervisor
from infra.up import front_of, processes_of
from services.kit.settings import Settings, environment_of, read_settings
from tests.builders_bus import until
from tests.city import free_ports_above

READY_S, ENDED_S = 240, 90


@pytest.fixture
def two(postgres_url: str, tmp_path: Path) -> Iterator[tuple[Supervisor, list[str], Settings]]:
    """A service's web and relay, on the bus inside PostgreSQL, kept running; and what the supervisor said."""
    settings = read_settings(
        {
            "VAR": str(tmp_path), "PORT": str(free_ports_above()), "DATABASE_URL": postgres_url.replace("{service}", "kept_{service}"),
            "SECRET_KEYS": "a key that all processes of the city share",
        }
    )  # fmt: skip
    migrate_all(settings)
    said: list[str] = []
    kept = [process for process in processes_of(settings) if process.name in ("identity web", "identity relay")]
    with (tmp_path / "log").open("wb") as log:
        supervisor = Supervisor(
            kept,
            environment_of(settings),
            notes=tmp_path / "up.json",
            log=log,
            say=said.append,
            ask_every_s=0.2,
            most_silent_s=6.0,
        )
        supervisor.start()
        try:
            assert supervisor.wait_until_ready(READY_S) == []
            yield supervisor, said, settings
        finally:
            supervisor.stop()


def pids_of(supervisor: Supervisor) -> dict[str, int]:
    return {name: pid for name in supervisor.names() if (pid := supervisor.pid(name))}


@pytest.mark.proof
def test_who_is_killed_or_silent_is_started_again(two: tuple[Supervisor, list[str], Settings]) -> None:
    supervisor, said, _ = two
    before = pids_of(supervisor)
    os.kill(before["identity web"], signal.SIGKILL)  # its own worker is left behind on the port
    os.kill(before["identity relay"], signal.SIGSTOP)
    until(lambda: len(said) >= 3, lambda: time.sleep(0.1))
    assert sorted(sentence.partition(";")[0].replace(" s", "") for sentence in said) == [
        "identity relay ended with -9",
        "identity relay has not answered for 6",
        "identity web ended with -9",
    ]
    until(lambda: len(pids_of(supervisor)) == 2, lambda: time.sleep(0.1))
    assert supervisor.wait_until_ready(READY_S) == []
    after = pids_of(supervisor)
    assert after.keys() == before.keys()
    assert not set(after.values()) & set(before.values())


def test_a_supervisor_ends_what_one_that_was_killed_left_running(
    two: tuple[Supervisor, list[str], Settings], tmp_path: Path
) -> None:
    supervisor, _, settings = two
    left = [psutil.Process(pid) for pid in pids_of(supervisor).values()]
    notes = tmp_path / "up.json"
    strangers = {psutil.Process().pid: 1.0}  # a process id that was somebody else's when it was noted
    noted = msgspec.json.decode(notes.read_bytes(), type=dict[int, float])
    assert sorted(noted) == sorted(process.pid for process in left)
    copy = tmp_path / "next.json"
    copy.write_bytes(msgspec.json.encode(noted | strangers))
    said: list[str] = []
    following = Supervisor([], environment_of(settings), notes=copy, say=said.append)
    following.start()
    until(lambda: not any(supervisor.pid(name) in noted for name in supervisor.names()), lambda: time.sleep(0.1))
    following.stop()
    assert len(said) == 2


def listening(process: Process) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{process.port}/health", timeout=5).status_code == 200
    except httpx.TransportError:
        return False


def history(settings: Settings) -> dict[str, Any]:
    """How far the demo town has lived, as its start page shows."""
    try:
        return dict(httpx.get(f"{settings.public_url}/demo/progress", timeout=5).json())
    except (httpx.TransportError, ValueError):
        return {"done": 0, "over": False}


@contextmanager
def ended_at_the_latest(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """With the block: a test that failed shall not wait for it without end."""
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(ENDED_S)
        finally:
            process.kill()


def noted(var: Path) -> list[psutil.Process]:
    return [psutil.Process(pid) for pid in msgspec.json.decode((var / "up.json").read_bytes(), type=dict[int, float])]


@pytest.mark.kafka
@pytest.mark.many
def test_the_demo_town_lives_in_many_processes_though_one_is_killed_and_all_end_in_order(
    kafka: Cluster, postgres_url: str, tmp_path: Path
) -> None:
    memory = Memory(seed=7, first_day=date(2026, 5, 4), days=2, clock=datetime(2026, 5, 4, 4, 0, tzinfo=UTC))
    MemoryFile(tmp_path / "demo" / "town.json").write(memory)
    environment = {
        "VAR": str(tmp_path), "PORT": str(free_ports_above()), "DATABASE_URL": postgres_url.replace("{service}", "up_{service}"),
        "KAFKA_BOOTSTRAP": kafka.bootstrap, "KAFKA_REPLICATION": "1", "KAFKA_MIN_IN_SYNC": "1", "LOG_LEVEL": "ERROR",
        "KAFKA_PARTITIONS": "4",
    }  # fmt: skip
    settings = read_settings(environment)
    everybody = [*processes_of(settings), front_of(settings, demo=True)]
    command = [sys.executable, "-m", "infra", "up", "--demo"]
    with (
        (tmp_path / "said").open("w+") as said,
        subprocess.Popen(command, env={**os.environ, **environment}, stdout=said, stderr=subprocess.DEVNULL) as up,
        ended_at_the_latest(up),
    ):
        ready = f"{len(everybody)} processes are ready; people come in at {settings.public_url}.\n"
        until(lambda: ready in (tmp_path / "said").read_text(), lambda: time.sleep(0.5), within_s=READY_S)
        assert all(listening(process) for process in everybody)
        assert 'meritcoin_ready{service="front"} 1.0' in httpx.get(f"{settings.public_url}/metrics", timeout=10).text
        assert httpx.get(f"{settings.public_url}/api/ledger/status", timeout=10).json()["service"] == "ledger"
        [shifts] = [p for p in noted(tmp_path) if p.cmdline()[-2:] == ["web", "shifts"]]
        os.killpg(shifts.pid, signal.SIGKILL)
        until(lambda: history(settings)["over"], lambda: time.sleep(0.5), within_s=READY_S)
        assert history(settings)["done"] == 2, history(settings)
        started = noted(tmp_path)
        up.send_signal(signal.SIGINT)
        assert up.wait(ENDED_S) == 0
        sentences = (tmp_path / "said").read_text()
    assert "shifts web ended with -9; it starts again in 0.5 s." in sentences
    assert "it is killed" not in sentences
    assert not any(process.is_running() for process in started)
    assert not any(listening(process) for process in everybody)
