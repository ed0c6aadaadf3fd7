"""Joining from an invitation, signing in with the card and the pictures, new pictures for who forgot them, signing out.

The device remembers its card, so that the next time the four pictures are enough.
"""

from __future__ import annotations

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue

from services.apis import identity, identity_pictures
from services.apis.errors import Refused
from services.kit.i18n import language
from services.kit.pictures import PICTURES, pin_of_form
from services.kit.screens import ask, done, for_all, go_on, only, read_form, visit, with_camera
from volunteer_app.filters import address
from volunteer_app.pages_pay import end_payment_key

CARD_COOKIE, YEAR_SECONDS = "card", 365 * 24 * 3600


def remember_card(code: str) -> None:
    visit().cookies[CARD_COOKIE] = (code, YEAR_SECONDS)


def forget_card() -> None:
    visit().cookies[CARD_COOKIE] = None


def _enter(card_code: str, pin: identity.Pin) -> None:
    visit().enter(ask("identity", identity.POST_CARD_SESSION, identity.CardSignIn(card_code=card_code, pin=pin)))
    remember_card(card_code)


@for_all
def join() -> ResponseReturnValue:
    refusal = None
    if request.method == "POST":
        try:
            pin = pin_of_form()
            body = read_form(identity.Join, pin=pin, language=language())
            joined = ask("identity", identity.POST_JOIN, body)
            _enter(joined.card_code, pin)
            return done(url_for(".welcome"))
        except Refused as refused:
            refusal = refused
    status = refusal.status if refusal else 200
    chosen = bool(request.args.get("lang") or request.cookies.get("lang") or request.method == "POST")
    return render_template("volunteer/join.html", refusal=refusal, pictures=PICTURES, chosen=chosen), status


@for_all
def sign_in() -> ResponseReturnValue:
    refusal = None
    if request.method == "POST":
        try:
            _enter(request.form.get("card_code", "").strip() or request.cookies.get(CARD_COOKIE, ""), pin_of_form())
            return go_on(url_for(".home"))
        except Refused as refused:
            refusal = refused
            if refused.code in ("unknown_card", "card_revoked"):
                forget_card()
    known = (
        CARD_COOKIE in request.cookies and "other" not in request.args and not (refusal and refusal.code != "wrong_pin")
    )
    scanning = "scan" in request.args and refusal is None
    page = render_template(
        "volunteer/sign_in.html", refusal=refusal, pictures=PICTURES, known=known and not scanning, scanning=scanning,
        scan_address=address(scan="yes"),
    )  # fmt: skip
    return with_camera(page) if scanning else page, refusal.status if refusal else 200


@for_all
def new_pictures() -> ResponseReturnValue:
    """From a coordinator's code, for whoever forgot theirs: the person, their card and their coins stay."""
    refusal = None
    if request.method == "POST":
        try:
            body = read_form(identity_pictures.ChoosePictures, pin=pin_of_form())
            _enter(ask("identity", identity_pictures.POST_PICTURES, body).card_code, body.pin)
            return done(url_for(".welcome"))
        except Refused as refused:
            refusal = refused
    page = render_template("volunteer/new_pictures.html", refusal=refusal, pictures=PICTURES)
    return page, refusal.status if refusal else 200


@for_all
def sign_out() -> ResponseReturnValue:
    """`forget`: the card too, where somebody joined on a helper's phone."""
    if proof := visit().proof():
        ask("identity", identity.POST_SESSION_END, proof)
    end_payment_key()
    visit().leave()
    if request.form.get("forget"):
        forget_card()
    return done(url_for(".sign_in"))


@only("volunteer")
def welcome() -> ResponseReturnValue:
    """Right after joining: the card to keep, and the way on."""
    return render_template("volunteer/welcome.html", card=ask("identity", identity.GET_MY_CARD))


def add_to(pages: Blueprint) -> None:
    pages.add_url_rule("/join", "join", join, methods=["GET", "POST"])
    pages.add_url_rule("/sign-in", "sign_in", sign_in, methods=["GET", "POST"])
    pages.add_url_rule("/new-pictures", "new_pictures", new_pictures, methods=["GET", "POST"])
    pages.add_url_rule("/sign-out", "sign_out", sign_out, methods=["POST"])
    pages.add_url_rule("/welcome", "welcome", welcome)
