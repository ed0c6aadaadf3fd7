"""A thousand rows at a time, straight to the driver: plain tuples come back, and PostgreSQL writes rows while the next are made.

In the transaction of `tx`, as everything else; faults come as SQLAlchemy's, so that whoever asks whether the database is away finds out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from itertools import chain, repeat
from struct import Struct
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec
import psycopg
from psycopg.abc import PQGen
from psycopg.copy import LibpqWriter
from psycopg.generators import fetch_many
from psycopg.waiting import Wait
from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    ColumnElement,
    Date,
    DateTime,
    Integer,
    LargeBinary,
    Text,
    Uuid,
    cast,
    func,
    literal,
    select,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import DBAPIError

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


def rows_of(session: Session, statement: str, **said: Any) -> list[tuple[Any, ...]]:
    """The rows a statement answers (none for one that answers none). Parameters are `%(name)s`. Answers come as PostgreSQL holds them, not
    as text: ids and bytes need no parsing."""
    with _driver(session, statement) as cursor:
        cursor.execute(statement, said, binary=True)
        return cursor.fetchall() if cursor.description else []


def copy_rows(session: Session, table: str, columns: Mapping[str, str], rows: Iterable[Sequence[Any]]) -> None:
    """Write rows with one COPY. `columns`: name -> PostgreSQL type, of those in `ENCODED`. Nothing is sent when there are no rows."""
    with sending(session) as out:
        out.copy(table, columns, rows)


@contextmanager
def sending(session: Session) -> Iterator[Sending]:
    """What is sent in this block is all answered when it ends. Within it nothing else may use the session."""
    out = Sending(session)
    try:
        yield out
    except BaseException:
        with suppress(DBAPIError):
            out.hear()
        raise
    out.hear()


class Sending:
    """Rows and statements without answers. Each is sent without waiting for PostgreSQL to do it; only the next one, or the end, waits. So
    the next rows are made meanwhile – PostgreSQL keeps up to a thousand rows of a COPY before it writes the first."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._unheard: tuple[str, Callable[[], None]] | None = None

    def copy(self, table: str, columns: Mapping[str, str], rows: Iterable[Sequence[Any]]) -> None:
        """As `copy_rows`."""
        made = list(rows)
        if not made:
            return
        data = _HEADER + binary(columns.values(), made) + _TRAILER
        statement = f"COPY {table} ({', '.join(columns)}) FROM STDIN (FORMAT BINARY)"
        self.hear()
        with _driver(self._session, statement) as cursor:
            writer = _Unhurried(cursor)
            with cursor.copy(statement, writer=writer) as copy:
                copy.write(data)
        self._unheard = statement, writer.hear

    def run(self, statement: str, **said: Any) -> None:
        self.hear()
        open_ = ExitStack()
        with _driver(self._session, statement) as cursor:
            open_.enter_context(cursor.connection.pipeline())
            cursor.execute(statement, said)
        self._unheard = statement, open_.close

    def hear(self) -> None:
        """Wait for the answer to what was sent last. Raises what went wrong with it."""
        if self._unheard is not None:
            (statement, hear), self._unheard = self._unheard, None
            with _driver(self._session, statement):
                hear()


class _Unhurried(LibpqWriter):
    """Sends the end of a COPY without waiting for the answer."""

    def finish(self, exc: BaseException | None = None) -> None:
        if exc:
            super().finish(exc)
        else:
            self.connection.wait(self._end())

    def _end(self) -> PQGen[None]:
        while self._pgconn.put_copy_end() == 0:
            yield Wait.W
        while self._pgconn.flush():
            yield Wait.W

    def hear(self) -> None:
        for result in self.connection.wait(fetch_many(self._pgconn)):
            if result.status != psycopg.pq.ExecStatus.COMMAND_OK:
                raise psycopg.errors.error_from_result(result)


def array(values: Iterable[Any]) -> str:
    """Ids, numbers, days, truths or plain codes as PostgreSQL's array literal: one parameter, whatever the number of values."""
    return "{" + msgspec.json.encode(list(values))[1:-1].decode() + "}"


