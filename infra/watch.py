"""What a worker answers to whoever watches it, on `WATCH_PORT`: the same four questions as a web process on its own port."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from socket import AF_INET, AF_INET6
from socketserver import ThreadingTCPServer

from prometheus_client.core import GaugeMetricFamily
from sqlalchemy.exc import SQLAlchemyError

from infra.lag import behind
from infra.port import check_port
from services.events import CONTRACTS
from services.kit.bus import Bus, BusAway, Spot
from services.kit.context import Context
from services.kit.health import JSON, WATCHING, Told, alive, figures, readiness, tell
from services.kit.inbox import topics_of
from services.kit.settings import Settings
from services.kit.telemetry import log

ASK_EVERY_S = 5.0
TIMEOUT_S = 10.0


class Watch:
    """What is known of one worker. Its own thread tells what it does; another asks the bus now and then, so that no answer waits for it."""

    def __init__(self, service: str) -> None:
        self._service = service
        self.assigned: int | None = None  # partitions a consumer reads; None for a relay
        self._ctx: Context | None = None
        self._bus: Bus | None = None
        self._consumes = False
        self._joined = False
        self._away = ""
        self._bus_away = "The bus was not asked yet."
        self._behind: dict[Spot, int] = {}
        self._stopped = threading.Event()

    def begun(self, ctx: Context, bus: Bus, *, consumes: bool) -> None:
        """The worker has what it needs."""
        self._bus, self._consumes, self._ctx = bus, consumes, ctx

    def told(self, error: Exception | None) -> None:
        """One step is over; `error`: why the worker waits before the next one."""
        self._away = "The worker waits for its database or bus, which is away." if error else ""

    def reads(self, spots: int | None) -> None:
        """How many partitions the consumer reads now; None while its group has not settled that."""
        self._joined, self.assigned = spots is not None, spots

    def unready(self) -> str:
        """Why the worker does not do its work just now; empty when it does."""
        if self._ctx is None:
            return self._away or "The worker has not reached its database and bus yet."
        if self._away or self._bus_away:
            return self._away or self._bus_away
        return "The group has not settled yet who reads what." if self._consumes and not self._joined else ""

    def answer(self, path: str) -> Told:
        """The answer at one of the addresses of `WATCHING`."""
        question = path.partition("?")[0].strip("/")
        if question not in WATCHING:
            return Told(404, b'{"why":"Ask for /health, /ready, /status or /metrics."}', JSON)
        if question == "health":
            return alive()
        why = self.unready()
        if question == "metrics":
            own = {"ready": not why, "backing_off": bool(self._away), "assigned_partitions": self.assigned or 0}
            return figures(self._service, self._ctx, own, [self._lag()])
        if question == "ready" or self._ctx is None:
            return readiness(why)
        return tell(question, self._ctx)

    @contextmanager
    def served(self, settings: Settings) -> Iterator[None]:
        """Answer over HTTP while the block runs, if a port is set. Raises PortTaken."""
        if not settings.watch_port:
            yield
            return
        check_port(settings.host, settings.watch_port)
        with _Server(settings.host, settings.watch_port, _asking(self)) as server:
            for work in (server.serve_forever, self._keep_asking):
                threading.Thread(target=work, name="watch", daemon=True).start()
            try:
                yield
            finally:
                self._stopped.set()
                server.shutdown()

    def _keep_asking(self) -> None:
        pause = 0.1  # until the worker has begun
        while not self._stopped.wait(pause):
            if self._ctx is None or self._bus is None:
                continue
            pause = ASK_EVERY_S
            self.look(self._ctx, self._bus)

    def look(self, ctx: Context, bus: Bus) -> None:
        """Whether the bus answers, and how far a consumer is behind. A relay's bus is asked for the topic it publishes on."""
        own = {contract.topic for contract in CONTRACTS.values()} & {ctx.room.name}
        try:
            ends = bus.ends(topics_of(ctx) if self._consumes else own)
            self._bus_away = ""
            self._behind = behind(ctx, ends, every=True) if self._consumes else {}
        except BusAway:
            self._bus_away, self._behind = "The bus gives no answer.", {}
        except SQLAlchemyError:
            self._behind = {}  # no lag is better than an old one; the worker itself says that its database is away
        except Exception as error:
            if not self._stopped.is_set():  # what is closed amid a question complains of it
                log("watch failed", level=logging.ERROR, exc=error, service=ctx.room.name)

    def _lag(self) -> GaugeMetricFamily:
        labels = ["service", "topic", "partition"]
        lag = GaugeMetricFamily("meritcoin_consumer_lag_events", "Events not handled yet.", labels=labels)
        for spot, count in self._behind.items():
            lag.add_metric([self._service, spot.topic, str(spot.partition)], count)
        return lag


class _Server(ThreadingTCPServer):
    """The library's own HTTP server looks its name up in the DNS before it begins, which may be away too."""

    allow_reuse_address, daemon_threads, block_on_close = True, True, False

    def __init__(self, host: str, port: int, handler: type[BaseHTTPRequestHandler]) -> None:
        self.address_family = AF_INET6 if ":" in host else AF_INET
        super().__init__((host, port), handler)


def _asking(watch: Watch) -> type[BaseHTTPRequestHandler]:
    class Asking(BaseHTTPRequestHandler):
        timeout = TIMEOUT_S

        def do_GET(self) -> None:
            try:
                told = watch.answer(self.path)
            except SQLAlchemyError:
                told = Told(503, b'{"why":"The database gives no answer."}', JSON)
            self.send_response(told.status)
            self.send_header("Content-Type", told.media)
            self.send_header("Content-Length", str(len(told.body)))
            self.end_headers()
            self.wfile.write(told.body)

        def log_message(self, format: str, *args: object) -> None:
            """Who watches is not worth a line."""

    return Asking
