"""How long all tests take."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from tests.benchmarks.row import Row

ROOT = Path(__file__).parents[2]


def whole_test_run() -> list[Row]:
    """One run of every test as `make test` does it. Raises CalledProcessError when a test fails."""
    began = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "pytest", "-m", "not proof", "-n", "2", "--dist", "worksteal"], cwd=ROOT, check=True
    )
    return [Row("test.s", time.perf_counter() - began, "s")]
