"""What became of a fund's money: funding's figures, put together from events, are those of the ledger's own books."""

from __future__ import annotations

from datetime import date, timedelta
from uuid import UUID

from infra.wiring import Town
from services.apis import funding as api
from services.apis.endpoint import Page
from services.events.ledger import FundShortfall, Part
from services.events.reimbursement import PaymentReleased, PaymentReturned, PaymentSettled
from services.kit.ids import new_id
from tests import builders_ledger as ledger
from tests.builders import tell
from tests.builders_funding import a_city_fund, a_finance_person, a_paid_topup, a_sponsor, payment_of, stripe_tells

TODAY = date(2026, 5, 4)


def figures(town: Town, fund_id: UUID) -> api.Figures:
    town.settle()
    page = a_finance_person(town).ask("funding", api.GET_FUNDS, query=Page(limit=200))
    found = next(fund.figures for fund in page.funds if fund.fund_id == fund_id)
    assert found is not None
    return found


def agree(town: Town, fund_id: UUID) -> api.Figures:
    """The figures, after comparing them with the ledger's."""
    mine, books = figures(town, fund_id), ledger.figures(town, fund_id)
    assert mine.free_cents == books.free_cents
    assert mine.outstanding_cents == books.outstanding_cents
    assert mine.receivable_cents == books.receivable_cents
    return mine


def test_money_becomes_coins_is_spent_is_paid_and_what_is_not_spent_comes_back(town: Town) -> None:
    fund_id, person_id = a_city_fund(town, 100_000), new_id()
    ledger.give_coins(town, person_id, 3_000, fund_id, expires_on=date(2026, 5, 31))
    sold = ledger.sell(town, person_id, 1_200)
    assert agree(town, fund_id) == api.Figures(
        in_cents=100_000, issued_cents=3_000, spent_cents=1_200, outstanding_cents=1_800, free_cents=97_000
    )
    undone = ledger.sell(town, person_id, 300)
    ledger.void(town, undone.sale_id)
    assert agree(town, fund_id).spent_cents == 1_200

    payment = {
        "payment_id": new_id(), "batch_id": new_id(), "claim_id": new_id(), "shop_id": _shop_of(town, sold.sale_id),
        "amount_cents": 1_200, "parts": (Part(fund_id=fund_id, amount_cents=1_200),),
    }  # fmt: skip
    tell(town, PaymentReleased(**payment))
    assert agree(town, fund_id).paid_cents == 0
    tell(town, PaymentSettled(**payment, booked_on=TODAY))
    assert agree(town, fund_id).paid_cents == 1_200
    tell(town, PaymentReturned(**payment, booked_on=TODAY, reason="AC04", was_settled=True))
    assert agree(town, fund_id).paid_cents == 0

    again = payment | {"payment_id": new_id(), "batch_id": new_id()}
    tell(town, PaymentReleased(**again), PaymentReturned(**again, booked_on=TODAY, reason="AC04", was_settled=False))
    assert agree(town, fund_id).paid_cents == 0

    town.clock.move_to(town.clock.now() + timedelta(days=40))  # type: ignore[attr-defined]
    town.tick()
    assert agree(town, fund_id) == api.Figures(
        in_cents=100_000, issued_cents=3_000, spent_cents=1_200, expired_cents=1_800, free_cents=98_800
    )
    assert town.check() == []


def test_a_dispute_after_coins_were_issued_cancels_no_coin_the_fund_carries_what_is_missing(town: Town) -> None:
    sponsor, person_id = a_sponsor(town), new_id()
    topup = a_paid_topup(town, sponsor, 10_000)
    ledger.give_coins(town, person_id, 4_000, topup.fund_id)
    dispute = town.stripe_standin.dispute(payment_of(town, topup))
    stripe_tells(town)

    assert ledger.wallet(town, person_id).balance_cents == 4_000
    fee = sponsor.topup(topup.topup_id).receipts[0].fee_cents
    short = agree(town, topup.fund_id)
    assert (short.in_cents, short.taken_back_cents, short.free_cents) == (10_000 - fee, 10_000, 0)
    assert short.receivable_cents == 4_000 + fee
    assert [event.receivable_cents for event in ledger.said(town, FundShortfall)] == [short.receivable_cents]

    town.stripe_standin.close_dispute(dispute["id"], won=True)
    stripe_tells(town)
    won = agree(town, topup.fund_id)
    assert (won.receivable_cents, won.free_cents) == (0, 6_000 - fee)
    assert town.check() == []


def test_what_a_correction_took_back_was_never_issued(town: Town) -> None:
    from services.events.awards import AwardWithdrawn

    fund_id, person_id = a_city_fund(town, 100_000), new_id()
    award_id = ledger.give_coins(town, person_id, 3_000, fund_id)
    tell(town, AwardWithdrawn(award_id=award_id, person_id=person_id, attendance_id=new_id()))
    assert agree(town, fund_id) == api.Figures(in_cents=100_000, free_cents=100_000)
    assert town.check() == []


def _shop_of(town: Town, sale_id: UUID) -> UUID:
    from services.events.ledger import CoinsSpent

    return next(event.shop_id for event in ledger.said(town, CoinsSpent) if event.sale_id == sale_id)
