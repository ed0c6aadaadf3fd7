"""Undoing a sale at the till, what each party sees of the day, and when the link to a person is cut."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from sqlalchemy import text

from infra.wiring import Town
from services.apis import ledger as ledger_api
from services.apis import redemption as api
from services.apis import redemption_days as days_api
from services.apis.endpoint import Page
from services.apis.errors import Refused
from services.events.identity import PersonErased
from services.events.ledger import Part
from services.events.reimbursement import StatementIssued
from services.kit.ids import new_id
from tests.builders import As, a_volunteer, tell
from tests.builders_ledger import released, returned
from tests.builders_redemption import (
    ATill,
    a_customer,
    a_paired_till,
    a_payment_code,
    a_shop,
    an_owner,
    take_part,
)


def balance(volunteer: As) -> int:
    return volunteer.ask("ledger", ledger_api.GET_WALLET, person_id=volunteer.person_id).balance_cents


def buy(town: Town, customer: As, till: ATill, cents: int) -> api.Sale:
    return till.sell(a_payment_code(town, customer), cents)


def settle_the_month(town: Town, shop_id: object, first: date, last: date) -> None:
    statement = StatementIssued(
        statement_id=new_id(), shop_id=shop_id, period_from=first, period_to=last, amount_cents=450, sale_count=1, parts=(),
    )  # fmt: skip
    tell(town, statement)


def purchases(customer: As, **page: object) -> api.Purchases:
    return customer.ask("redemption", api.GET_MY_SALES, query=Page(**page))


def test_a_void_puts_the_coins_back_and_says_so_once(town: Town) -> None:
    customer, till = a_customer(town, 1000), a_paired_till(town)
    sale = buy(town, customer, till, 450)
    voided = till.void(sale.sale_id, key="0123456789")
    assert voided.voided_at == town.clock.now()
    assert till.void(sale.sale_id, key="0123456789") == voided
    assert balance(customer) == 1000
    with pytest.raises(Refused, match="already_voided"):
        till.void(sale.sale_id)
    town.settle()
    with town.rooms["redemption"].engine.connect() as conn:
        types = list(conn.scalars(text("SELECT type FROM outbox WHERE type LIKE 'sale.%' ORDER BY seq")))
    assert types == ["sale.accepted.v1", "sale.voided.v1"]
    assert town.check() == []


def test_a_void_is_never_before_its_sale_even_where_the_clock_was_set_back_between(town: Town) -> None:
    """Two machines' clocks differ, and one clock is corrected: nobody undoes what is yet to come."""
    customer, till = a_customer(town, 1000), a_paired_till(town)
    sale = buy(town, customer, till, 450)
    town.clock.__init__(sale.sold_at - timedelta(seconds=90))  # type: ignore[misc]
    assert till.void(sale.sale_id).voided_at == sale.sold_at
    town.settle()
    assert town.check() == []


def test_only_the_till_that_sold_can_void(town: Town) -> None:
    shop = a_shop(town)
    customer, till, beside = a_customer(town), a_paired_till(town, shop), a_paired_till(town, shop, "back")
    sale = buy(town, customer, till, 450)
    with pytest.raises(Refused, match="other_till"):
        beside.void(sale.sale_id)
    with pytest.raises(Refused, match="unknown_sale"):
        a_paired_till(town, a_shop(town, name="Next door")).void(sale.sale_id)
    with pytest.raises(Refused, match="unknown_sale"):
        till.void(new_id())
    assert balance(customer) == 550


def test_a_sale_in_a_statement_can_no_longer_be_voided(town: Town) -> None:
    shop = a_shop(town)
    customer, till = a_customer(town), a_paired_till(town, shop)
    last_of_may = buy(town, customer, till, 300)
    town.clock.move_to(town.clock.now() + timedelta(days=28))  # 1 June
    first_of_june = buy(town, customer, till, 200)
    settle_the_month(town, shop.shop_id, date(2026, 5, 1), date(2026, 5, 31))
    with pytest.raises(Refused, match="void_too_late"):
        till.void(last_of_may.sale_id)
    assert till.void(first_of_june.sale_id).voided_at
    assert balance(customer) == 700


def test_a_void_too_late_for_the_ledger_is_possible_at_the_till_once_the_payment_came_back(town: Town) -> None:
    """The same press of the button hears the same answer; the next one asks anew."""
    customer, till = a_customer(town), a_paired_till(town)
    sale = buy(town, customer, till, 450)
    lot = customer.ask("ledger", ledger_api.GET_WALLET, person_id=customer.person_id).lots[0]
    payment = released(till.shop_id, Part(fund_id=lot.fund_id, amount_cents=450))
    tell(town, payment)
    with pytest.raises(Refused, match="void_too_late"):
        till.void(sale.sale_id, key="the first press")
    tell(town, returned(payment, was_settled=False))
    with pytest.raises(Refused, match="void_too_late"):
        till.void(sale.sale_id, key="the first press")
    assert till.void(sale.sale_id).voided_at
    town.settle()
    assert balance(customer) == 1000
    assert town.check() == []


def test_a_till_sees_its_own_sales_and_the_owner_all_of_them(town: Town) -> None:
    shop = a_shop(town)
    customer, front, back = a_customer(town, 3000), a_paired_till(town, shop), a_paired_till(town, shop, "back")
    ours = [buy(town, customer, front, cents).sale_id for cents in (100, 200, 300)]
    theirs = buy(town, customer, back, 400).sale_id
    assert {s.sale_id for s in front.ask("redemption", api.GET_SALES).sales} == set(ours)
    owner, stranger = an_owner(town, shop), an_owner(town, a_shop(town, name="Another"))
    seen, cursor = [], None
    while True:
        page = owner.ask("redemption", api.GET_SALES, query=api.SaleQuery(cursor=cursor, limit=3))
        seen += [s.sale_id for s in page.sales]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert sorted(seen) == sorted([*ours, theirs])
    assert stranger.ask("redemption", api.GET_SALES).sales == ()
    with pytest.raises(Refused, match="not_allowed"):
        stranger.ask("redemption", api.GET_SALES, query=api.SaleQuery(shop_id=shop.shop_id))
    yesterday = api.SaleQuery(day=date(2026, 5, 3), shop_id=shop.shop_id)
    assert owner.ask("redemption", api.GET_SALES, query=yesterday).sales == ()


