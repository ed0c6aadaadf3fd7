"""Bad luck at the counter: two tills at once, an answer that gets lost, a process that dies between the ledger and its own commit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from threading import Barrier, Thread
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import text

from infra.wiring import Town
from services.apis import ledger as ledger_api
from services.apis import redemption as api
from services.apis.errors import Refused
from services.events.identity import PersonErased
from services.kit.http import Client
from services.kit.ids import derived_id, new_id
from tests.builders import As, an_admin, tell
from tests.builders_ledger import post_sale
from tests.builders_redemption import ATill, a_customer, a_paired_till, a_payment_code, a_shop


def balance(volunteer: As) -> int:
    return volunteer.ask("ledger", ledger_api.GET_WALLET, person_id=volunteer.person_id).balance_cents


def at_once(*attempts: Callable[[], Any]) -> list[Any]:
    """Do these in parallel; answers each one's result, or the code it was refused with."""
    together = Barrier(len(attempts))

    def run(attempt: Callable[[], Any]) -> Any:
        together.wait()
        try:
            return attempt()
        except Refused as refusal:
            return refusal.code

    with ThreadPoolExecutor(len(attempts)) as pool:
        return list(pool.map(run, attempts))


class Line(httpx.BaseTransport):
    """The line to the ledger, with something happening on it once the ledger has answered (or, cut short, instead)."""

    def __init__(self, town: Town, then: Callable[[], None], *, arrives: bool) -> None:
        self.ledger, self.then, self.arrives = httpx.WSGITransport(app=town.apps["ledger"]), then, arrives

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        response = self.ledger.handle_request(request) if self.arrives else httpx.Response(500)
        self.then()
        return response


@contextmanager
def the_line(town: Town, then: Callable[[], None], *, arrives: bool = True) -> Iterator[None]:
    clients = town.rooms["redemption"].clients
    whole = clients["ledger"]
    http = httpx.Client(transport=Line(town, then, arrives=arrives), base_url="http://ledger")
    clients["ledger"] = Client("ledger", http, lambda: town.tokens.service("redemption", now=town.clock.now()))
    try:
        yield
    finally:
        clients["ledger"] = whole


def broken_line(town: Town, *, arrives: bool) -> AbstractContextManager[None]:
    """A line that fails before the request arrives, or after the ledger has done its work."""

    def fail() -> None:
        raise httpx.ReadTimeout("the line is dead")

    return the_line(town, fail, arrives=arrives)


def code_id(town: Town) -> UUID:
    with town.rooms["redemption"].engine.connect() as conn:
        return conn.execute(text("SELECT payment_code_id FROM payment_codes WHERE replaced_at IS NULL")).scalar_one()


def post_as_redemption(town: Town, customer: As, till: ATill, cents: int) -> UUID:
    """What is left when redemption dies after the ledger has posted: the ledger's books, and nothing here. Answers the sale's id."""
    sale_id = derived_id("sale", code_id(town), 0)
    ask = ledger_api.PostSale(
        sale_id=sale_id, person_id=customer.person_id, shop_id=till.shop_id, till_id=till.till_id, payment_code_id=code_id(town),
        neighbourhood_id="le-querce", amount_cents=cents, correlation_id=new_id(),
    )  # fmt: skip
    post_sale(town.client("ledger", speaking_as="redemption"), ask)
    return sale_id


def announced(town: Town) -> list[str]:
    with town.rooms["redemption"].engine.connect() as conn:
        return list(conn.scalars(text("SELECT type FROM outbox WHERE type LIKE 'sale.%' ORDER BY seq")))


def test_of_two_tills_with_the_same_code_one_sells(town: Town) -> None:
    shop, customer = a_shop(town), a_customer(town, 1000)
    tills, code = [a_paired_till(town, shop, name) for name in ("front", "back")], a_payment_code(town, customer)
    answers = at_once(*(lambda till=till: till.sell(code, 450) for till in tills))
    assert sorted(type(answer).__name__ for answer in answers) == ["Sale", "str"]
    assert "code_used" in answers
    assert balance(customer) == 550
    town.settle()
    assert announced(town) == ["sale.accepted.v1"]
    assert town.check() == []


