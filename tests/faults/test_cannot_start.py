"""What keeps the town from starting is said in one sentence."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from types import SimpleNamespace

import pytest

from infra.embedded import CannotStart, start_postgres
from tests.conftest import a_folder


def test_a_full_disk_is_said_before_anything_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=5_000_000))
    with a_folder() as var, pytest.raises(CannotStart, match="has 5 MB left; PostgreSQL needs at least"):
        start_postgres(var)


def test_a_database_that_cannot_start_is_one_sentence_with_what_to_do() -> None:
    with a_folder() as var:
        (var / "pg").mkdir()
        (var / "pg" / "PG_VERSION").write_text("18\n")  # looks like data, and is none
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
