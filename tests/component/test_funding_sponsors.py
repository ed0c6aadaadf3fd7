"""Sponsors pledge money for a purpose, and learn where to pay it."""

from __future__ import annotations

from datetime import timedelta

import httpx
import pytest

from infra.standins.stripe import stripe_standin
from infra.wiring import Town
from services.apis import funding_sponsor as api
from services.apis.endpoint import Page
from services.apis.errors import Refused
from services.events.funding import Earmark, FundOpened, PledgeMade, TopUpSettled
from services.funding.stripe_gateway import StripeGateway
from services.kit.ids import new_id
from tests.builders import As, an_admin
from tests.builders_funding import (
    Sponsor,
    a_finance_person,
    a_paid_topup,
    a_sponsor,
    page_of,
    payment_of,
    stripe_tells,
    told,
)

PARK = api.InNeighbourhood(neighbourhood_id="le-querce")


def test_a_card_top_up_leads_to_a_payment_page_and_counts_when_it_is_paid(town: Town) -> None:
    sponsor = a_sponsor(town)
    pledged = sponsor.tops_up(25_000, purpose=PARK)
    assert pledged.state == "open"
    assert pledged.checkout_url is not None
    [opened], [pledge] = told(town, FundOpened), told(town, PledgeMade)
    assert (opened.name, opened.earmark) == ("Torrefazione Arco: Le Querce", Earmark(neighbourhood_ids=("le-querce",)))
    assert (pledge.pledge_id, pledge.amount_cents, pledge.channel) == (pledged.topup_id, 25_000, "stripe")
    assert told(town, TopUpSettled) == []

    town.stripe_standin.card_pays(page_of(pledged))
    stripe_tells(town)
    [settled] = told(town, TopUpSettled)
    assert (settled.topup_id, settled.fund_id) == (pledged.topup_id, pledged.fund_id)
    assert (settled.amount_cents, settled.fee_cents, settled.channel) == (25_000, 400, "stripe")
    paid = sponsor.topup(pledged.topup_id)
    assert (paid.state, paid.checkout_url) == ("settled", None)
    assert [(r.amount_cents, r.fee_cents, r.taken_back_cents) for r in paid.receipts] == [(25_000, 400, 0)]
    assert town.check() == []


def test_each_purpose_has_one_fund_however_often_it_is_topped_up(town: Town) -> None:
    sponsor = a_sponsor(town)
    purposes = [PARK, api.ForKind(kind="green"), api.Anywhere(), PARK, api.Anywhere()]
    used = [sponsor.tops_up(purpose=purpose).fund_id for purpose in purposes]
    assert used == [*used[:3], used[0], used[2]]
    assert len(told(town, FundOpened)) == len(set(used)) == 3
    assert a_sponsor(town, "Libreria Ponte").tops_up(purpose=PARK).fund_id not in used
    assert town.check() == []


def test_the_same_request_sent_twice_pledges_once_and_leads_to_one_page(town: Town) -> None:
    sponsor = a_sponsor(town)
    first = sponsor.tops_up(key="gift-2026-05")
    assert sponsor.tops_up(key="gift-2026-05") == first
    with pytest.raises(Refused, match="key_reused"):
        sponsor.tops_up(30_000, key="gift-2026-05")
    assert len(told(town, PledgeMade)) == 1


