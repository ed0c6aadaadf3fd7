"""A collector of traces for tests: reads what an OTLP exporter really sends, over HTTP."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from uuid import UUID

import msgspec
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """A span as it arrived. `parent`: 0 for the first of its trace."""

    service: str
    name: str
    kind: int
    trace: UUID
    id: int
    parent: int
    took_ns: int
    facts: dict[str, str]
    links: tuple[tuple[UUID, int], ...]


class Collector:
    """What arrived so far; `url` is where to send it."""

    def __init__(self) -> None:
        self.spans: list[Seen] = []
        self.url = ""

    def trace(self, of: UUID) -> list[Seen]:
        return [span for span in self.spans if span.trace == of]

    def named(self, name: str) -> list[Seen]:
        return [span for span in self.spans if span.name == name]

    def take(self, body: bytes) -> None:
        for group in ExportTraceServiceRequest.FromString(body).resource_spans:
            about = {a.key: a.value.string_value for a in group.resource.attributes}
            for scope in group.scope_spans:
                for s in scope.spans:
                    self.spans.append(Seen(
                        service=about["service.name"], name=s.name, kind=s.kind, trace=UUID(bytes=s.trace_id),
                        id=int.from_bytes(s.span_id), parent=int.from_bytes(s.parent_span_id),
                        took_ns=s.end_time_unix_nano - s.start_time_unix_nano,
                        facts={a.key: a.value.string_value or str(a.value.int_value) for a in s.attributes},
                        links=tuple((UUID(bytes=link.trace_id), int.from_bytes(link.span_id)) for link in s.links),
                    ))  # fmt: skip


@contextmanager
def a_collector() -> Iterator[Collector]:
    collector = Collector()

    class Taking(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            collector.take(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Nothing to say."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Taking) as server:
        collector.url = f"http://127.0.0.1:{server.server_port}/v1/traces"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield collector
        server.shutdown()
