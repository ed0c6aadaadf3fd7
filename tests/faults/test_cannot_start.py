"""What keeps the town from starting is said in one sentence."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from types import SimpleNamespace

import pytest

from infra.embedded import CannotStart, ensure_databases, start_postgres, stop_postgres
from tests.conftest import a_folder
from tests.faults.test_kill_the_demo import free_port


def test_a_full_disk_is_said_before_anything_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=5_000_000))
    with a_folder() as var, pytest.raises(CannotStart, match="has 5 MB left; PostgreSQL needs at least"):
        start_postgres(var)


def test_a_database_that_cannot_start_is_one_sentence_with_what_to_do() -> None:
    with a_folder() as var:
        (var / "pg").mkdir()
        (var / "pg" / "PG_VERSION").write_text("18\n")  # looks like data of ours, and is none
        (var / "pg" / "meritcoin.conf").touch()
        environment = {**os.environ, "VAR": str(var), "PYTHONWARNINGS": "ignore"}
        done = subprocess.run(
            [sys.executable, "-m", "infra", "check"],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
    assert done.returncode == 2
    said = done.stderr.splitlines()
    assert said[-1].startswith(f"The embedded PostgreSQL under {var}/pg does not start")
    assert "RESET=1" in said[-1]


def test_what_a_killed_start_left_half_made_is_laid_aside_and_made_anew() -> None:
    with a_folder() as var:
        half = var / "pg"
        half.mkdir()
        (half / "PG_VERSION").write_text("18\n")
        # What stands there while initdb lets a server run alone: its process id is negative.
        (half / "postmaster.pid").write_text(f"-1083\n{half}\n1795778204\n5432\n\n\n 10907139   3637273\n")
        url = start_postgres(var)
        assert ensure_databases(url, ["ledger"]) == ["ledger"]
        assert (var / "pg.unfinished" / "postmaster.pid").exists()
        stop_postgres(var)


@pytest.mark.parametrize("command", [["parked", "list"], ["positions", "awards"], ["lag"], ["check"]])
def test_a_command_that_finds_no_database_says_so_in_one_sentence(command: list[str]) -> None:
    with a_folder() as var:
        environment = {
            **os.environ, "VAR": str(var), "PYTHONWARNINGS": "ignore", "SECRET_KEYS": "a key that all processes of the city share",
            "DATABASE_URL": f"postgresql://nobody@127.0.0.1:{free_port()}/{{service}}",
        }  # fmt: skip
        run = [sys.executable, "-m", "infra", *command]
        done = subprocess.run(run, env=environment, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 2
    assert done.stderr.startswith("The database gives no answer: connection")
    assert "Traceback" not in done.stderr
