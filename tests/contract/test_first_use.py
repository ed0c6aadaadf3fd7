"""Two requests at the same moment, the first of their kind in a process: msgspec must know every type by then, or the process dies."""

from __future__ import annotations

import subprocess
import sys

HAMMER = """
import importlib, pkgutil, sys, threading
import msgspec
import infra.cli, infra.wiring, services.apis, services.events
from services.apis.endpoint import Endpoint
from services.events.contract import CONTRACTS, Unreadable, decode
from services.kit.auth import Tokens
from services.apis.errors import Refused

for _, name, _ in pkgutil.iter_modules(services.apis.__path__, "services.apis."):
    importlib.import_module(name)
endpoints = {id(v): v for m in list(sys.modules.values()) for v in vars(m).values() if isinstance(v, Endpoint)}.values()
types = [t for e in endpoints for t in (e.request, e.query, e.answer)]
sys.setswitchinterval(1e-6)
together = threading.Barrier(8)

def hammer():
    for type_ in types:
        together.wait()
        try:
            msgspec.json.decode(b"[{}]" if "list" in str(type_) else b"{}", type=type_)
        except msgspec.DecodeError:
            pass
    for type_ in CONTRACTS:
        together.wait()
        try:
            decode(b'{"data":{},"type":"%s"}' % type_.encode())
        except Unreadable:
            pass

threads = [threading.Thread(target=hammer) for _ in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(len(types), len(CONTRACTS))
"""


def test_first_requests_and_first_events_at_the_same_moment_are_all_read() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", HAMMER], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, f"ended with {done.returncode}: {done.stderr[-2000:]}"
    types, events = map(int, done.stdout.split())
    assert types > 200
    assert events > 25
