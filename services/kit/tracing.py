"""One trace follows what one request set off through every service: its id is the correlation id, which requests and events carry anyway.

Spans have ids that others can work out: an event's is the end of the event's own id, a handling's follows from service and event. So no
table holds one, and a message says whom it came from without anything being stored beside it. Where no traces are collected (`TRACES_URL`)
the ids still travel, and nothing is recorded. Facts of a span are words and ids, never what somebody entered.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Literal
from uuid import UUID

import msgspec
from werkzeug.datastructures import Headers

from services.events import Envelope
from services.kit.ids import derived_id

MOST_ALONE = 50  # of a longer run of events, one span is recorded for all

Kind = Literal["server", "producer", "consumer"]
Facts = Mapping[str, str | int]


class Place(msgspec.Struct, frozen=True):
    """Whose work a thread is at: a trace, and the span in it. `span_id`: None where nobody recorded one."""

    correlation_id: UUID
    span_id: int | None = None
    traced: bool = False


class Span(msgspec.Struct, frozen=True, kw_only=True):
    """A piece of work that is done. Times are nanoseconds of the machine's clock; `links`: (trace, span) of what else it is about."""

    name: str
    kind: Kind
    correlation_id: UUID
    id: int
    parent: int | None
    began_ns: int
    ended_ns: int
    facts: Facts = {}
    links: Sequence[tuple[UUID, int]] = ()
    failed: bool = False


Record = Callable[[Span], None]
HERE: ContextVar[Place | None] = ContextVar("here", default=None)


@contextmanager
def at(place: Place | None) -> Iterator[None]:
    """What is done in the block is done for `place`: clients of other services tell them so."""
    before = HERE.set(place)
    try:
        yield
    finally:
        HERE.reset(before)


def new_span_id() -> int:
    return int.from_bytes(os.urandom(8)) | 1  # zero is no id


def event_span(event_id: UUID) -> int:
    """The span in which an event was put."""
    return event_id.int & (1 << 64) - 1


def handled_span(service: str, event_id: UUID) -> int:
    """The span in which a service handled an event."""
    return event_span(derived_id("handled", service, event_id))


# W3C Trace Context: version, trace id, parent id, flags; a later version may say more.
_TRACEPARENT = re.compile(r"(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")


def traceparent(place: Place) -> str | None:
    """The header that says for whom something is asked."""
    if place.span_id is None:
        return None
    return f"00-{place.correlation_id.hex}-{place.span_id:016x}-{place.traced:02x}"


def caller(headers: Headers) -> Place | None:
    """For whom a request is asked: by its `traceparent`, else by its `X-Correlation-ID`; None where it carries no valid one."""
    said = headers.get("traceparent")
    found = _TRACEPARENT.fullmatch(said) if said else None
    if found and (found[1] != "00" or not found[5]):
        return Place(UUID(hex=found[2]), int(found[3], 16), bool(int(found[4], 16) & 1))
    try:
        return Place(UUID(headers.get("X-Correlation-ID", "")))
    except ValueError:
        return None


_CORRELATION = b'"correlation_id":"'


def message_headers(event_id: UUID, value: bytes, *, traced: bool) -> tuple[tuple[str, bytes], ...]:
    """The header a message of this event carries. `value`: the event as it is sent; its keys are sorted, so the envelope's correlation id
    comes before whatever the event holds."""
    at = value.find(_CORRELATION)
    if at < 0:
        return ()
    start = at + len(_CORRELATION)
    trace = value[start : start + 36].replace(b"-", b"").decode()
    return (("traceparent", f"00-{trace}-{event_span(event_id):016x}-{traced:02x}".encode()),)


class Trail:
    """What one transaction did. It is told once that is committed: of what was rolled back there is no trace."""

    def __init__(self, service: str, record: Record) -> None:
        self._service, self._record = service, record
        self._here = HERE.get()
        self._places = {self._here.correlation_id: self._here.span_id} if self._here else {}
        self._alone: set[UUID] = set()
        self._put: dict[UUID, Span] = {}
        self._done: list[Span] = []

    def works_for(self, places: Collection[Place | None]) -> None:
        """Requests that are answered together: each event belongs to its own."""
        self._places |= {place.correlation_id: place.span_id for place in places if place}

    def put(self, event_id: UUID, type_: str, correlation_id: UUID, causation_id: UUID | None) -> None:
        """An event is put; `causation_id`: the event that caused it, where it was no request."""
        here = self._here
        if causation_id is None:
            parent = self._places.get(correlation_id)
        elif causation_id in self._alone:
            parent = handled_span(self._service, causation_id)
        else:
            parent = event_span(causation_id)
        linked = parent is None and here is not None and here.span_id is not None
        self._put[event_id] = Span(
            name=f"put {type_}", kind="producer", correlation_id=correlation_id, id=event_span(event_id), parent=parent,
            began_ns=time.time_ns(), ended_ns=0, facts={"event.type": type_, "event.id": str(event_id)},
            links=[(here.correlation_id, here.span_id)] if linked and here and here.span_id else (),
        )  # fmt: skip

    def written(self, event_ids: Collection[UUID]) -> None:
        """What goes to the outbox in the end: a refusal may have taken back what was put before it."""
        now = time.time_ns()
        self._done += [msgspec.structs.replace(self._put[id_], ended_ns=now) for id_ in event_ids if id_ in self._put]
        self._put.clear()

    def begin(self, run: Sequence[Envelope[Any]]) -> None:
        if len(run) <= MOST_ALONE:
            self._alone.update(event.id for event in run)

    def end(self, run: Sequence[Envelope[Any]], began_ns: int) -> None:
        """A run of events of one type was handled."""
        now, first = time.time_ns(), run[0]
        alone = len(run) <= MOST_ALONE
        for event in run if alone else [first]:
            links = () if alone else [(one.correlation_id, event_span(one.id)) for one in run]
            facts: Facts = {"event.type": event.type, "event.id": str(event.id), "events": len(run)}
            self._done.append(Span(
                name=f"handle {event.type}", kind="consumer", correlation_id=event.correlation_id, id=handled_span(self._service, event.id),
                parent=event_span(event.id), began_ns=began_ns, ended_ns=now, facts=facts, links=links,
            ))  # fmt: skip

    def tell(self) -> None:
        """It is committed."""
        for span in self._done:
            self._record(span)


@contextmanager
def handling(trail: Trail | None, service: str, run: Sequence[Envelope[Any]]) -> Iterator[None]:
    """A service handles a run of events of one type."""
    began_ns, first = time.time_ns(), run[0]
    if trail:
        trail.begin(run)
    with at(Place(first.correlation_id, handled_span(service, first.id), trail is not None)):
        yield
    if trail:
        trail.end(run, began_ns)
