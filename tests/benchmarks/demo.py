"""How soon the demo's first page answers, and how long its history takes."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from infra.embedded import stop_postgres
from tests.benchmarks.row import Row

ROOT = Path(__file__).parents[2]
PATIENCE_S = 900


def first_page_and_history() -> list[Row]:
    """A fresh town, from the command to the first page and to the end of its history, and the second start of the same town."""
    with tempfile.TemporaryDirectory(prefix="meritcoin-", ignore_cleanup_errors=True) as name:
        var = Path(name)
        try:
            first, history = _run(var, to_the_end=True)
            second, _ = _run(var, to_the_end=False)
        finally:
            stop_postgres(var)
    return [
        Row("demo.first_page_s", first, "s"),
        Row("demo.second_start_s", second, "s", "demo.first_page_s", second / first),
        Row("demo.history_s", history, "s"),
    ]


def _run(var: Path, *, to_the_end: bool) -> tuple[float, float]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {**os.environ, "VAR": str(var), "PORT": str(port), "PYTHONWARNINGS": "ignore"}
    began = time.perf_counter()
    with subprocess.Popen(
        [sys.executable, "-m", "infra", "demo"], cwd=ROOT, env=environment, stdout=subprocess.DEVNULL
    ) as demo:
        first = _wait(f"http://127.0.0.1:{port}/", began, until=lambda body: True)
        over = _wait(f"http://127.0.0.1:{port}/demo/progress", began, until=_over) if to_the_end else first
        demo.send_signal(signal.SIGINT)
        demo.wait(timeout=60)
    return first, over - first


def _over(body: bytes) -> bool:
    said = json.loads(body)
    return said["over"] and said["done"] == said["total"]


def _wait(url: str, began: float, until: object) -> float:
    while time.perf_counter() - began < PATIENCE_S:
        with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=5) as answer:
            if until(answer.read()):  # type: ignore[operator]
                return time.perf_counter() - began
        time.sleep(0.05)
    raise TimeoutError(f"{url} did not say so within {PATIENCE_S} s")
