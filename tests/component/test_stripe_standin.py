"""The stand-in is enough like Stripe: its shapes, its refusals, its page for people, its memory."""

from __future__ import annotations

import threading
import typing
from pathlib import Path
from typing import Any

import httpx
import pytest
import stripe
from werkzeug.serving import make_server
from werkzeug.test import Client

from infra.standins.stripe import stripe_standin
from infra.standins.stripe_shapes import fee_cents
from services.funding.stripe_gateway import StripeGateway
from tests.component.stripe_scene import SECRET, TEST_KEY, Scene, a_scene

SHAPES: dict[str, type] = {
    "checkout.session": stripe.checkout.Session,
    "payment_intent": stripe.PaymentIntent,
    "charge": stripe.Charge,
    "refund": stripe.Refund,
    "dispute": stripe.Dispute,
    "balance_transaction": stripe.BalanceTransaction,
    "event": stripe.Event,
}
AUTHORIZED = {"Authorization": f"Bearer {TEST_KEY}"}


def a_busy_account() -> Scene:
    """One payment by card, refunded in part; one debit, disputed."""
    scene = a_scene()
    _, intent = scene.paid_topup()
    scene.gateway.refund(intent, 1_000, "refund-1")
    debit = scene.topup(idempotency_key="topup-2", topup_id="topup-2")
    session = scene.account.sepa_debit(debit.session_id)
    scene.account.bank_answers(debit.session_id, pays=True)
    scene.account.dispute(session["payment_intent"])
    return scene


def asked(scene: Scene, path: str, **params: str | int) -> httpx.Response:
    transport = httpx.WSGITransport(app=stripe_standin(scene.account))
    with httpx.Client(transport=transport, base_url="http://stripe.standin") as client:
        return client.get(path, params=params or None, headers=AUTHORIZED)


@pytest.mark.parametrize("kind", SHAPES)
def test_every_object_has_the_fields_that_the_library_says_stripe_sends(kind: str) -> None:
    things = a_busy_account().account.memory.all_of(kind)
    fields = {name: of for name, of in SHAPES[kind].__annotations__.items() if name.islower()}
    always = {name for name, of in fields.items() if type(None) not in typing.get_args(of) and name[0] != "_"}
    assert things
    for thing in things:
        assert set(thing) <= set(fields)
        assert {name for name in always if thing.get(name) is None} == set()


def test_fees_follow_the_simulated_price_list() -> None:
    assert [fee_cents("card", cents) for cents in (50, 1_000, 1_033, 25_000)] == [26, 40, 40, 400]
    assert fee_cents("sepa_debit", 1_000_000) == 35


def test_lists_come_in_pages_newest_first() -> None:
    scene = a_busy_account()
    whole = asked(scene, "/v1/events", limit=100).json()
    first = asked(scene, "/v1/events", limit=4).json()
    second = asked(scene, "/v1/events", limit=4, starting_after=first["data"][-1]["id"]).json()
    before = asked(scene, "/v1/events", limit=4, ending_before=second["data"][0]["id"]).json()
    assert (whole["has_more"], first["has_more"]) == (False, True)
    assert first["data"] + second["data"] == whole["data"][:8]
    assert before["data"] == first["data"]
    refunded = asked(scene, "/v1/events", type="charge.refunded").json()["data"]
    assert [event["type"] for event in refunded] == ["charge.refunded"]


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/v1/charges/ch_unknown", 404, "resource_missing"),
        ("/v1/charges?colour=blue", 400, "parameter_unknown"),
        ("/v1/charges?limit=1000", 400, None),
        ("/v1/nothing", 404, None),
    ],
)
def test_errors_have_stripes_shape(path: str, status: int, code: str | None) -> None:
    answer = asked(a_scene(), path)
    error = answer.json()["error"]
    assert (answer.status_code, error.get("code")) == (status, code)
    assert error["type"] == "invalid_request_error"
    assert error["message"]


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({"mode": "payment", "payment_method_types[0]": "card"}, "payment_method_types_no_longer_supported"),
        ({"mode": "payment", "coupon": "half"}, "parameter_unknown"),
        ({"mode": "subscription"}, None),
        ({"mode": "payment", "line_items[0][quantity]": "1", "line_items": "x"}, None),
        ({"mode": "payment", "success_url": "javascript:alert(1)"}, None),
    ],
)
def test_a_checkout_that_stripe_would_refuse_is_refused(form: dict[str, str], code: str | None) -> None:
    browser = Client(stripe_standin(a_scene().account))
    answer = browser.post("/v1/checkout/sessions", data=form, headers=AUTHORIZED)
    assert answer.status_code == 400
    assert answer.json is not None
    assert answer.json["error"].get("code") == code