def test_a_double_tap_charges_once_and_both_taps_see_the_same_green(town: Town) -> None:
    customer, till = a_customer(town, 1000), a_paired_till(town)
    code = a_payment_code(town, customer)
    first, second = at_once(*[lambda: till.sell(code, 450, key="0123456789")] * 2)
    assert first == second
    assert first.amount_cents == 450
    assert balance(customer) == 550


def test_a_double_void_gives_the_coins_back_once(town: Town) -> None:
    customer, till = a_customer(town, 1000), a_paired_till(town)
    sale = till.sell(a_payment_code(town, customer), 450)
    answers = at_once(*[lambda: till.void(sale.sale_id)] * 2)
    assert "already_voided" in answers
    assert any(isinstance(answer, api.Sale) and answer.voided_at for answer in answers)
    assert balance(customer) == 1000
    town.settle()
    assert announced(town) == ["sale.accepted.v1", "sale.voided.v1"]


def test_while_the_ledger_is_away_nothing_is_used_up_and_the_same_key_sells_later(town: Town) -> None:
    customer, till = a_customer(town, 1000), a_paired_till(town)
    code = a_payment_code(town, customer)
    with broken_line(town, arrives=False), pytest.raises(Refused, match="service_away"):
        till.sell(code, 450, key="0123456789")
    assert balance(customer) == 1000
    assert till.sell(code, 450, key="0123456789").amount_cents == 450
    assert balance(customer) == 550


def test_a_lost_answer_is_found_again_with_the_same_key_and_with_another(town: Town) -> None:
    customer, till = a_customer(town, 1000), a_paired_till(town)
    for same in (True, False):
        code, key = a_payment_code(town, customer), new_id()
        with broken_line(town, arrives=True), pytest.raises(Refused, match="service_away"):
            till.sell(code, 300, key=key)
        assert till.sell(code, 300, key=key if same else new_id()).amount_cents == 300
        with pytest.raises(Refused, match="code_used"):
            till.sell(code, 300)
    assert balance(customer) == 400
    town.settle()
    assert announced(town) == ["sale.accepted.v1"] * 2
    assert town.check() == []


def test_a_lost_refusal_leaves_a_code_that_pays_nothing_and_asks_for_a_new_one(town: Town) -> None:
    customer, till = a_customer(town, 300), a_paired_till(town)
    code = a_payment_code(town, customer)
    with broken_line(town, arrives=True), pytest.raises(Refused, match="service_away"):
        till.sell(code, 450)
    with pytest.raises(Refused, match="code_expired"):
        till.sell(code, 200)
    assert till.sell(a_payment_code(town, customer), 200)
    assert balance(customer) == 100


def test_a_sale_posted_before_we_died_is_completed_from_the_ledgers_event(town: Town) -> None:
    customer, till = a_customer(town, 1000), a_paired_till(town)
    code = a_payment_code(town, customer)
    sale_id = post_as_redemption(town, customer, till, 450)
    town.settle()
    assert [s.sale_id for s in till.ask("redemption", api.GET_SALES).sales] == [sale_id]
    assert announced(town) == ["sale.accepted.v1"]
    assert len(customer.ask("redemption", api.GET_MY_SALES).purchases) == 1
    # The till never had its answer. Its request, repeated, gets it; after that the code has paid.
    assert till.sell(code, 450, key="0123456789").sale_id == sale_id
    assert till.sell(code, 450, key="0123456789").sale_id == sale_id
    with pytest.raises(Refused, match="code_used"):
        till.sell(code, 450)
    assert balance(customer) == 550
    assert announced(town) == ["sale.accepted.v1"]
    assert town.check() == []


def test_a_sale_posted_before_we_died_is_completed_without_its_buyer_when_they_were_erased_meanwhile(
    town: Town,
) -> None:
    customer, till = a_customer(town, 1000), a_paired_till(town)
    a_payment_code(town, customer)
    sale_id = post_as_redemption(town, customer, till, 450)
    tell(town, PersonErased(person_id=customer.person_id))
    assert [s.sale_id for s in till.ask("redemption", api.GET_SALES).sales] == [sale_id]
    assert customer.ask("redemption", api.GET_MY_SALES).purchases == ()
    assert town.check() == []


