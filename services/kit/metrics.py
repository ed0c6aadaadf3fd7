"""What one service counts of itself, for Prometheus. Labels are words of the code – endpoints, event types, refusals – never an id.

Each context has a registry of its own, so that a whole town fits into one process. Where several processes answer on one port, they count
in files of a folder they share, and whichever is asked adds up all of them.
"""

from __future__ import annotations

import os
import time
from bisect import bisect_left
from collections import Counter as Tally
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics, values
from prometheus_client.core import HistogramMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

if TYPE_CHECKING:
    from prometheus_client.core import Metric

    from services.events import Envelope

REQUEST_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
BATCH_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
AGE_S = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0, 7200.0, 86_400.0)
REQUESTS = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 500.0)

_shared: Path | None = None
disable_created_metrics()  # type: ignore[no-untyped-call]


def share(folder: Path) -> None:
    """Let this process count in `folder`, together with the others that do. Before its contexts are made."""
    global _shared
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)  # noqa: TID251 - how the client is told where its files are
    values.ValueClass = values.MultiProcessValue()  # type: ignore[no-untyped-call]
    _shared = folder


class Metrics:
    """The counters of one service."""

    def __init__(self, service: str) -> None:
        self.service = service
        self._registry = CollectorRegistry()
        self._requests = self._counter("requests", "Requests answered.", "endpoint", "method", "status")
        self._request_s = self._histogram("request_seconds", "How long an answer took.", REQUEST_S, "endpoint")
        self._refusals = self._counter(
            "refusals", "Requests refused, by the code the caller was told.", "endpoint", "code"
        )
        self._together = self._histogram(
            "together_batch_requests", "Requests answered together in one transaction.", REQUESTS, "endpoint"
        )
        self._queued = Gauge(
            "meritcoin_together_waiting_requests", "Requests that wait for the next such transaction.", ["service", "endpoint"],
            registry=self._registry, multiprocess_mode="livesum",
        )  # fmt: skip
        self._published = self._counter("events_published", "Events carried from the outbox to the bus.").labels(
            service
        )
        self._relay_s = self._histogram("relay_batch_seconds", "How long one batch of the relay took.", BATCH_S).labels(
            service
        )
        self._handled = self._counter("events_handled", "Events that took effect.", "type")
        self._batch_s = self._histogram(
            "consume_batch_seconds", "How long one batch of the consumer took.", BATCH_S
        ).labels(service)
        self._ages = Ages(service)
        self._registry.register(self._ages)
        # Looking labels up takes longer than counting: a sale is counted in two services, within a fiftieth of its time.
        self._batches: dict[str, tuple[Any, Any]] = {}
        self._known: dict[tuple[str | None, str, int], tuple[Any, Any]] = {}

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"meritcoin_{name}", text, ["service", *labels], registry=self._registry)

    def _histogram(self, name: str, text: str, buckets: Sequence[float], *labels: str) -> Histogram:
        return Histogram(f"meritcoin_{name}", text, ["service", *labels], registry=self._registry, buckets=buckets)

    def request(self, endpoint: str | None, method: str, status: int, seconds: float, code: str | None) -> None:
        """An answer was given. `endpoint`: None for an address there is not; `code`: of a refusal."""
        key = endpoint, method, status // 100
        if key not in self._known:
            # A method is the caller's own word where no endpoint was found: only ours become labels.
            said = endpoint or "unknown", method if endpoint else "unknown", f"{status // 100}xx"
            self._known[key] = self._requests.labels(self.service, *said), self._request_s.labels(self.service, said[0])
        count, took = self._known[key]
        count.inc()
        took.observe(seconds)
        if code:
            self._refusals.labels(self.service, endpoint or "unknown", code).inc()

    def together(self, endpoint: str, requests: int, waiting: int) -> None:
        """So many requests were answered together, and so many wait."""
        if endpoint not in self._batches:
            words = self.service, endpoint
            self._batches[endpoint] = self._together.labels(*words), self._queued.labels(*words)
        size, queued = self._batches[endpoint]
        size.observe(requests)
        queued.set(waiting)

    @contextmanager
    def relaying(self) -> Iterator[list[Any]]:
        """The time of one batch of the relay; what it publishes is put into the list."""
        began, published = time.perf_counter(), list[Any]()
        yield published
        if published:
            self._published.inc(len(published))
            self._relay_s.observe(time.perf_counter() - began)

    def handled(self, events: Sequence[Envelope[Any]], now: datetime, began: float) -> None:
        """A batch took effect; it began at `began` of `time.perf_counter`."""
        self._batch_s.observe(time.perf_counter() - began)
        for type_, count in Tally(event.type for event in events).items():
            self._handled.labels(self.service, type_).inc(count)
        self._ages.add([(now - event.occurred_at).total_seconds() for event in events])

    def counted(self) -> Iterable[Metric]:
        """Everything counted so far, by all processes that share a port."""
        registry = self._registry
        if _shared:
            registry = CollectorRegistry()
            MultiProcessCollector(registry, str(_shared))  # type: ignore[no-untyped-call]
        return registry.collect()


class Ages(Collector):
    """How old events are when they take effect. A batch of hundreds is added at once: a histogram of the client takes them one by one."""

    def __init__(self, service: str) -> None:
        self._service, self._counts, self._sum = service, [0] * (len(AGE_S) + 1), 0.0

    def add(self, ages_s: Sequence[float]) -> None:
        """Only the thread that handles events does so."""
        for age in ages_s:
            self._counts[bisect_left(AGE_S, age)] += 1
        self._sum += sum(ages_s)

    def collect(self) -> Iterator[Metric]:
        buckets, total = [], 0
        for bound, count in zip([*map(str, AGE_S), "+Inf"], self._counts, strict=True):
            total += count
            buckets.append((bound, total))
        family = HistogramMetricFamily(
            "meritcoin_event_age_seconds", "From what happened to its effect here.", labels=["service"]
        )
        family.add_metric([self._service], buckets, self._sum)
        yield family
