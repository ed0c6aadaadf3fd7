"""Sending traces to a collector (OpenTelemetry, OTLP over HTTP). Loaded only where `TRACES_URL` is set."""

from __future__ import annotations

import logging
import threading
from multiprocessing.util import Finalize

from opentelemetry.context import Context as Around
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    set_span_in_context,
)

from services.kit.status import git_commit
from services.kit.tracing import Record, Span

SEND_EVERY_MS = 1000
KINDS = {"server": SpanKind.SERVER, "producer": SpanKind.PRODUCER, "consumer": SpanKind.CONSUMER}
SAMPLED = TraceFlags(TraceFlags.SAMPLED)


def begun(url: str) -> Traces:
    """What sends the spans of this process to `url`. What waits is sent when it ends, in a process of granian too: it knows no `atexit`."""
    logging.getLogger("opentelemetry").setLevel(logging.ERROR)  # that a collector is away is no warning every second
    traces = Traces(url)
    Finalize(None, traces.close, exitpriority=10)
    return traces


class Traces:
    """Spans wait in memory, 2048 at most, for a thread that sends them. While the collector is away they are lost; nobody waits."""

    def __init__(self, url: str) -> None:
        self._ids = _Given()
        self._processor = BatchSpanProcessor(OTLPSpanExporter(endpoint=url), schedule_delay_millis=SEND_EVERY_MS)

    def of(self, service: str) -> Record:
        """What records a finished span of this service."""
        about = Resource({"service.name": service, "service.namespace": "meritcoin", "service.version": git_commit()})
        provider = TracerProvider(ALWAYS_ON, about, shutdown_on_exit=False, id_generator=self._ids)
        provider.add_span_processor(self._processor)
        tracer = provider.get_tracer("meritcoin")

        def record(span: Span) -> None:
            self._ids.take(span)
            around = Around()
            if span.parent is not None:
                around = set_span_in_context(NonRecordingSpan(_context(span.correlation_id.int, span.parent)), around)
            links = [Link(_context(trace.int, id_)) for trace, id_ in span.links]
            made = tracer.start_span(span.name, around, KINDS[span.kind], dict(span.facts), links, span.began_ns)
            if span.failed:
                made.set_status(Status(StatusCode.ERROR))
            made.end(span.ended_ns)

        return record

    def send(self) -> None:
        """Send what waits, now."""
        self._processor.force_flush()

    def close(self) -> None:
        self._processor.shutdown()  # type: ignore[no-untyped-call]


def _context(trace_id: int, span_id: int) -> SpanContext:
    return SpanContext(trace_id, span_id, is_remote=True, trace_flags=SAMPLED)


class _Given(IdGenerator):
    """Ids are not drawn but given: those of the next span this thread makes."""

    def __init__(self) -> None:
        self._next = threading.local()

    def take(self, span: Span) -> None:
        self._next.trace_id, self._next.span_id = span.correlation_id.int, span.id

    def generate_trace_id(self) -> int:
        return int(self._next.trace_id)

    def generate_span_id(self) -> int:
        return int(self._next.span_id)
