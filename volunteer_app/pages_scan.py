"""Checking in and out: the code on the coordinator's screen, read by the app's camera or by the phone's own, since it is a link."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue

from services.apis import attendance as api
from services.apis.endpoint import Page
from services.apis.errors import Refused
from services.kit.screens import ask, done, form_key, only, screens, with_camera
from volunteer_app.home import inside as where_i_am

VOLUNTEER = "volunteer"


@only(VOLUNTEER)
def scan() -> ResponseReturnValue:
    return with_camera(render_template("volunteer/scan.html", inside=inside()))


@only(VOLUNTEER)
def check_in(code: str) -> ResponseReturnValue:
    """The link in the code: one button that says what it will do."""
    return render_template("volunteer/check_in.html", code=code, inside=inside(), refusal=None)


@only(VOLUNTEER)
def checked() -> ResponseReturnValue:
    """The code was scanned. Who is in checks out, everybody else in; whichever it was, the answer says so."""
    code, leaving = request.form.get("code", ""), request.form.get("leaving") == "yes"
    endpoint = api.POST_CHECK_OUT if leaving else api.POST_CHECK_IN
    try:
        attended = ask("attendance", endpoint, api.UseCode(code=code), key=form_key())
    except Refused as refusal:
        if refusal.status >= 500:
            raise
        page = render_template("volunteer/check_in.html", code=code, inside=inside(), refusal=refusal)
        return page, refusal.status
    return done(url_for(".checked_in", attendance_id=attended.attendance_id))


@only(VOLUNTEER)
def checked_in(attendance_id: Any) -> ResponseReturnValue:
    told = ask("attendance", api.GET_MY_ATTENDANCES, query=Page(limit=20)).attendances
    found = next((one for one in told if one.attendance_id == attendance_id), None)
    if found is None:
        raise Refused("unknown_attendance", "There is no such attendance.", status=404)
    return render_template("volunteer/checked_in.html", attended=found)


def inside() -> api.Attendance | None:
    """Where I am checked in just now."""
    return where_i_am(
        ask("attendance", api.GET_MY_ATTENDANCES, query=Page(limit=10)).attendances, screens().clock.now()
    )


def add_to(pages: Blueprint) -> None:
    pages.add_url_rule("/scan", "scan", scan)
    pages.add_url_rule("/c/<code>", "check_in", check_in)
    pages.add_url_rule("/check-ins", "checked", checked, methods=["POST"])
    pages.add_url_rule("/check-ins/<uuid:attendance_id>", "checked_in", checked_in)
