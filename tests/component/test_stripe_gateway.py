"""The real `stripe` library against the stand-in: what a sponsor's payment becomes in our words."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.apis.errors import Refused
from services.funding.stripe_gateway import StripeAway, StripeGateway
from tests.component.stripe_scene import NOON, SECRET, Scene, a_gateway, a_scene


def kinds(scene: Scene) -> list[str]:
    return [news.kind for news in scene.news()]


def test_a_card_payment_is_settled_at_once_and_its_fee_is_known() -> None:
    scene = a_scene()
    checkout = scene.topup(25_000)
    assert scene.gateway.present_state(checkout.session_id).kind == "open"

    scene.account.card_pays(checkout.session_id)
    news = scene.news()

    assert [each.kind for each in news] == ["settled", "settled"]  # the fee is booked; the page is done
    state = scene.gateway.follow_up(news[-1])
    assert (state.kind, state.amount_cents, state.fee_cents) == ("settled", 25_000, 400)
    assert (state.topup_id, state.session_id) == ("topup-1", checkout.session_id)
    assert state.created_at == NOON


def test_a_declined_card_leaves_the_page_open_for_another_try() -> None:
    scene = a_scene()
    checkout = scene.topup()
    scene.account.card_is_declined(checkout.session_id)
    assert kinds(scene) == []
    assert scene.gateway.present_state(checkout.session_id).kind == "open"

    scene.account.card_pays(checkout.session_id)
    assert scene.gateway.present_state(checkout.session_id).kind == "settled"


@pytest.mark.parametrize(("will_pay", "outcome", "fee"), [(True, "settled", 35), (False, "failed", None)])
def test_a_debit_is_on_its_way_until_the_bank_answers(will_pay: bool, outcome: str, fee: int | None) -> None:
    scene = a_scene()
    checkout = scene.topup(100_000)
    scene.account.sepa_debit(checkout.session_id, will_pay=will_pay)
    assert kinds(scene) == ["processing"]
    assert scene.gateway.present_state(checkout.session_id).kind == "processing"

    scene.days_pass(4)
    assert kinds(scene) == []
    scene.days_pass(1)
    assert set(kinds(scene)) == {outcome}
    state = scene.gateway.present_state(checkout.session_id)
    assert (state.kind, state.fee_cents) == (outcome, fee)


def test_an_unused_page_expires_after_a_day() -> None:
    scene = a_scene()
    checkout = scene.topup()
    scene.days_pass(1)
    assert kinds(scene) == ["expired"]
    assert scene.gateway.present_state(checkout.session_id).kind == "expired"


def test_a_fee_booked_late_is_told_when_it_is_known() -> None:
    scene = a_scene(booking_delay=timedelta(days=1))
    checkout = scene.topup()
    scene.account.card_pays(checkout.session_id)
    [early] = scene.news()
    assert scene.gateway.follow_up(early).fee_cents is None

    scene.days_pass(1)
    [late] = scene.news()
    assert scene.gateway.follow_up(late).fee_cents == 400


def test_opening_a_page_twice_with_one_key_opens_one_page() -> None:
    scene = a_scene()
    assert scene.topup() == scene.topup()
    assert len(scene.account.memory.all_of("checkout.session")) == 1

    with pytest.raises(Refused) as other:
        scene.topup(amount_cents=30_000)
    assert other.value.code == "idempotency_key_reused"
    assert scene.topup(idempotency_key="topup-2") != scene.topup()


def test_a_refund_gives_back_once_however_often_it_is_asked_for() -> None:
    scene = a_scene()
    checkout, intent = scene.paid_topup(25_000)
    first = scene.gateway.refund(intent, 10_000, "refund-1")
    assert scene.gateway.refund(intent, 10_000, "refund-1") == first
    [news] = scene.news()
    assert (news.kind, news.amount_cents, news.topup_id) == ("refunded", 10_000, "topup-1")

    scene.gateway.refund(intent, 15_000, "refund-2")
    state = scene.gateway.present_state(checkout.session_id)
    assert (state.kind, state.amount_cents, state.fee_cents) == ("refunded", 25_000, 400)
    with pytest.raises(Refused) as too_much:
        scene.gateway.refund(intent, 1, "refund-3")
    assert too_much.value.facts["stripe_code"] == "charge_already_refunded"


def test_a_disputed_card_payment_leaves_and_comes_back_when_the_dispute_is_won() -> None:
    scene = a_scene()
    checkout, intent = scene.paid_topup(25_000)
    dispute = scene.account.dispute(intent, 20_000)
    news = scene.news()
    assert {each.kind for each in news} == {"disputed"}
    state = scene.gateway.follow_up(news[0])
    assert (state.kind, state.topup_id, state.amount_cents) == ("disputed", "topup-1", 20_000)
    assert state.fee_cents == 400 + 2_000
    with pytest.raises(Refused) as disputed:
        scene.gateway.refund(intent, 1_000, "refund-1")
    assert disputed.value.facts["stripe_code"] == "charge_disputed"

    scene.account.close_dispute(dispute["id"], won=True)
    state = scene.gateway.follow_up(scene.news()[-1])
    assert (state.kind, state.amount_cents, state.fee_cents) == ("settled", 25_000, 400)
    assert state.session_id == checkout.session_id


def test_a_disputed_debit_is_lost_at_once() -> None:
    scene = a_scene()
    checkout = scene.topup(50_000)
    session = scene.account.sepa_debit(checkout.session_id)
    scene.account.bank_answers(checkout.session_id, pays=True)
    dispute = scene.account.dispute(session["payment_intent"])
    assert dispute["status"] == "lost"
    state = scene.gateway.present_state(checkout.session_id)
    assert (state.kind, state.amount_cents) == ("disputed", 50_000)


@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_in_whatever_order_and_however_often_news_comes_the_last_word_is_the_truth(
    data: st.DataObject,
) -> None:
    scene = a_scene()
    checkout = scene.topup(40_000)
    scene.account.webhooks.held = True
    intent = scene.account.sepa_debit(checkout.session_id)["payment_intent"]
    scene.account.bank_answers(checkout.session_id, pays=True)
    scene.gateway.refund(intent, 5_000, "refund-1")
    scene.account.dispute(intent, 30_000)
    ids = [event["id"] for event in scene.account.webhooks.waiting()]
    order = data.draw(st.permutations(ids + data.draw(st.lists(st.sampled_from(ids), max_size=5))))

    scene.account.webhooks.send(order)
    assert len(scene.received) == len(order)
    for news in scene.news():
        state = scene.gateway.follow_up(news)
        assert (state.kind, state.amount_cents, state.fee_cents) == ("disputed", 35_000, 2_035)
    assert scene.account.webhooks.waiting() == []


def test_news_that_is_not_taken_is_told_again() -> None:
    scene = a_scene()
    checkout = scene.topup()
    scene.answer = 500
    scene.account.card_pays(checkout.session_id)
    first = scene.news()
    scene.answer = 200
    assert scene.news() == first
    assert scene.news() == []


def test_news_of_a_payment_that_is_not_a_top_up_is_ignored() -> None:
    scene = a_scene()
    _, intent = scene.paid_topup()
    refund = scene.account.memory.get("checkout.session", scene.topup().session_id)
    refund["metadata"].clear()  # as another use of the same Stripe account would leave it
    scene.account.dispute(intent)
    assert {scene.gateway.follow_up(news).kind for news in scene.news()} == {"ignored"}


@pytest.mark.parametrize("outages", [1, 2])
def test_a_short_outage_is_bridged_by_repeating(outages: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stripe.HTTPClient.INITIAL_DELAY", 0)
    scene = a_scene()
    scene.account.outages = outages
    checkout = scene.topup()
    assert scene.gateway.present_state(checkout.session_id).kind == "open"
    assert len(scene.account.memory.all_of("checkout.session")) == 1


def test_a_long_outage_says_when_to_try_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stripe.HTTPClient.INITIAL_DELAY", 0)
    scene = a_scene()
    scene.account.outages = 3
    with pytest.raises(StripeAway) as away:
        scene.topup()
    assert (away.value.status, away.value.retry_after_s) == (503, 30)

    nobody_there = StripeGateway("sk_test_valdarco", [SECRET], base_url="http://127.0.0.1:9")
    with pytest.raises(StripeAway):
        nobody_there.present_state("cs_test_1")


def test_what_stripe_refuses_is_refused_with_its_code() -> None:
    scene = a_scene()
    with pytest.raises(Refused) as too_small:
        scene.topup(amount_cents=49)
    assert too_small.value.facts["stripe_code"] == "amount_too_small"
    with pytest.raises(Refused) as unknown:
        scene.gateway.present_state("cs_test_unknown")
    assert unknown.value.facts["stripe_code"] == "resource_missing"
    with pytest.raises(Refused) as wrong_key:
        a_gateway(scene.account, "sk_test_of_another_town").present_state("cs_test_1")
    assert wrong_key.value.code == "stripe_key_refused"


def test_an_account_that_keeps_another_currency_is_refused() -> None:
    scene = a_scene()
    checkout, _ = scene.paid_topup()
    [booked] = scene.account.memory.all_of("balance_transaction")
    booked["currency"] = "chf"
    with pytest.raises(Refused) as refused:
        scene.gateway.present_state(checkout.session_id)
    assert (refused.value.code, refused.value.facts) == ("other_currency", {"currency": "chf"})


def test_a_gateway_needs_a_real_key_and_a_secret() -> None:
    with pytest.raises(ValueError, match="sk_test_"):
        StripeGateway("pk_test_publishable", [SECRET])
    with pytest.raises(ValueError, match="webhook secret"):
        StripeGateway("sk_test_valdarco", [])
