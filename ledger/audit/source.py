"""Reading: one snapshot that cannot write, rows streamed so that memory does not grow with the books."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine

ROWS_AT_A_TIME = 5000
INSTANT = """'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'"""
"""How instants are read: UTC with six decimals, so that text compares as time."""

# A cursor's first rows are not wanted sooner than its last. Sorting millions of rows takes longer than a service's statement may.
_PREPARE = """
SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0; SET LOCAL cursor_tuple_fraction = 1;
SET LOCAL timezone = 'UTC'; SET LOCAL bytea_output = 'hex'; SET LOCAL work_mem = '64MB'"""


class Snapshot:
    """The books as they stood at one moment."""

    def __init__(self, driver: Any) -> None:
        self._driver = driver
        self._cursors = 0

    def rows(self, query: str, said: Mapping[str, Any] | None = None) -> Iterator[tuple[Any, ...]]:
        """Stream the rows of a query; `{instant}` in it stands for the format of instants."""
        self._cursors += 1
        with self._driver.cursor(name=f"audit_{self._cursors}") as cursor:
            cursor.itersize = ROWS_AT_A_TIME
            cursor.execute(query.replace("{instant}", INSTANT), said)
            yield from cursor

    def one(self, query: str, said: Mapping[str, Any] | None = None) -> tuple[Any, ...]:
        row: tuple[Any, ...] = self._driver.execute(query.replace("{instant}", INSTANT), said).fetchone()
        return row


@contextmanager
def snapshot(engine: Engine) -> Iterator[Snapshot]:
    """A read-only, repeatable-read transaction."""
    options = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
    with engine.connect().execution_options(**options) as connection, connection.begin():
        connection.exec_driver_sql(_PREPARE)
        yield Snapshot(connection.connection.driver_connection)
