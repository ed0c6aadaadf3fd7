"""The volunteers' screens: what is next, my coins, the shops, me. Joining, shifts, checking in and paying are in the modules beside it."""

from __future__ import annotations

from collections import Counter
from typing import Any

import msgspec
from flask import Blueprint, Response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from services.apis import attendance, awards, identity, ledger, redemption, shifts
from services.apis.endpoint import Page
from services.apis.errors import Refused
from services.kit import installable
from services.kit.every import every
from services.kit.i18n import LANGUAGES
from services.kit.looks import told
from services.kit.pictures import PICTURES, pin_of_form
from services.kit.screens import ask, ask_together, done, for_all, form_key, only, read_form, screens, visit
from services.kit.words import say
from volunteer_app import pages_coins, pages_join, pages_pay, pages_print, pages_scan, pages_shifts, pages_shops
from volunteer_app.home import home as asked_at_home
from volunteer_app.home import shown
from volunteer_app.words import DISPUTE_REASONS, REFUSALS, STATES

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
pages.add_app_template_filter(lambda id_: getattr(screens().city.neighbourhood(id_), "name", id_), "place_name")


@pages.get("/")
@only(VOLUNTEER)
def home() -> ResponseReturnValue:
    here = visit()
    clients = {name: here.client(name) for name in screens().clients}
    parts = ask_together(**asked_at_home(clients, here.who), me=lambda: ask("identity", identity.GET_ME))
    now = screens().clock.now()
    return render_template(
        "volunteer/home.html", parts=parts, when=pages_shifts.when, **shown(parts, now, screens().city.day_of(now))
    )


# ---------- me ----------


@pages.get("/me")
@only(VOLUNTEER)
def me() -> ResponseReturnValue:
    parts = ask_together(
        me=lambda: ask("identity", identity.GET_ME),
        card=lambda: ask("identity", identity.GET_MY_CARD),
        unmaskings=lambda: ask("identity", identity.GET_MY_UNMASKINGS, query=Page(limit=100)),
        organisations=lambda: ask("shifts", shifts.GET_ORGANISATIONS),
    )
    looks = parts["unmaskings"].unmaskings if "unmaskings" in parts else ()
    known = parts["organisations"].organisations if "organisations" in parts else ()
    names = {one.organisation_id: one.name for one in known}
    day_of = screens().city.day_of
    by_day = Counter(  # newest first, as they came
        (day_of(look.looked_at), names.get(look.organisation_id, _("Your organisation")), told(look.reason))
        for look in looks
    )
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
        attendances=lambda: list(every("attendance", attendance.GET_MY_ATTENDANCES, "attendances")),
        awards=lambda: list(every("awards", awards.GET_MY_AWARDS, "awards")),
        movements=lambda: list(every("ledger", ledger.GET_MOVEMENTS, "movements", person_id=me)),
        purchases=lambda: list(every("redemption", redemption.GET_MY_SALES, "purchases")),
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
    ask("identity", identity.POST_MY_ERASURE, identity.Erase(pin=pin_of_form()))
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
    parts = ask_together(told=lambda: ask("attendance", attendance.GET_MY_ATTENDANCES, query=Page(limit=100)))
    told = parts["told"].attendances if "told" in parts else ()
    attended = next((one for one in told if one.shift_id == shift_id), None)
    return render_template("volunteer/dispute.html", shift=shift, attended=attended, reasons=DISPUTE_REASONS)


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


@links.get("/pictures")
@for_all
def pictures_link() -> ResponseReturnValue:
    return redirect(url_for("volunteer.new_pictures"))


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
pages_shops.add_to(pages)
pages_print.add_to(pages)