def test_a_request_repeated_before_the_event_arrives_completes_the_sale_itself(town: Town) -> None:
    customer, till = a_customer(town, 1000), a_paired_till(town)
    code = a_payment_code(town, customer)
    sale_id = post_as_redemption(town, customer, till, 450)
    assert till.sell(code, 450).sale_id == sale_id
    town.settle()
    assert announced(town) == ["sale.accepted.v1"]
    assert balance(customer) == 550


@pytest.mark.parametrize("meanwhile", ["the code expires", "the shop closes", "another amount", "another till"])
def test_a_till_is_never_told_no_while_the_coins_are_gone(town: Town, meanwhile: str) -> None:
    shop, customer = a_shop(town), a_customer(town, 1000)
    till, beside = a_paired_till(town, shop), a_paired_till(town, shop, "back")
    code = a_payment_code(town, customer)
    sale_id = post_as_redemption(town, customer, till, 450)
    if meanwhile == "the code expires":
        town.clock.move_to(town.clock.now() + timedelta(seconds=120))
    if meanwhile == "the shop closes":
        an_admin(town).ask("redemption", api.POST_SHOP_CLOSE, shop_id=shop.shop_id)
    asking, cents = beside if meanwhile == "another till" else till, 400 if meanwhile == "another amount" else 450
    key = new_id()
    with pytest.raises(Refused, match="sale_pending"):
        asking.sell(code, cents, key=key)
    town.settle()
    if meanwhile.startswith("another"):
        with pytest.raises(Refused, match="code_used"):
            asking.sell(code, cents, key=key)
    else:
        assert asking.sell(code, cents, key=key).sale_id == sale_id
    assert [s.sale_id for s in till.ask("redemption", api.GET_SALES).sales] == [sale_id]
    assert balance(customer) == 550
    assert town.check() == []


def test_an_event_that_comes_while_its_sale_is_still_being_written_waits_and_adds_nothing(town: Town) -> None:
    customer, till = a_customer(town, 1000), a_paired_till(town)
    code = a_payment_code(town, customer)
    hears = Thread(target=town.pump)

    def hear_it_early() -> None:
        hears.start()
        hears.join(timeout=0.5)
        assert hears.is_alive(), "the event did not wait for the sale"

    with the_line(town, hear_it_early):
        assert till.sell(code, 450)
    hears.join()
    town.settle()
    assert announced(town) == ["sale.accepted.v1"]
    assert town.check() == []


def test_a_void_posted_before_we_died_is_completed_from_the_ledgers_event(town: Town) -> None:
    customer, till = a_customer(town, 1000), a_paired_till(town)
    sale = till.sell(a_payment_code(town, customer), 450)
    body = ledger_api.PostVoid(sale_id=sale.sale_id)
    key = derived_id("void", sale.sale_id)
    town.client("ledger", speaking_as="redemption").call(ledger_api.POST_VOID, body, key=key)
    town.settle()
    assert announced(town) == ["sale.accepted.v1", "sale.voided.v1"]
    assert till.void(sale.sale_id, key="0123456789").voided_at
    assert till.void(sale.sale_id, key="0123456789").voided_at
    with pytest.raises(Refused, match="already_voided"):
        till.void(sale.sale_id)
    assert balance(customer) == 1000
    assert town.check() == []


def test_a_void_whose_answer_got_lost_is_done_once(town: Town) -> None:
    customer, till = a_customer(town, 1000), a_paired_till(town)
    sale = till.sell(a_payment_code(town, customer), 450)
    with broken_line(town, arrives=True), pytest.raises(Refused, match="service_away"):
        till.void(sale.sale_id)
    assert till.void(sale.sale_id).voided_at
    town.settle()
    assert announced(town) == ["sale.accepted.v1", "sale.voided.v1"]
    assert balance(customer) == 1000
    assert town.check() == []