def test_a_days_totals_count_what_stands_till_by_till(town: Town) -> None:
    shop = a_shop(town)
    customer, front, back = a_customer(town, 3000), a_paired_till(town, shop), a_paired_till(town, shop, "back")
    buy(town, customer, front, 100)
    front.void(buy(town, customer, front, 250).sale_id)
    buy(town, customer, back, 400)
    totals = an_owner(town, shop).ask("redemption", api.GET_TOTALS)
    assert (totals.day, totals.amount_cents) == (date(2026, 5, 4), 500)
    assert [(t.name, t.sales, t.voids, t.amount_cents) for t in totals.tills] == [
        ("back", 1, 0, 400),
        ("front", 1, 1, 100),
    ]
    assert front.ask("redemption", api.GET_TOTALS).amount_cents == 100
    tomorrow = api.TotalsQuery(day=date(2026, 5, 5))
    assert front.ask("redemption", api.GET_TOTALS, query=tomorrow) == api.Totals(
        day=date(2026, 5, 5), amount_cents=0, tills=()
    )


def test_a_month_is_told_day_by_day_and_leads_to_the_one_before(town: Town) -> None:
    shop = a_shop(town)
    customer, front, back = a_customer(town, 3000), a_paired_till(town, shop), a_paired_till(town, shop, "back")
    buy(town, customer, front, 100)
    town.clock.move_to(town.clock.now() + timedelta(days=60))
    front.void(buy(town, customer, front, 250).sale_id)
    buy(town, customer, back, 400)
    owner = an_owner(town, shop)
    now = owner.ask("redemption", days_api.GET_DAYS)
    assert now == days_api.Days(month="2026-07", amount_cents=400, days=now.days, earlier="2026-05")
    assert now.days == (days_api.DayTotal(day=date(2026, 7, 3), sales=1, voids=1, amount_cents=400),)
    may = front.ask("redemption", days_api.GET_DAYS, query=days_api.DaysQuery(month=now.earlier))
    assert (may.amount_cents, may.earlier, [one.day for one in may.days]) == (100, None, [date(2026, 5, 4)])
    assert back.ask("redemption", days_api.GET_DAYS, query=days_api.DaysQuery(month="2026-05")).days == ()
    stranger = an_owner(town, a_shop(town, name="Another"))
    assert stranger.ask("redemption", days_api.GET_DAYS) == days_api.Days(
        month="2026-07", amount_cents=0, days=(), earlier=None
    )


def test_a_sale_just_after_midnight_in_town_counts_for_the_new_day(town: Town) -> None:
    customer, till = a_customer(town), a_paired_till(town)
    town.clock.move_to(town.clock.now().replace(hour=22, minute=5))  # 00:05 on Tuesday, in Rome
    buy(town, customer, till, 450)
    assert till.ask("redemption", api.GET_TOTALS).day == date(2026, 5, 5)
    assert till.ask("redemption", api.GET_TOTALS).amount_cents == 450


def test_volunteers_see_their_own_purchases_and_nobody_elses(town: Town) -> None:
    customer, till = a_customer(town), a_paired_till(town)
    first, second = buy(town, customer, till, 100), buy(town, customer, till, 200)
    page = purchases(customer, limit=1)
    rest = purchases(customer, limit=1, cursor=page.next_cursor)
    both = {p.sale_id: (p.shop_name, p.amount_cents) for p in (*page.purchases, *rest.purchases)}
    assert both == {first.sale_id: ("Panificio Sole", 100), second.sale_id: ("Panificio Sole", 200)}
    assert purchases(a_volunteer(town)).purchases == ()


def test_who_bought_is_forgotten_ninety_days_after_the_statement(town: Town) -> None:
    shop = a_shop(town)
    customer, till = a_customer(town), a_paired_till(town, shop)
    buy(town, customer, till, 450)
    settle_the_month(town, shop.shop_id, date(2026, 5, 1), date(2026, 5, 31))
    issued = town.clock.now()
    town.clock.move_to(issued + timedelta(days=90, seconds=-1))
    town.tick()
    assert len(purchases(customer).purchases) == 1
    town.clock.move_to(issued + timedelta(days=90))
    town.tick()
    assert purchases(customer).purchases == ()
    assert len(till.ask("redemption", api.GET_SALES).sales) == 1
    with town.rooms["redemption"].engine.connect() as conn:
        traces = conn.scalar(text("SELECT count(*) FROM payment_codes"))
    assert traces == 0
    assert town.check() == []


def test_an_erased_person_leaves_no_link_and_can_pay_no_more(town: Town) -> None:
    customer, till = a_customer(town), a_paired_till(town)
    sale, code = buy(town, customer, till, 450), a_payment_code(town, customer)
    tell(town, PersonErased(person_id=customer.person_id))
    take_part(town, customer)  # heard late: nothing of it may be kept
    assert purchases(customer).purchases == ()
    with pytest.raises(Refused, match="unknown_code"):
        till.sell(code, 100)
    with pytest.raises(Refused, match="person_erased"):
        a_payment_code(town, customer)
    assert till.void(sale.sale_id).voided_at
    assert town.check() == []
