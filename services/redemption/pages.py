"""The administrator's shops: registered with their signed agreement, closed, and how the first till and the owner come in."""

from __future__ import annotations

from itertools import groupby
from typing import Any
from uuid import UUID

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import get_locale, lazy_gettext
from flask_babel import gettext as _

from services.apis import redemption as api
from services.apis.errors import Refused
from services.kit.every import every
from services.kit.i18n import language_name
from services.kit.screens import ask, ask_together, done, form_key, only, read_form, screens
from services.kit.words import say

ADMIN = "admin"
WEEK = range(1, 8)  # ISO 8601: Monday is 1
pages = Blueprint("shops", __name__, url_prefix="/admin/shops", template_folder="templates")

say(
    pages,
    {
        "agreement_days_wrong": lazy_gettext("An agreement ends on the day it is signed or later. Correct one of the two days."),
        "opening_wrong": lazy_gettext("A shop closes later than it opens. Write hours past midnight on the next day."),
        "hours_half": lazy_gettext("Say both when the shop opens and when it closes, or leave both empty."),
        "choose_neighbourhood": lazy_gettext("Choose at least one neighbourhood: coins of that neighbourhood can be used here."),
    }
)  # fmt: skip


def state_of(shop: api.Shop) -> str:
    """`closed`, `over`, `soon` or `open` today."""
    today = screens().city.day_of(screens().clock.now())
    if shop.closed:
        return "closed"
    if shop.ends_on is not None and shop.ends_on < today:
        return "over"
    return "soon" if shop.signed_on > today else "open"


def weekday(number: int) -> str:
    """Monday is 1."""
    locale = get_locale()
    return str(locale.days["stand-alone"]["wide"][number - 1]) if locale else str(number)


def hours_of(shop: api.Shop) -> list[tuple[str, str]]:
    """Each day the shop opens, with its hours: `("Monday", "07:00–13:00, 16:00–19:30")`."""
    opening = sorted(shop.opening, key=lambda one: (one.weekday, one.opens))
    return [
        (weekday(day), ", ".join(f"{one.opens:%H:%M}–{one.closes:%H:%M}" for one in run))
        for day, run in groupby(opening, key=lambda one: one.weekday)
    ]


pages.add_app_template_global(state_of, "state_of_shop")


@pages.get("/")
@only(ADMIN)
def shops() -> ResponseReturnValue:
    found = list(every("redemption", api.GET_SHOPS, "shops", api.ShopQuery(also_ended=True)))
    order = ("soon", "open", "over", "closed")
    found.sort(key=lambda shop: (order.index(state_of(shop)), shop.name.casefold()))
    return render_template("shops/shops.html", shops=found, city=screens().city)


@pages.route("/new", methods=["GET", "POST"])
@only(ADMIN)
def register() -> ResponseReturnValue:
    refusal = None
    if request.method == "POST":
        try:
            shop = ask("redemption", api.POST_SHOP, _registration(), key=form_key())
            words = _("%(name)s is registered. Invite its owner next.", name=shop.name)
            return done(url_for(".shop", shop_id=shop.shop_id), words)
        except Refused as refused:
            refusal = refused
    city = screens().city
    page = render_template(
        "shops/register.html", refusal=refusal, week=[(day, weekday(day)) for day in WEEK],
        places=[(one.id, one.name) for one in city.neighbourhoods], tongues=[(code, language_name(code)) for code in city.languages],
        chosen=request.form.getlist("neighbourhood_ids"), spoken=request.form.getlist("languages"),
    )  # fmt: skip
    return page, refusal.status if refusal else 200


@pages.get("/<uuid:shop_id>")
@only(ADMIN)
def shop(shop_id: UUID) -> ResponseReturnValue:
    parts = ask_together(
        agreement=lambda: ask("redemption", api.GET_AGREEMENT, shop_id=shop_id),
        tills=lambda: ask("redemption", api.GET_TILLS, shop_id=shop_id),
    )
    found = ask("redemption", api.GET_SHOP, shop_id=shop_id)
    return render_template("shops/shop.html", shop=found, parts=parts, hours=hours_of(found), city=screens().city)


@pages.post("/<uuid:shop_id>/pairing-code")
@only(ADMIN)
def pairing_code(shop_id: UUID) -> ResponseReturnValue:
    """The code is in this answer alone: it lies nowhere, so it is shown at once and not on a page that can be opened again."""
    made = ask("redemption", api.POST_PAIRING_CODE, shop_id=shop_id)
    found = ask("redemption", api.GET_SHOP, shop_id=shop_id)
    return render_template("shops/pairing_code.html", shop=found, made=made)


@pages.route("/<uuid:shop_id>/close", methods=["GET", "POST"])
@only(ADMIN)
def close(shop_id: UUID) -> ResponseReturnValue:
    if request.method == "POST":
        closed = ask("redemption", api.POST_SHOP_CLOSE, key=form_key(), shop_id=shop_id)
        words = _("The agreement with %(name)s is over. Its tills take no more coins.", name=closed.name)
        return done(url_for(".shop", shop_id=shop_id), words)
    return render_template("shops/close.html", shop=ask("redemption", api.GET_SHOP, shop_id=shop_id))


@pages.route("/<uuid:shop_id>/tills/<uuid:till_id>/end", methods=["GET", "POST"])
@only(ADMIN)
def end_till(shop_id: UUID, till_id: UUID) -> ResponseReturnValue:
    if request.method == "POST":
        ended = ask("redemption", api.POST_TILL_UNPAIR, key=form_key(), till_id=till_id)
        return done(url_for(".shop", shop_id=shop_id), _("The till “%(name)s” takes no more coins.", name=ended.name))
    tills = ask("redemption", api.GET_TILLS, shop_id=shop_id).tills
    till = next((one for one in tills if one.till_id == till_id), None)
    if till is None:
        raise Refused("unknown_till", "There is no such till.", status=404)
    return render_template("shops/end_till.html", shop=ask("redemption", api.GET_SHOP, shop_id=shop_id), till=till)


def _registration() -> api.RegisterShop:
    """The form as what is registered. Raises Refused for what is missing."""
    chosen = request.form.getlist("neighbourhood_ids")
    if not chosen:
        raise Refused("choose_neighbourhood", "Choose a neighbourhood.", {"field": "neighbourhood_ids"}, status=422)
    return read_form(
        api.RegisterShop, neighbourhood_ids=chosen, languages=request.form.getlist("languages"), opening=_opening()
    )


def _opening() -> list[dict[str, Any]]:
    """The week's hours: two spans a day, each both filled in or both empty."""
    found = []
    for day in WEEK:
        for span in ("a", "b"):
            opens, closes = (request.form.get(f"{what}_{day}{span}", "") for what in ("opens", "closes"))
            if bool(opens) != bool(closes):
                raise Refused(
                    "hours_half", "Say when it opens and closes.", {"field": f"opens_{day}{span}"}, status=422
                )
            if opens:
                found.append({"weekday": day, "opens": f"{opens}:00"[:8], "closes": f"{closes}:00"[:8]})
    return found
