"""Tills sell and undo over HTTP while the process of the whole town – redemption, the ledger, all others – is killed again and again.

`meritcoin serve` as a city runs it, `kill -9`, PostgreSQL as it comes (fsync on). `KILLS` sets how often. A till knows nothing but what it
was answered, and asks again with the same key until it is.
"""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import text

from infra.embedded import start_postgres, stop_postgres
from infra.wiring import Town, build_town
from ledger.audit import audit
from services.apis import redemption as api
from services.apis.errors import Refused
from services.events.attendance import AttendanceConfirmed
from services.events.funding import Earmark, FundOpened, TopUpSettled
from services.kit.http import Client
from services.kit.ids import new_id
from services.kit.settings import read_settings
from tests.builders import As, a_volunteer, tell
from tests.builders_ledger import an_award, in_order
from tests.builders_redemption import ATill, a_paired_till, a_shop
from tests.conftest import a_folder
from tests.faults.test_kill_the_demo import free_port
from tests.faults.test_kill_tills import FOR_GOOD, KILLS, Server, sell_under_kills

pytestmark = pytest.mark.proof

SHOPS, TILLS, CUSTOMERS_EACH = 2, 8, 4
COINS_EACH = 1000_00
UNDONE = 0.1


class Till:
    """Sells to one customer after the other, now and then undoes a sale; each request is made with one key until it is answered."""

    def __init__(self, base_url: str, number: int, till: ATill, customers: list[As]) -> None:
        self.draw, self.token, self.customers = random.Random(number), till.token, customers
        self.http = httpx.Client(base_url=base_url)
        self.sold: dict[UUID, int] = {}
        self.voided: set[UUID] = set()
        self.refused: Counter[str] = Counter()
        self.put_off: Counter[str] = Counter()  # told to try again, and why
        self.tries = 0
        self.closing = threading.Event()
        self.thread = threading.Thread(target=self._work, daemon=True)

    def _work(self) -> None:
        while not self.closing.is_set():
            customer = self.draw.choice(self.customers)
            code = self._until_told(customer.token, api.POST_PAYMENT_CODE)
            if code is None:
                time.sleep(0.2)  # this customer asked for many codes within the minute
                continue
            cents = self.draw.randint(1, 9)
            sale = self._until_told(self.token, api.POST_SALE, api.MakeSale(code=code.code, amount_cents=cents))
            if sale is None:
                continue
            assert sale.amount_cents == cents
            assert sale.sale_id not in self.sold, "two sales were answered as one"
            self.sold[sale.sale_id] = cents
            if self.draw.random() < UNDONE and self._until_told(self.token, api.POST_VOID, sale_id=sale.sale_id):
                self.voided.add(sale.sale_id)
        self.http.close()

    def _until_told(self, token: str, endpoint: Any, body: Any = None, **about: Any) -> Any:
        """The answer, or None for a no."""
        key, client = new_id(), Client("redemption", self.http, lambda: token)
        while True:
            self.tries += 1
            try:
                return client.call(endpoint, body, key=key, **about)
            except Refused as refused:
                if refused.status < 500:
                    self.refused[refused.code] += 1
                    return None
                self.put_off[refused.code] += 1
                time.sleep(self.draw.uniform(0.02, 0.1))


@pytest.fixture
def scene() -> Iterator[tuple[Town, Path]]:
    """A town nobody serves yet, and its folder."""
    with a_folder() as var:
        town = build_town(read_settings({"VAR": str(var)}), url=start_postgres(var))
        yield town, var
        town.close()
        stop_postgres(var)


def customers_with_coins(town: Town) -> list[As]:
    people = [a_volunteer(town) for _ in range(TILLS * CUSTOMERS_EACH)]
    fund_id, began = new_id(), town.clock.now() - timedelta(hours=2)
    ours = Earmark(
        programme_ids=(new_id(),)
    )  # awards for the hours below would take from it what some customer then lacks
    tell(
        town,
        FundOpened(fund_id=fund_id, kind="city", name="City", rank=1, earmark=ours),
        TopUpSettled(
            topup_id=new_id(), fund_id=fund_id, amount_cents=COINS_EACH * len(people), fee_cents=0, channel="bank"
        ),
    )
    took_part = [
        AttendanceConfirmed(
            attendance_id=new_id(), person_id=person.person_id, shift_id=new_id(), programme_id=new_id(), organisation_id=new_id(),
            neighbourhood_id="le-querce", kind="green", place="Parco delle Querce", started_at=began, minutes=120,
        )
        for person in people
    ]  # fmt: skip
    plan = in_order(fund_id)
    awards = [an_award(COINS_EACH, plan, person_id=person.person_id, expires_on=FOR_GOOD) for person in people]
    tell(town, *took_part, *awards)
    return people


