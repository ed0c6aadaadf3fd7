"""How one service is watched: whether it is alive, whether it is ready, and its figures for Prometheus. Each process answers the same."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import msgspec
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from services.kit.outbox import backlog
from services.kit.parked import parked_count
from services.kit.status import git_commit, status_of

if TYPE_CHECKING:
    from prometheus_client.core import Metric

    from services.kit.context import Context

WATCHING = ("health", "ready", "metrics", "status")
JSON = "application/json"


class Told(msgspec.Struct, frozen=True):
    """An answer to whoever watches: HTTP status, body, and what the body is."""

    status: int
    body: bytes
    media: str


class Ready(msgspec.Struct, frozen=True):
    """`why`: a sentence, where it is not."""

    ready: bool
    why: str = ""


def unready(ctx: Context) -> str:
    """Why nothing can be asked of this service just now; empty when it can.

    A database newer than this code is one: while a city is upgraded the version before goes on working on it (infra/one_service.py).
    """
    try:
        with ctx.engine.connect() as conn:
            version = conn.scalar(text("SELECT max(version_num) FROM alembic_version"))
    except SQLAlchemyError:
        return "The database gives no answer."
    if version is None or version < ctx.room.version:
        return f"The database is at version {version or 'none'}, this code needs {ctx.room.version}."
    return ""


def tell(question: str, ctx: Context) -> Told:
    """The answer to one of `WATCHING` in a process that answers requests."""
    if question == "health":
        return alive()
    if question == "status":
        return Told(200, msgspec.json.encode(status_of(ctx)), JSON)
    why = unready(ctx)
    return readiness(why) if question == "ready" else figures(ctx.room.name, ctx, {"ready": not why})


def alive() -> Told:
    return Told(200, b'{"alive":true}', JSON)


def readiness(why: str) -> Told:
    return Told(503 if why else 200, msgspec.json.encode(Ready(not why, why)), JSON)


def figures(service: str, ctx: Context | None, own: Mapping[str, float], more: Iterable[Metric] = ()) -> Told:
    """What Prometheus reads: what was counted, how the database stands, and what this process says of itself, which is all there is
    before it has a context (`ctx` is None)."""
    registry = CollectorRegistry()
    registry.register(_Now(service, ctx, own, more))
    ProcessCollector(registry=registry)
    return Told(200, generate_latest(registry), CONTENT_TYPE_LATEST)


class _Now(Collector):
    """Found out at the moment somebody asks."""

    def __init__(self, service: str, ctx: Context | None, own: Mapping[str, float], more: Iterable[Metric]) -> None:
        self._service, self._ctx, self._own, self._more = service, ctx, own, more

    def collect(self) -> Iterator[Metric]:
        for name, value in self._own.items():
            yield gauge(self._service, name, OWN[name], float(value))
        if self._ctx is None:
            return
        yield from self._ctx.metrics.counted()
        with suppress(SQLAlchemyError):  # `meritcoin_ready` says so
            yield from list(_stored(self._ctx))  # all of it or nothing: the database may go away amid it
        yield from self._more


OWN = {
    "ready": "1 while this process can do its work.",
    "backing_off": "1 while it waits for a database or bus that is away.",
    "assigned_partitions": "Partitions this consumer reads.",
}
_ROOMS_OWN = "A figure of this service alone, as /status shows it."


def gauge(service: str, name: str, help_: str, value: float) -> GaugeMetricFamily:
    family = GaugeMetricFamily(f"meritcoin_{name}", help_, labels=["service"])
    family.add_metric([service], value)
    return family


def _stored(ctx: Context) -> Iterator[Metric]:
    service, (waiting, oldest_s) = ctx.room.name, backlog(ctx)
    yield gauge(service, "outbox_waiting_events", "Events not yet published, counted to 10,000.", waiting)
    yield gauge(service, "outbox_oldest_seconds", "Age of the oldest event not yet published.", oldest_s)
    yield gauge(service, "parked_events", "Events that could not be handled and wait for a person.", parked_count(ctx))
    with ctx.engine.connect() as conn:
        schema = conn.scalar(text("SELECT max(version_num) FROM alembic_version"))
        own: dict[str, Any] = ctx.room.figures(conn, ctx.clock.now()) if ctx.room.figures else {}
    for name, value in own.items():
        unit = f"{name[:-2]}_seconds" if name.endswith("_s") else name
        yield gauge(service, f"{service}_{unit}", _ROOMS_OWN, value)
    build = GaugeMetricFamily("meritcoin_build_info", "What runs.", labels=["service", "commit", "schema"])
    build.add_metric([service, git_commit(), str(schema)], 1)
    yield build
