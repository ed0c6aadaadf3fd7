"""Stripe's news about top-ups: forged is refused, twice is once, any order ends in the truth."""

from __future__ import annotations

import json
from collections import Counter
from datetime import timedelta
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from infra.wiring import Town
from services.apis.funding_sponsor import POST_STRIPE_WEBHOOK
from services.events.funding import TopUpReversed, TopUpSettled
from tests.builders_funding import a_paid_topup, a_sponsor, page_of, payment_of, stripe_tells, told


def post(town: Town, body: bytes, headers: dict[str, str]) -> httpx.Response:
    """What arrives at the webhook's address, from whomever."""
    with httpx.Client(transport=httpx.WSGITransport(app=town.apps["funding"]), base_url="http://funding") as client:
        return client.post(
            POST_STRIPE_WEBHOOK.path, content=body, headers={"Content-Type": "application/json", **headers}
        )


def an_event(town: Town) -> bytes:
    """The last event that waits at Stripe, as it would be sent."""
    return json.dumps(town.stripe_standin.webhooks.waiting()[-1]).encode()


def only_ours_waits(town: Town) -> None:
    """Forget news of the tests before."""
    town.stripe_standin.memory.waiting.clear()


def test_a_forged_webhook_is_refused_and_changes_nothing(town: Town) -> None:
    only_ours_waits(town)
    sponsor = a_sponsor(town)
    topup = sponsor.tops_up()
    town.stripe_standin.card_pays(page_of(topup))
    body = an_event(town)
    for headers in ({}, {"Stripe-Signature": "t=1777896000,v1=" + "0" * 64}, {"Stripe-Signature": "nonsense"}):
        answer = post(town, body, headers)
        assert (answer.status_code, answer.json()["code"]) == (400, "webhook_forged")
    signed = town.stripe_standin.webhooks.signed(body)
    assert post(town, body.replace(b"card", b"dear"), signed).json()["code"] == "webhook_forged"
    assert sponsor.topup(topup.topup_id).state == "open"
    assert told(town, TopUpSettled) == []
    assert post(town, body, signed).json() == {"state": "settled"}


def test_news_that_is_too_old_of_the_other_mode_or_unreadable_is_refused(town: Town) -> None:
    only_ours_waits(town)
    standin = town.stripe_standin
    standin.card_pays(page_of(a_sponsor(town).tops_up()))
    body = an_event(town)
    live = json.dumps(json.loads(body) | {"livemode": True}).encode()
    assert post(town, live, standin.webhooks.signed(live)).json()["code"] == "webhook_wrong_mode"
    assert post(town, b"[]", standin.webhooks.signed(b"[]")).json()["code"] == "webhook_unreadable"
    signed = standin.webhooks.signed(body)
    town.clock.move_to(town.clock.now() + timedelta(seconds=301))  # type: ignore[attr-defined]
    assert post(town, body, signed).json()["code"] == "webhook_too_old"
    assert told(town, TopUpSettled) == []


def test_the_same_news_twice_settles_once(town: Town) -> None:
    only_ours_waits(town)
    sponsor = a_sponsor(town)
    town.stripe_standin.card_pays(page_of(sponsor.tops_up()))
    ids = [event["id"] for event in town.stripe_standin.webhooks.waiting()]
    assert set(town.stripe_standin.webhooks.send(ids * 3)) == {200}
    assert len(told(town, TopUpSettled)) == 1
    assert town.check() == []


def test_a_debit_is_on_its_way_until_the_bank_pays_or_refuses_it(town: Town) -> None:
    sponsor, standin = a_sponsor(town), town.stripe_standin
    good, bad = sponsor.tops_up(method="sepa_debit"), sponsor.tops_up(method="sepa_debit")
    standin.sepa_debit(page_of(good))
    standin.sepa_debit(page_of(bad), will_pay=False)
    stripe_tells(town)
    assert [topup.state for topup in sponsor.topups()] == ["processing", "processing"]
    assert told(town, TopUpSettled) == []

    town.clock.move_to(town.clock.now() + timedelta(days=5))  # type: ignore[attr-defined]
    stripe_tells(town)
    assert (sponsor.topup(good.topup_id).state, sponsor.topup(bad.topup_id).state) == ("settled", "failed")
    assert [event.topup_id for event in told(town, TopUpSettled)] == [good.topup_id]
    assert town.check() == []


