"""Money comes to a fund, is taken back, is corrected, or returns as expired coins; shops are paid. Every fund stays in balance."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from infra.wiring import Town
from ledger.handlers_fund import expire_coins
from services.apis import ledger as api
from services.apis import ledger_fund as fund_api
from services.apis.errors import Refused
from services.events.awards import CoinsAwarded
from services.events.funding import TopUpReversed, TopUpSettled
from services.events.ledger import CoinsExpired, CoinsIssued, FundCredited, FundShortfall, Part
from services.kit import parked
from services.kit.ids import new_id
from tests.builders import tell
from tests.builders_ledger import (
    a_finance_officer,
    a_fund,
    an_auditor,
    an_award,
    balance,
    figures,
    give_coins,
    in_order,
    released,
    returned,
    said,
    sell,
    settled,
    tell_together,
    the_owner,
    top_up,
    wallet,
)
from tests.builders_sealing import run
from tests.ledger_scene import a_year_of_everything

MAY = date(2026, 5, 31)
JUNE_MORNING = datetime(2026, 6, 1, 8, tzinfo=UTC)


def taken_back(fund: UUID, cents: int, channel: Any = "stripe") -> TopUpReversed:
    return TopUpReversed(topup_id=new_id(), fund_id=fund, reversal_id=new_id(), amount_cents=cents, channel=channel)


def test_a_card_top_up_shows_gross_fee_and_net_and_only_the_net_can_be_issued(town: Town) -> None:
    fund = new_id()
    topup = top_up(town, fund, 250_00, fee_cents=4_00, channel="stripe")
    shown = figures(town, fund)
    assert (shown.came_in_cents, shown.fee_cents, shown.free_cents) == (250_00, 4_00, 246_00)
    assert balance(town, f"stripe/{fund}") == -246_00
    assert [(e.topup_id, e.amount_cents, e.free_cents) for e in said(town, FundCredited)] == [(topup, 246_00, 246_00)]
    assert town.check() == []


def test_the_same_top_up_told_twice_counts_once(town: Town) -> None:
    fund = new_id()
    topup = TopUpSettled(topup_id=new_id(), fund_id=fund, amount_cents=50_00, fee_cents=1_00, channel="stripe")
    tell_together(town, [topup, topup])
    tell(town, topup)
    assert (balance(town, f"fund/{fund}"), len(said(town, FundCredited))) == (49_00, 1)
    assert town.check() == []


def test_a_fee_larger_than_its_top_up_is_set_aside_for_a_person_to_look_at(town: Town) -> None:
    tell(town, TopUpSettled(topup_id=new_id(), fund_id=new_id(), amount_cents=1, fee_cents=2, channel="stripe"))
    assert ["ValueError" in row.reason for row in parked.parked(town.rooms["ledger"])] == [True]


def test_money_taken_back_comes_from_what_is_free_and_the_rest_is_carried(town: Town) -> None:
    fund, person = new_id(), new_id()
    top_up(town, fund, 20_00, channel="stripe")
    give_coins(town, person, 15_00, fund)
    back = taken_back(fund, 20_00)
    tell(town, back, back)
    assert wallet(town, person).balance_cents == 15_00
    assert (balance(town, f"fund/{fund}"), balance(town, f"receivable/{fund}")) == (0, -15_00)
    assert [(e.topup_id, e.amount_cents, e.receivable_cents) for e in said(town, FundShortfall)] == [
        (back.topup_id, 15_00, 15_00)
    ]
    assert town.check() == []


def test_what_a_fund_can_give_back_leaves_no_shortfall(town: Town) -> None:
    fund = new_id()
    top_up(town, fund, 20_00, channel="stripe")
    tell(town, taken_back(fund, 20_00))
    assert (balance(town, f"stripe/{fund}"), said(town, FundShortfall)) == (0, [])
    assert town.check() == []


def test_new_money_first_fills_what_the_fund_carries_then_pays_awards(town: Town) -> None:
    fund = new_id()
    top_up(town, fund, 20_00, channel="stripe")
    give_coins(town, new_id(), 20_00, fund)
    award = an_award(5_00, in_order(fund))
    tell(town, taken_back(fund, 20_00), award)
    top_up(town, fund, 24_00)
    assert (balance(town, f"receivable/{fund}"), balance(town, f"fund/{fund}")) == (0, 4_00)
    assert wallet(town, award.person_id).balance_cents == 0
    top_up(town, fund, 1_00)
    assert wallet(town, award.person_id).balance_cents == 5_00
    assert town.check() == []


def test_expired_coins_go_back_to_their_fund_and_pay_an_award_that_waits(town: Town) -> None:
    fund, person = a_fund(town, 5_00), new_id()
    give_coins(town, person, 5_00, fund, expires_on=MAY)
    waits = an_award(3_00, in_order(fund))
    tell(town, waits)
    town.clock.move_to(JUNE_MORNING)  # type: ignore[attr-defined]
    assert run(town, expire_coins) == 1
    assert [(e.person_id, e.fund_id, e.amount_cents, e.expired_on) for e in said(town, CoinsExpired)] == [
        (person, fund, 5_00, MAY)
    ]
    assert wallet(town, waits.person_id).balance_cents == 3_00
    assert (figures(town, fund).expired_cents, figures(town, fund).free_cents) == (5_00, 2_00)
    assert run(town, expire_coins) == 0
    assert town.check() == []


def test_expired_coins_first_fill_what_the_fund_carries(town: Town) -> None:
    fund = new_id()
    top_up(town, fund, 5_00, channel="stripe")
    give_coins(town, new_id(), 5_00, fund, expires_on=MAY)
    tell(town, taken_back(fund, 4_00))
    town.clock.move_to(JUNE_MORNING)  # type: ignore[attr-defined]
    town.tick()
    assert (balance(town, f"receivable/{fund}"), balance(town, f"fund/{fund}")) == (0, 1_00)
    assert town.check() == []


def a_sale(town: Town, *cents: int) -> tuple[UUID, tuple[Part, ...]]:
    """A shop that sold for coins of as many funds; answers the shop and what it is owed by fund."""
    person, shop = new_id(), new_id()
    for amount in cents:
        give_coins(town, person, amount)
    return shop, sell(town, person, sum(cents), shop_id=shop).parts


def test_a_payment_goes_from_the_shop_through_the_batch_to_the_bank_fund_by_fund(town: Town) -> None:
    shop, parts = a_sale(town, 3_00, 4_00)
    payment = released(shop, *parts)
    tell(town, payment, payment)
    for part in parts:
        assert balance(town, f"shop/{shop}/{part.fund_id}") == 0
        assert balance(town, f"paying/{payment.batch_id}/{part.fund_id}") == part.amount_cents
    tell(town, settled(payment))
    assert [figures(town, p.fund_id).paid_cents for p in parts] == [p.amount_cents for p in parts]
    assert [balance(town, f"bank/{p.fund_id}") for p in parts] == [0, 0]
    assert town.check() == []


@pytest.mark.parametrize("was_settled", [True, False])
def test_a_returned_payment_is_owed_to_the_shop_again(town: Town, was_settled: bool) -> None:
    shop, parts = a_sale(town, 3_00, 4_00)
    payment = released(shop, *parts)
    tell(town, payment, *([settled(payment)] if was_settled else []), returned(payment, was_settled=was_settled))
    for part in parts:
        assert balance(town, f"shop/{shop}/{part.fund_id}") == part.amount_cents
        assert figures(town, part.fund_id).paid_cents == 0
        assert balance(town, f"bank/{part.fund_id}") == -part.amount_cents
    again = released(shop, *parts)
    tell(town, again, settled(again))
    assert [figures(town, p.fund_id).owed_cents for p in parts] == [0, 0]
    assert town.check() == []


def test_what_one_payment_gave_back_is_there_for_the_shops_next_payment(town: Town) -> None:
    shops = [a_sale(town, 3_00) for _ in range(6)]
    first = [released(shop, *parts) for shop, parts in shops]
    tell_together(town, first)
    again = [released(shop, *parts) for shop, parts in shops]
    tell_together(town, [*(returned(payment, was_settled=False) for payment in first), *again])
    for (shop, (part,)), payment in zip(shops, again, strict=True):
        assert balance(town, f"shop/{shop}/{part.fund_id}") == 0
        assert balance(town, f"paying/{payment.batch_id}/{part.fund_id}") == 3_00
    assert town.check() == []


def test_a_payment_the_shop_is_not_owed_is_set_aside_and_all_that_follows_it(town: Town) -> None:
    shop, (part,) = a_sale(town, 3_00)
    too_much = released(shop, Part(fund_id=part.fund_id, amount_cents=3_01))
    tell(town, too_much, settled(too_much), returned(released(new_id(), part), was_settled=True))
    reasons = [row.reason for row in parked.parked(town.rooms["ledger"])]
    for said_ in ("payment_released_insufficient", "an earlier event", "was never booked"):
        assert sum(said_ in reason for reason in reasons) == 1
    assert balance(town, f"shop/{shop}/{part.fund_id}") == 3_00


def correct(town: Town, transfer_id: UUID, cents: int | None = None) -> api.Journal:
    body = api.PostCorrection(transfer_id=transfer_id, reason="Booked on the wrong fund", amount_cents=cents)
    return a_finance_officer(town).ask("ledger", api.POST_CORRECTION, body)


def the_transfer(town: Town, journal: UUID) -> UUID:
    return an_auditor(town).ask("ledger", api.GET_JOURNAL, journal=journal).transfers[0].transfer_id


def test_finance_corrects_a_top_up_in_parts_up_to_what_was_booked(town: Town) -> None:
    fund = new_id()
    wrong = the_transfer(town, top_up(town, fund, 10_00))
    done = correct(town, wrong, 4_00)
    assert done.transfers[0].reversal_of == wrong
    assert done.facts is not None
    assert done.facts["reason"] == "Booked on the wrong fund"
    top_up(town, fund, 50_00)
    with pytest.raises(Refused, match="more_than_is_left") as refused:
        correct(town, wrong, 7_00)
    assert refused.value.facts == {"left_cents": 6_00}
    correct(town, wrong, 6_00)
    assert (figures(town, fund).came_in_cents, balance(town, f"bank/{fund}")) == (50_00, -50_00)
    assert town.check() == []


def test_a_correction_never_takes_money_that_stands_behind_coins_nor_what_has_an_undo_of_its_own(town: Town) -> None:
    fund = new_id()
    topup = top_up(town, fund, 10_00)
    award = give_coins(town, new_id(), 4_00, fund)
    with pytest.raises(Refused, match="not_enough_money") as refused:
        correct(town, the_transfer(town, topup))
    assert refused.value.facts == {"available_cents": 6_00}
    with pytest.raises(Refused, match="not_correctable"):
        correct(town, the_transfer(town, award))
    with pytest.raises(Refused, match="unknown_transfer"):
        correct(town, new_id())
    assert town.check() == []


def test_money_wrongly_booked_as_taken_back_pays_the_awards_that_wait(town: Town) -> None:
    fund = new_id()
    top_up(town, fund, 10_00, channel="stripe")
    back, award = taken_back(fund, 10_00), an_award(5_00, in_order(fund))
    tell(town, back, award)
    correct(town, the_transfer(town, back.reversal_id))
    assert [e.award_id for e in said(town, CoinsIssued)] == [award.award_id]
    assert town.check() == []


def test_money_that_filled_a_receivable_booked_by_mistake_is_the_funds_again_and_pays_awards(town: Town) -> None:
    fund = new_id()
    back, award = taken_back(fund, 10_00), an_award(5_00, in_order(fund))
    tell(town, back)
    top_up(town, fund, 10_00)
    tell(town, award)
    correct(town, the_transfer(town, back.reversal_id))
    assert (balance(town, f"receivable/{fund}"), balance(town, f"fund/{fund}")) == (0, 5_00)
    assert [e.award_id for e in said(town, CoinsIssued)] == [award.award_id]
    assert town.check() == []


def test_a_whole_batch_of_awards_over_several_funds_keeps_every_fund_in_balance(town: Town) -> None:
    funds = [a_fund(town, cents) for cents in (100_00, 55_50, 20_01)]
    awards: list[CoinsAwarded] = [an_award(1_00 + n % 7, in_order(*funds)) for n in range(200)]
    tell_together(town, awards)
    issued, waiting = len(said(town, CoinsIssued)), sum(figures(town, f).waiting_cents for f in funds) // 3
    assert 0 < issued < 200
    assert sum(e.amount_cents for e in said(town, CoinsIssued)) + waiting == sum(a.amount_cents for a in awards)
    assert all(
        f.came_in_cents + f.receivable_cents
        == f.fee_cents + f.free_cents + f.outstanding_cents + f.owed_cents + f.paid_cents
        for f in an_auditor(town).ask("ledger", fund_api.GET_FUNDS).funds
    )
    assert town.check() == []


def test_a_funds_figures_are_the_sums_of_all_its_transfers_by_kind(town: Town) -> None:
    a_year_of_everything(town)
    with the_owner(town) as conn:
        rows = conn.execute(
            text("""
            SELECT t.fund, coalesce(o.kind, t.kind), sum(CASE WHEN o.id IS NULL THEN t.amount_cents ELSE -t.amount_cents END)::bigint
            FROM transfers t LEFT JOIN transfers o ON o.id = t.reversal_of GROUP BY 1, 2""")
        )
        moved = {(fund, kind): cents for fund, kind, cents in rows}
    shown = an_auditor(town).ask("ledger", fund_api.GET_FUNDS).funds
    assert len(shown) > 3
    for one in shown:
        of = {kind: cents for (fund, kind), cents in moved.items() if fund == one.fund_id}
        came_in = of.get("topup", 0) - of.get("topup_reversal", 0)
        assert (one.came_in_cents, one.fee_cents) == (came_in, of.get("fee", 0))
        assert (one.issued_cents, one.spent_cents) == (of.get("award", 0), of.get("sale", 0) + of.get("hold_post", 0))
        assert (one.paid_cents, one.expired_cents) == (of.get("payment_settled", 0), of.get("expiry", 0))
        assert figures(town, one.fund_id) == one
    assert any(one.spent_cents for one in shown)
    assert any(one.expired_cents for one in shown)
