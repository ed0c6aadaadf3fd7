"""One service's database: its engine, the tables every service has, and the transaction a handler is given."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec
from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Engine,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    Uuid,
    create_engine,
)
from sqlalchemy.orm import Session

from services.events import Envelope, contract_of, encode
from services.kit.bulk import copy_rows
from services.kit.bus import MAX_EVENT_BYTES, MessageTooLarge

if TYPE_CHECKING:
    from services.apis.city import City
    from services.kit.auth import Principal
    from services.kit.http import Client
    from services.kit.ids import Ids
    from services.kit.tracing import Trail

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


def service_metadata() -> MetaData:
    """The MetaData of one service, already holding the tables every service shares: outbox, inbox, positions, parked, answers."""
    metadata = MetaData(naming_convention=NAMES)
    instant = DateTime(timezone=True)
    Table(
        "outbox", metadata,
        Column("seq", BigInteger, Identity(always=True), primary_key=True),
        Column("topic", Text, nullable=False),
        Column("key", Text, nullable=False),
        Column("event_id", Uuid, nullable=False, unique=True),
        Column("type", Text, nullable=False),
        Column("value", LargeBinary, nullable=False),
        Column("put_at", instant, nullable=False),
        Column("published_at", instant),
    )  # fmt: skip
    outbox = metadata.tables["outbox"]
    Index("ix_outbox_unpublished", outbox.c.seq, postgresql_where=outbox.c.published_at.is_(None))
    Table(
        "inbox", metadata,
        Column("event_id", Uuid, primary_key=True),
        Column("taken_at", instant, nullable=False),
    )  # fmt: skip
    Table(
        "positions", metadata,
        Column("topic", Text, primary_key=True),
        Column("partition", Integer, primary_key=True),
        Column("next_offset", BigInteger, nullable=False),
        Column("log_id", Text),  # of the log it counts in; unknown until a consumer is given the partition
    )  # fmt: skip
    Table(
        "parked", metadata,
        Column("seq", BigInteger, Identity(always=True), primary_key=True),
        Column("topic", Text, nullable=False),
        Column("partition", Integer, nullable=False),
        Column("offset", BigInteger, nullable=False),
        Column("key", Text, nullable=False),
        Column("value", LargeBinary, nullable=False),
        Column("reason", Text, nullable=False),
        Column("parked_at", instant, nullable=False),
        Column("ended_at", instant),
        Column("ended_how", Text),
    )  # fmt: skip
    parked = metadata.tables["parked"]
    Index("ix_parked_open", parked.c.topic, parked.c.key, postgresql_where=parked.c.ended_at.is_(None))
    Table(
        "answers", metadata,
        Column("caller", Text, primary_key=True),
        Column("key", Text, primary_key=True),
        Column("request_hash", LargeBinary, nullable=False),
        Column("status", Integer, nullable=False),
        Column("body", LargeBinary, nullable=False),
        Column("answered_at", instant, nullable=False),
    )  # fmt: skip
    return metadata


@dataclass
class Tx:
    """What a handler is given: one open transaction and everything it may need to decide. Handlers never commit."""

    session: Session
    service: str
    now: datetime
    new_id: Ids
    city: City
    who: Principal
    clients: dict[str, Client]
    extras: dict[str, Any]
    correlation_id: UUID
    causation_id: UUID | None = None
    key: str | None = None  # the request's idempotency key, where it has one
    address: str | None = None  # the network address of a request, to count failed tries by; never stored in clear
    outgoing: list[tuple[Any, ...]] = field(default_factory=list)
    trail: Trail | None = None

    def put(self, event: msgspec.Struct, *, because: Envelope[Any] | None = None) -> None:
        """Publish an event with this transaction: it is written to the outbox at commit, or not at all.

        `because`: the event that caused it, when a handler works through several. Raises MessageTooLarge.
        """
        contract = contract_of(type(event))
        if contract.topic != self.service:
            raise ValueError(f"{self.service} may not publish on {contract.topic}")
        id_, key = self.new_id(), str(getattr(event, contract.key))
        correlation_id, causation_id = self.correlation_id, self.causation_id
        if because:
            correlation_id, causation_id = because.correlation_id, because.id
        envelope = Envelope(
            id=id_, type=contract.type, occurred_at=self.now, key=key, correlation_id=correlation_id, causation_id=causation_id,
            data=event,
        )  # fmt: skip
        value = encode(envelope)
        if (
            len(value) > MAX_EVENT_BYTES
        ):  # refused here, with what caused it: in the outbox it would hold up all that come after
            raise MessageTooLarge(
                f"{contract.type} of {key} has {len(value)} bytes; at most {MAX_EVENT_BYTES} can be sent"
            )
        self.outgoing.append((contract.topic, key, id_, contract.type, value, self.now))
        if self.trail:
            self.trail.put(id_, contract.type, correlation_id, causation_id)

    def write_outbox(self) -> None:
        """Write what was put. Called once, just before commit, so that sequence numbers are drawn while row locks are held."""
        if not self.outgoing:
            return
        self.session.flush()
        copy_rows(self.session, "outbox", _OUTGOING, self.outgoing)
        if self.trail:
            self.trail.written([row[2] for row in self.outgoing])
        self.outgoing.clear()


_OUTGOING = {
    "topic": "text", "key": "text", "event_id": "uuid", "type": "text", "value": "bytea", "put_at": "timestamptz",
}  # fmt: skip


_SHARED = service_metadata()
OUTBOX = _SHARED.tables["outbox"]
INBOX = _SHARED.tables["inbox"]
POSITIONS = _SHARED.tables["positions"]
PARKED = _SHARED.tables["parked"]
ANSWERS = _SHARED.tables["answers"]


def engine_for(url: str, *, pool_size: int = 5, statement_seconds: int = 15, role: str | None = None) -> Engine:
    """A pooled engine; no statement may run, wait for a lock, or idle in a transaction without end. `role`: every session acts as it."""
    options = (
        (
            f"-c statement_timeout={statement_seconds}s -c lock_timeout={statement_seconds // 2}s"
            f" -c idle_in_transaction_session_timeout=60s -c timezone=UTC -c jit=off"  # compiling costs more than any of ours runs
        )
        + (f" -c role={_escaped(role)}" if role else "")
    )
    return create_engine(
        url.replace("postgresql://", "postgresql+psycopg://", 1),
        pool_size=pool_size,
        max_overflow=10,
        pool_timeout=10,
        pool_pre_ping=False,
        connect_args={"options": options, "connect_timeout": 5, **_SILENCE},
    )


# A server that is cut off says nothing. Without these a process waits for it for two hours, or for ever if another took its place; no
# statement of ours is so long that a live server's TCP would not answer meanwhile.
_SILENCE = {"keepalives_idle": 5, "keepalives_interval": 5, "keepalives_count": 3, "tcp_user_timeout": 20_000}


def _escaped(option: str) -> str:
    """As libpq wants a value within `options`."""
    return option.replace("\\", "\\\\").replace(" ", "\\ ")


@contextmanager
def session_of(engine: Engine) -> Iterator[Session]:
    """One transaction: commits when the block ends, rolls back when it raises."""
    with Session(engine, expire_on_commit=False) as session, session.begin():
        yield session
