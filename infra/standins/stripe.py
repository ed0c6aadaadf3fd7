"""The stand-in's HTTP side: the part of Stripe's API that is used here, and a page to pay on.

Served by the demo and the tests; with real keys the same gateway calls the real Stripe. No money
and no card number ever passes here.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

from flask import Flask, Response, jsonify, request
from werkzeug.exceptions import HTTPException

from infra.standins import stripe_forms as forms
from infra.standins.stripe_account import StripeAccount
from infra.standins.stripe_forms import StripeSaysNo
from infra.standins.stripe_page import pay_page
from infra.standins.stripe_shapes import Json

COLLECTIONS = {
    "checkout/sessions": "checkout.session",
    "payment_intents": "payment_intent",
    "charges": "charge",
    "refunds": "refund",
    "disputes": "dispute",
    "balance_transactions": "balance_transaction",
    "events": "event",
}
FILTERS = ("payment_intent", "charge", "source", "type")
EXPAND_LEVELS = 4
BODY_BYTES_AT_MOST = 64 * 1024


def stripe_standin(account: StripeAccount) -> Flask:
    """A WSGI app: `/v1/…` speaks Stripe's API for `account`, `/pay/{session_id}` is a page."""
    app = Flask(__name__, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = BODY_BYTES_AT_MOST
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.register_blueprint(pay_page(account))
    _guard(app, account)

    @app.post("/v1/checkout/sessions")
    def create_session() -> Response:
        return _once(account, forms.CheckoutParams, account.open_session)

    @app.post("/v1/checkout/sessions/<session_id>/expire")
    def expire_session(session_id: str) -> Response:
        return _once(account, forms.ExpireParams, lambda _: account.expire(session_id))

    @app.post("/v1/refunds")
    def create_refund() -> Response:
        return _once(account, forms.RefundParams, account.refund)

    def list_all(collection: str) -> Response:
        return jsonify(_page(account, collection))

    def retrieve(collection: str, object_id: str) -> Response:
        params = forms.read(_query(), forms.OneParams)
        with account.memory.lock:
            found = account.memory.get(COLLECTIONS[collection], object_id)
            return jsonify(_expanded(account, found, params.expand))

    for collection in COLLECTIONS:
        path, fixed = f"/v1/{collection}", {"collection": collection}
        app.add_url_rule(path, f"list {collection}", list_all, defaults=fixed)
        app.add_url_rule(f"{path}/<object_id>", f"retrieve {collection}", retrieve, defaults=fixed)
    return app


def _guard(app: Flask, account: StripeAccount) -> None:
    """Let in only the account's key, and say no in Stripe's shape."""

    @app.before_request
    def admit() -> None:
        if not request.path.startswith("/v1/"):
            return
        if account.outages > 0:
            account.outages -= 1
            raise StripeSaysNo("An unknown error occurred.", status=503, kind="api_error")
        scheme, _, key = request.headers.get("Authorization", "").partition(" ")
        if scheme != "Bearer" or not hmac.compare_digest(key.encode(), account.api_key.encode()):
            raise StripeSaysNo(f"Invalid API Key provided: {key[:8]}***", status=401)

    @app.errorhandler(StripeSaysNo)
    def say_no(no: StripeSaysNo) -> tuple[Response, int]:
        return jsonify(no.body), no.status

    @app.errorhandler(HTTPException)
    def unserved(error: HTTPException) -> tuple[Response, int]:
        message = f"Unrecognized request URL ({request.method}: {request.path})."
        return jsonify(StripeSaysNo(message).body), error.code or 500


def _query() -> list[tuple[str, str]]:
    return parse_qsl(request.query_string.decode("ascii", "replace"), keep_blank_values=True)


def _once(account: StripeAccount, form: type[Any], perform: Callable[[Any], Json]) -> Response:
    """Answer a POST; the same idempotency key gets the same answer.

    As at Stripe (docs.stripe.com/api/idempotent_requests), a request refused for its content leaves
    no trace, so it may be repeated corrected.
    """
    body = request.get_data()
    key = request.headers.get("Idempotency-Key")
    asked = hashlib.sha256(request.path.encode() + b"\n" + body).hexdigest()
    memory = account.memory
    with memory.change():
        known = memory.answers.get(key) if key else None
        if known and known["asked"] != asked:
            raise StripeSaysNo(
                "Keys for idempotent requests can only be used with the same parameters they were first used with.",
                kind="idempotency_error",
            )
        if known:
            return _answer(known["body"], replayed=True)
        params = forms.read(parse_qsl(body.decode(), keep_blank_values=True), form)
        answer = _expanded(account, perform(params), params.expand)
        if key:
            memory.remember_answer(key, asked, answer)
        return _answer(answer)


def _answer(body: Json, *, replayed: bool = False) -> Response:
    response = jsonify(body)
    response.headers["Stripe-Version"] = request.headers.get("Stripe-Version", "")
    if replayed:
        response.headers["Idempotent-Replayed"] = "true"
    return response


def _page(account: StripeAccount, collection: str) -> Json:
    """One page of a list, newest first (docs.stripe.com/api/pagination)."""
    params = forms.read(_query(), forms.ListParams)
    wanted = {name: getattr(params, name) for name in FILTERS if getattr(params, name) is not None}
    found = [
        each
        for each in account.memory.all_of(COLLECTIONS[collection])
        if all(each.get(name) == value for name, value in wanted.items())
        and _created_within(each["created"], params.created)
    ]
    ids = [each["id"] for each in found]
    if params.starting_after in ids:
        found = found[ids.index(params.starting_after) + 1 :]
    if params.ending_before in ids:
        found = found[: ids.index(params.ending_before)][-params.limit :]
    expand = [path.removeprefix("data.") for path in params.expand]
    data = [_expanded(account, each, expand) for each in found[: params.limit]]
    more = len(found) > params.limit
    return {"object": "list", "data": data, "has_more": more, "url": f"/v1/{collection}"}


def _created_within(created: int, bounds: forms.Created) -> bool:
    return (
        (bounds.gt is None or created > bounds.gt)
        and (bounds.gte is None or created >= bounds.gte)
        and (bounds.lt is None or created < bounds.lt)
        and (bounds.lte is None or created <= bounds.lte)
    )


def _expanded(account: StripeAccount, thing: Json, paths: list[str]) -> Json:
    """A copy with ids replaced by their objects along `paths` (docs.stripe.com/expand)."""
    thing = dict(thing)
    for path in paths:
        if path.count(".") >= EXPAND_LEVELS:
            raise StripeSaysNo(f"You cannot expand more than {EXPAND_LEVELS} levels: {path}")
        at = thing
        for name in path.split("."):
            if name not in at:
                raise StripeSaysNo(f"This property cannot be expanded ({name}).", param="expand")
            if isinstance(at[name], str):
                at[name] = dict(account.memory.objects[at[name]])
            if at[name] is None:
                break
            at = at[name]
    return thing
