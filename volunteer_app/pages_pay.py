"""Paying: a large code with its countdown, also where the phone has no connection."""

from __future__ import annotations

from contextlib import suppress
from uuid import UUID

from flask import Blueprint, get_template_attribute, jsonify, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from services.apis import ledger
from services.apis import redemption as api
from services.apis.errors import Refused
from services.kit.screens import ask, ask_together, for_all, only, read_form, screens, visit
from volunteer_app.words import PHRASES

VOLUNTEER = "volunteer"
KEY_COOKIE = "payment_key"  # which key this phone has, so that signing out ends it: its id, not its secret
ASSETS = ("app.js", "pay.js", "payment_key.js", "vendor/lean-qr-2.7.4.nano.js")


@only(VOLUNTEER)
def pay() -> ResponseReturnValue:
    parts = ask_together(wallet=lambda: ask("ledger", ledger.GET_WALLET, person_id=visit().who.id))
    return render_template("volunteer/pay.html", parts=parts, phrases=PHRASES, now=screens().clock.now())


@for_all
def pay_on_the_phone() -> ResponseReturnValue:
    """The same screen with nobody's coins in it, for the phone to keep and to show where there is no connection."""
    return render_template("volunteer/pay.html", parts={}, phrases=PHRASES, on_the_phone=True)


@only(VOLUNTEER)
def payment_code() -> ResponseReturnValue:
    """A fresh code, for the screen that shows it: the drawing, and for how many seconds it is good."""
    drawing = get_template_attribute("kit/components.html", "drawing")
    made = ask("redemption", api.POST_PAYMENT_CODE)
    seconds = (made.expires_at - screens().clock.now()).total_seconds()
    return jsonify(drawing=drawing(made.code, _("Payment code for the till")), seconds=seconds)


@only(VOLUNTEER)
def payment_key() -> ResponseReturnValue:
    """What the phone makes codes with where it has no connection. Times are milliseconds since 1970, as scripts count."""
    key = ask("redemption", api.POST_PAYMENT_KEY, read_form(api.KeepPaymentKey))
    now = screens().clock.now()
    visit().cookies[KEY_COOKIE] = (str(key.payment_key_id), int((key.ends_at - now).total_seconds()))
    told = {"id": key.payment_key_id, "ends": key.ends_at.timestamp() * 1000, "now": now.timestamp() * 1000}
    return jsonify(**told, secret=key.secret)


def end_payment_key() -> None:
    """Somebody signs out: what their phone has pays no more."""
    with suppress(ValueError, Refused):
        ask("redemption", api.POST_PAYMENT_KEY_END, payment_key_id=UUID(request.cookies.get(KEY_COOKIE, "")))
    visit().cookies[KEY_COOKIE] = None


def shells() -> dict[str, str]:
    """For the service worker: the address of a screen, and of what stands for it where there is no connection."""
    return {url_for(".pay"): url_for(".pay_on_the_phone")}


def add_to(pages: Blueprint) -> None:
    pages.add_url_rule("/pay", "pay", pay)
    pages.add_url_rule("/pay/on-the-phone", "pay_on_the_phone", pay_on_the_phone)
    pages.add_url_rule("/pay/code", "payment_code", payment_code, methods=["POST"])
    pages.add_url_rule("/pay/key", "payment_key", payment_key, methods=["POST"])
