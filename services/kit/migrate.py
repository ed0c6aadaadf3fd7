"""Each service's database has its own numbered Alembic versions in `migrations/`; here is how they are run and compared."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Engine, MetaData

if TYPE_CHECKING:
    from alembic.migration import MigrationContext
    from alembic.script import ScriptDirectory

# Alembic is imported where it is used: a process that only looks which version it needs starts a seventh sooner without it.
HERE = Path(__file__).parent
MIGRATION_LOCK = 0x6D696772  # "migr"


def versions_of(folder: Path) -> ScriptDirectory:
    """The Alembic versions in a service's `migrations` folder."""
    from alembic.script import ScriptDirectory

    return ScriptDirectory(str(HERE), version_locations=[str(folder)])


def migrate(engine: Engine, folder: Path) -> list[str]:
    """Bring a database to its newest version; answers the versions applied. Each version is one transaction. Of processes that start
    together one does it, and the others wait. A database that newer code has migrated stays as it is."""
    from alembic.migration import MigrationContext
    from alembic.operations import Operations

    script = versions_of(folder)
    applied = []
    with engine.connect() as conn:
        # As long as it takes, on a table of any size; locks are waited for no longer than ever.
        conn.exec_driver_sql("SET statement_timeout = 0")
        conn.exec_driver_sql(f"SELECT pg_advisory_lock({MIGRATION_LOCK})")
        conn.commit()
        context = MigrationContext.configure(conn)
        current = context.get_current_revision()
        known = [version.revision for version in script.walk_revisions()]
        newer = current is not None and current > max(known)
        for version in [] if newer else reversed(list(script.iterate_revisions("head", current or "base"))):
            if version.revision == current:
                continue
            with context.begin_transaction(), Operations.context(context):
                version.module.upgrade()
                _stamp(context, conn, version.revision)
            conn.commit()
            applied.append(version.revision)
        conn.exec_driver_sql(f"SELECT pg_advisory_unlock({MIGRATION_LOCK})")
        conn.exec_driver_sql("RESET statement_timeout")
        conn.commit()
    return applied


def _stamp(context: MigrationContext, conn: Connection, revision: str) -> None:
    context._ensure_version_table()
    conn.exec_driver_sql("DELETE FROM alembic_version")
    conn.exec_driver_sql("INSERT INTO alembic_version VALUES (%s)", (revision,))


def differences(engine: Engine, metadata: MetaData) -> list[Any]:
    """What the database lacks or has too much compared with the models; empty when they agree."""
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    with engine.connect() as conn:
        context = MigrationContext.configure(conn, opts={"compare_type": True})
        return [d for d in compare_metadata(context, metadata) if "alembic_version" not in str(d)]


def numbered(folder: Path) -> list[str]:
    """The version files in order. Raises ValueError when their numbers have a gap or repeat."""
    names = sorted(p.name for p in folder.glob("[0-9]*.py"))
    numbers = [int(re.match(r"\d+", n)[0]) for n in names]  # type: ignore[index]
    if numbers != list(range(1, len(names) + 1)):
        raise ValueError(f"{folder}: versions are not numbered 1, 2, 3, …: {names}")
    return names