def test_a_page_nobody_paid_on_ends_the_pledge(town: Town) -> None:
    sponsor = a_sponsor(town)
    topup = sponsor.tops_up()
    town.clock.move_to(town.clock.now() + timedelta(days=1))  # type: ignore[attr-defined]
    stripe_tells(town)
    expired = sponsor.topup(topup.topup_id)
    assert (expired.state, expired.checkout_url, expired.receipts) == ("expired", None, ())
    assert town.check() == []


def test_money_whose_fee_is_not_known_yet_waits_for_the_next_news(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(town.stripe_standin, "_booking_delay", timedelta(hours=1))
    sponsor = a_sponsor(town)
    topup = a_paid_topup(town, sponsor)
    assert topup.state == "processing"
    assert told(town, TopUpSettled) == []
    town.clock.move_to(town.clock.now() + timedelta(hours=1))  # type: ignore[attr-defined]
    stripe_tells(town)
    assert sponsor.topup(topup.topup_id).state == "settled"
    assert [event.fee_cents for event in told(town, TopUpSettled)] == [400]


def test_a_refund_in_steps_is_told_step_by_step_and_never_more_than_came(town: Town) -> None:
    sponsor = a_sponsor(town)
    topup = a_paid_topup(town, sponsor)
    gateway, intent = town.rooms["funding"].extras["stripe"], payment_of(town, topup)
    for cents, key in ((10_000, "refund-1"), (10_000, "refund-1"), (15_000, "refund-2")):
        gateway.refund(intent, cents, f"{topup.topup_id} {key}")
        stripe_tells(town)
    reversals = told(town, TopUpReversed)
    assert [event.amount_cents for event in reversals] == [10_000, 15_000]
    assert len({event.reversal_id for event in reversals}) == 2
    assert {event.topup_id for event in reversals} == {topup.topup_id}
    refunded = sponsor.topup(topup.topup_id)
    assert (refunded.state, refunded.receipts[0].taken_back_cents) == ("refunded", 25_000)
    assert town.check() == []


def test_a_dispute_takes_money_back_and_a_won_one_brings_it_again(town: Town) -> None:
    sponsor = a_sponsor(town)
    topup = a_paid_topup(town, sponsor)
    dispute = town.stripe_standin.dispute(payment_of(town, topup), 20_000)
    stripe_tells(town)
    assert sponsor.topup(topup.topup_id).state == "disputed"
    assert [event.amount_cents for event in told(town, TopUpReversed)] == [20_000]

    town.stripe_standin.close_dispute(dispute["id"], won=True)
    stripe_tells(town)
    won = sponsor.topup(topup.topup_id)
    assert won.state == "settled"
    assert [(r.amount_cents, r.fee_cents, r.taken_back_cents) for r in won.receipts] == [
        (25_000, 400, 20_000),
        (20_000, 0, 0),
    ]
    first, again = told(town, TopUpSettled)
    assert first.topup_id == topup.topup_id != again.topup_id
    assert town.check() == []


def test_news_of_a_payment_that_is_no_top_up_of_ours_is_passed_over(town: Town) -> None:
    only_ours_waits(town)
    standin = town.stripe_standin
    foreign = standin.open_session(_params("order-7"))
    unknown = standin.open_session(_params("01970000-0000-7000-8000-000000000000"))
    for session in (foreign, unknown):
        intent = standin.card_pays(session["id"])["payment_intent"]
        standin.dispute(intent)
    waiting = [event["id"] for event in standin.webhooks.waiting()]
    assert standin.webhooks.send(waiting) == [200] * len(waiting)
    assert told(town, TopUpSettled) == []


def test_a_second_page_for_the_same_top_up_says_nothing_about_it(town: Town) -> None:
    """As left behind when the database fails just after Stripe has opened the page, and a day later a new one is opened."""
    only_ours_waits(town)
    sponsor = a_sponsor(town)
    topup = sponsor.tops_up()
    stray = town.stripe_standin.open_session(_params(str(topup.topup_id)))
    town.stripe_standin.expire(stray["id"])
    stripe_tells(town)
    assert sponsor.topup(topup.topup_id).state == "open"


def _params(topup_id: str) -> Any:
    from infra.standins.stripe_forms import CheckoutParams, LineItem, PriceData, ProductData

    price = PriceData(currency="eur", unit_amount=1_000, product_data=ProductData(name="Something"))
    return CheckoutParams(
        mode="payment", line_items=[LineItem(price_data=price, quantity=1)], success_url="https://town.example/",
        metadata={"topup_id": topup_id},
    )  # fmt: skip


def test_while_stripe_is_away_its_news_is_sent_again_and_none_is_lost(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stripe.HTTPClient.INITIAL_DELAY", 0)
    only_ours_waits(town)
    sponsor, standin = a_sponsor(town), town.stripe_standin
    topup = sponsor.tops_up()
    standin.card_pays(page_of(topup))
    body = an_event(town)
    standin.outages = 3
    answer = post(town, body, standin.webhooks.signed(body))
    assert (answer.status_code, answer.json()["code"]) == (503, "stripe_away")
    assert sponsor.topup(topup.topup_id).state == "open"
    stripe_tells(town)
    assert sponsor.topup(topup.topup_id).state == "settled"
    assert town.check() == []


def test_an_account_that_books_in_another_currency_is_refused(town: Town) -> None:
    only_ours_waits(town)
    standin, sponsor = town.stripe_standin, a_sponsor(town)
    topup = sponsor.tops_up()
    standin.card_pays(page_of(topup))
    booked = standin.memory.all_of("balance_transaction")[0]
    booked["currency"] = "chf"
    body = an_event(town)
    assert post(town, body, standin.webhooks.signed(body)).json()["code"] == "other_currency"
    assert sponsor.topup(topup.topup_id).state == "open"
    booked["currency"] = "eur"
    stripe_tells(town)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_in_whatever_order_and_however_often_news_comes_the_books_end_the_same(town: Town, data: st.DataObject) -> None:
    """Stripe's news comes between what happens, shuffled and repeated; at the end all of it comes once more."""
    only_ours_waits(town)
    standin, sponsor = town.stripe_standin, a_sponsor(town, f"Sponsor {len(town.stripe_standin.memory.objects)}")
    topup = sponsor.tops_up(40_000, method="sepa_debit")
    page, sent = page_of(topup), Counter[str]()
    for happens in (
        lambda: standin.sepa_debit(page),
        lambda: standin.bank_answers(page, pays=True),
        lambda: town.rooms["funding"].extras["stripe"].refund(payment_of(town, topup), 5_000, f"refund {page}"),
        lambda: standin.dispute(payment_of(town, topup), 30_000),
    ):
        happens()
        known = [event["id"] for event in reversed(standin.memory.all_of("event")) if page_is(town, event, page)]
        some = data.draw(st.lists(st.sampled_from(known), max_size=4))
        sent.update(some)
        assert set(standin.webhooks.send(some)) <= {200}
    rest = data.draw(st.permutations(known))
    assert set(standin.webhooks.send(rest)) == {200}
    town.settle()

    disputed = sponsor.topup(topup.topup_id)
    assert disputed.state == "disputed"
    assert [(r.amount_cents, r.fee_cents, r.taken_back_cents) for r in disputed.receipts] == [(40_000, 35, 35_000)]
    mine = [event for event in told(town, TopUpReversed) if event.topup_id == topup.topup_id]
    assert sum(event.amount_cents for event in mine) == 35_000
    assert len([event for event in told(town, TopUpSettled) if event.topup_id == topup.topup_id]) == 1
    assert town.check() == []


def page_is(town: Town, event: Any, page: str) -> bool:
    """Whether an event is about this payment page or its payment."""
    intent = town.stripe_standin.memory.objects[page]["payment_intent"]
    about = event["data"]["object"]
    return page == about["id"] or intent in (about["id"], about.get("payment_intent"))
