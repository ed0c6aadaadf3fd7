"""Activities: describing one that shifts are published from, and saying it anew when something changes."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from services.apis import shifts as api
from services.apis.errors import Refused
from services.kit.i18n import LANGUAGES
from services.kit.kinds import KINDS
from services.kit.screens import ask, done, form_key, only, read_form, screens, visit
from services.shifts.pages_publish import activity_of

COORDINATOR = "coordinator"


@only(COORDINATOR)
def new_activity() -> ResponseReturnValue:
    refusal = None
    if request.method == "POST":
        try:
            added = ask("shifts", api.POST_ACTIVITY, read_form(api.AddActivity, **spoken()), key=form_key())
            return done(
                url_for(".publish", activity_id=added.activity_id), _("The activity is there. Now choose a day.")
            )
        except Refused as refused:
            if refused.status >= 500:
                raise
            refusal = refused
    names = {one.organisation_id: one.name for one in ask("shifts", api.GET_ORGANISATIONS).organisations}
    mine = [(id_, names[id_]) for id_ in sorted(visit().who.scopes(COORDINATOR)) if id_ in names]
    programmes = [(one.programme_id, one.name) for one in ask("shifts", api.GET_PROGRAMMES).programmes]
    places = [(one.id, one.name) for one in screens().city.neighbourhoods]
    return render_template(
        "shifts/activity.html", activity=None, organisations=mine, programmes=programmes, neighbourhoods=places, kinds=list(KINDS.items()),
        refusal=refusal, languages=city_languages(), said=filled_in(minutes=120, capacity=10, languages=screens().city.languages[:1]),
    ), refusal.status if refusal else 200  # fmt: skip


@only(COORDINATOR)
def change_activity(activity_id: UUID) -> ResponseReturnValue:
    """What changes from year to year: the insurance; and what may: the place, how long, how many, which languages."""
    refusal = None
    if request.method == "POST":
        try:
            body = read_form(api.ChangeActivity, **spoken())
            ask("shifts", api.POST_ACTIVITY_CHANGE, body, key=form_key(), activity_id=activity_id)
            return done(
                url_for(".publish", activity_id=activity_id), _("The activity is changed, for the shifts to come.")
            )
        except Refused as refused:
            if refused.status >= 500:
                raise
            refusal = refused
    activity = activity_of(activity_id)
    known = {field: getattr(activity, field) for field in api.ChangeActivity.__struct_fields__}
    return render_template(
        "shifts/activity.html", activity=activity, refusal=refusal, languages=city_languages(), said=filled_in(**known)
    ), refusal.status if refusal else 200  # fmt: skip


def spoken() -> dict[str, Any]:
    return {"languages": tuple(request.form.getlist("languages"))}


def filled_in(**otherwise: Any) -> dict[str, Any]:
    """What stands in the fields: of a form that was refused what was sent, else `otherwise`."""
    return {**request.form, **spoken()} if request.method == "POST" else otherwise


def city_languages() -> list[tuple[str, str]]:
    return [(code, LANGUAGES[code]) for code in screens().city.languages]


def add_to(pages: Blueprint) -> None:
    pages.add_url_rule("/activities/new", "new_activity", new_activity, methods=["GET", "POST"])
    pages.add_url_rule("/activities/<uuid:activity_id>", "change_activity", change_activity, methods=["GET", "POST"])
