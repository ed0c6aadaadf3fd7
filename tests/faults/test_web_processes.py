"""Services answering from processes of their own: a sale passes two of them, and one that is told to stop finishes what it was asked."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import httpx
import psutil
import pytest
from sqlalchemy import text

from infra.one_service import address_of
from infra.wiring import Town, build_town
from services.apis import ledger as ledger_api
from services.apis import redemption as api
from services.kit.http import Client
from services.kit.settings import Settings, read_settings
from tests.benchmarks.sale_server import listens
from tests.builders import As
from tests.builders_bus import until
from tests.builders_redemption import ATill, a_customer, a_paired_till, a_payment_code, a_shop
from tests.faults.test_kill_the_demo import free_port

ENDED_S = 30


class City:
    """A town on a server of its own, whose redemption and ledger answer from other processes."""

    def __init__(self, url: str, var: str) -> None:
        self.environment = {
            "DATABASE_URL": url, "VAR": var, "SECRET_KEYS": "a key that all processes of the city share", "PORT": str(free_port()),
        }  # fmt: skip
        self.settings: Settings = read_settings(self.environment)
        self.town: Town = build_town(self.settings)

    @contextmanager
    def web(self, service: str, *more: str) -> Iterator[subprocess.Popen[str]]:
        command = [sys.executable, "-m", "infra", "web", service, *more]
        env = {**os.environ, **self.environment, "PYTHONWARNINGS": "ignore"}
        with subprocess.Popen(command, env=env, stderr=subprocess.PIPE, text=True) as process:
            try:
                listens(httpx.URL(address_of(service, self.settings)).port or 0)
                yield process
            finally:
                if process.poll() is None:
                    process.terminate()

    def sell(self, till: ATill, code: str, cents: int) -> int:
        with httpx.Client(base_url=address_of("redemption", self.settings)) as http:
            client = Client("redemption", http, lambda: till.token)
            return int(client.call(api.POST_SALE, api.MakeSale(code=code, amount_cents=cents), key=code).amount_cents)


@pytest.fixture(scope="module")
def city(postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    city = City(postgres_url.replace("{service}", "web_{service}"), str(tmp_path_factory.mktemp("var")))
    yield city
    city.town.close()


def balance(customer: As) -> int:
    return int(customer.ask("ledger", ledger_api.GET_WALLET, person_id=customer.person_id).balance_cents)


def test_a_street_of_tills_sells_through_processes_of_two_services(city: City) -> None:
    shop = a_shop(city.town)
    tills, customers = (
        [a_paired_till(city.town, shop, f"till {n}") for n in range(4)],
        [a_customer(city.town, 500) for _ in range(12)],
    )
    codes = [a_payment_code(city.town, customer) for customer in customers]
    with city.web("ledger"), city.web("redemption", "--processes", "2"), ThreadPoolExecutor(12) as pool:
        sold = list(pool.map(lambda n: city.sell(tills[n % 4], codes[n], 100 + n), range(12)))
        again = list(pool.map(lambda n: city.sell(tills[n % 4], codes[n], 100 + n), range(12)))
    assert sold == again == [100 + n for n in range(12)]
    assert [balance(customer) for customer in customers] == [400 - n for n in range(12)]
    city.town.settle()
    assert city.town.check() == []


def test_a_service_told_to_stop_answers_first_who_waits(city: City) -> None:
    customer, till = a_customer(city.town, 500), a_paired_till(city.town)
    code = a_payment_code(city.town, customer)
    with city.web("ledger") as ledger, city.web("redemption") as redemption, ThreadPoolExecutor(1) as pool:
        workers = psutil.Process(ledger.pid).children()
        for worker in workers:
            worker.suspend()
        waiting = pool.submit(city.sell, till, code, 200)
        until(lambda: _at_the_ledger(city), lambda: None)
        redemption.terminate()
        for worker in workers:
            worker.resume()
        assert waiting.result(ENDED_S) == 200
        assert redemption.wait(ENDED_S) == 0
    assert balance(customer) == 300


def _at_the_ledger(city: City) -> bool:
    """Redemption holds a transaction open while it asks."""
    idle = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state = 'idle in transaction'"
    with city.town.rooms["redemption"].engine.connect() as conn:
        return bool(conn.scalar(text(idle)))


def test_what_keeps_a_service_from_starting_is_said_in_one_sentence(city: City) -> None:
    env = {**os.environ, **city.environment, "SECRET_KEYS": ""}
    command = [sys.executable, "-m", "infra", "web", "ledger"]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=ENDED_S, check=False)
    assert done.returncode == 2
    assert done.stderr.strip().endswith("SECRET_KEYS is empty: services in processes of their own must share them.")
