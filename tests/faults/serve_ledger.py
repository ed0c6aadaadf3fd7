"""The ledger alone, over real HTTP, as one process that can be killed: `python -m tests.faults.serve_ledger DATABASE_URL PORT KEY`."""

from __future__ import annotations

import sys
import threading
import time

from waitress import serve

from infra.city import read_city
from infra.embedded import ensure_databases
from infra.local_bus import LocalBus
from infra.rooms import ROOMS
from infra.wiring import folder_of, room_of
from services.kit.auth import Tokens
from services.kit.clock import SystemClock
from services.kit.context import Context
from services.kit.db import engine_for
from services.kit.ids import new_id
from services.kit.inbox import Consumer, topics_of
from services.kit.migrate import migrate
from services.kit.outbox import relay_once
from services.kit.settings import CITIES
from services.kit.web import service_app


def the_ledger(url: str, key: str) -> tuple[Context, LocalBus]:
    """The ledger's room on its database, and the bus, both made if need be."""
    ensure_databases(url, ["ledger", "bus"])
    engine = engine_for(url.replace("{service}", "ledger"))
    migrate(engine, folder_of("ledger"))
    city = read_city(CITIES / "valdarco.toml")
    ctx = Context(room_of("ledger"), engine, SystemClock(), new_id, city, Tokens((key,)))
    return ctx, LocalBus(engine_for(url.replace("{service}", "bus")), ROOMS)


def pump(ctx: Context, bus: LocalBus) -> None:
    consumer = Consumer(ctx, bus.subscribe("ledger", topics_of(ctx)))
    while True:
        if relay_once(ctx, bus) + consumer.poll_once() == 0:
            time.sleep(0.05)


if __name__ == "__main__":
    ctx, bus = the_ledger(sys.argv[1], sys.argv[3])
    threading.Thread(target=pump, args=(ctx, bus), daemon=True).start()
    serve(service_app(ctx), host="127.0.0.1", port=int(sys.argv[2]), threads=32)
