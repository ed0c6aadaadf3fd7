"""Processes of one service that start together bring its database to its newest version once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

from infra.embedded import ensure_databases
from infra.wiring import folder_of
from services.kit.db import engine_for
from services.kit.migrate import migrate, numbered

TOGETHER = 6


def test_of_those_who_migrate_at_once_one_does_it_and_the_others_wait(postgres_url: str) -> None:
    ensure_databases(postgres_url, ["migrated_at_once"])
    url, folder, start = postgres_url.replace("{service}", "migrated_at_once"), folder_of("ledger"), Barrier(TOGETHER)

    def run(_: int) -> list[str]:
        engine = engine_for(url)
        start.wait()
        try:
            return migrate(engine, folder)
        finally:
            engine.dispose()

    with ThreadPoolExecutor(TOGETHER) as pool:
        applied = list(pool.map(run, range(TOGETHER)))
    assert sorted(map(len, applied)) == [0] * (TOGETHER - 1) + [len(numbered(folder))]


def test_a_database_that_newer_code_has_migrated_stays_as_it_is(postgres_url: str) -> None:
    ensure_databases(postgres_url, ["migrated_further"])
    engine = engine_for(postgres_url.replace("{service}", "migrated_further"))
    try:
        migrate(engine, folder_of("impact"))
        with engine.begin() as conn:
            conn.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
        assert migrate(engine, folder_of("impact")) == []
        with engine.connect() as conn:
            assert conn.exec_driver_sql("SELECT version_num FROM alembic_version").scalar() == "9999"
    finally:
        engine.dispose()


SLOW = """
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.execute("SELECT pg_sleep(2.5)")
"""


def test_a_migration_may_take_longer_than_any_statement_of_a_working_service(postgres_url: str, tmp_path: Path) -> None:
    ensure_databases(postgres_url, ["migrated_slowly"])
    (tmp_path / "0001_slow.py").write_text(SLOW)
    engine = engine_for(postgres_url.replace("{service}", "migrated_slowly"), statement_seconds=2, pool_size=1)
    try:
        assert migrate(engine, tmp_path) == ["0001"]
        with engine.connect() as conn:
            assert conn.exec_driver_sql("SHOW statement_timeout").scalar() == "2s"
    finally:
        engine.dispose()
