"""A city in many processes for tests: the supervisor that keeps them running, and the town as a front sees it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import msgspec
from waitress.server import create_server
from werkzeug.exceptions import NotFound
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from infra.kafka.cluster import Cluster
from infra.many import ManyProcesses
from infra.one_service import migrate_all
from infra.standins.stripe import stripe_standin
from infra.standins.wire import STANDIN_PATH
from infra.supervisor import Process, Supervisor
from infra.up import make_topics, processes_of
from services.kit.clock import SharedClock
from services.kit.settings import Settings, environment_of, read_settings
from tests.builders import As
from tests.conftest import NOON
from tests.faults.test_kill_the_demo import free_port

READY_WITHIN_S = 180
LOG = "city.log"


class Host(msgspec.Struct, frozen=True):
    """Another machine, as far as a process knows: its address, and what starts a program there."""

    address: str
    within: tuple[str, ...]


class City:
    """`supervisor` keeps the processes, `town` is what one can ask and see of them, `cluster` carries their events."""

    def __init__(self, settings: Settings, supervisor: Supervisor, town: ManyProcesses, cluster: Cluster) -> None:
        self.settings, self.supervisor, self.town, self.cluster = settings, supervisor, town, cluster
        self.customers: list[As] = []  # at the tills of every scene in this city

    def kill(self, name: str) -> bool:
        """As if its machine lost power. The supervisor starts it again. Answers whether it ran."""
        if pid := self.supervisor.pid(name):
            os.killpg(pid, signal.SIGKILL)
        return pid is not None

    def ready(self) -> None:
        missing = self.supervisor.wait_until_ready(READY_WITHIN_S)
        assert not missing, f"not ready: {missing}; {self.said()}"

    def said(self) -> str:
        """The end of what its processes logged."""
        return (self.settings.var / LOG).read_text()[-6000:]

    @contextmanager
    def started(self, *command: str, environment: Mapping[str, str] | None = None) -> Iterator[subprocess.Popen[bytes]]:
        """A process nobody keeps running, beside the others; ended at the latest with the block."""
        with (self.settings.var / LOG).open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-W", "ignore", "-m", "infra", *command],
                env={**environment_of(self.settings), **(environment or {})}, stdin=subprocess.DEVNULL, stderr=log,
            )  # fmt: skip
        try:
            yield process
        finally:
            process.kill()
            process.wait()


@contextmanager
def a_city(
    cluster: Cluster, url: str, var: Path, *, without: Collection[str] = (), own: Mapping[str, Mapping[str, str]] = {},
    hosts: Mapping[str, Host] = {}, **more: str,
) -> Iterator[City]:  # fmt: skip
    """Databases and topics are made, every process is ready, except those of services `without`, which the test starts. `more`: settings
    of all; `own`: of one service's processes; `hosts`: where those of a service run, unless here. The town's clock stands at noon."""
    SharedClock(var / "clock").start_at(NOON)
    settings = read_settings(
        {
            "VAR": str(var), "PORT": str(free_ports_above()), "DATABASE_URL": url, "KAFKA_BOOTSTRAP": cluster.bootstrap,
            "SECRET_KEYS": "a key that all processes of the city share", "CLOCK": str(var / "clock"), "LOG_LEVEL": "WARNING",
            "KAFKA_PARTITIONS": "4", "KAFKA_REPLICATION": "1", "KAFKA_MIN_IN_SYNC": "1", **more,
        }
    )  # fmt: skip
    migrate_all(settings)
    make_topics(settings)
    with (var / LOG).open("ab") as log, the_front(settings) as town:
        processes = [
            placed(process, own, hosts) for process in processes_of(settings) if process.name.split()[0] not in without
        ]
        supervisor = Supervisor(processes, environment_of(settings), notes=var / "up.json", log=log)
        city = City(settings, supervisor, town, cluster)
        supervisor.start()
        try:
            city.ready()
            yield city
        finally:
            supervisor.stop()


def placed(process: Process, own: Mapping[str, Mapping[str, str]], hosts: Mapping[str, Host]) -> Process:
    service = process.arguments[1]
    environment = {**process.environment, **own.get(service, {})}
    if (host := hosts.get(service)) is None:
        return msgspec.structs.replace(process, environment=environment)
    return msgspec.structs.replace(
        process, environment={**environment, "HOST": host.address}, host=host.address, within=host.within
    )


@contextmanager
def the_front(settings: Settings) -> Iterator[ManyProcesses]:
    """What the front process is to the others: where the stand-in of Stripe is asked."""
    town = ManyProcesses(settings)
    assert town.stripe_standin
    app = DispatcherMiddleware(NotFound(), {STANDIN_PATH: stripe_standin(town.stripe_standin)})
    server = create_server(app, host=settings.host, port=settings.port, threads=4)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        yield town
    finally:
        server.close()
        thread.join(10)
        town.close()


def free_ports_above() -> int:
    """A port from which on a city finds all of its own free, most likely."""
    return 20_000 + 40 * (free_port() % 250)
