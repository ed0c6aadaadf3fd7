"""The coordinators' screens of shifts: the week, one shift with its roster, cancelling. Publishing is in the module beside it."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from services.apis import attendance, identity_vault, shifts_message
from services.apis import shifts as api
from services.kit.parallel import Parts
from services.kit.screens import ask, ask_together, done, form_key, only, read_form, screens, visit
from services.kit.words import say
from services.shifts import pages_activity, pages_publish, pages_teams
from services.shifts.roster import known_of
from services.shifts.words import REFUSALS

COORDINATOR = "coordinator"
MOST = 200
LONGEST = timedelta(hours=12)
OPENS_BEFORE, LEAVES_AFTER = (
    timedelta(minutes=30),
    timedelta(minutes=15),
)  # when people check in and out, see attendance

pages = Blueprint(COORDINATOR, __name__, url_prefix="/coordinator", template_folder="templates")


def shifts_between(begin: datetime, end: datetime) -> list[api.Shift]:
    """The shifts of whoever looks that start between the two, soonest first."""
    found: list[api.Shift] = []
    for organisation_id in visit().who.scopes(COORDINATOR):
        cursor, more = None, True
        while more:
            query = api.ShiftQuery(organisation_id=organisation_id, ending_after=begin, limit=MOST, cursor=cursor)
            told = ask("shifts", api.GET_SHIFTS, query=query)
            found += [one for one in told.shifts if begin <= one.starts_at < end]
            cursor = told.next_cursor
            more = cursor is not None and told.shifts[-1].ends_at < end + LONGEST
    return sorted(found, key=lambda one: (one.starts_at, one.name))


def midnight(day: date) -> datetime:
    return datetime.combine(day, time(), ZoneInfo(screens().city.zone))


def monday_of(week: str | None) -> date:
    """The Monday of a week as `2026-W19`; of this one where there is none, or no such week."""
    today = screens().city.day_of(screens().clock.now())
    try:
        return date.fromisoformat(f"{week}-1")
    except ValueError:
        return today - timedelta(days=today.weekday())


def week_name(day: date) -> str:
    return f"{day:%G-W%V}"


@pages.get("/")
@only(COORDINATOR)
def start() -> ResponseReturnValue:
    return redirect(url_for(".week"))


@pages.get("/shifts")
@only(COORDINATOR)
def week() -> ResponseReturnValue:
    """A week from Monday on, day by day, with what waits for a decision."""
    monday, now = monday_of(request.args.get("week")), screens().clock.now()
    found = shifts_between(midnight(monday), midnight(monday + timedelta(days=7)))
    begun = [one for one in found if one.starts_at <= now and one.state == "open"]
    here = [one for one in shifts_between(now - LONGEST, now + OPENS_BEFORE) if is_on(one, now)]
    day_of = screens().city.day_of
    days = [
        (day, [one for one in found if day_of(one.starts_at) == day])
        for day in (monday + timedelta(days=n) for n in range(7))
    ]
    return render_template(
        "shifts/week.html", monday=monday, sunday=monday + timedelta(days=6), days=days, here=here, now=now,
        waiting=waiting_at(begun), before=week_name(monday - timedelta(days=7)), after=week_name(monday + timedelta(days=7)),
        this_week=monday == monday_of(None),
    )  # fmt: skip


def is_on(shift: api.Shift, now: datetime) -> bool:
    """Whether people may check in or out there just now."""
    return shift.state == "open" and shift.starts_at - OPENS_BEFORE <= now <= shift.ends_at + LEAVES_AFTER


def waiting_at(shifts: Collection[api.Shift]) -> dict[UUID, int]:
    """How many attendances wait for a decision at each of the shifts; those nobody could say are left out."""
    if not shifts:
        return {}
    told = ask_together(**{str(one.shift_id): lambda id_=one.shift_id: _attendance_of(id_) for one in shifts})
    undecided = ("open", "disputed")
    return {UUID(id_): sum(a.state in undecided for a in listed.attendances) for id_, listed in told.items()}


@pages.get("/shifts/<uuid:shift_id>")
@only(COORDINATOR)
def shift(shift_id: UUID) -> ResponseReturnValue:
    return shift_page(shift_id)


@pages.post("/shifts/<uuid:shift_id>/cancel")
@only(COORDINATOR)
def cancel(shift_id: UUID) -> ResponseReturnValue:
    body = read_form(api.CancelShift)
    ask("shifts", api.POST_SHIFT_CANCEL, body, key=form_key(), shift_id=shift_id)
    return done(url_for(".shift", shift_id=shift_id), _("The shift is cancelled. Everybody sees it as cancelled."))


@pages.post("/shifts/<uuid:shift_id>/messages")
@only(COORDINATOR)
def write(shift_id: UUID) -> ResponseReturnValue:
    body = read_form(shifts_message.SendMessage)
    ask("shifts", shifts_message.POST_MESSAGE, body, key=form_key(), shift_id=shift_id)
    return done(url_for(".shift", shift_id=shift_id), _("Sent. Everybody on the roster sees it on their first page."))


@pages.get("/shifts/<uuid:shift_id>/roster")
@only(COORDINATOR)
def roster(shift_id: UUID) -> ResponseReturnValue:
    """To print, for a place without phones: names, boxes, and a code beside each that attendance mode reads (`static/attendance.js`).
    It is no card: it names a sign-up, which is worth nothing at a till, or once the shift is over."""
    known = known_of(shift_id)
    return render_template("shifts/roster.html", shift=known.shift, known=known)


@pages.get("/shifts/<uuid:shift_id>/cards")
@only(COORDINATOR)
def cards(shift_id: UUID) -> ResponseReturnValue:
    """To print: the card of everybody on the roster."""
    known = known_of(shift_id)
    found = cards_of(known.shift.organisation_id, list(known.names))
    return render_template("shifts/cards.html", known=known, cards=found)


def cards_of(organisation_id: UUID, person_ids: Collection[UUID]) -> Parts:
    """Their printable cards, by person id; a guest's card is with another organisation."""
    asked: dict[str, Any] = {
        str(id_): lambda id_=id_: ask(
            "identity", identity_vault.GET_PERSON_CARD, organisation_id=organisation_id, person_id=id_
        )
        for id_ in person_ids
    }
    return ask_together(**asked) if asked else Parts()


def shift_page(shift_id: UUID) -> ResponseReturnValue:
    known = known_of(shift_id)
    found, now = known.shift, screens().clock.now()
    questions: dict[str, Any] = {
        "activities": lambda: ask("shifts", api.GET_ACTIVITIES),
        "messages": lambda: ask("shifts", shifts_message.GET_MESSAGES, shift_id=shift_id),
    }
    if found.starts_at <= now:
        questions["attendance"] = lambda: _attendance_of(shift_id)
    parts = ask_together(**questions)
    activities = parts["activities"].activities if "activities" in parts else ()
    insurance = next((one for one in activities if one.activity_id == found.activity_id), None)
    return render_template(
        "shifts/shift.html", shift=found, known=known, now=now, on=is_on(found, now), insurance=insurance,
        written=parts["messages"].messages if "messages" in parts else (),
        listed=parts.get("attendance"), week=week_name(screens().city.day_of(found.starts_at)),
    )  # fmt: skip


def _attendance_of(shift_id: UUID) -> attendance.ShiftAttendance:
    told: attendance.ShiftAttendance = ask("attendance", attendance.GET_SHIFT_ATTENDANCES, shift_id=shift_id)
    return told


say(pages, REFUSALS)
pages_publish.add_to(pages)
pages_activity.add_to(pages)
pages_teams.add_to(pages)
