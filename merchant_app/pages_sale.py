"""Selling: key the amount, read the code, and the whole screen says yes or what would work. And taking a sale back.

A printed card pays with its owner's four pictures.

Each attempt has a key that its page or script made: sent again after a lost connection, it is the same sale with the same answer.
"""

from __future__ import annotations

from contextlib import suppress
from decimal import Decimal, InvalidOperation
from uuid import UUID

from flask import Blueprint, Response, render_template, request
from flask.typing import ResponseReturnValue

from merchant_app.tills import GONE, ask_as_till, at_till
from merchant_app.words import explained, payable_of
from services.apis import identity
from services.apis import redemption as api
from services.apis.errors import Refused
from services.kit.pictures import PICTURES, pin_of_form
from services.kit.screens import form_key, read_form, screens, with_camera


@at_till
def sell() -> ResponseReturnValue:
    return with_camera(render_template("merchant/till.html", till=ask_as_till(api.GET_THIS_TILL)))


@at_till
def sold() -> ResponseReturnValue:
    amount_cents = 0
    try:
        amount_cents = amount_of_form()
        body = read_form(api.MakeSale, amount_cents=amount_cents)
        sale = ask_as_till(api.POST_SALE, body, key=form_key())
    except Refused as refusal:
        if refusal.code == "foreign_code" and refusal.facts.get("kind") == "card":
            return ask_pictures(amount_cents, str(screens().ids()))
        return no(refusal, amount_cents)
    return render_template("merchant/answer.html", sale=sale, refusal=None, now=screens().clock.now())


@at_till
def card() -> ResponseReturnValue:
    """A printed card and its owner's four pictures become a payment code, which is then sold as one that was scanned.

    However often this is asked, it takes nothing: that does the sale, under the key of this form, so it is made once.
    """
    amount_cents = 0
    try:
        amount_cents = amount_of_form()
        ask_as_till(api.GET_THIS_TILL)
        code = code_of_card(request.form.get("code", ""), pin_of_form())
    except Refused as refusal:
        if refusal.code in ("wrong_pin", "pin_missing") or refusal.status == 429:
            return ask_pictures(amount_cents, form_key(), refusal)
        return no(refusal, amount_cents)
    return unkept(render_template("merchant/card_fits.html", amount_cents=amount_cents, code=code, key=form_key()))


def code_of_card(card_code: str, pin: identity.Pin) -> str:
    """A payment code of the card's owner, asked for in a session that is theirs, ends here and is known to nobody else. Raises Refused."""
    clients = screens().clients
    theirs = clients["identity"].call(
        identity.POST_CARD_SESSION, identity.CardSignIn(card_code=card_code.strip(), pin=pin)
    )
    try:
        made: api.PaymentCode = clients["redemption"].as_(theirs.token).call(api.POST_PAYMENT_CODE)
    finally:
        with suppress(Refused):  # it ends by itself too
            proof = identity.SessionProof(session_id=theirs.session_id, renewal=theirs.renewal)
            clients["identity"].call(identity.POST_SESSION_END, proof)
    return made.code


def ask_pictures(amount_cents: int, key: str, refusal: Refused | None = None) -> ResponseReturnValue:
    """The page for the customer: the amount and the twelve pictures, nothing about whose card it is."""
    page = render_template(
        "merchant/card.html", amount_cents=amount_cents, key=key, code=request.form.get("code", ""), refusal=refusal,
        pictures=PICTURES,
    )  # fmt: skip
    return unkept(page, refusal.status if refusal else 200)


def unkept(page: str, status: int = 200) -> Response:
    return Response(page, status, headers={"Cache-Control": "no-store"}, mimetype="text/html")


@at_till
def undo(sale_id: UUID) -> ResponseReturnValue:
    try:
        sale = ask_as_till(api.POST_VOID, key=form_key(), sale_id=sale_id)
    except Refused as refusal:
        return no(refusal, 0)
    return render_template("merchant/answer.html", sale=sale, refusal=None, now=screens().clock.now())


def no(refusal: Refused, amount_cents: int) -> ResponseReturnValue:
    """The amber screen. Raises again what is no answer: then nobody knows, and the same is asked again."""
    if refusal.status >= 500 or refusal.status == 429 or refusal.code in GONE:
        raise refusal
    headline, would_work = explained(refusal, amount_cents)
    page = render_template(
        "merchant/answer.html", refusal=refusal, headline=headline, would_work=would_work, amount_cents=amount_cents,
        payable_cents=payable_of(refusal, amount_cents), code=request.form.get("code", ""), now=screens().clock.now(),
    )  # fmt: skip
    return page, refusal.status


def amount_of_form() -> int:
    """In cents: as the keypad says it, or from a field where somebody wrote `4.50`. Raises Refused `amount_wrong`."""
    said = request.form.get("amount_cents") or ""
    written = (request.form.get("amount") or "").strip().replace(",", ".")
    try:
        cents = Decimal(said) if said else Decimal(written) * 100
    except InvalidOperation:
        cents = Decimal(0)
    if not cents.is_finite() or cents != int(cents) or not 0 < cents <= 100_000_000:
        raise Refused("amount_wrong", "Write an amount such as 4.50.", {"field": "amount"}, status=422)
    return int(cents)


def add_to(till: Blueprint) -> None:
    till.add_url_rule("/", "sell", sell)
    till.add_url_rule("/sales", "sold", sold, methods=["POST"])
    till.add_url_rule("/card", "card", card, methods=["POST"])
    till.add_url_rule("/sales/<uuid:sale_id>/undo", "undo", undo, methods=["POST"])
