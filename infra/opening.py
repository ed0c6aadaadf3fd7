"""What can begin before everything is imported: the port is tried, and PostgreSQL starts while Python still reads the code."""

from __future__ import annotations

import shutil
from concurrent.futures import Future, ThreadPoolExecutor

from infra.embedded import ensure_databases, start_postgres, stop_postgres
from infra.port import check_port
from infra.rooms import ROOMS
from services.kit.settings import Settings


def open_database(settings: Settings, *, reset: bool) -> Future[str]:
    """Start the embedded server (unless a `DATABASE_URL` is given) and make its databases; the future holds its URL, or raises CannotStart.

    `reset` first removes what an earlier demo left under `VAR`. Raises PortTaken at once.
    """
    check_port(settings.host, settings.port)
    pool = ThreadPoolExecutor(max_workers=1)
    opened = pool.submit(_open, settings, reset)
    pool.shutdown(wait=False)
    return opened


def _open(settings: Settings, reset: bool) -> str:
    if reset:
        stop_postgres(settings.var)
        for name in ("pg", "pg.unfinished", "demo", "stripe"):
            shutil.rmtree(settings.var / name, ignore_errors=True)
    url = settings.database_url or start_postgres(settings.var)
    ensure_databases(url, [*ROOMS, "bus"])
    return url
