"""What machines have besides processes, for tests that take it away: a disk of its own size, a database server that loses power."""

from __future__ import annotations

import errno
import math
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from tests.builders_bus import until
from tests.city import City

MEGABYTE = 1_000_000


def need(enabled: bool, what_is_missing: str) -> None:
    """Skip the test with what would enable it; where CI says nothing may be skipped, it fails."""
    if enabled:
        return
    if os.environ.get("CI", "").lower() in ("1", "true"):
        pytest.fail(what_is_missing)
    pytest.skip(what_is_missing)


def am_root() -> bool:
    return os.name == "posix" and os.geteuid() == 0


def do(*command: str, environment: dict[str, str] | None = None) -> None:
    """A program, run to its end. Raises AssertionError with what it said."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env=environment)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr}"


@contextmanager
def a_disk(at: Path, megabytes: int) -> Iterator[Path]:
    """An empty disk of that size, mounted on the folder. Needs root."""
    at.mkdir(parents=True, exist_ok=True)
    do("mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(at))
    try:
        yield at
    finally:
        do("umount", "--lazy", str(at))


@contextmanager
def filled(disk: Path) -> Iterator[None]:
    """Not a byte is free on the disk meanwhile."""
    ballast = disk / "ballast"
    try:
        with ballast.open("wb", buffering=0) as file:
            for size in (MEGABYTE, 1000, 1):
                write_until_full(file.fileno(), bytes(size))
        yield
    finally:
        ballast.unlink()


def write_until_full(descriptor: int, piece: bytes) -> None:
    try:
        while os.write(descriptor, piece) == len(piece):
            pass
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise


@contextmanager
def held(city: City, *names: str) -> Iterator[None]:
    """These processes do not run meanwhile, as where an operator has ended them; afterwards the supervisor starts them again."""
    for kept in (city.supervisor._kept[name] for name in names):
        while kept.child or kept.due < math.inf:
            kept.due = math.inf
            if pid := city.supervisor.pid(kept.process.name):
                os.kill(pid, signal.SIGTERM)
            time.sleep(0.05)
    try:
        yield
    finally:
        for name in names:
            city.supervisor._kept[name].due = 0.0


def kill_postgres(var: Path) -> None:
    """The server under `var` and each of its processes end at once, as when its machine loses power."""
    server = psutil.Process(int((var / "pg" / "postmaster.pid").read_text().split()[0]))
    family = [server, *server.children(recursive=True)]
    for process in family:
        process.kill()
    until(lambda: not any(lives(process) for process in family), lambda: psutil.wait_procs(family, timeout=0.1))


def lives(process: psutil.Process) -> bool:
    """One that ended and that nobody has reaped yet does not."""
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
