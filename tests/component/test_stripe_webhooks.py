"""Forged, stale, foreign and malformed webhooks are refused; only Stripe's own news of our mode is read."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.apis.errors import Refused
from services.funding.stripe_gateway import StripeGateway
from tests.component.stripe_scene import NOON, SECRET, TEST_KEY, Scene, a_scene


def told(scene: Scene) -> tuple[bytes, str]:
    """The last webhook of a card payment: body and signature."""
    scene.account.card_pays(scene.topup().session_id)
    scene.account.webhooks.send()
    return scene.received[-1]


def refusal(gateway: StripeGateway, body: bytes, signature: str, age_s: int = 0) -> str:
    with pytest.raises(Refused) as refused:
        gateway.read_webhook(body, signature, now=NOON + timedelta(seconds=age_s))
    assert refused.value.status == 400
    return refused.value.code


@pytest.mark.parametrize(
    "signature",
    ["", "nonsense", "t=,v1=", "t=1777896000", "t=1777896000,v1=" + "0" * 64, "t=1777896000,v1=\u00e8", "v1=x,t=y"],
)
def test_a_forged_signature_is_refused(signature: str) -> None:
    scene = a_scene()
    body, _ = told(scene)
    assert refusal(scene.gateway, body, signature) == "webhook_forged"


@settings(max_examples=50, deadline=None)
@given(data=st.data())
def test_no_byte_of_a_signed_body_can_be_changed(data: st.DataObject) -> None:
    scene = a_scene()
    body, signature = told(scene)
    at = data.draw(st.integers(0, len(body) - 1))
    other = data.draw(st.integers(0, 255).filter(lambda byte: byte != body[at]))
    changed = body[:at] + bytes([other]) + body[at + 1 :]
    assert refusal(scene.gateway, changed, signature) == "webhook_forged"


def test_a_signature_counts_for_five_minutes_either_way() -> None:
    scene = a_scene()
    body, signature = told(scene)
    for age_s in (-300, 0, 300):
        news = scene.gateway.read_webhook(body, signature, now=NOON + timedelta(seconds=age_s))
        assert news.kind == "settled"
    assert refusal(scene.gateway, body, signature, 301) == "webhook_too_old"
    assert refusal(scene.gateway, body, signature, -301) == "webhook_too_old"


def test_while_a_secret_is_replaced_both_are_good_and_then_only_the_new() -> None:
    scene = a_scene()
    body, signature = told(scene)
    during = StripeGateway(TEST_KEY, ["whsec_new", SECRET])
    assert during.read_webhook(body, signature, now=NOON).kind == "settled"
    assert refusal(StripeGateway(TEST_KEY, ["whsec_new"]), body, signature) == "webhook_forged"


def test_test_news_is_refused_by_a_gateway_with_a_live_key() -> None:
    scene = a_scene()
    body, signature = told(scene)
    live = StripeGateway("rk_live_valdarco", [SECRET])
    assert refusal(live, body, signature) == "webhook_wrong_mode"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{",
        b'{"id": "evt_1", "type": "charge.refunded", "livemode": false, "created": 1, "data": {"object": {}}}',
        b'{"object": "v2.core.event", "id": "evt_1", "type": "v1.billing.meter.no_meter_found"}',
    ],
)
def test_signed_news_of_an_unknown_shape_is_refused(body: bytes) -> None:
    scene = a_scene()
    signature = scene.account.webhooks.signed(body)["Stripe-Signature"]
    assert refusal(scene.gateway, body, signature) == "webhook_unreadable"


@pytest.mark.parametrize(
    ("kind", "subject", "word"),
    [
        ("charge.dispute.created", {"status": "warning_needs_response"}, "settled"),
        ("charge.dispute.created", {"status": "needs_response"}, "disputed"),
        ("charge.dispute.closed", {"status": "lost"}, "disputed"),
        ("charge.dispute.closed", {"status": "won"}, "settled"),
        ("refund.failed", {}, "settled"),
        ("checkout.session.completed", {"metadata": {"topup_id": "topup-1"}}, "settled"),
        ("checkout.session.completed", {"metadata": {"order": "somebody else's"}}, "ignored"),
        ("payment_intent.payment_failed", {}, "ignored"),
        ("customer.created", {}, "ignored"),
    ],
)
def test_every_kind_of_news_is_one_of_few_words(kind: str, subject: dict[str, Any], word: str) -> None:
    scene = a_scene()
    thing = {
        "id": "thing_1",
        "created": 1_777_896_000,
        "amount": 1_000,
        "amount_total": 1_000,
        "balance_transactions": [],
        "payment_intent": "pi_1",
        "payment_status": "paid",
        "status": "complete",
    } | subject
    event = {"id": "evt_1", "type": kind, "livemode": False, "created": 1_777_896_000, "data": {"object": thing}}
    body = json.dumps(event).encode()
    signature = scene.account.webhooks.signed(body)["Stripe-Signature"]
    news = scene.gateway.read_webhook(body, signature, now=NOON)
    assert (news.kind, news.event_id) == (word, "evt_1")