def test_while_stripe_is_away_nothing_is_pledged_and_the_same_request_works_later(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stripe.HTTPClient.INITIAL_DELAY", 0)
    sponsor = a_sponsor(town)
    town.stripe_standin.outages = 3
    with pytest.raises(Refused, match="stripe_away") as away:
        sponsor.tops_up(key="gift-2026-05")
    assert away.value.status == 503
    assert sponsor.topups() == ()
    assert told(town, FundOpened) == []
    assert sponsor.tops_up(key="gift-2026-05").state == "open"


class LosesAnswers(httpx.BaseTransport):
    """A line to Stripe on which requests arrive, but the first answers get lost."""

    def __init__(self, wire: httpx.BaseTransport, losses: int) -> None:
        self.wire, self.losses = wire, losses

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        answer = self.wire.handle_request(request)
        self.losses -= 1
        if self.losses >= 0:
            raise httpx.ReadTimeout("lost", request=request)
        return answer


def test_when_stripes_answer_is_lost_the_same_request_leads_to_the_page_opened_then(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stripe.HTTPClient.INITIAL_DELAY", 0)
    sponsor, standin = a_sponsor(town), town.stripe_standin
    wire = LosesAnswers(httpx.WSGITransport(app=stripe_standin(standin)), losses=3)
    lossy = StripeGateway(standin.api_key, ["whsec_x"], base_url="http://stripe.standin", transport=wire)
    monkeypatch.setitem(town.rooms["funding"].extras, "stripe", lossy)
    pages = len(standin.memory.all_of("checkout.session"))
    with pytest.raises(Refused, match="stripe_away"):
        sponsor.tops_up(key="gift-2026-05")
    assert sponsor.tops_up(key="gift-2026-05").state == "open"
    assert len(standin.memory.all_of("checkout.session")) == pages + 1


def test_a_private_sponsor_is_named_as_they_chose_but_in_no_event(town: Town) -> None:
    sponsor = a_sponsor(town, "Nonna Pina", kind="private")
    a_paid_topup(town, sponsor, purpose=PARK)
    assert [event.name for event in told(town, FundOpened)] == ["Private sponsor: Le Querce"]
    assert an_admin(town).ask("funding", api.GET_SPONSORS).sponsors == (
        api.Sponsor(sponsor_id=sponsor.sponsor_id, kind="private", name="Nonna Pina"),
    )


def test_a_bank_transfer_is_told_its_account_and_a_reference_of_its_own(town: Town) -> None:
    sponsor = a_sponsor(town)
    one, other = (sponsor.tops_up(100_000_000, method="bank_transfer") for _ in range(2))
    assert one.transfer is not None
    assert other.transfer is not None
    assert (one.transfer.iban, one.transfer.holder) == ("IT60X0542811101000000123456", "Comune di Valdarco")
    assert one.transfer.reference != other.transfer.reference
    assert one.checkout_url is None
    assert [pledge.channel for pledge in told(town, PledgeMade)] == ["bank", "bank"]


def test_a_part_of_the_top_ups_says_how_many_there_are_and_what_came_of_all(town: Town) -> None:
    sponsor = a_sponsor(town)
    first = a_paid_topup(town, sponsor, 25_000)
    a_paid_topup(town, sponsor, 10_000)
    a_paid_topup(town, a_sponsor(town, "Libreria Ponte"), 7_000)
    town.clock.move_to(town.clock.now() + timedelta(minutes=1))  # type: ignore[attr-defined]
    newest = sponsor.tops_up(5_000)
    town.rooms["funding"].extras["stripe"].refund(payment_of(town, first), 4_000, "refund-1")
    stripe_tells(town)
    told = sponsor.ask("funding", api.GET_TOPUPS, query=Page(limit=1), sponsor_id=sponsor.sponsor_id)
    assert [one.topup_id for one in told.topups] == [newest.topup_id]
    assert (told.count, told.given_cents) == (3, 31_000)


def test_a_sponsor_sees_its_own_top_ups_alone_and_finance_sees_all(town: Town) -> None:
    arco, ponte = a_sponsor(town), a_sponsor(town, "Libreria Ponte")
    topup = arco.tops_up()
    for endpoint, query in ((api.GET_SPONSOR, None), (api.GET_TOPUPS, Page()), (api.GET_SPONSOR_IMPACT, None)):
        with pytest.raises(Refused, match="not_allowed"):
            ponte.ask("funding", endpoint, query=query, sponsor_id=arco.sponsor_id)
        a_finance_person(town).ask("funding", endpoint, query=query, sponsor_id=arco.sponsor_id)
        with pytest.raises(Refused, match="unknown_sponsor"):
            As(town, ("auditor", None)).ask("funding", endpoint, query=query, sponsor_id=new_id())
    with pytest.raises(Refused, match="not_allowed"):
        Sponsor(town, ponte.sponsor_id).ask(
            "funding", api.POST_TOPUP, api.MakeTopUp(amount_cents=500, purpose=api.Anywhere(), method="card"), sponsor_id=arco.sponsor_id
        )  # fmt: skip
    assert [one.topup_id for one in arco.topups()] == [topup.topup_id]
    where = {"sponsor_id": arco.sponsor_id, "topup_id": topup.topup_id}
    assert arco.ask("funding", api.GET_TOPUP, **where) == topup
    with pytest.raises(Refused, match="not_allowed"):
        ponte.ask("funding", api.GET_TOPUP, **where)
    with pytest.raises(Refused, match="unknown_topup"):
        ponte.ask("funding", api.GET_TOPUP, sponsor_id=ponte.sponsor_id, topup_id=topup.topup_id)


def test_top_ups_that_cannot_be(town: Town) -> None:
    sponsor = a_sponsor(town)
    with pytest.raises(Refused, match="unknown_neighbourhood"):
        sponsor.tops_up(purpose=api.InNeighbourhood(neighbourhood_id="atlantis"))
    with pytest.raises(Refused, match="too_much_for_method"):
        sponsor.tops_up(100_000_000)
    for amount_cents in (499, 100_000_001):
        with pytest.raises(Refused, match="invalid_request"):
            sponsor.tops_up(amount_cents)
    with pytest.raises(Refused, match="unknown_sponsor"):
        Sponsor(town, new_id()).tops_up()
    with pytest.raises(Refused, match="name_taken"):
        a_sponsor(town)


def test_what_stripe_refuses_is_refused_with_stripes_own_code(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    sponsor, standin = a_sponsor(town), town.stripe_standin
    key = standin.api_key
    standin.api_key = "sk_test_of_another_town"
    try:
        with pytest.raises(Refused, match="stripe_key_refused"):
            sponsor.tops_up()
    finally:
        standin.api_key = key
    monkeypatch.setattr("infra.standins.stripe_account.LOWEST_CENTS", 1_000)
    with pytest.raises(Refused, match="stripe_refused") as too_small:
        sponsor.tops_up(500)
    assert too_small.value.facts["stripe_code"] == "amount_too_small"
    assert sponsor.topups() == ()
