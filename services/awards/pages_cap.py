"""The administrator's ceilings: the most one person can be given, each with its act and its first day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext

from services.apis import awards as api
from services.apis.errors import Refused
from services.kit.i18n import full_day
from services.kit.screens import ask, done, form_key, only, read_form, screens
from services.kit.words import say

ADMIN = "admin"
pages = Blueprint("ceilings", __name__, url_prefix="/admin/rules/ceilings", template_folder="templates")
PERIODS = (("day", lazy_gettext("A day")), ("month", lazy_gettext("A month")))

say(
    pages,
    {
        "cap_in_the_past": lazy_gettext("A ceiling starts tomorrow or later, so that no coins already given change. Choose such a day."),
        "cap_exists": lazy_gettext("Such a ceiling starts on that day already. Choose another day."),
        "cap_amount_wrong": lazy_gettext("Write the amount in euros, up to 10,000."),
    }
)  # fmt: skip


@dataclass(frozen=True)
class Shown:
    """A ceiling in a table: whose period it is for, and whether it holds today."""

    period: str
    ceiling: api.CeilingOnRecord
    holds: bool


def ceilings() -> list[Shown]:
    """Every ceiling there was, is or will be, each period's newest first."""
    told = ask("awards", api.GET_ALL_CAPS).caps
    holding = {(one.cap, one.since) for one in ask("awards", api.GET_CAPS).caps}
    return [
        Shown(str(words), one, (one.cap, one.since) in holding)
        for kind, words in PERIODS
        for one in sorted((one for one in told if one.cap == kind), key=lambda one: one.since, reverse=True)
    ]


@pages.route("/new", methods=["GET", "POST"])
@only(ADMIN)
def new() -> ResponseReturnValue:
    refusal = None
    if request.method == "POST":
        try:
            cap = ask("awards", api.POST_CAP, read_form(api.SetCap, amount_cents=amount_cents()), key=form_key())
            return done(
                url_for("rules.rules"), _("The ceiling is set. It holds from %(day)s.", day=full_day(cap.since))
            )
        except Refused as refused:
            if refused.status in (401, 403):
                raise
            refusal = refused
    today = today_here()
    page = render_template(
        "rules/ceiling.html", refusal=refusal, periods=PERIODS, holding=[one for one in ceilings() if one.holds],
        tomorrow=today + timedelta(days=1), first_of_next=(today.replace(day=1) + timedelta(days=32)).replace(day=1),
    )  # fmt: skip
    return page, refusal.status if refusal else 200


def amount_cents() -> int:
    """What was typed, `12` or `12.50`. Raises Refused `cap_amount_wrong`."""
    try:
        cents = Decimal(request.form.get("amount", "").replace("€", "").strip().replace(",", ".")) * 100
    except InvalidOperation:
        cents = Decimal(0)
    if not 1 <= cents <= 1_000_000 or cents != int(cents):
        raise Refused("cap_amount_wrong", "The amount is missing or out of range.", {"field": "amount"}, status=422)
    return int(cents)


def today_here() -> date:
    return screens().city.day_of(screens().clock.now())
