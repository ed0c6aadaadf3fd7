"""The administrator registers a sponsor, whom somebody can then be invited to act for."""

from __future__ import annotations

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext

from services.apis import funding_sponsor as api
from services.apis.errors import Refused
from services.kit.screens import ask, done, form_key, only, read_form

ADMIN = "admin"
KINDS = (("organisation", lazy_gettext("A company or association")), ("private", lazy_gettext("A private person")))
pages = Blueprint("sponsors", __name__, url_prefix="/admin/people/sponsors", template_folder="templates")


@pages.route("/new", methods=["GET", "POST"])
@only(ADMIN)
def register() -> ResponseReturnValue:
    refusal = None
    if request.method == "POST":
        try:
            sponsor = ask("funding", api.POST_SPONSOR, read_form(api.RegisterSponsor), key=form_key())
            words = _("%(name)s is registered. Invite somebody who acts for it.", name=sponsor.name)
            return done(url_for("roles.invite", role="sponsor", scope=sponsor.sponsor_id), words)
        except Refused as refused:
            refusal = refused
    return render_template("sponsors/register.html", refusal=refusal, kinds=KINDS), refusal.status if refusal else 200