def page_of(scene: Scene, **changes: Any) -> tuple[Client, str]:
    """A browser, and the path of a new top-up's page."""
    checkout = scene.topup(**changes)
    prefix = "https://town.example/standins/stripe"
    assert checkout.url.startswith(f"{prefix}/pay/cs_test_")
    return Client(stripe_standin(scene.account)), checkout.url.removeprefix(prefix)


def test_a_person_sees_that_no_money_moves_pays_and_returns() -> None:
    scene = a_scene()
    browser, path = page_of(scene, amount_cents=125_050, purpose="Coins for <b>Lambrate</b>")
    shown = browser.get(path)
    assert "no real money" in shown.text
    assert "€1,250.50" in shown.text
    assert "Coins for &lt;b&gt;Lambrate&lt;/b&gt;" in shown.text
    assert "default-src 'none'" in shown.headers["Content-Security-Policy"]

    paid = browser.post(path, data={"step": "card_pays"})
    assert paid.status_code == 303
    assert paid.location == f"https://town.example/thanks?of={path.removeprefix('/pay/')}"
    assert "settled" in {news.kind for news in scene.news()}
    assert "Paid." in browser.get(path).text
    again = browser.post(path, data={"step": "card_pays"})  # the second of two taps
    assert (again.status_code, again.location) == (303, paid.location)
    assert [news.kind for news in scene.news()] == []


def test_a_person_can_play_a_declined_card_and_then_the_bank_of_a_debit() -> None:
    scene = a_scene()
    browser, path = page_of(scene)
    declined = browser.post(path, data={"step": "card_is_declined"}, follow_redirects=True)
    assert "Nothing was paid; try again" in declined.text
    assert browser.post(path, data={"step": "sepa_will_pay"}).status_code == 303
    assert "the bank has not answered yet" in browser.get(path).text
    refused = browser.post(path, data={"step": "bank_refuses"}, follow_redirects=True)
    assert "The bank refused the debit" in refused.text


def test_the_page_offers_only_what_the_top_up_allows_and_refuses_the_rest() -> None:
    browser, path = page_of(a_scene(), methods=["sepa_debit"])
    assert "by card" not in browser.get(path).text
    for step in ("card_pays", "bank_pays", "steal", ""):
        assert browser.post(path, data={"step": step}).status_code == 400
    assert browser.get("/pay/cs_test_unknown").status_code == 404


def test_a_restart_forgets_neither_debits_nor_news_nor_answers(tmp_path: Path) -> None:
    kept = tmp_path / "stripe.json"
    before = a_scene(memory_file=kept)
    checkout = before.topup()
    before.account.sepa_debit(checkout.session_id)

    after = a_scene(memory_file=kept)
    assert after.topup() == checkout
    assert [news.kind for news in after.news()] == ["processing"]
    after.days_pass(5)
    assert after.news()[-1].kind == "settled"
    assert a_scene(memory_file=kept).news() == []


def test_the_gateway_speaks_with_it_over_a_real_port_too() -> None:
    scene = a_scene()
    server = make_server("127.0.0.1", 0, stripe_standin(scene.account), threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        scene.gateway = StripeGateway(TEST_KEY, [SECRET], base_url=f"http://127.0.0.1:{server.server_port}")
        checkout, intent = scene.paid_topup()
        scene.gateway.refund(intent, 500, "refund-1")
        assert scene.gateway.follow_up(scene.news()[0]).amount_cents == 500
        assert scene.gateway.present_state(checkout.session_id).kind == "refunded"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
