"""Finding a shift, signing up, the waiting list, giving a place back, and shifts in one's own calendar."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from itertools import groupby
from typing import Any
from uuid import UUID

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from services.apis import shifts as api
from services.apis.errors import Refused
from services.kit.screens import ask, ask_together, done, form_key, only, screens

VOLUNTEER = "volunteer"
MOST = 100


@only(VOLUNTEER)
def shifts() -> ResponseReturnValue:
    """All that are to come, day by day; `in`: of one neighbourhood; `view=calendar`: as weeks."""
    chosen = request.args.get("in") or None
    parts = ask_together(
        shifts=lambda: ask("shifts", api.GET_SHIFTS, query=api.ShiftQuery(limit=MOST, neighbourhood_id=chosen)),
        mine=lambda: ask("shifts", api.GET_MY_SIGNUPS),
    )
    found = [s for s in parts["shifts"].shifts if s.state == "open"] if "shifts" in parts else []
    days = [(day, list(run)) for day, run in groupby(found, key=lambda s: screens().city.day_of(s.starts_at))]
    calendar = request.args.get("view") == "calendar"
    return render_template(
        "volunteer/shifts.html", days=days, weeks=weeks(days) if calendar else [], calendar=calendar, chosen=chosen,
        mine=mine_of(parts), away=parts.away, city=screens().city,
    )  # fmt: skip


def mine_of(parts: Any) -> dict[UUID, api.SignUp]:
    """My sign-ups by shift."""
    signups = parts["mine"].signups if "mine" in parts else ()
    return {one.shift.shift_id: one.signup for one in signups if one.signup.state != "cancelled"}


def weeks(days: Sequence[tuple[date, list[api.Shift]]]) -> list[list[tuple[date, list[api.Shift]]]]:
    """The days week by week from the first one on, without shifts too; a week begins on Monday."""
    if not days:
        return []
    there, first, last = dict(days), days[0][0], days[-1][0]
    monday = first - timedelta(days=first.weekday())
    count = (last - monday).days // 7 + 1
    return [
        [(day, there.get(day, [])) for day in (monday + timedelta(days=7 * week + n) for n in range(7)) if day >= first]
        for week in range(count)
    ]


@only(VOLUNTEER)
def shift(shift_id: UUID) -> ResponseReturnValue:
    parts = ask_together(
        shift=lambda: ask("shifts", api.GET_SHIFT, shift_id=shift_id), mine=lambda: ask("shifts", api.GET_MY_SIGNUPS)
    )
    if "shift" not in parts:
        raise Refused("unknown_shift", "There is no such shift.", status=404)
    return render_template(
        "volunteer/shift.html", shift=parts["shift"], signup=mine_of(parts).get(shift_id), city=screens().city
    )


@only(VOLUNTEER)
def sign_up(shift_id: UUID) -> ResponseReturnValue:
    made = ask("shifts", api.POST_SIGNUP, api.MakeSignUp(), key=form_key(), shift_id=shift_id)
    words = _("You have a place. See you there!") if made.state == "going" else _("You are on the waiting list.")
    return done(url_for(".shift", shift_id=shift_id), words)


@only(VOLUNTEER)
def give_back(shift_id: UUID) -> ResponseReturnValue:
    ask("shifts", api.POST_SIGNUP_CANCEL, key=form_key(), signup_id=request.form["signup_id"])
    return done(url_for(".shift", shift_id=shift_id), _("Your place is free for somebody else. Nothing is lost."))


@only(VOLUNTEER)
def calendar() -> ResponseReturnValue:
    """My shifts in my phone's own calendar, kept up to date by itself."""
    address = f"{screens().public_url}/api/shifts{ask('shifts', api.GET_MY_CALENDAR).path}"
    return render_template("volunteer/calendar.html", address=address, subscribed=f"webcal:{address.partition(':')[2]}")


def add_to(pages: Blueprint) -> None:
    pages.add_url_rule("/shifts", "shifts", shifts)
    pages.add_url_rule("/shifts/<uuid:shift_id>", "shift", shift)
    pages.add_url_rule("/shifts/<uuid:shift_id>/sign-up", "sign_up", sign_up, methods=["POST"])
    pages.add_url_rule("/shifts/<uuid:shift_id>/give-back", "give_back", give_back, methods=["POST"])
    pages.add_url_rule("/calendar", "calendar", calendar)
