"""What one running service stands on: its database, its clock, its city, its clients. Built by `infra/wiring.py`, never global."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import Connection, Engine, MetaData

from services.apis.city import City
from services.kit.auth import NOBODY, Principal, Tokens
from services.kit.clock import Clock
from services.kit.db import Tx, session_of
from services.kit.http import Client
from services.kit.ids import Ids
from services.kit.metrics import Metrics
from services.kit.pace import Pace
from services.kit.routes import Routes
from services.kit.tracing import Record, Trail

if TYPE_CHECKING:
    from services.kit.writer import Writer

EventHandlers = dict[type, Callable[..., None]]
Job = Callable[[Tx], int]
Figures = Callable[[Connection, datetime], dict[str, Any]]


@dataclass(frozen=True)
class Room:
    """The parts every service has: its tables, its answers, what it does when it hears an event, its timed work, its invariants.

    `handlers`: event struct -> `f(tx, envelopes)`, given runs of that type in order. `jobs`: `f(tx) -> how many it did`, called again
    until 0. `checks`: sentence -> SQL that must return no row. `figures`: `f(conn, now) -> what /status shows of this service alone`.
    `version`: of its database that the code needs.
    """

    name: str
    metadata: MetaData
    routes: Routes
    handlers: EventHandlers = field(default_factory=dict)
    jobs: tuple[Job, ...] = ()
    checks: dict[str, str] = field(default_factory=dict)
    figures: Figures | None = None
    version: str = ""


@dataclass
class Context:
    """A room with everything it runs on."""

    room: Room
    engine: Engine
    clock: Clock
    ids: Ids
    city: City
    tokens: Tokens
    clients: dict[str, Client] = field(default_factory=dict)
    extras: dict[str, Any] = field(default_factory=dict)
    writers: dict[str, Writer] = field(default_factory=dict)
    record: Record | None = None  # where traces are collected

    def __post_init__(self) -> None:
        self.metrics = Metrics(self.room.name)
        self.pace = Pace()

    @contextmanager
    def transaction(
        self,
        who: Principal = NOBODY,
        *,
        correlation_id: UUID | None = None,
        causation_id: UUID | None = None,
    ) -> Iterator[Tx]:
        """One transaction for a handler; what it puts in the outbox is committed with its rows."""
        trail = Trail(self.room.name, self.record) if self.record else None
        with session_of(self.engine) as session:
            tx = Tx(
                session=session,
                service=self.room.name,
                now=self.clock.now(),
                new_id=self.ids,
                city=self.city,
                who=who,
                clients=self.clients,
                extras=self.extras,
                correlation_id=correlation_id or self.ids(),
                causation_id=causation_id,
                trail=trail,
            )
            yield tx
            tx.write_outbox()
        if trail:
            trail.tell()
