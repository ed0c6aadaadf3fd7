"""The coins of a sale are followed to the awards that brought them, and to nobody's wallet."""

from __future__ import annotations

from uuid import UUID

import msgspec
import pytest

from infra.wiring import Town
from services.apis import ledger
from services.apis import ledger_origin as api
from services.apis.errors import Refused
from services.kit.ids import new_id
from tests.builders import As, a_volunteer
from tests.builders_ledger import a_finance_officer, a_fund, an_auditor, give_coins, lot_code, sell, void


def origins(town: Town, *sale_ids: UUID) -> list[list[list[tuple[UUID, int]]]]:
    """Of each sale, of each part, the awards and how much of each."""
    asked = api.AskOrigins(sale_ids=sale_ids)
    told = a_finance_officer(town).ask("ledger", api.POST_ORIGINS, asked)
    assert [sale.sale_id for sale in told.sales] == list(sale_ids)
    return [[[(a.award_id, a.amount_cents) for a in part.awards] for part in sale.parts] for sale in told.sales]


def test_coins_that_came_first_are_spent_first_and_a_sale_may_draw_on_two_awards(town: Town) -> None:
    person, fund = new_id(), a_fund(town, 20_00)
    first, second = (give_coins(town, person, 5_00, fund) for _ in range(2))
    early, late = sell(town, person, 3_00), sell(town, person, 4_00)
    assert origins(town, early.sale_id, late.sale_id) == [[[(first, 3_00)]], [[(first, 2_00), (second, 2_00)]]]


def test_what_an_undone_sale_put_back_is_spent_again(town: Town) -> None:
    person, fund = new_id(), a_fund(town, 20_00)
    first = give_coins(town, person, 5_00, fund)
    undone = sell(town, person, 5_00)
    void(town, undone.sale_id)
    again = sell(town, person, 2_00)
    assert origins(town, undone.sale_id, again.sale_id) == [[[(first, 5_00)]], [[(first, 2_00)]]]


def test_each_fund_of_a_sale_is_a_part_and_an_unknown_sale_has_none(town: Town) -> None:
    person, funds = new_id(), [a_fund(town, 5_00), a_fund(town, 5_00)]
    given = {fund: give_coins(town, person, 5_00, fund) for fund in funds}
    sale = sell(town, person, 8_00)
    [parts, nothing] = origins(town, sale.sale_id, new_id())
    assert {award for part in parts for award, _ in part} == set(given.values())
    assert (sum(cents for part in parts for _, cents in part), nothing) == (8_00, [])


def test_neither_the_person_nor_the_lot_is_told(town: Town) -> None:
    person, fund = new_id(), a_fund(town, 5_00)
    give_coins(town, person, 5_00, fund)
    asked = api.AskOrigins(sale_ids=(sell(town, person, 1_00).sale_id,))
    told = msgspec.json.encode(an_auditor(town).ask("ledger", api.POST_ORIGINS, asked)).decode()
    assert str(person) not in told
    assert lot_code(town, person, fund).split("/")[1] not in told
    with pytest.raises(Refused, match="not_allowed"):
        a_volunteer(town, person_id=person).ask("ledger", api.POST_ORIGINS, asked)


def test_an_officer_does_not_see_in_a_shops_account_which_sales_were_one_persons(town: Town) -> None:
    person, fund = new_id(), a_fund(town, 5_00)
    give_coins(town, person, 5_00, fund)
    shop_id = new_id()
    sell(town, person, 1_00, shop_id=shop_id)

    def given(who: As) -> str:
        query = ledger.HistoryQuery(code=f"shop/{shop_id}/{fund}")
        return str(who.ask("ledger", ledger.GET_HISTORY, query=query).transfers[0].debit)

    assert given(a_finance_officer(town)) == f"coins/{fund}"
    assert given(an_auditor(town)) == lot_code(town, person, fund)
