"""`meritcoin up`: what it brings up stays up, whoever is killed, and ends in order."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import msgspec
import psutil
import pytest

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


@pytest.mark.kafka
@pytest.mark.many
def test_a_city_comes_up_with_one_command_and_ends_in_order(kafka: Cluster, postgres_url: str, tmp_path: Path) -> None:
    environment = {
        "VAR": str(tmp_path), "PORT": str(free_ports_above()), "DATABASE_URL": postgres_url.replace("{service}", "up_{service}"),
        "KAFKA_BOOTSTRAP": kafka.bootstrap, "KAFKA_REPLICATION": "1", "KAFKA_MIN_IN_SYNC": "1", "LOG_LEVEL": "WARNING",
        "KAFKA_PARTITIONS": "4",
    }  # fmt: skip
    settings = read_settings(environment)
    everybody = [*processes_of(settings), front_of(settings, demo=False)]
    command = [sys.executable, "-m", "infra", "up"]
    with subprocess.Popen(
        command, env={**os.environ, **environment}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as up:
        assert up.stdout
        line = next(up.stdout)
        assert line == f"{len(everybody)} processes are ready; people come in at {settings.public_url}.\n"
        assert all(listening(process) for process in everybody)
        front = httpx.get(f"{settings.public_url}/api/ledger/status", timeout=10).json()
        assert front["service"] == "ledger"
        started = [
            psutil.Process(pid)
            for pid in msgspec.json.decode((tmp_path / "up.json").read_bytes(), type=dict[int, float])
        ]
        up.send_signal(signal.SIGINT)
        said, wrong = up.communicate(timeout=ENDED_S)
    assert up.returncode == 0, wrong
    assert "killed" not in said
    assert not any(process.is_running() for process in started)
    assert not any(listening(process) for process in everybody)
