"""Serving the whole town from one process: every service and every page under one origin, events carried in the background."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Any

from flask import Flask
from waitress.server import create_server
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from infra.standins.stripe import stripe_standin
from infra.town import Town
from infra.wiring import OneProcess, quiet_collector
from services.kit.settings import Settings
from services.kit.telemetry import log

PUMP_PAUSE_S = 0.2
TICK_EVERY_S = 30.0


def one_origin(town: Town, front: Flask) -> Callable[..., Any]:
    """The front's pages, and each service of this process at `/api/SERVICE`."""
    services = town.apps if isinstance(town, OneProcess) else {}
    mounts: dict[str, Any] = {f"/api/{name}": service for name, service in services.items()}
    if town.stripe_standin:
        mounts["/standins/stripe"] = stripe_standin(town.stripe_standin)
    return DispatcherMiddleware(front, mounts)


class Server:
    """A WSGI server in a thread of its own, and in another what goes on meanwhile, until `stop`.

    `pump` carries events and answers how many; `tick` does timed work.
    """

    def __init__(
        self, settings: Settings, app: Callable[..., Any], *, pump: Callable[[], int] = lambda: 0, tick: Callable[[], object]
    ) -> None:  # fmt: skip
        self._pump_once, self._tick = pump, tick
        self._stopping = threading.Event()
        logging.getLogger("waitress.queue").setLevel(logging.ERROR)
        self._http = create_server(
            app, host=settings.host, port=settings.port, threads=settings.threads,
            channel_timeout=60, max_request_body_size=8 * 1024 * 1024, ident=None,
        )  # fmt: skip
        self._threads = [
            threading.Thread(target=self._http.run, name="http", daemon=True),
            threading.Thread(target=self._pump, name="pump", daemon=True),
        ]

    def start(self) -> None:
        quiet_collector()
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Finish the batch in hand, then end."""
        self._stopping.set()
        self._http.close()
        self._threads[1].join(timeout=10)

    def _pump(self) -> None:
        """Carry events and do timed work. A fault is logged and tried again, ever slower; nothing is skipped."""
        pause, last_tick = PUMP_PAUSE_S, 0.0
        while not self._stopping.wait(pause):
            try:
                moved = self._pump_once()
                if time.monotonic() - last_tick > TICK_EVERY_S:
                    last_tick = time.monotonic()
                    self._tick()
                pause = 0.0 if moved else PUMP_PAUSE_S
            except Exception as error:
                log("pump failed", level=logging.ERROR, exc=error)
                pause = min(10.0, max(1.0, pause * 2))
