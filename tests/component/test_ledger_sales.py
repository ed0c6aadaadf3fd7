"""Sales and voids: coins move to what the shop is owed and back, once, and never more than there are."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from uuid import UUID

import pytest
from sqlalchemy import text

from infra.wiring import Town
from ledger.handlers_fund import expire_coins
from services.apis import ledger as api
from services.apis.errors import Refused
from services.events.ledger import CoinsExpired, CoinsSpent, CoinsUnspent, Part
from services.kit.ids import new_id
from tests.builders import a_volunteer, tell
from tests.builders_ledger import a_fund, an_auditor, balance, give_coins, released, returned, said, sell, void, wallet
from tests.builders_sealing import run

MAY, JUNE, JULY = date(2026, 5, 31), date(2026, 6, 30), date(2026, 7, 31)


def a_customer(town: Town, *lots: tuple[int, date]) -> tuple[UUID, list[UUID]]:
    """A person with a lot from a fund of its own each; answers the person and the funds."""
    person, funds = new_id(), [a_fund(town, cents) for cents, _ in lots]
    for fund, (cents, expires_on) in zip(funds, lots, strict=True):
        give_coins(town, person, cents, fund, expires_on=expires_on)
    return person, funds


def refusal(town: Town, person: UUID, cents: int, **more: object) -> Refused:
    with pytest.raises(Refused) as refused:
        sell(town, person, cents, **more)
    return refused.value


def test_the_coins_that_end_first_are_spent_first_and_the_shop_is_owed_them_by_fund(town: Town) -> None:
    person, (late, early) = a_customer(town, (5_00, JULY), (2_00, MAY))
    shop = new_id()
    posted = sell(town, person, 3_50, shop_id=shop)
    assert {p.fund_id: p.amount_cents for p in posted.parts} == {early: 2_00, late: 1_50}
    assert [lot.amount_cents for lot in wallet(town, person).lots] == [3_50]
    assert (balance(town, f"shop/{shop}/{early}"), balance(town, f"shop/{shop}/{late}")) == (2_00, 1_50)
    spent = said(town, CoinsSpent)
    assert [(e.sale_id, e.shop_id, e.amount_cents, e.parts) for e in spent] == [
        (posted.sale_id, shop, 3_50, posted.parts)
    ]
    assert town.check() == []


def test_of_two_lots_with_one_last_day_the_fund_s_id_decides(town: Town) -> None:
    person, funds = a_customer(town, (1_00, MAY), (1_00, MAY), (1_00, MAY))
    assert [p.fund_id for p in sell(town, person, 2_00).parts] == sorted(funds)[:2]


def test_coins_that_are_short_say_what_they_would_pay_and_nothing_moves(town: Town) -> None:
    person, _ = a_customer(town, (3_00, MAY))
    refused = refusal(town, person, 3_50)
    assert (refused.code, refused.facts) == ("not_enough_coins", {"payable_cents": 3_00})
    assert wallet(town, person).balance_cents == 3_00
    assert refusal(town, new_id(), 1).facts == {"payable_cents": 0}
    assert (said(town, CoinsSpent), town.check()) == ([], [])


def test_only_coins_of_the_funds_named_count(town: Town) -> None:
    person, (first, second) = a_customer(town, (3_00, MAY), (3_00, JUNE))
    assert refusal(town, person, 4_00, fund_ids=(second,)).facts == {"payable_cents": 3_00}
    assert refusal(town, person, 1, fund_ids=()).facts == {"payable_cents": 0}
    assert sell(town, person, 3_00, fund_ids=(second,)).parts == (Part(fund_id=second, amount_cents=3_00),)
    assert [lot.fund_id for lot in wallet(town, person).lots] == [first]


def test_the_last_day_is_the_city_s_day(town: Town) -> None:
    person, _ = a_customer(town, (3_00, MAY))
    town.clock.move_to(datetime(2026, 5, 31, 21, 59, tzinfo=UTC))  # type: ignore[attr-defined]
    sell(town, person, 1_00)  # 23:59 in town
    town.clock.move_to(datetime(2026, 5, 31, 22, 1, tzinfo=UTC))  # type: ignore[attr-defined]
    assert refusal(town, person, 1_00).facts == {"payable_cents": 0}
    assert wallet(town, person).balance_cents == 0


def test_the_same_sale_sent_twice_moves_coins_once_and_gets_the_same_answer_even_under_another_key(town: Town) -> None:
    person, _ = a_customer(town, (2_00, MAY), (4_00, JUNE))
    sale = {"sale_id": new_id(), "shop_id": new_id(), "till_id": new_id(), "payment_code_id": new_id()}
    assert sell(town, person, 3_00, **sale) == sell(town, person, 3_00, **sale)
    assert wallet(town, person).balance_cents == 3_00
    assert len(said(town, CoinsSpent)) == 1
    other = refusal(town, person, 2_00, **sale)
    assert other.code == "id_reused"
    assert town.check() == []


def test_a_refused_sale_stays_refused_though_coins_come_later(town: Town) -> None:
    person, _ = a_customer(town, (1_00, MAY))
    sale = {"sale_id": new_id(), "shop_id": new_id(), "till_id": new_id()}
    first = refusal(town, person, 2_00, **sale)
    give_coins(town, person, 5_00)
    again = refusal(town, person, 2_00, **sale)
    assert (again.message, again.facts) == (first.message, first.facts)
    journal = an_auditor(town).ask("ledger", api.GET_JOURNAL, journal=sale["sale_id"])
    assert (journal.state, journal.code, journal.transfers) == ("refused", "insufficient", ())
    with town.rooms["ledger"].engine.connect() as conn:
        assert conn.scalar(text("SELECT count(*) FROM accounts WHERE code LIKE 'shop/%'")) == 0


def test_twenty_sales_at_once_never_spend_more_than_there_is(town: Town) -> None:
    person, _ = a_customer(town, (3_00, MAY), (2_00, JUNE), (2_00, JULY))
    shops = [new_id(), new_id()]

    def attempt(n: int) -> str:
        try:
            sell(town, person, 1_00, shop_id=shops[n % 2])
        except Refused as refused:
            return refused.code
        return "sold"

    with ThreadPoolExecutor(20) as pool:
        assert Counter(pool.map(attempt, range(20))) == {"sold": 7, "not_enough_coins": 13}
    assert wallet(town, person).balance_cents == 0
    assert town.check() == []


def test_one_sale_sent_by_ten_threads_is_one_sale(town: Town) -> None:
    person, _ = a_customer(town, (9_00, MAY))
    sale = {"sale_id": new_id(), "shop_id": new_id(), "till_id": new_id(), "payment_code_id": new_id()}
    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda _: sell(town, person, 1_00, **sale), range(10)))
    assert len(set(answers)) == 1
    assert wallet(town, person).balance_cents == 8_00
    assert town.check() == []


def test_a_void_puts_every_coin_back_into_its_lot_and_can_be_asked_again(town: Town) -> None:
    person, _ = a_customer(town, (2_00, MAY), (4_00, JUNE))
    before, shop = wallet(town, person), new_id()
    sale = sell(town, person, 3_00, shop_id=shop)
    undone = void(town, sale.sale_id)
    assert (undone.amount_cents, undone.parts) == (3_00, sale.parts)
    assert void(town, sale.sale_id) == undone
    assert wallet(town, person) == before
    assert [(e.sale_id, e.shop_id, e.parts) for e in said(town, CoinsUnspent)] == [(sale.sale_id, shop, sale.parts)]
    assert town.check() == []


def test_five_tills_voiding_one_sale_give_the_coins_back_once(town: Town) -> None:
    person, _ = a_customer(town, (5_00, MAY))
    sale = sell(town, person, 3_00)
    with ThreadPoolExecutor(5) as pool:
        assert len(set(pool.map(lambda _: void(town, sale.sale_id), range(5)))) == 1
    assert wallet(town, person).balance_cents == 5_00
    assert town.check() == []


def test_coins_of_a_void_whose_last_day_has_passed_go_on_to_their_fund(town: Town) -> None:
    person, (fund,) = a_customer(town, (5_00, MAY))
    sale = sell(town, person, 5_00)
    town.clock.move_to(datetime(2026, 6, 2, 10, tzinfo=UTC))  # type: ignore[attr-defined]
    assert run(town, expire_coins) == 0
    void(town, sale.sale_id)
    assert wallet(town, person).balance_cents == 0
    town.tick()
    assert balance(town, f"fund/{fund}") == 5_00
    assert [(e.person_id, e.amount_cents, e.expired_on) for e in said(town, CoinsExpired)] == [(person, 5_00, MAY)]
    assert town.check() == []


def test_a_sale_nobody_knows_cannot_be_voided_nor_one_the_shop_is_being_paid_for(town: Town) -> None:
    with pytest.raises(Refused, match="unknown_sale"):
        void(town, new_id())
    person, _ = a_customer(town, (5_00, MAY))
    refused_id = new_id()
    refusal(town, person, 9_00, sale_id=refused_id)
    with pytest.raises(Refused, match="unknown_sale"):
        void(town, refused_id)
    shop = new_id()
    sale = sell(town, person, 5_00, shop_id=shop)
    tell(town, released(shop, *sale.parts))
    with pytest.raises(Refused, match="sale_paid_out"):
        void(town, sale.sale_id)
    assert town.check() == []


def test_a_void_refused_while_the_shop_is_being_paid_is_possible_once_the_bank_sends_the_money_back(town: Town) -> None:
    person, _ = a_customer(town, (5_00, MAY))
    sale = sell(town, person, 5_00, shop_id=(shop := new_id()))
    payment = released(shop, *sale.parts)
    tell(town, payment)
    for _ in range(2):
        with pytest.raises(Refused, match="sale_paid_out"):
            void(town, sale.sale_id)
    tell(town, returned(payment, was_settled=False))
    assert void(town, sale.sale_id) == void(town, sale.sale_id)
    assert wallet(town, person).balance_cents == 5_00
    assert [told.sale_id for told in said(town, CoinsUnspent)] == [sale.sale_id]
    assert town.check() == []


def test_a_wallet_and_its_movements_are_for_its_owner(town: Town) -> None:
    person, (fund,) = a_customer(town, (5_00, MAY))
    void(town, sell(town, person, 2_00).sale_id)
    owner = a_volunteer(town, person_id=person)
    page = owner.ask("ledger", api.GET_MOVEMENTS, query=api.Page(limit=2), person_id=person)
    rest = owner.ask("ledger", api.GET_MOVEMENTS, query=api.Page(cursor=page.next_cursor), person_id=person)
    lines = [(m.kind, m.amount_cents, m.with_kind) for m in (*page.movements, *rest.movements)]
    assert lines == [("void", 2_00, "shop"), ("sale", -2_00, "shop"), ("award", 5_00, "fund")]
    assert {m.fund_id for m in page.movements} == {fund}
    for endpoint in (api.GET_WALLET, api.GET_MOVEMENTS):
        with pytest.raises(Refused, match="not_allowed"):
            a_volunteer(town).ask("ledger", endpoint, query=None, person_id=person)
    assert town.client("ledger", speaking_as="redemption").call(api.GET_WALLET, person_id=person).balance_cents == 5_00
