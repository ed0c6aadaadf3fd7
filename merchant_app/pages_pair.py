"""A device becomes a till with a pairing code; what this till is; and what lets it be installed."""

from __future__ import annotations

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from merchant_app.tills import TILL_COOKIE, TILL_SECONDS, ask_as_till, at_till
from services.apis import redemption as api
from services.apis.errors import Refused
from services.kit import installable
from services.kit.screens import ask, done, for_all, read_form, visit


@for_all
def pair() -> ResponseReturnValue:
    refusal = None
    if request.method == "POST":
        try:
            paired = ask("redemption", api.POST_TILL, read_form(api.PairTill))
            visit().cookies[TILL_COOKIE] = (paired.token, TILL_SECONDS)
            return done(url_for(".sell"), _("This device is a till of %(shop)s now.", shop=paired.shop_name))
        except Refused as refused:
            refusal = refused
    elif "ended" in request.args:
        refusal = Refused("till_unpaired", "This device is no till any more.", status=200)
    return render_template("merchant/pair.html", refusal=refusal), refusal.status if refusal else 200


@at_till
def this() -> ResponseReturnValue:
    return render_template("merchant/this.html", till=ask_as_till(api.GET_THIS_TILL))


@for_all
def offline() -> ResponseReturnValue:
    return render_template("merchant/offline.html")


@for_all
def manifest() -> ResponseReturnValue:
    return installable.manifest(_("Till"), url_for(".sell"))


@for_all
def worker() -> ResponseReturnValue:
    return installable.worker("till", url_for(".offline"), assets=("again.js",))


def add_to(till: Blueprint) -> None:
    till.add_url_rule("/pair", "pair", pair, methods=["GET", "POST"])
    till.add_url_rule("/this", "this", this)
    till.add_url_rule("/offline", "offline", offline)
    till.add_url_rule("/manifest.webmanifest", "manifest", manifest)
    till.add_url_rule("/sw.js", "worker", worker)
