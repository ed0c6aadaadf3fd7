"""A thousand rows at a time, straight to the driver: plain tuples come back, and rows are streamed with COPY while they are made.

In the transaction of `tx`, as everything else; faults come as SQLAlchemy's, so that whoever asks whether the database is away finds out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import msgspec
import psycopg
from sqlalchemy.exc import DBAPIError

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


def rows_of(session: Session, statement: str, **said: Any) -> list[tuple[Any, ...]]:
    """The rows a statement answers (none for one that answers none). Parameters are `%(name)s`."""
    with _driver(session, statement) as cursor:
        cursor.execute(statement, said)
        return cursor.fetchall() if cursor.description else []


def copy_rows(session: Session, table: str, columns: Mapping[str, str], rows: Iterable[Sequence[Any]]) -> None:
    """Stream rows into a table. `columns`: name -> PostgreSQL type. Nothing is sent when there are no rows."""
    rows = iter(rows)
    first = next(rows, None)
    if first is None:
        return
    statement = f"COPY {table} ({', '.join(columns)}) FROM STDIN (FORMAT BINARY)"
    with _driver(session, statement) as cursor, cursor.copy(statement) as copy:
        copy.set_types(list(columns.values()))
        copy.write_row(first)
        for row in rows:
            copy.write_row(row)


def array(values: Iterable[Any]) -> str:
    """Ids, numbers, days, truths or plain codes as PostgreSQL's array literal: one parameter, whatever the number of values."""
    return "{" + msgspec.json.encode(list(values))[1:-1].decode() + "}"


@contextmanager
def _driver(session: Session, statement: str) -> Iterator[Any]:
    connection = session.connection()
    pooled: Any = connection.connection
    try:
        with pooled.driver_connection.cursor() as cursor:
            yield cursor
    except psycopg.Error as error:
        gone = connection.dialect.is_disconnect(error, pooled, None)  # type: ignore[arg-type]
        if gone:
            connection.invalidate(error)
        raise DBAPIError.instance(
            statement,
            None,
            error,
            psycopg.Error,
            connection_invalidated=gone,
            dialect=connection.dialect,
        ) from error
