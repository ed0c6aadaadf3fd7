"""A sale as a till asks for it, over HTTP through the whole stack: authentication, redemption, the ledger, both databases, outboxes.

Tills are connections that wait for their answer before they ask again, all in one thread of their own process, so that what is measured
is the town and not the measuring.
"""

from __future__ import annotations

import json
import selectors
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.benchmarks import reference
from tests.benchmarks.row import Row

ROOT = Path(__file__).parents[2]
CUSTOMERS = 30_000
SECONDS = 6.0
PATIENCE_S = 180


def sales_over_http() -> list[Row]:
    """`sale.http_N` for 1, 8 and 32 tills with services in processes of their own, each beside pgbench of the sale's bare transaction with
    as many clients; `sale.one_process_32`: all services in one process, which also carries the events."""
    rows = []
    with a_town("web") as town:
        codes = iter(town["codes"])
        measured = {tills: _rows(f"sale.http_{tills}", *sell(town, codes, tills)) for tills in (1, 8, 32)}
        for tills, (rate, *times) in measured.items():
            bare, _ = reference.pgbench(town["url"], reference.SALE, clients=tills, seconds=3)
            rows += [replace(rate, ratio_to=f"reference.pgbench_sale_{tills}", ratio=rate.value / bare), *times]
    with a_town("serve") as town:
        return [*rows, *_rows("sale.one_process_32", *sell(town, iter(town["codes"]), 32))]


def _rows(name: str, took: list[float], seconds: float) -> list[Row]:
    took.sort()
    return [
        Row(name, len(took) / seconds, "/s"),
        Row(f"{name}_p50_ms", took[len(took) // 2], "ms"),
        Row(f"{name}_p99_ms", took[int(len(took) * 0.99)], "ms"),
    ]


@contextmanager
def a_town(how: str) -> Iterator[dict[str, Any]]:
    """What `sale_server` says is ready."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        command = [sys.executable, "-W", "ignore", "-m", "tests.benchmarks.sale_server", how, name, str(CUSTOMERS)]
        with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL) as server:
            yield _ready(folder, server)


def sell(town: dict[str, Any], codes: Any, tills: int) -> tuple[list[float], float]:
    """Sell for a while at so many tills; the milliseconds each sale took, and the seconds in all. Raises RuntimeError for a refusal."""
    took: list[float] = []
    with selectors.DefaultSelector() as waiting:
        for token in town["tokens"][:tills]:
            connection = socket.create_connection(("127.0.0.1", town["port"]))
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            waiting.register(connection, selectors.EVENT_READ, [token, 0.0, b""])
            _ask(waiting.get_key(connection), town["path"], next(codes))
        began = time.perf_counter()
        while (now := time.perf_counter()) < began + SECONDS:
            for key, _ in waiting.select(timeout=1):
                key.data[2] += key.fileobj.recv(65536)  # type: ignore[union-attr]
                if not key.data[2].endswith(b"}"):
                    continue  # the head comes before the body
                if not key.data[2].startswith(b"HTTP/1.1 201"):
                    raise RuntimeError(key.data[2].decode())
                took.append((time.perf_counter() - key.data[1]) * 1000)
                _ask(key, town["path"], next(codes))
        for key in list(waiting.get_map().values()):
            key.fileobj.recv(65536)  # type: ignore[union-attr]
            key.fileobj.close()  # type: ignore[union-attr]
    return took, now - began


def _ask(key: selectors.SelectorKey, path: str, code: str) -> None:
    body = json.dumps({"code": code, "amount_cents": 1})
    head = (
        f"POST {path} HTTP/1.1\r\nHost: town\r\nAuthorization: Bearer {key.data[0]}\r\nIdempotency-Key: {code}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    key.data[1:] = [time.perf_counter(), b""]
    key.fileobj.sendall((head + body).encode())  # type: ignore[union-attr]


def _ready(folder: Path, server: subprocess.Popen[bytes]) -> dict[str, Any]:
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until and server.poll() is None:
        if (folder / "ready.json").exists():
            time.sleep(0.2)
            return json.loads((folder / "ready.json").read_text())  # type: ignore[no-any-return]
        time.sleep(0.1)
    raise TimeoutError(f"the town did not open within {PATIENCE_S} s")
