"""Holds a process of the city exactly between two of its steps, so that a test can kill it there: what it asks of its database then waits
for a lock the test has. Nothing in the programs knows of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg

from tests.city import City

LOCK: str = "42"
PATIENCE_S = 240.0
GATE: str = f"""
    CREATE OR REPLACE FUNCTION wait_at_the_gate() RETURNS trigger LANGUAGE plpgsql
    AS $$ BEGIN PERFORM pg_advisory_xact_lock_shared({LOCK}); RETURN NULL; END $$"""
# Effects, and the events they cause, are written; the commit has not been asked for.
BEFORE_COMMIT: str = "CREATE TRIGGER gate AFTER INSERT ON outbox FOR EACH STATEMENT"
# The commit has been asked for: it will be done, but nobody is there to hear so.
IN_COMMIT: str = "CREATE CONSTRAINT TRIGGER gate AFTER INSERT ON inbox DEFERRABLE INITIALLY DEFERRED FOR EACH ROW"
# Every broker has acknowledged what was published; that it is marked has not been committed.
BEFORE_MARK: str = "CREATE TRIGGER gate AFTER UPDATE ON outbox FOR EACH STATEMENT"


class Gate:
    """Shut: whoever comes waits. `conn`: to the service's database."""

    def __init__(self, conn: psycopg.Connection[tuple[str]]) -> None:
        self._conn = conn

    def somebody_waits(self) -> tuple[int, str]:
        """Waits for the first; answers the process id of its server side, and its transaction."""
        found = "SELECT pid, backend_xid::text FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'advisory'"
        until(lambda: self._conn.execute(found).fetchone() is not None)
        pid, transaction = self._conn.execute(found).fetchall()[0]
        return int(pid), transaction

    def open(self) -> None:
        self._conn.execute(f"SELECT pg_advisory_unlock({LOCK})")

    def outcome(self, pid: int, transaction: str) -> str:
        """What became of the transaction whose client was killed: `committed` or `aborted`."""
        gone = "SELECT 1 FROM pg_stat_activity WHERE pid = %s AND backend_xid::text = %s"
        until(lambda: self._conn.execute(gone, (pid, transaction)).fetchone() is None)
        became = self._conn.execute("SELECT pg_xact_status(%s::xid8)", (transaction,)).fetchone()
        assert became
        return became[0]


@contextmanager
def gate(city: City, service: str, step: str) -> Iterator[Gate]:
    """Shut at this step of a service until opened, or until the block ends."""
    assert city.settings.database_url
    with psycopg.connect(city.settings.database_url.replace("{service}", service), autocommit=True) as conn:
        conn.execute(f"SELECT pg_advisory_lock({LOCK})")
        conn.execute(GATE)
        conn.execute(f"{step} EXECUTE FUNCTION wait_at_the_gate()")
        try:
            yield Gate(conn)
        finally:
            conn.execute("SELECT pg_advisory_unlock_all()")
            conn.execute(f"DROP TRIGGER gate ON {'inbox' if step == IN_COMMIT else 'outbox'}")


def kill(city: City, name: str) -> None:
    """Returns when the process is gone, and with it its side of every connection."""
    before = city.supervisor.pid(name)
    assert city.kill(name)
    until(lambda: city.supervisor.pid(name) != before)


def until(done: Callable[[], bool]) -> None:
    """Nothing outside this process tells us when: so we ask again and again."""
    deadline = time.monotonic() + PATIENCE_S
    while not done():
        assert time.monotonic() < deadline, f"not within {PATIENCE_S:.0f} s"
        time.sleep(0.01)
