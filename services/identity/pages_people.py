"""Coordinators and their volunteers: who joined, inviting somebody, a name, a card to print or to replace, new pictures."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext

from services.apis import identity, identity_pictures, shifts
from services.apis import identity_vault as api
from services.apis.endpoint import Page
from services.apis.errors import Refused
from services.kit import looks
from services.kit.i18n import LANGUAGES
from services.kit.names import names_of
from services.kit.screens import ask, ask_together, done, form_key, only, read_form, screens, visit
from services.kit.words import say

COORDINATOR = "coordinator"
AT_ONCE = 100

pages = Blueprint("people", __name__, url_prefix="/coordinator/people", template_folder="templates")

say(
    pages,
    {
        "too_many_invitations": lazy_gettext(
            "Many invitations wait to be used. Use those first, or try again tomorrow."
        ),
        "unknown_person": lazy_gettext("This person does not take part any more."),
        "unknown_organisation": lazy_gettext("This organisation is not known here yet. Try again in a moment."),
    },
)


def organisation() -> UUID:
    """The organisation looked at: that of the address, else the first in which whoever looks is a coordinator."""
    mine = sorted(visit().who.scopes(COORDINATOR))
    asked = request.values.get("organisation")
    found = next((id_ for id_ in mine if str(id_) == asked), mine[0] if mine and not asked else None)
    if found is None:
        raise Refused("not_allowed", "You are no coordinator of this organisation.", status=403)
    return found


def organisations() -> list[tuple[UUID, str]]:
    """Those of whoever looks, with their names."""
    mine = visit().who.scopes(COORDINATOR)
    told = ask_together(all=lambda: ask("shifts", shifts.GET_ORGANISATIONS))
    known = {one.organisation_id: one.name for one in told["all"].organisations} if "all" in told else {}
    return [(id_, known.get(id_, "")) for id_ in sorted(mine)]


@pages.get("/")
@only(COORDINATOR)
def people() -> ResponseReturnValue:
    here = organisation()
    query = Page(limit=AT_ONCE, cursor=request.args.get("after"))
    told = ask("identity", api.GET_PEOPLE, query=query, organisation_id=here)
    names = names_of(here, {one.person_id for one in told.people}, looks.LIST)
    order = list(names)
    lines = sorted(told.people, key=lambda one: order.index(one.person_id))
    return render_template(
        "people/people.html", lines=lines, names=names, more=told.next_cursor, here=here, organisations=organisations()
    )


@pages.route("/invite", methods=["GET", "POST"])
@only(COORDINATOR)
def invite() -> ResponseReturnValue:
    """The code is shown once, as a picture to scan and to print: it is stored nowhere."""
    refusal = None
    if request.method == "POST":
        try:
            body = read_form(identity.Invite, organisation_id=organisation(), adult=request.form.get("adult") != "no")
            made = ask("identity", identity.POST_INVITATION, body)
            return render_template("people/invited.html", made=made)
        except Refused as refused:
            if refused.status >= 500 or refused.status == 403:
                raise
            refusal = refused
    page = render_template(
        "people/invite.html",
        refusal=refusal,
        here=organisation(),
        languages=[(c, LANGUAGES[c]) for c in screens().city.languages],
    )
    return page, refusal.status if refusal else 200


@pages.get("/<uuid:person_id>")
@only(COORDINATOR)
def person(person_id: UUID) -> ResponseReturnValue:
    here = organisation()
    names = names_of(here, {person_id}, looks.CARD_OR_NAME)
    return render_template("people/person.html", person_id=person_id, name=names[person_id], here=here)


@pages.post("/<uuid:person_id>/name")
@only(COORDINATOR)
def name(person_id: UUID) -> ResponseReturnValue:
    here = organisation()
    ask("identity", api.POST_NAME, read_form(api.SetName), organisation_id=here, person_id=person_id)
    return done(url_for(".person", person_id=person_id, organisation=here), _("The name is changed."))


@pages.post("/<uuid:person_id>/replace-card")
@only(COORDINATOR)
def replace_card(person_id: UUID) -> ResponseReturnValue:
    here = organisation()
    ask("identity", api.POST_PERSON_CARD_REPLACE, key=form_key(), organisation_id=here, person_id=person_id)
    words = _("The old card is ended. This is the new one; the coins are on it.")
    return done(url_for(".card", person_id=person_id, organisation=here), words)


@pages.post("/<uuid:person_id>/new-pictures")
@only(COORDINATOR)
def new_pictures(person_id: UUID) -> ResponseReturnValue:
    """The code is shown once, to the person, who chooses on a phone: nobody else sees the pictures."""
    here = organisation()
    made = ask("identity", identity_pictures.POST_PICTURES_CODE, organisation_id=here, person_id=person_id)
    return render_template("people/pictures.html", made=made, here=here)


@pages.get("/<uuid:person_id>/card")
@only(COORDINATOR)
def card(person_id: UUID) -> ResponseReturnValue:
    """To print, and to hand over."""
    here = organisation()
    made = ask("identity", api.GET_PERSON_CARD, organisation_id=here, person_id=person_id)
    names = names_of(here, {person_id}, looks.PRINTING)
    return render_template("people/card.html", made=made, name=names[person_id], here=here)
