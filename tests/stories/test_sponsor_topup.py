"""A sponsor tops up: coins are funded only by money that is really there, and stay good when it leaves again."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from infra.standins.bank import IncomingTransfer
from infra.standins.stripe_account import StripeAccount
from infra.wiring import Town
from services.apis import funding, funding_sponsor
from services.apis.endpoint import Page
from services.apis.errors import Refused
from tests.builders_funding import page_of, payment_of, stripe_tells
from tests.builders_identity import SignedIn, staff, the_admin
from tests.builders_reimbursement import iban_for
from tests.stories.town_life import Cast, a_bank, a_shop_joins, it_becomes, take_part, the_bank_closes_its_day


class Sponsor:
    """A company, and Elena who acts for it."""

    def __init__(self, town: Town, name: str = "Torrefazione Arco") -> None:
        body = funding_sponsor.RegisterSponsor(kind="organisation", name=name)
        self.sponsor_id: UUID = the_admin(town).ask("funding", funding_sponsor.POST_SPONSOR, body).sponsor_id
        self.elena: SignedIn = staff(town, "sponsor", self.sponsor_id)

    def tops_up(self, cents: int, method: funding_sponsor.Method = "card", **more: Any) -> funding_sponsor.TopUp:
        """A pledge for anything in town."""
        purpose = funding_sponsor.Anywhere()
        body = funding_sponsor.MakeTopUp(amount_cents=cents, method=method, purpose=purpose)
        topup = self.elena.ask("funding", funding_sponsor.POST_TOPUP, body, sponsor_id=self.sponsor_id, **more)
        self.elena.town.settle()
        return topup

    def sees(self, topup: funding_sponsor.TopUp) -> tuple[str, list[tuple[int, int, int]]]:
        """The state of a top-up, and of each receipt: what came, what the processor kept, what was taken back."""
        asked = self.elena.ask("funding", funding_sponsor.GET_TOPUPS, query=Page(), sponsor_id=self.sponsor_id)
        now = next(one for one in asked.topups if one.topup_id == topup.topup_id)
        return now.state, [(r.amount_cents, r.fee_cents, r.taken_back_cents) for r in now.receipts]


@pytest.fixture
def stripe(town: Town) -> StripeAccount:
    """Stripe, with no news left of other tests."""
    town.stripe_standin.memory.waiting.clear()  # type: ignore[union-attr]
    return town.stripe_standin  # type: ignore[return-value]


def a_stranger_posts(town: Town, body: bytes, **headers: str) -> httpx.Response:
    path = funding_sponsor.POST_STRIPE_WEBHOOK.path
    return town.http("funding").post(path, content=body, headers={"Content-Type": "application/json", **headers})


def transfer(cents: int, words: str) -> IncomingTransfer:
    return IncomingTransfer(cents, words, "Torrefazione Arco", iban_for(99))


def test_by_card_once_whatever_the_webhooks_do(town: Town, stripe: StripeAccount) -> None:
    cast, sponsor = Cast(town), Sponsor(town)
    amal = cast.volunteer("Amal")
    take_part(cast, amal)
    topup = sponsor.tops_up(600, key="elenas-only-key")
    assert sponsor.tops_up(600, key="elenas-only-key") == topup
    assert [award.reason for award in amal.wallet.waiting] == ["not_enough_money"]  # a pledge backs no coin

    stripe.card_pays(page_of(topup))
    news = [event["id"] for event in stripe.webhooks.waiting()]
    forged = b'{"id": "evt_1", "type": "checkout.session.completed", "livemode": false}'
    for headers in ({}, {"Stripe-Signature": "t=1777888800,v1=" + "0" * 64}):
        answer = a_stranger_posts(town, forged, **headers)
        assert (answer.status_code, answer.json()["code"]) == (400, "webhook_forged")
    assert sponsor.sees(topup) == ("open", [])

    assert set(stripe.webhooks.send([*reversed(news), *news, *reversed(news)])) == {200}
    town.settle()
    assert sponsor.sees(topup) == ("settled", [(600, 34, 0)])
    assert amal.coins == 500
    figures = cast.fund(topup.fund_id)
    assert (figures.came_in_cents, figures.fee_cents, figures.free_cents) == (600, 34, 66)
    assert cast.balance(f"stripe/{topup.fund_id}") == -566  # what Stripe holds for the city
    assert town.check() == []


def test_by_sepa_debit_days_later_or_not_at_all(town: Town, stripe: StripeAccount) -> None:
    cast, sponsor = Cast(town), Sponsor(town)
    amal = cast.volunteer("Amal")
    take_part(cast, amal)
    good, bad = sponsor.tops_up(2_000, "sepa_debit"), sponsor.tops_up(50_000, "sepa_debit")
    stripe.sepa_debit(page_of(good))
    stripe.sepa_debit(page_of(bad), will_pay=False)
    stripe_tells(town)
    assert sponsor.sees(good) == sponsor.sees(bad) == ("processing", [])
    assert amal.coins == 0

    it_becomes(town, town.clock.now() + timedelta(days=5))
    assert (sponsor.sees(good), sponsor.sees(bad)) == (("settled", [(2_000, 35, 0)]), ("failed", []))
    assert amal.coins == 500
    assert cast.fund(good.fund_id).came_in_cents == 2_000
    assert town.check() == []


def test_by_bank_transfer_with_a_reference_or_with_two_people_to_read_it(town: Town) -> None:
    cast, sponsor, bank = Cast(town), Sponsor(town), a_bank(town)
    topup = sponsor.tops_up(1_000, "bank_transfer")
    assert topup.transfer is not None
    assert topup.transfer.iban == town.city.account.iban
    bank.receive(transfer(990, f"Per il parco, rif. {topup.transfer.reference.lower()} grazie"))
    bank.receive(transfer(700, "Per il parco, auguri"))
    assert the_bank_closes_its_day(cast, bank).credited == 2

    assert sponsor.sees(topup) == ("settled", [(990, 0, 0)])  # what came, not what was pledged
    [credit] = cast.giulio.ask("funding", funding.GET_UNASSIGNED_CREDITS, query=Page()).credits
    assert (credit.amount_cents, credit.reason) == (700, "no_reference")
    to_fund, entry = funding.AssignCredit(fund_id=topup.fund_id), {"entry_id": credit.entry_id}
    cast.giulio.ask("funding", funding.POST_CREDIT_ASSIGN, to_fund, **entry)
    with pytest.raises(Refused, match="same_person"):
        cast.giulio.ask("funding", funding.POST_CREDIT_APPROVE, to_fund, **entry)
    cast.lucia.ask("funding", funding.POST_CREDIT_APPROVE, to_fund, **entry)
    town.settle()
    assert cast.fund(topup.fund_id).free_cents == 1_690
    assert cast.balance(f"bank/{topup.fund_id}") == -1_690
    assert town.check() == []


def test_a_chargeback_takes_no_coin_from_anybody_and_the_next_top_up_fills_the_gap(
    town: Town, stripe: StripeAccount
) -> None:
    cast, sponsor, bank = Cast(town), Sponsor(town), a_bank(town)
    amal, bashir, shop = cast.volunteer("Amal"), cast.volunteer("Bashir"), a_shop_joins(cast)
    topup = sponsor.tops_up(600)
    fund_id = topup.fund_id
    stripe.card_pays(page_of(topup))
    stripe_tells(town)
    take_part(cast, amal)
    assert (amal.coins, cast.fund(fund_id).free_cents) == (500, 66)

    stripe.dispute(payment_of(town, topup))
    stripe_tells(town)
    assert sponsor.sees(topup) == ("disputed", [(600, 34, 600)])
    assert amal.coins == 500
    amal.buys(shop.till, 450)
    take_part(cast, bashir)
    assert [award.reason for award in bashir.wallet.waiting] == ["not_enough_money"]
    short = cast.fund(fund_id)
    assert (short.came_in_cents, short.free_cents, short.receivable_cents) == (0, 0, 534)
    assert cast.balance(f"receivable/{fund_id}") == -534

    def after_transfer_of(cents: int) -> tuple[int, int, int]:
        """What the fund then carries, what it has free, and Bashir's coins."""
        again = sponsor.tops_up(cents, "bank_transfer")
        assert again.fund_id == fund_id
        bank.receive(transfer(cents, again.transfer.reference if again.transfer else ""))
        it_becomes(town, town.clock.now() + timedelta(days=1))
        the_bank_closes_its_day(cast, bank)
        figures = cast.fund(fund_id)
        return figures.receivable_cents, figures.free_cents, bashir.coins

    assert after_transfer_of(500) == (34, 0, 0)
    assert after_transfer_of(500) == (0, 466, 0)
    assert after_transfer_of(534) == (0, 500, 500)

    now = cast.fund(fund_id)
    whole = now.fee_cents + now.free_cents + now.outstanding_cents + now.owed_cents + now.paid_cents
    assert now.came_in_cents == 1_534 == whole
    assert (now.owed_cents, now.outstanding_cents) == (450, 550)
    assert town.check() == []
