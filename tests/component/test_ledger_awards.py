"""Awards become coins, or wait for money; corrections take back what is still there."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime

import pytest

from infra.wiring import Town
from services.events import Envelope
from services.events.awards import AwardReplanned, AwardWithdrawn
from services.events.funding import FundClosed, TopUpSettled
from services.events.identity import PersonErased
from services.events.ledger import AwardWaiting, CoinsIssued, CoinsWithdrawn, FundCredited, Lot, Part
from services.kit import parked
from services.kit.handle import handle
from services.kit.ids import new_id
from tests.builders import tell
from tests.builders_ledger import (
    OCTOBER,
    a_fund,
    an_award,
    balance,
    envelope_of,
    figures,
    give_coins,
    in_order,
    in_shares,
    said,
    sell,
    tell_together,
    top_up,
    wallet,
)


def withdrawn(award: object) -> AwardWithdrawn:
    return AwardWithdrawn(award_id=award.award_id, person_id=award.person_id, attendance_id=award.attendance_id)  # type: ignore[attr-defined]


def test_an_award_moves_money_from_the_fund_into_the_wallet(town: Town) -> None:
    fund, person = a_fund(town, 10_00), new_id()
    give_coins(town, person, 5_00, fund)
    assert wallet(town, person).lots == (Lot(fund_id=fund, amount_cents=5_00, expires_on=OCTOBER),)
    assert balance(town, f"fund/{fund}") == 5_00
    assert [(e.amount_cents, e.lots) for e in said(town, CoinsIssued)] == [(5_00, wallet(town, person).lots)]
    assert town.check() == []


def test_funds_named_in_order_each_give_what_they_have(town: Town) -> None:
    first, second, person = a_fund(town, 3_00), a_fund(town, 10_00), new_id()
    give_coins(town, person, 5_00, first, second)
    assert (balance(town, f"fund/{first}"), balance(town, f"fund/{second}")) == (0, 8_00)
    assert {(lot.fund_id, lot.amount_cents) for lot in wallet(town, person).lots} == {(first, 3_00), (second, 2_00)}


def test_a_grant_gives_its_share_and_the_last_source_the_rounding_cent(town: Town) -> None:
    grant, city = a_fund(town, 10_00), a_fund(town, 10_00)
    award = an_award(1_01, in_shares({grant: 750, city: 250}))
    tell(town, award)
    assert (balance(town, f"fund/{grant}"), balance(town, f"fund/{city}")) == (10_00 - 75, 10_00 - 26)


def test_a_plan_that_cannot_pay_the_whole_award_pays_none_of_it_and_the_next_is_tried(town: Town) -> None:
    grant, city, sponsor = a_fund(town, 10_00), a_fund(town, 1_00), a_fund(town, 10_00)
    tell(town, an_award(5_00, in_shares({grant: 750, city: 250}), in_order(sponsor)))
    assert [balance(town, f"fund/{f}") for f in (grant, city, sponsor)] == [10_00, 1_00, 5_00]


def test_an_award_without_money_waits_visibly_and_is_issued_when_money_comes(town: Town) -> None:
    fund = a_fund(town)
    award = an_award(5_00, in_order(fund))
    tell(town, award)
    assert [(w.award_id, w.amount_cents, w.reason) for w in wallet(town, award.person_id).waiting] == [
        (award.award_id, 5_00, "not_enough_money")
    ]
    assert [e.reason for e in said(town, AwardWaiting)] == ["not_enough_money"]
    assert figures(town, fund).waiting_cents == 5_00

    top_up(town, fund, 20_00)

    assert (wallet(town, award.person_id).balance_cents, wallet(town, award.person_id).waiting) == (5_00, ())
    assert [(e.amount_cents, e.free_cents) for e in said(town, FundCredited)] == [(20_00, 15_00)]
    assert town.check() == []


def test_awards_wait_in_line_and_who_came_first_is_served_first(town: Town) -> None:
    fund = a_fund(town)
    awards = [an_award(5_00, in_order(fund)) for _ in range(5)]
    for award in awards:
        tell(town, award)
    top_up(town, fund, 12_00)
    assert [e.award_id for e in said(town, CoinsIssued)] == [a.award_id for a in awards[:2]]
    top_up(town, fund, 13_00)
    assert [e.award_id for e in said(town, CoinsIssued)] == [a.award_id for a in awards]
    assert balance(town, f"fund/{fund}") == 0
    assert town.check() == []


def test_an_award_that_still_cannot_be_paid_holds_up_nobody_behind_it(town: Town) -> None:
    fund = a_fund(town)
    large, small = an_award(9_00, in_order(fund)), an_award(5_00, in_order(fund))
    tell(town, large, small)
    top_up(town, fund, 6_00)
    assert [e.award_id for e in said(town, CoinsIssued)] == [small.award_id]
    top_up(town, fund, 8_00)
    assert [e.award_id for e in said(town, CoinsIssued)] == [small.award_id, large.award_id]


def test_coins_that_waited_last_as_long_as_if_they_were_earned_today(town: Town) -> None:
    fund = a_fund(town)
    award = an_award(5_00, in_order(fund), expires_on=date(2026, 5, 31))
    tell(town, award)
    town.clock.move_to(datetime(2026, 8, 1, 10, tzinfo=UTC))  # type: ignore[attr-defined]
    top_up(town, fund, 5_00)
    assert [lot.expires_on for lot in wallet(town, award.person_id).lots] == [date(2027, 2, 28)]


def test_an_award_whose_news_comes_after_its_last_day_is_not_lost(town: Town) -> None:
    fund, person = a_fund(town, 5_00), new_id()
    town.clock.move_to(datetime(2026, 12, 1, 10, tzinfo=UTC))  # type: ignore[attr-defined]
    give_coins(town, person, 5_00, fund, expires_on=OCTOBER)
    assert [lot.expires_on for lot in wallet(town, person).lots] == [date(2027, 6, 30)]


def test_an_award_no_fund_may_pay_waits_for_a_plan_and_is_tried_at_once_when_one_comes(town: Town) -> None:
    fund = a_fund(town, 20_00)
    award = an_award(5_00)
    tell(town, award)
    assert [w.reason for w in wallet(town, award.person_id).waiting] == ["no_fund"]
    tell(town, AwardReplanned(award_id=award.award_id, person_id=award.person_id, plans=(in_order(fund),)))
    assert wallet(town, award.person_id).balance_cents == 5_00
    tell(town, AwardReplanned(award_id=award.award_id, person_id=award.person_id, plans=(in_order(fund),)))
    assert wallet(town, award.person_id).balance_cents == 5_00
    assert town.check() == []


def test_a_new_plan_without_money_keeps_the_award_waiting_for_the_new_fund(town: Town) -> None:
    old, new = a_fund(town), a_fund(town)
    award = an_award(5_00, in_order(old))
    tell(town, award, AwardReplanned(award_id=award.award_id, person_id=award.person_id, plans=(in_order(new),)))
    top_up(town, old, 5_00)
    assert wallet(town, award.person_id).balance_cents == 0
    top_up(town, new, 5_00)
    assert wallet(town, award.person_id).balance_cents == 5_00


def test_a_closed_fund_pays_no_award_but_its_coins_stay_good(town: Town) -> None:
    fund, person = a_fund(town, 20_00), new_id()
    give_coins(town, person, 5_00, fund)
    tell(town, FundClosed(fund_id=fund))
    late = an_award(5_00, in_order(fund))
    tell(town, late)
    assert [w.reason for w in wallet(town, late.person_id).waiting] == ["no_fund"]
    assert sell(town, person, 5_00).parts == (Part(fund_id=fund, amount_cents=5_00),)
    assert town.check() == []


def test_a_withdrawn_award_gives_back_what_is_unspent_and_keeps_the_rest(town: Town) -> None:
    fund = a_fund(town, 20_00)
    award = an_award(5_00, in_order(fund))
    tell(town, award)
    sell(town, award.person_id, 2_00)
    tell(town, withdrawn(award), withdrawn(award))
    assert wallet(town, award.person_id).balance_cents == 0
    assert balance(town, f"fund/{fund}") == 18_00
    assert [(e.parts, e.kept_cents) for e in said(town, CoinsWithdrawn)] == [
        ((Part(fund_id=fund, amount_cents=3_00),), 2_00)
    ]
    assert town.check() == []


def test_what_a_withdrawn_award_gives_back_pays_the_next_in_line(town: Town) -> None:
    fund = a_fund(town, 5_00)
    first, second = an_award(5_00, in_order(fund)), an_award(5_00, in_order(fund))
    tell(town, first, second, withdrawn(first))
    assert wallet(town, second.person_id).balance_cents == 5_00
    assert town.check() == []


def test_awards_withdrawn_together_end_as_if_one_after_the_other(town: Town) -> None:
    city, grant = a_fund(town, 10_00), a_fund(town, 5_00)
    whole, partly, granted = (an_award(5_00, in_order(fund)) for fund in (city, city, grant))
    tell(town, whole, partly, granted)
    sell(town, partly.person_id, 2_00)
    dropped, served, too_much = in_turn = [an_award(cents, in_order(city)) for cents in (5_00, 7_00, 2_00)]
    for one in in_turn:
        tell(town, one)
    tell_together(town, [withdrawn(one) for one in (partly, dropped, whole, granted, partly)])
    took = {e.award_id: (sum(part.amount_cents for part in e.parts), e.kept_cents) for e in said(town, CoinsWithdrawn)}
    assert took == {
        partly.award_id: (3_00, 2_00), dropped.award_id: (0, 0), whole.award_id: (5_00, 0), granted.award_id: (5_00, 0),
    }  # fmt: skip
    assert len(said(town, CoinsWithdrawn)) == len(took)
    assert wallet(town, served.person_id).balance_cents == 7_00
    assert [one.amount_cents for one in wallet(town, too_much.person_id).waiting] == [2_00]
    assert (balance(town, f"fund/{city}"), balance(town, f"fund/{grant}")) == (1_00, 5_00)
    assert town.check() == []


def test_a_waiting_award_that_is_withdrawn_is_never_issued(town: Town) -> None:
    fund = a_fund(town)
    award = an_award(5_00, in_order(fund))
    tell(town, award, withdrawn(award), award)
    top_up(town, fund, 20_00)
    assert (wallet(town, award.person_id).waiting, said(town, CoinsIssued)) == ((), [])
    assert [(e.parts, e.kept_cents) for e in said(town, CoinsWithdrawn)] == [((), 0)]
    assert town.check() == []


def test_the_same_award_told_twice_is_issued_once_waiting_or_not(town: Town) -> None:
    fund = a_fund(town, 7_00)
    rich, poor = an_award(5_00, in_order(fund)), an_award(5_00, in_order(fund))
    tell_together(town, [rich, rich, poor, poor])
    tell(town, rich, poor)
    top_up(town, fund, 20_00)
    tell(town, rich, poor)
    assert len(said(town, CoinsIssued)) == 2
    assert len(said(town, AwardWaiting)) == 1
    assert balance(town, f"fund/{fund}") == 17_00
    assert town.check() == []


@pytest.mark.parametrize("cents", [5_00, 50_00])
def test_the_same_award_with_another_amount_is_set_aside_for_a_person_to_look_at(town: Town, cents: int) -> None:
    fund = a_fund(town, 10_00)
    award = an_award(cents, in_order(fund))
    tell(town, award)
    tell(town, an_award(1_00, in_order(fund), award_id=award.award_id, person_id=award.person_id))
    (row,) = parked.parked(town.rooms["ledger"])
    assert "award_conflict" in row.reason
    parked.drop(town.rooms["ledger"], row.seq, "the first one counts")
    assert town.check() == []


def test_awards_and_money_arriving_at_the_same_moment_leave_nobody_waiting_beside_money(town: Town) -> None:
    fund, ledger = a_fund(town), town.rooms["ledger"]
    awards = [envelope_of(town, an_award(5_00, in_order(fund))) for _ in range(20)]
    topup = {"fund_id": fund, "amount_cents": 10_00, "fee_cents": 0, "channel": "bank"}
    money = [envelope_of(town, TopUpSettled(topup_id=new_id(), **topup)) for _ in range(10)]

    def hear(event: Envelope[object]) -> None:
        with ledger.transaction() as tx:
            handle(ledger, tx, [event])

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(hear, [e for pair in zip(awards[::2], awards[1::2], money, strict=True) for e in pair]))
    assert len(said(town, CoinsIssued)) == 20
    assert (figures(town, fund).free_cents, figures(town, fund).waiting_cents) == (0, 0)
    assert town.check() == []


def test_an_erased_person_s_coins_stay_in_the_books(town: Town) -> None:
    fund, person = a_fund(town, 5_00), new_id()
    give_coins(town, person, 5_00, fund)
    tell(town, PersonErased(person_id=person))
    assert figures(town, fund).outstanding_cents == 5_00
