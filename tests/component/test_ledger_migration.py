"""Books written before rows carried their hash are right by the audit once they are migrated."""

from __future__ import annotations

import shutil
from pathlib import Path

import psycopg
from sqlalchemy import text

from infra.embedded import drop_databases, ensure_databases
from infra.wiring import Town, folder_of
from ledger.audit import audit
from services.kit.db import engine_for
from services.kit.migrate import migrate
from tests.builders_ledger import the_owner
from tests.ledger_scene import a_year_of_everything

OLD = ("0001", "0002")


def copied(town: Town, old: psycopg.Connection, table: str) -> None:
    """The town's rows, without the columns the old table has not."""
    query = (
        "SELECT string_agg(quote_ident(column_name), ', ') FROM information_schema.columns"
        " WHERE table_name = %s AND is_generated = 'NEVER'"
    )
    (columns,) = old.execute(query, [table]).fetchone() or ("",)
    with (
        the_owner(town) as conn,
        conn.connection.driver_connection.cursor().copy(f"COPY (SELECT {columns} FROM {table}) TO STDOUT") as rows,  # type: ignore[union-attr]
        old.cursor().copy(f"COPY {table} ({columns}) FROM STDIN") as taken,
    ):
        for row in rows:
            taken.write(row)


def test_old_books_are_migrated_into_ones_the_audit_finds_right(town: Town, postgres_url: str, tmp_path: Path) -> None:
    a_year_of_everything(town)
    for path in folder_of("ledger").glob("*.py"):
        if path.name.startswith(OLD):
            shutil.copy(path, tmp_path)
    ensure_databases(postgres_url, ["old_ledger"])
    url = postgres_url.replace("{service}", "old_ledger")
    engine = engine_for(url)
    try:
        assert migrate(engine, tmp_path) == list(OLD)
        with psycopg.connect(url) as old:
            for table in (
                "accounts",
                "transfers",
                "outcomes",
                "holds",
                "hold_ends",
                "waiting_awards",
                "withdrawn_awards",
                "outbox",
            ):
                copied(town, old, table)
            old.execute("ALTER TABLE outcomes DISABLE TRIGGER append_only")
            assert old.execute("DELETE FROM outcomes WHERE kind = 'fund_closed'").rowcount == 1
            old.execute("ALTER TABLE outcomes ENABLE TRIGGER append_only")
        assert migrate(engine, folder_of("ledger"))
        report, _ = audit(engine)
        assert report.findings == []
        assert report.transfers >= 30
        with engine.connect() as conn:
            triggers = text("SELECT count(*) FROM pg_trigger WHERE NOT tgisinternal AND tgenabled <> 'O'")
            assert conn.execute(triggers).scalar_one() == 0
    finally:
        engine.dispose()
        drop_databases(postgres_url, "old_ledger")
