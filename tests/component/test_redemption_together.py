"""Whoever waits at a counter at the same moment is answered together – and hears what they would have heard alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event
from typing import Any

import httpx
import pytest

from infra.wiring import Town
from services.apis import redemption as api
from services.apis.errors import Refused
from services.kit.ids import new_id
from services.kit.writer import Writer
from tests.builders import As
from tests.builders_redemption import ATill, a_customer, a_paired_till, a_payment_code, a_shop, an_owner
from tests.component.test_redemption_races import balance, the_line

Outcome = tuple[str, Any]


def outcome(ask: Callable[[], api.Sale]) -> Outcome:
    """Sold for so much, or the code of the refusal and its facts."""
    try:
        return "sold", ask().amount_cents
    except Refused as refusal:
        return refusal.code, refusal.facts


class Queue:
    """The till's first sale is at the ledger and stays there; what is asked meanwhile waits, and is the next batch."""

    def __init__(self, town: Town, pool: ThreadPoolExecutor) -> None:
        self.writer: Writer = town.rooms["redemption"].writers["post_sales"]
        self.pool, self.at_ledger, self.go_on = pool, Event(), Event()
        self.asked: list[Future[Outcome]] = []

    def hold(self) -> None:
        if not self.at_ledger.is_set():
            self.at_ledger.set()
            assert self.go_on.wait(5)

    def ask(self, *sales: Callable[[], api.Sale]) -> None:
        """Ask these in this order."""
        for sale in sales:
            waiting = self.writer.figures()["waiting"]
            self.asked.append(self.pool.submit(outcome, sale))
            while self.writer.figures()["waiting"] == waiting:
                pass

    def heard(self) -> list[Outcome]:
        self.go_on.set()
        return [one.result(10) for one in self.asked]


@contextmanager
def a_queue(town: Town, *, arrives: bool = True) -> Iterator[Queue]:
    """A queue behind one sale of somebody else. Not `arrives`: from the moment it forms, nothing reaches the ledger."""
    somebody, till = a_customer(town, 100), a_paired_till(town, a_shop(town, name="First"))
    first_code = a_payment_code(town, somebody)
    with ThreadPoolExecutor(32) as pool:
        queue = Queue(town, pool)

        def then() -> None:
            if not arrives and queue.at_ledger.is_set():
                raise httpx.ConnectError("the line is dead")
            queue.hold()

        with the_line(town, then, arrives=True):
            first = pool.submit(outcome, lambda: till.sell(first_code, 100))
            assert queue.at_ledger.wait(5)
            yield queue
            queue.heard()
            assert first.result(10) == ("sold", 100)


def sale_of(till: ATill, code: str, cents: int, key: object = None) -> Callable[[], api.Sale]:
    return lambda: till.sell(code, cents, key=key)


def a_code(town: Town, cents: int) -> tuple[As, str]:
    customer = a_customer(town, cents)
    return customer, a_payment_code(town, customer)


def test_a_whole_street_is_answered_by_two_transactions(town: Town) -> None:
    shop = a_shop(town)
    tills, codes = [a_paired_till(town, shop, f"till {n}") for n in range(4)], [a_code(town, 500) for _ in range(12)]
    with a_queue(town) as queue:
        batches = len(queue.writer._sizes)
        queue.ask(*(sale_of(tills[n % 4], code, 100 + n) for n, (_, code) in enumerate(codes)))
        assert queue.heard() == [("sold", 100 + n) for n in range(12)]
        assert len(queue.writer._sizes) == batches + 2
    assert [balance(customer) for customer, _ in codes] == [400 - n for n in range(12)]
    town.settle()
    assert town.check() == []


def test_in_a_batch_everybody_hears_what_they_would_have_heard_alone(town: Town) -> None:
    shop = a_shop(town)
    till, gone = a_paired_till(town, shop), a_paired_till(town, shop, "gone")
    an_owner(town, shop).ask("redemption", api.POST_TILL_UNPAIR, till_id=gone.till_id)
    (rich, good), (poor, few), (_, other) = a_code(town, 1000), a_code(town, 300), a_code(town, 1000)
    elsewhere = a_payment_code(town, a_customer(town, 1000, neighbourhood_id="stazione"))
    replaced_by = a_customer(town, 1000)
    old, new = a_payment_code(town, replaced_by), a_payment_code(town, replaced_by)
    with a_queue(town) as queue:
        queue.ask(
            sale_of(till, good, 450), sale_of(till, few, 450), sale_of(till, elsewhere, 100), sale_of(gone, other, 100),
            sale_of(till, "pay.unknown", 100), sale_of(till, "9788804668237", 100), sale_of(till, old, 100),
            sale_of(till, new, 100), sale_of(till, other, 1_000_000),
        )  # fmt: skip
        heard = queue.heard()
    assert [code for code, _ in heard] == [
        "sold", "not_enough_coins", "other_neighbourhood", "till_unpaired", "unknown_code", "foreign_code", "code_replaced", "sold",
        "over_sale_limit",
    ]  # fmt: skip
    assert heard[1][1] == {"payable_cents": 300, "rest_cents": 150}
    assert till.sell(few, 300).amount_cents == 300
    assert till.sell(other, 100).amount_cents == 100
    assert (balance(rich), balance(poor)) == (550, 0)
    town.settle()
    assert town.check() == []


def test_one_code_at_two_tills_in_one_queue_pays_once(town: Town) -> None:
    shop = a_shop(town)
    front, back, (customer, code) = a_paired_till(town, shop), a_paired_till(town, shop, "back"), a_code(town, 1000)
    with a_queue(town) as queue:
        queue.ask(sale_of(front, code, 450), sale_of(back, code, 450), sale_of(front, code, 200))
        assert [said for said, _ in queue.heard()] == ["sold", "code_used", "code_used"]
    assert balance(customer) == 550


def test_one_key_twice_in_one_queue_is_one_request_and_with_other_content_a_mistake(town: Town) -> None:
    till, (customer, code), key = a_paired_till(town), a_code(town, 1000), new_id()
    with a_queue(town) as queue:
        queue.ask(sale_of(till, code, 450, key), sale_of(till, code, 450, key), sale_of(till, code, 300, key))
        assert [said for said, _ in queue.heard()] == ["sold", "sold", "key_reused"]
    assert balance(customer) == 550


def test_with_the_ledger_away_only_those_who_need_it_are_told_to_try_again(town: Town) -> None:
    till, (customer, code), key = a_paired_till(town), a_code(town, 1000), new_id()
    with a_queue(town, arrives=False) as queue:
        queue.ask(sale_of(till, code, 450, key), sale_of(till, "9788804668237", 100))
        assert [said for said, _ in queue.heard()] == ["service_away", "foreign_code"]
    assert till.sell(code, 450, key=key).amount_cents == 450
    assert balance(customer) == 550
    with pytest.raises(Refused, match="code_used"):
        till.sell(code, 450)
    town.settle()
    assert town.check() == []