def is_one_of(column: Any, ids: Iterable[UUID]) -> ColumnElement[bool]:
    """Like `column.in_(ids)`, with one parameter however many they are: rendering a thousand took longer than finding them. A set to join
    with: as a condition, the text of them all was read again for each row where PostgreSQL went through the table."""
    return column.in_(select(func.unnest(uuids(ids))))  # type: ignore[no-any-return]


def uuids(ids: Iterable[UUID]) -> ColumnElement[Any]:
    """One parameter, whatever the number of ids."""
    return cast(literal(array(ids), Text), ARRAY(Uuid))


def columns_of(table: Any) -> dict[str, str]:
    """Name -> PostgreSQL type of every column, as `copy_rows` wants them."""
    return {column.name: _TYPES[type(column.type)] for column in table.columns}


def binary(types: Iterable[str], rows: Sequence[Sequence[Any]]) -> bytes:
    """Rows as binary COPY wants them. Column by column: several times as fast as value by value."""
    columns = [ENCODED[type_](values) for type_, values in zip(types, zip(*rows, strict=True), strict=True)]
    return b"".join(chain.from_iterable(zip(repeat(_COUNT(len(columns))), *columns, strict=False)))


_HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_TRAILER = b"\xff\xff"
_NULL = b"\xff\xff\xff\xff"
_COUNT, _LENGTH, _FOUR, _EIGHT = Struct("!h").pack, Struct("!i").pack, Struct("!ii").pack, Struct("!iq").pack
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_DAY = _EPOCH.toordinal()


_TYPES: dict[type, str] = {
    Uuid: "uuid", Text: "text", Integer: "int4", BigInteger: "int8", Date: "date", DateTime: "timestamptz", JSONB: "jsonb",
    LargeBinary: "bytea", Boolean: "bool",
}  # fmt: skip


def _sized(value: bytes) -> bytes:
    return _LENGTH(len(value)) + value


def _texts(values: Sequence[str | None]) -> list[bytes]:
    made = {value: _NULL if value is None else _sized(value.encode()) for value in set(values)}  # mostly the same few
    return [made[value] for value in values]


def _instants(values: Sequence[datetime | None]) -> list[bytes]:
    since = [None if value is None else value - _EPOCH for value in values]
    return [
        _NULL if s is None else _EIGHT(8, (s.days * 86_400 + s.seconds) * 1_000_000 + s.microseconds) for s in since
    ]


ENCODED: dict[str, Callable[[Sequence[Any]], list[bytes]]] = {
    "bool": lambda values: [_NULL if v is None else b"\0\0\0\x01" + bytes([v]) for v in values],
    "date": lambda values: [_NULL if v is None else _FOUR(4, v.toordinal() - _DAY) for v in values],
    "int4": lambda values: [_NULL if v is None else _FOUR(4, v) for v in values],
    "int8": lambda values: [_NULL if v is None else _EIGHT(8, v) for v in values],
    "uuid": lambda values: [_NULL if v is None else b"\0\0\0\x10" + v.int.to_bytes(16) for v in values],
    "bytea": lambda values: [_NULL if v is None else _sized(v) for v in values],
    "jsonb": lambda values: [_NULL if v is None else _sized(b"\x01" + msgspec.json.encode(v)) for v in values],
    "text": _texts,
    "timestamptz": _instants,
}
"""A column's values, each with its length before it."""


@contextmanager
def _driver(session: Session, statement: str) -> Iterator[Any]:
    connection = session.connection()
    pooled: Any = connection.connection
    try:
        with pooled.driver_connection.cursor() as cursor:
            yield cursor
    except psycopg.Error as error:
        gone = connection.dialect.is_disconnect(error, pooled, None)  # type: ignore[arg-type]
        if gone:  # as SQLAlchemy does: what else waits in the pool was opened to the same server that is gone
            connection.engine.pool._invalidate(pooled, error, _checkin=False)
            connection.invalidate(error)
        raise DBAPIError.instance(
            statement,
            None,
            error,
            psycopg.Error,
            connection_invalidated=gone,
            dialect=connection.dialect,
        ) from error
