"""A cashier keyed the wrong amount: the till that sold takes it back while the statement is open, and every coin is where it was."""

from __future__ import annotations

import contextlib
from datetime import UTC, date, datetime
from uuid import UUID

import pytest

from infra.wiring import Town
from services.apis import redemption, reimbursement
from services.apis.endpoint import Page
from services.apis.errors import Refused
from services.events.ledger import Lot, Part
from tests.stories.town_life import (
    Cast,
    Shop,
    Volunteer,
    a_city_fund,
    a_shop_joins,
    an_approved_account,
    an_approved_batch,
    it_becomes,
    morning_of,
    release,
    statements_are_issued,
    take_part,
)


def with_coins_of_two_months(cast: Cast) -> tuple[Volunteer, UUID, UUID]:
    """Amal has five coins of May from one fund, five of June from another; now it is June."""
    amal = cast.volunteer("Amal")
    first = a_city_fund(cast, 500, name="Budget of spring", rank=1)
    take_part(cast, amal)
    second = a_city_fund(cast, 500, name="Budget of summer", rank=2)
    it_becomes(cast.town, morning_of(6, 10))
    take_part(cast, amal)
    return amal, first, second


def lines_of(shop: Shop, period: str) -> list[tuple[str, int]]:
    return [(line.kind, line.amount_cents) for line in shop.statement(period).lines]


def test_the_same_till_takes_a_sale_back_until_the_statement_is_issued(town: Town) -> None:
    cast = Cast(town)
    amal, first, second = with_coins_of_two_months(cast)
    shop = a_shop_joins(cast)
    before = amal.wallet
    assert before.lots == (
        Lot(fund_id=first, amount_cents=500, expires_on=date(2026, 11, 30)),
        Lot(fund_id=second, amount_cents=500, expires_on=date(2026, 12, 31)),
    )

    wrong = amal.buys(shop.till, 700)
    assert amal.wallet.lots == (Lot(fund_id=second, amount_cents=300, expires_on=date(2026, 12, 31)),)
    with pytest.raises(Refused, match="other_till"):
        shop.another_till().void(wrong.sale_id)
    with pytest.raises(Refused, match="unknown_sale"):
        a_shop_joins(cast, "Next door").till.void(wrong.sale_id)

    voided = shop.till.void(wrong.sale_id, key="the-key-of-the-till")
    assert shop.till.void(wrong.sale_id, key="the-key-of-the-till") == voided
    with pytest.raises(Refused, match="already_voided"):
        shop.till.void(wrong.sale_id)
    town.settle()
    assert amal.wallet == before
    [purchase] = amal.ask("redemption", redemption.GET_MY_SALES, query=Page()).purchases
    assert purchase.voided_at == voided.voided_at == town.clock.now()

    right = amal.buys(shop.till, 450)
    statements_are_issued(cast, "2026-06")
    statement = shop.statement("2026-06").statement
    assert (statement.amount_cents, statement.sale_count, statement.void_count) == (450, 2, 1)
    assert statement.parts == (Part(fund_id=first, amount_cents=450),)
    assert sorted(lines_of(shop, "2026-06")) == [("sale", 450), ("sale", 700), ("void", -700)]
    assert cast.balance(f"shop/{shop.shop_id}/{first}") == 450
    assert cast.balance(f"shop/{shop.shop_id}/{second}") == 0

    with pytest.raises(Refused, match="void_too_late"):
        shop.till.void(right.sale_id)
    assert amal.coins == 550
    july = amal.buys(shop.till, 100)
    assert shop.till.void(july.sale_id).voided_at == town.clock.now()
    town.settle()
    assert amal.coins == 550
    assert town.check() == []


def test_between_the_months_end_and_its_statement_a_void_still_lessens_that_month(town: Town) -> None:
    cast = Cast(town)
    amal = cast.volunteer("Amal")
    fund_id = a_city_fund(cast)
    take_part(cast, amal)
    shop = a_shop_joins(cast)
    it_becomes(town, datetime(2026, 5, 31, 20, 0, tzinfo=UTC))
    amal.buys(shop.till, 100)
    wrong = amal.buys(shop.till, 300)
    it_becomes(town, datetime(2026, 6, 1, 5, 0, tzinfo=UTC))
    shop.till.void(wrong.sale_id)
    town.settle()

    statements_are_issued(cast, "2026-05")
    assert shop.statement("2026-05").statement.amount_cents == 100 == cast.balance(f"shop/{shop.shop_id}/{fund_id}")
    an_approved_account(cast, shop)
    shop.claims("2026-05")
    release(cast, an_approved_batch(cast))
    assert cast.balance(f"shop/{shop.shop_id}/{fund_id}") == 0
    assert town.check() == []


def test_a_void_that_crosses_its_statement_on_the_way_is_not_paid_to_the_shop(town: Town) -> None:
    cast = Cast(town)
    amal, shop = cast.volunteer("Amal"), a_shop_joins(cast)
    fund_id = a_city_fund(cast)
    take_part(cast, amal)
    amal.buys(shop.till, 100)
    wrong = amal.buys(shop.till, 300)
    it_becomes(town, morning_of(6, 1))
    cast.giulio.ask("reimbursement", reimbursement.POST_STATEMENTS, period="2026-05")
    with contextlib.suppress(Refused):  # either would do: the till is refused, or the statement follows the books
        shop.till.void(wrong.sale_id)
    town.settle()

    assert shop.statement("2026-05").statement.amount_cents == cast.balance(f"shop/{shop.shop_id}/{fund_id}")
    an_approved_account(cast, shop)
    shop.claims("2026-05")
    release(cast, an_approved_batch(cast))
    assert cast.balance(f"shop/{shop.shop_id}/{fund_id}") == 0
    assert town.check() == []
