"""A service made up for tests of what carries events: it hears who joined, writes each down in order, and fails where it is told to."""

from __future__ import annotations

import threading
from uuid import UUID

from sqlalchemy import Column, Integer, MetaData, Table, Text, text

from services.events import Envelope, encode
from services.events.identity import PersonJoined
from services.kit.bus import Bus, Message
from services.kit.context import Context, Room
from services.kit.db import Tx, service_metadata
from services.kit.ids import new_id
from services.kit.inbox import Consumer
from services.kit.routes import Routes
from tests.builders_bus import PATIENCE_S

METADATA: MetaData = service_metadata()
HEARD = Table("heard", METADATA, Column("n", Integer, primary_key=True), Column("person_id", Text))
broken: set[UUID] = set()


class Gate:
    """Who comes to it waits until it is opened."""

    def __init__(self) -> None:
        self.reached, self.opened = threading.Event(), threading.Event()

    def pass_through(self) -> None:
        self.reached.set()
        assert self.opened.wait(PATIENCE_S)


gates: dict[UUID, Gate] = {}


def hear(tx: Tx, events: list[Envelope[PersonJoined]]) -> None:
    for event in events:
        if event.data.person_id in broken:
            raise ZeroDivisionError("a planted fault")
        if gate := gates.get(event.data.person_id):
            gate.pass_through()
        tx.session.execute(HEARD.insert().values(person_id=str(event.data.person_id)))


ROOM = Room(name="identity", metadata=METADATA, routes=Routes("identity"), handlers={PersonJoined: hear})


def joined(person_id: UUID) -> PersonJoined:
    return PersonJoined(person_id=person_id, role="volunteer")


def as_bytes(ctx: Context, person_id: UUID) -> bytes:
    """The event that this person joined, as it travels."""
    return encode(
        Envelope(
            id=new_id(), type="person.joined.v1", occurred_at=ctx.clock.now(), key=str(person_id), correlation_id=new_id(),
            data=joined(person_id),
        )
    )  # fmt: skip


def tell_of(ctx: Context, bus: Bus, topic: str, *people: UUID, key: str | None = None) -> None:
    """Publish on `topic` that each of these joined, under a key of its own or all under `key`."""
    bus.publish([Message(topic=topic, key=key or str(p), value=as_bytes(ctx, p)) for p in people])


def drain(consumer: Consumer) -> None:
    while consumer.poll_once():
        pass


def heard(ctx: Context) -> list[str]:
    """The people heard of, in the order in which they were."""
    with ctx.engine.connect() as conn:
        return list(conn.scalars(text("SELECT person_id FROM heard ORDER BY n")))
