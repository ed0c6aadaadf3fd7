"""The volunteers' screens: what is next, my coins, the shops, me. Joining, shifts, checking in and paying are in the modules beside it."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import msgspec
from flask import Blueprint, Response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from services.apis import attendance, awards, identity, ledger, redemption, shifts
from services.apis.endpoint import Page
from services.apis.errors import Refused
from services.kit import installable
from services.kit.i18n import LANGUAGES
from services.kit.parallel import Parts
from services.kit.screens import ask, ask_together, done, for_all, form_key, only, read_form, screens, visit
from services.kit.words import say
from volunteer_app import pages_coins, pages_join, pages_pay, pages_print, pages_scan, pages_shifts
from volunteer_app.home import home as asked_at_home
from volunteer_app.words import DISPUTE_REASONS, PICTURES, REFUSALS, STATES

VOLUNTEER = "volunteer"
pages = Blueprint(VOLUNTEER, __name__, url_prefix="/volunteer", template_folder="templates")
links = Blueprint("volunteer_links", __name__)


def tabs(here: str) -> list[tuple[str, str, str, bool]]:
    """The bar at the thumb: name, sign, address, whether it is this screen."""
    found = [
        ("home", _("Home"), "house"), ("shifts", _("Shifts"), "calendar-days"), ("pay", _("Pay"), "qr-code"),
        ("shops", _("Shops"), "store"), ("me", _("Me"), "user-round"),
    ]  # fmt: skip
    return [(name, sign, url_for(f".{key}"), key == here) for key, name, sign in found]


pages.add_app_template_global(tabs, "volunteer_tabs")
pages.add_app_template_global(lambda state: STATES[state], "state_words")


@pages.get("/")
@only(VOLUNTEER)
def home() -> ResponseReturnValue:
    here = visit()
    clients = {name: here.client(name) for name in screens().clients}
    parts = ask_together(**asked_at_home(clients, here.who), me=lambda: ask("identity", identity.GET_ME))
    return render_template("volunteer/home.html", parts=parts, **next_and_open(parts), now=screens().clock.now())


def next_and_open(parts: Parts) -> dict[str, Any]:
    """`on_the_way`: awards whose coins are not there yet. `upcoming`: the next shift I have a place at or wait for. `inside`: where I am
    checked in just now. `asked`: what could still be disputed, newest first."""
    now = screens().clock.now()
    mine = [one for one in parts["signups"].signups if one.signup.state != "cancelled"] if "signups" in parts else []
    told = parts["attendances"].attendances if "attendances" in parts else ()
    inside = next((a for a in told if a.checked_in_at and not a.checked_out_at and a.ends_at > now), None)
    return {
        "on_the_way": [a for a in parts["awards"].awards if a.state in ("awarded", "waiting")][:3] if "awards" in parts else [],
        "upcoming": min((one for one in mine if one.shift.ends_at > now), key=lambda one: one.shift.starts_at, default=None),
        "inside": inside,
        "asked": [a for a in told if a.ends_at <= now and a.ends_at > now - timedelta(days=14)][:3],
    }  # fmt: skip


@pages.get("/shops")
@only(VOLUNTEER)
def shops() -> ResponseReturnValue:
    chosen = request.args.get("in") or None
    parts = ask_together(
        shops=lambda: ask(
            "redemption", redemption.GET_SHOPS, query=redemption.ShopQuery(limit=100, neighbourhood_id=chosen)
        ),
    )
    now = screens().city.local(screens().clock.now())
    found = (
        [(shop, open_until(shop, now)) for shop in parts["shops"].shops if not shop.closed] if "shops" in parts else []
    )
    return render_template("volunteer/shops.html", found=found, chosen=chosen, city=screens().city, away=parts.away)


def open_until(shop: redemption.Shop, now: datetime) -> str | None:
    """Until when a shop is open just now, as `19:30`; empty if it is closed, None if it did not say when it is open."""
    if not shop.opening:
        return None
    hours = [o for o in shop.opening if o.weekday == now.isoweekday() and o.opens <= now.time() < o.closes]
    return f"{hours[0].closes:%H:%M}" if hours else ""


# ---------- me ----------


@pages.get("/me")
@only(VOLUNTEER)
def me() -> ResponseReturnValue:
    parts = ask_together(
        me=lambda: ask("identity", identity.GET_ME),
        card=lambda: ask("identity", identity.GET_MY_CARD),
        unmaskings=lambda: ask("identity", identity.GET_MY_UNMASKINGS, query=Page(limit=100)),
    )
    looks = parts["unmaskings"].unmaskings if "unmaskings" in parts else ()
    day_of = screens().city.day_of
    by_day = Counter((day_of(look.looked_at), look.reason) for look in looks)  # newest first, as they came
    return render_template("volunteer/me.html", parts=parts, looks=list(by_day.items())[:10], languages=LANGUAGES)


@pages.post("/me/language")
@only(VOLUNTEER)
def choose_language() -> ResponseReturnValue:
    chosen = read_form(identity.ChooseLanguage)
    ask("identity", identity.POST_MY_LANGUAGE, chosen)
    return done(url_for(".me", lang=chosen.language))


@pages.post("/me/card")
@only(VOLUNTEER)
def replace_card() -> ResponseReturnValue:
    ask("identity", identity.POST_MY_CARD_REPLACE, key=form_key())
    card = ask("identity", identity.GET_MY_CARD)
    pages_join.remember_card(card.code)
    return done(url_for(".me"), _("Your old card is ended. This is your new one; your coins are on it."))


@pages.get("/me/data.json")
@only(VOLUNTEER)
def my_data() -> ResponseReturnValue:
    me = visit().who.id
    parts = ask_together(
        identity=lambda: ask("identity", identity.GET_MY_EXPORT),
        signups=lambda: ask("shifts", shifts.GET_MY_SIGNUPS),
        attendances=lambda: ask("attendance", attendance.GET_MY_ATTENDANCES, query=Page(limit=200)),
        awards=lambda: ask("awards", awards.GET_MY_AWARDS, query=Page(limit=200)),
        movements=lambda: ask("ledger", ledger.GET_MOVEMENTS, query=Page(limit=200), person_id=me),
        purchases=lambda: ask("redemption", redemption.GET_MY_SALES, query=Page(limit=200)),
    )
    if parts.away:
        raise Refused("service_away", "A part of the platform gives no answer. Try again in a moment.", status=503)
    told = msgspec.json.format(msgspec.json.encode(dict(parts)))
    return Response(
        told, mimetype="application/json", headers={"Content-Disposition": 'attachment; filename="my-data.json"'}
    )


@pages.route("/me/erase", methods=["GET", "POST"])
@only(VOLUNTEER)
def erase() -> ResponseReturnValue:
    if request.method == "GET":
        parts = ask_together(wallet=lambda: ask("ledger", ledger.GET_WALLET, person_id=visit().who.id))
        return render_template("volunteer/erase.html", parts=parts, pictures=PICTURES)
    ask("identity", identity.POST_MY_ERASURE, identity.Erase(pin=pages_join.pin_of_form()))
    visit().leave()
    pages_join.forget_card()
    return done(url_for(".join"), _("You are erased here. Nobody can read your name any more."))


@pages.route("/disputes/<uuid:shift_id>", methods=["GET", "POST"])
@only(VOLUNTEER)
def dispute(shift_id: Any) -> ResponseReturnValue:
    if request.method == "POST":
        ask("attendance", attendance.POST_DISPUTE, read_form(attendance.MakeDispute), key=form_key(), shift_id=shift_id)
        return done(url_for(".home"), _("Thank you for telling us. Your coordinator will look at it."))
    shift = ask("shifts", shifts.GET_SHIFT, shift_id=shift_id)
    return render_template("volunteer/dispute.html", shift=shift, reasons=DISPUTE_REASONS)


@pages.get("/offline")
@for_all
def offline() -> ResponseReturnValue:
    return render_template("volunteer/offline.html")


@pages.get("/manifest.webmanifest")
@for_all
def manifest() -> ResponseReturnValue:
    return installable.manifest("Meritcoin", url_for(".home"))


@pages.get("/sw.js")
@for_all
def worker() -> ResponseReturnValue:
    return installable.worker(VOLUNTEER, url_for(".offline"), shells=pages_pay.shells(), assets=pages_pay.ASSETS)


# ---------- links that are printed or scanned ----------


@links.get("/join")
@for_all
def join_link() -> ResponseReturnValue:
    return redirect(url_for("volunteer.join"))


@links.get("/c/<code>")
@for_all
def code_link(code: str) -> ResponseReturnValue:
    return redirect(url_for("volunteer.check_in", code=code))


say(pages, REFUSALS)
pages_coins.add_to(pages)
pages_join.add_to(pages)
pages_shifts.add_to(pages)
pages_scan.add_to(pages)
pages_pay.add_to(pages)
pages_print.add_to(pages)
