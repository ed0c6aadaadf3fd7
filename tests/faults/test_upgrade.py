"""A city is upgraded while it works: two versions of a service side by side, on a database that is migrated already.

`tests/upgrade/next_version.patch` makes the next version in a copy of the house: awards and impact gain a column each (0004), and
`coins.awarded` and `coins.issued` an optional field that carries from the one to the other which organisation an award was for.
"""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import cycle
from pathlib import Path
from uuid import UUID

import httpx
import msgspec
import pytest

from infra.embedded import start_postgres, stop_postgres
from infra.supervisor import Process, Supervisor
from infra.up import processes_of
from services.kit.clock import SharedClock
from services.kit.settings import environment_of
from tests.builders_bus import until
from tests.city import LOG, READY_WITHIN_S, City, a_city
from tests.conftest import a_folder
from tests.faults.test_planted import ROOT, a_copy
from tests.faults.town_at_work import AtWork, rows
from tests.kafka_broker import a_cluster

pytestmark = [pytest.mark.kafka, pytest.mark.many]
UPGRADED = ("awards", "ledger", "impact")
BESIDE = 400  # ports above the old ones
WITHIN_S = 420


@pytest.fixture(scope="module")
def city() -> Iterator[City]:
    """Without the services that are upgraded: each of their versions is kept running by itself."""
    with a_folder() as var, a_cluster() as cluster:
        url = start_postgres(var)
        with a_city(cluster, url, var, without=UPGRADED) as city:
            assert isinstance(city.town.clock, SharedClock)
            city.town.clock.release()
            yield city
        stop_postgres(Path(var))


@pytest.fixture(scope="module")
def following() -> Iterator[dict[str, str]]:
    """The environment in which `meritcoin` is the next version."""
    with a_folder() as folder:
        copy = a_copy(folder)
        subprocess.run(["git", "apply", ROOT / "tests" / "upgrade" / "next_version.patch"], cwd=copy, check=True)
        yield {"PYTHONPATH": str(copy), "PYTHONSAFEPATH": "1"}  # the folder we are in would win otherwise


@contextmanager
def kept(city: City, name: str, processes: list[Process], version: dict[str, str]) -> Iterator[Supervisor]:
    """These processes of one version, ready."""
    var = city.settings.var
    with (var / LOG).open("ab") as log:
        environment = {**environment_of(city.settings), **version}
        supervisor = Supervisor(processes, environment, notes=var / f"{name}.json", log=log)
        supervisor.start()
        try:
            assert not supervisor.wait_until_ready(READY_WITHIN_S), (var / LOG).read_text()[-3000:]
            yield supervisor
        finally:
            supervisor.stop()


def of_upgraded(city: City) -> list[Process]:
    return [process for process in processes_of(city.settings) if process.name.split()[0] in UPGRADED]


def beside(city: City, process: Process) -> Process:
    """The same on a port where the old one is not in its way, as on another machine."""
    kind = process.arguments[0]
    moved = {"PORT": str(city.settings.port + BESIDE)} if kind == "web" else {"WATCH_PORT": str(process.port + BESIDE)}
    return msgspec.structs.replace(process, port=process.port + BESIDE, environment={**process.environment, **moved})


def migrate(city: City, version: dict[str, str]) -> None:
    with city.started("migrate", environment=version) as process:
        assert process.wait(WITHIN_S) == 0


def kill_all(supervisor: Supervisor) -> None:
    """As one falls over in the middle of an upgrade; returns when all are ready again."""
    for name in supervisor.names():
        if pid := supervisor.pid(name):
            os.killpg(pid, signal.SIGKILL)
    assert not supervisor.wait_until_ready(READY_WITHIN_S)


def test_a_city_is_upgraded_while_it_works_and_the_version_before_works_on_the_new_database(
    city: City, following: dict[str, str]
) -> None:
    now, log = of_upgraded(city), city.settings.var / LOG
    webs = [process for process in now if process.arguments[0] == "web"]
    with kept(city, "old", now, {}) as old, ExitStack() as new:
        work = AtWork(city)
        with work.working():
            work.until_more()
            migrate(city, following)
            assert organisations_of(city, "impact", "issued") == {None}
            kill_all(old)
            assert "database is newer than this code" in log.read_text()
            migrate(city, {})  # somebody says it once more in the version before
            work.until_more()

            both = city.town.clock.now()
            beside_old = new.enter_context(kept(city, "new", [beside(city, process) for process in now], following))
            work.until_more()
            since = f"decided_at > '{both.isoformat()}'"
            falls_over = cycle((old, beside_old))
            until(
                lambda: {id_ is None for id_ in organisations_of(city, "awards", "awards", since)} == {True, False},
                # The group may have given all partitions of one topic to one version: whoever comes back is given others.
                lambda: (kill_all(next(falls_over)), work.until_more()),
                within_s=WITHIN_S,
            )
            assert all(httpx.get(f"http://127.0.0.1:{web.port + BESIDE}/ready").is_success for web in webs)
            old.stop()
            one = city.town.clock.now()
            new.enter_context(kept(city, "webs", webs, following))  # a load balancer would have turned to those beside
            work.until_more()
        work.prove()
    mixed = f"decided_at BETWEEN '{both.isoformat()}' AND '{one.isoformat()}'"
    assert {id_ is None for id_ in organisations_of(city, "awards", "awards", mixed)} == {True, False}
    news = f"decided_at > '{one.isoformat()}' AND state <> 'withdrawn'"
    assert None not in organisations_of(city, "awards", "awards", news)
    assert organisations_of(city, "impact", "issued") >= organisations_of(city, "awards", "awards", news)


def organisations_of(city: City, service: str, table: str, which: str = "true") -> set[UUID | None]:
    return {row[0] for row in rows(city.town, service, f"SELECT organisation_id FROM {table} WHERE {which}")}
