"""One database takes the place of another under running processes: at every moment the name leads to the one or the other, whole."""

from __future__ import annotations

import threading
import time
from urllib.parse import urlsplit

import msgspec
import psycopg
from psycopg import sql

from infra.embedded import CannotStart, maintenance_url

LOOK_S = 0.02
_HAS_IT_ALONE = """
SELECT EXISTS (SELECT FROM pg_locks JOIN pg_database ON pg_database.oid = objid WHERE pg_locks.pid = %s AND datname = %s AND granted
    AND locktype = 'object' AND classid = 'pg_database'::regclass AND mode = 'AccessExclusiveLock')
"""
_END_THEM = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s"


class Names(msgspec.Struct, frozen=True):
    """Databases of one service. `live`: what its processes use; `beside`: built anew; `before`: the one that was live until then."""

    live: str
    beside: str
    before: str


def names_of(url: str, service: str) -> Names:
    """`url`: of the databases, with a literal `{service}`."""
    pattern = urlsplit(url).path.lstrip("/")
    return Names(*(pattern.replace("{service}", name) for name in (service, f"{service}_replay", f"{service}_before")))


def drop_database(url: str, name: str) -> None:
    with psycopg.connect(maintenance_url(url), autocommit=True) as conn:
        conn.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def switch(url: str, names: Names) -> float:
    """Rename `live` to `before` and `beside` to `live`, in one transaction, ending whatever is connected to `live`; answers for how many
    seconds nobody could connect. Raises CannotStart if `live` cannot be had alone, and then nothing has changed.

    The first rename takes a lock for which new connections wait, and only then fails if others are still connected, after five seconds:
    meanwhile those are ended. Were new ones forbidden first instead, a process killed here would leave a database nobody can enter.
    """
    ended = threading.Event()
    with psycopg.connect(maintenance_url(url)) as conn:
        ending = _Ending(url, names.live, conn.info.backend_pid, ended)
        ending.start()
        try:
            for old, new in ((names.live, names.before), (names.beside, names.live)):
                conn.execute(sql.SQL("ALTER DATABASE {} RENAME TO {}").format(sql.Identifier(old), sql.Identifier(new)))
            conn.commit()
        except psycopg.errors.ObjectInUse as error:
            raise CannotStart(
                f"{names.live} is still in use: {error.diag.message_detail}. Nothing was changed."
            ) from error
        finally:
            ended.set()
            ending.join()
    return time.monotonic() - (ending.since or time.monotonic())


class _Ending(threading.Thread):
    """Ends who is connected to a database once `pid` has it to itself, until told that it is done."""

    def __init__(self, url: str, name: str, pid: int, ended: threading.Event) -> None:
        super().__init__(name="ending connections", daemon=True)
        self._url, self._name, self._pid, self._ended = url, name, pid, ended
        self.since: float | None = None

    def run(self) -> None:
        with psycopg.connect(maintenance_url(self._url), autocommit=True) as conn:
            while not self._ended.wait(LOOK_S):
                row = conn.execute(_HAS_IT_ALONE, [self._pid, self._name]).fetchone()
                if row and row[0]:
                    self.since = self.since or time.monotonic()
                    conn.execute(_END_THEM, [self._name])
