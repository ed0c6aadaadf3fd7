"""Where those who work for the scheme sign in, and are led to their work; an invited one sets a password here."""

from __future__ import annotations

from flask import Blueprint, current_app, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext

from services.apis import identity, identity_staff
from services.apis.errors import Refused
from services.kit.screens import ask, done, for_all, go_on, only, read_form, visit
from services.kit.words import say

pages = Blueprint("staff", __name__, url_prefix="/staff", template_folder="templates")

# Where each role's work begins: the first of these that somebody holds.
WORK = (
    ("coordinator", "coordinator.week"), ("finance", "funds.funds"), ("shop_owner", "owner.owed"), ("admin", "programmes.programmes"),
    ("sponsor", "sponsor.home"), ("auditor", "books.books"), ("volunteer", "volunteer.home"),
)  # fmt: skip

say(
    pages,
    {
        "wrong_password": lazy_gettext("E-mail and password do not belong together. Try again."),
        "totp_needed": lazy_gettext("Type the six digits your code app shows now."),
        "wrong_totp": lazy_gettext("These digits are not right, or over already. Type those your code app shows now."),
        "totp_used": lazy_gettext("These digits were used already. Wait for the next ones."),
        "weak_password": lazy_gettext("This password is too easy to guess. Take a longer one."),
    },
)


@pages.route("/sign-in", methods=["GET", "POST"])
@for_all
def sign_in() -> ResponseReturnValue:
    refusal = None
    if request.method == "POST":
        try:
            visit().enter(ask("identity", identity.POST_STAFF_SESSION, read_form(identity.StaffSignIn)))
            return go_on(url_for(".start"))
        except Refused as refused:
            refusal = refused
    status = refusal.status if refusal else 200
    return render_template("staff/sign_in.html", refusal=refusal), status


@pages.route("/join", methods=["GET", "POST"])
@for_all
def join() -> ResponseReturnValue:
    """From the link in an invitation: the code is behind the #. The code app is set up at once, where the role needs one."""
    refusal = None
    if request.method == "POST":
        try:
            accepted = ask("identity", identity_staff.POST_STAFF_JOIN, read_form(identity_staff.JoinStaff))
            return render_template("staff/joined.html", accepted=accepted)
        except Refused as refused:
            refusal = refused
    status = refusal.status if refusal else 200
    return render_template("staff/join.html", refusal=refusal), status


@pages.get("/")
@only("")
def start() -> ResponseReturnValue:
    """To one's work."""
    for role, page in WORK:
        if visit().who.has(role) and page in current_app.view_functions:
            return redirect(url_for(page))
    raise Refused("no_role", "You hold no role in the scheme any more.", status=403)


@pages.post("/sign-out")
@for_all
def leave() -> ResponseReturnValue:
    if proof := visit().proof():
        ask("identity", identity.POST_SESSION_END, proof)
    visit().leave()
    return done(url_for(".sign_in"), _("You are signed out."))
