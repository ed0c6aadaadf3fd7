"""The administrator's programmes, and the organisations that carry them."""

from __future__ import annotations

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext

from services.apis import shifts as api
from services.apis.errors import Refused
from services.kit.screens import ask, ask_together, done, form_key, only, read_form
from services.kit.words import say

ADMIN = "admin"
pages = Blueprint("programmes", __name__, url_prefix="/admin/programmes", template_folder="templates")

say(pages, {"name_taken": lazy_gettext("Another one has this name already. Choose a name that tells them apart.")})


@pages.get("/")
@only(ADMIN)
def programmes() -> ResponseReturnValue:
    parts = ask_together(
        programmes=lambda: ask("shifts", api.GET_PROGRAMMES), organisations=lambda: ask("shifts", api.GET_ORGANISATIONS)
    )
    return render_template("programmes/programmes.html", parts=parts)


@pages.route("/new", methods=["GET", "POST"])
@only(ADMIN)
def open_one() -> ResponseReturnValue:
    refusal = None
    if request.method == "POST":
        try:
            opened = ask("shifts", api.POST_PROGRAMME, read_form(api.OpenProgramme), key=form_key())
            return done(url_for(".programmes"), _("%(name)s is open. Give it a rule next.", name=opened.name))
        except Refused as refused:
            refusal = refused
    return render_template("programmes/open.html", refusal=refusal), refusal.status if refusal else 200


@pages.route("/organisations/new", methods=["GET", "POST"])
@only(ADMIN)
def register() -> ResponseReturnValue:
    refusal = None
    if request.method == "POST":
        try:
            registered = ask("shifts", api.POST_ORGANISATION, read_form(api.RegisterOrganisation), key=form_key())
            words = _("%(name)s is registered. Invite its coordinator next.", name=registered.name)
            return done(url_for(".programmes"), words)
        except Refused as refused:
            refusal = refused
    return render_template("programmes/register.html", refusal=refusal), refusal.status if refusal else 200