def rows(town: Town, service: str, query: str) -> list[Any]:
    with town.rooms[service].engine.connect() as conn:
        return list(conn.execute(text(query)).all())


def test_whatever_the_moment_of_the_kill_each_answered_sale_is_there_once_in_redemption_and_in_the_ledger(
    scene: tuple[Town, Path],
) -> None:
    town, var = scene
    customers, port = customers_with_coins(town), free_port()
    shops = [a_shop(town, name=f"Shop {number}") for number in range(SHOPS)]
    at = [a_paired_till(town, shops[number % SHOPS], f"till {number}") for number in range(TILLS)]
    url = f"http://127.0.0.1:{port}/api/redemption"
    tills = [Till(url, number, till, customers[number::TILLS]) for number, till in enumerate(at)]
    settings = {"VAR": str(var), "PORT": str(port), "DATABASE_URL": town.url, "PYTHONWARNINGS": "ignore"}
    server = Server(["infra", "serve"], port, "/api/ledger/status", **settings)
    try:
        sell_under_kills(server, tills, seed=17, between_s=(0.3, 2.5))
    finally:
        server.kill()
    town.start_consumers()
    for _ in range(2):
        town.settle()
        town.tick()
    town.settle()

    sold = {sale_id: cents for till in tills for sale_id, cents in till.sold.items()}
    voided = {sale_id for till in tills for sale_id in till.voided}
    refused = sum((till.refused for till in tills), Counter[str]())
    tries = sum(till.tries for till in tills)
    print(
        f"{KILLS} kills, {len(sold)} sales and {len(voided)} voids answered after {tries} tries; refused {dict(refused)}"
    )
    assert len(sold) > 5 * KILLS
    assert set(refused) <= {"too_many_requests"}
    assert_there_once(town, sold, voided)
    assert town.check() == []
    report, _ = audit(town.rooms["ledger"].engine)
    assert report.findings == []


def assert_there_once(town: Town, sold: dict[UUID, int], voided: set[UUID]) -> None:
    """Every till was answered in the end, so nothing else is there either; not a cent was made or lost, nothing is below zero."""
    written = rows(town, "redemption", "SELECT sale_id, amount_cents, voided_at IS NOT NULL FROM sales")
    assert {row[0]: row[1] for row in written} == sold
    assert len(written) == len(sold)
    assert {row[0] for row in written if row[2]} == voided
    moved = "SELECT journal, sum(amount_cents)::bigint FROM transfers WHERE kind = '{}' GROUP BY journal"
    assert dict(map(tuple, rows(town, "ledger", moved.format("sale")))) == sold
    back = "SELECT o.journal, sum(r.amount_cents)::bigint FROM transfers r JOIN transfers o ON o.id = r.reversal_of GROUP BY 1"
    assert dict(map(tuple, rows(town, "ledger", back))) == {sale_id: sold[sale_id] for sale_id in voided}
    sums = "SELECT split_part(code, '/', 1), sum(credits_posted - debits_posted)::bigint FROM accounts GROUP BY 1"
    total = dict(map(tuple, rows(town, "ledger", sums)))
    kept = sum(cents for sale_id, cents in sold.items() if sale_id not in voided)
    assert total["shop"] == kept
    assert total["coins"] == COINS_EACH * TILLS * CUSTOMERS_EACH - kept
    assert rows(town, "ledger", "SELECT code FROM accounts WHERE floored AND credits_posted < debits_posted") == []
    told = rows(town, "reimbursement", "SELECT sale_id, amount_cents FROM lines WHERE kind = 'sale'")
    assert sorted(map(tuple, told)) == sorted(sold.items())
