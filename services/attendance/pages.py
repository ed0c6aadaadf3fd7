"""Attendance mode: a code that changes, cards before the camera, names to tap. What is done without signal waits in the browser
(`static/attendance.js`) and comes later with the moment it happened and a key of its own: so once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec
from flask import Blueprint, Response, get_template_attribute, jsonify, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from services.apis import attendance as api
from services.apis import identity_vault, shifts
from services.apis.endpoint import Page
from services.apis.errors import Refused
from services.attendance import pages_decision
from services.attendance.words import REFUSALS, in_a_coordinators_words
from services.kit import looks
from services.kit.names import names_of
from services.kit.pages import fingerprint
from services.kit.problems import problem_response
from services.kit.screens import ask, for_all, only, screens, visit, with_camera
from services.kit.words import say

COORDINATOR = "coordinator"
Standing = tuple[str, str]  # awaited, waits, in, out or away; and what to say of it

pages = Blueprint("attendance", __name__, url_prefix="/coordinator", template_folder="templates")


def told_at(shift_id: UUID, lines: Sequence[shifts.RosterLine]) -> dict[UUID, Standing]:
    """How everybody stands who has a place, waits for one, or came."""
    listed = ask("attendance", api.GET_SHIFT_ATTENDANCES, shift_id=shift_id)
    waits = {line.person_id: ("waits", "") for line in lines if line.state == "waiting"}
    return waits | dict.fromkeys(listed.awaited, ("awaited", "")) | standings(listed.attendances)


def standings(attendances: tuple[api.Attendance, ...]) -> dict[UUID, Standing]:
    return {one.person_id: standing(one) for one in attendances}


def standing(one: api.Attendance) -> Standing:
    local = screens().city.local
    if one.checked_in_at is None:
        return "out", ""
    came = f"{local(one.checked_in_at):%H:%M}"
    if one.checked_out_at is None and one.state == "open":
        return "in", _("In at %(time)s", time=came)
    return "out", f"{came}–{local(one.checked_out_at):%H:%M}" if one.checked_out_at else came


def roster_of(shift_id: UUID) -> tuple[shifts.RosterLine, ...]:
    told: shifts.Roster = ask("shifts", shifts.GET_ROSTER, shift_id=shift_id)
    return told.lines


def reason_for(shift: shifts.Shift) -> str:
    return looks.at_a_shift("Attendance", shift.name, screens().city.day_of(shift.starts_at))


@pages.get("/shifts/<uuid:shift_id>/attendance")
@only(COORDINATOR)
def mode(shift_id: UUID) -> ResponseReturnValue:
    shift = ask("shifts", shifts.GET_SHIFT, shift_id=shift_id)
    lines = roster_of(shift_id)
    people, rows = told_at(shift_id, lines), {line.person_id: line.signup_id for line in lines}
    names = names_of(shift.organisation_id, set(people), reason_for(shift))
    page = render_template(
        "attendance/mode.html", shift=shift, people=people, rows=rows, names=names, who=visit().who.id, edition=fingerprint(),
        at=screens().clock.now().isoformat(), over=shift.ends_at <= screens().clock.now(),
    )  # fmt: skip
    return with_camera(page)


@pages.get("/shifts/<uuid:shift_id>/code.json")
@only(COORDINATOR)
def code(shift_id: UUID) -> ResponseReturnValue:
    """The code of now as a drawing and as text, and for how many seconds it is shown."""
    try:
        made = ask("attendance", api.GET_CODE, shift_id=shift_id)
    except Refused as refusal:
        return in_words_here(refusal)
    drawing = get_template_attribute("kit/components.html", "drawing")
    drawn = drawing(screens().public_url + made.path, _("Code to check in and out"))
    return jsonify(drawing=drawn, text=made.path.rpartition("/")[2], seconds=made.seconds_left)


@pages.get("/shifts/<uuid:shift_id>/list.json")
@only(COORDINATOR)
def listed(shift_id: UUID) -> ResponseReturnValue:
    """How everybody stands, without names; asked for again and again."""
    return _told(told_at(shift_id, roster_of(shift_id)))


@pages.get("/shifts/<uuid:shift_id>/people.json")
@only(COORDINATOR)
def people(shift_id: UUID) -> ResponseReturnValue:
    """Names of the organisation's volunteers, for walk-ins: opened when somebody looks for one."""
    shift = ask("shifts", shifts.GET_SHIFT, shift_id=shift_id)
    ids: list[UUID] = []
    cursor = None
    while True:
        query = Page(limit=200, cursor=cursor)
        told = ask("identity", identity_vault.GET_PEOPLE, query=query, organisation_id=shift.organisation_id)
        ids += [one.person_id for one in told.people]
        cursor = told.next_cursor
        if cursor is None:
            break
    return jsonify(
        names=[[str(id_), name] for id_, name in names_of(shift.organisation_id, ids, reason_for(shift)).items()]
    )


@pages.post("/shifts/<uuid:shift_id>/taps")
@only(COORDINATOR)
def tap(shift_id: UUID) -> ResponseReturnValue:
    return _noted(api.POST_TAP, shift_id)


@pages.post("/shifts/<uuid:shift_id>/scans")
@only(COORDINATOR)
def scan(shift_id: UUID) -> ResponseReturnValue:
    return _noted(api.POST_SCAN, shift_id)


@pages.post("/shifts/<uuid:shift_id>/check-out-all")
@only(COORDINATOR)
def check_out_all(shift_id: UUID) -> ResponseReturnValue:
    return _noted(api.POST_CHECK_OUT_ALL, shift_id)


def _noted(endpoint: Any, shift_id: UUID) -> ResponseReturnValue:
    """What the browser noted, once: with its own key, however often it is sent."""
    try:
        body = msgspec.json.decode(request.get_data(), type=endpoint.request)
    except msgspec.DecodeError:
        raise Refused("invalid_request", "The body is not what this takes.", status=422) from None
    key = request.headers.get("Idempotency-Key", "")
    try:
        answer = ask("attendance", endpoint, body, key=key, shift_id=shift_id)
    except Refused as refusal:
        return in_words_here(refusal)
    return _told(standings(answer.attendances if isinstance(answer, api.CheckedOut) else (answer,)))


def _told(people: dict[UUID, Standing]) -> Response:
    """`at`: the town's time, by which a device with a wrong clock notes the right moment."""
    return jsonify(at=screens().clock.now().isoformat(), people={str(id_): found for id_, found in people.items()})


def in_words_here(refusal: Refused) -> Response:
    return problem_response(
        Refused(refusal.code, in_a_coordinators_words(refusal), refusal.facts, status=refusal.status)
    )


@pages.get("/sw.js")
@for_all
def worker() -> ResponseReturnValue:
    """The service worker: attendance mode opens without signal where it was opened before."""
    return Response(render_template("attendance/sw.js", edition=fingerprint()), mimetype="text/javascript")


say(pages, REFUSALS)
pages_decision.add_to(pages)
