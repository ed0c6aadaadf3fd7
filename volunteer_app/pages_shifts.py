"""Finding a shift, signing up, the waiting list, giving a place back, and shifts in one's own calendar."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import groupby
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext

from services.apis import shifts as api
from services.kit.charts import SHADES, Tile, nice_step, shade_of
from services.kit.i18n import day as short_day
from services.kit.i18n import long_day, week_days
from services.kit.screens import ask, ask_together, done, form_key, only, screens
from volunteer_app.filters import Menu, address, by_language, by_neighbourhood, menu

VOLUNTEER = "volunteer"
AT_ONCE = 60
MOST = 200
DAYS_NAMED = 7


@dataclass(frozen=True)
class Square:
    """A day of the calendar: what takes place on it, and whether I come."""

    day: date
    shifts: list[api.Shift]
    mine: bool
    inside: bool  # of the month shown


def today() -> date:
    return screens().city.day_of(screens().clock.now())


def day_name(day: date) -> str:
    """`Today`, `Tomorrow`, `Sat 28 Nov`."""
    return {0: _("Today"), 1: _("Tomorrow")}.get((day - today()).days) or short_day(day)


def when(begins_at: datetime) -> str:
    """`Today at 09:00`, `Tomorrow at 09:00`, `Saturday 28 November`."""
    day, time_ = screens().city.day_of(begins_at), f"{screens().city.local(begins_at):%H:%M}"
    near = {0: _("Today at %(time)s", time=time_), 1: _("Tomorrow at %(time)s", time=time_)}
    return near.get((day - today()).days) or long_day(day)


def begins(day: date) -> datetime:
    return datetime.combine(day, time(), ZoneInfo(screens().city.zone))


def asked_day(name: str, form: str = "%Y-%m-%d") -> date | None:
    """A day of the address; None where it says none that can be read."""
    try:
        return datetime.strptime(request.args.get(name, ""), form).date()  # noqa: DTZ007 - a day of the city
    except ValueError:
        return None


@only(VOLUNTEER)
def shifts() -> ResponseReturnValue:
    """All that are to come, day by day; `view=calendar`: a month of them, `view=map`: where they are.
    `in`: of one neighbourhood, `speaks`: with that language, `day`: on one day."""
    if other := {"calendar": month, "map": places}.get(request.args.get("view", "")):
        return other()
    day, cursor = asked_day("day"), request.args.get("after")
    since = max(begins(day), screens().clock.now()) if day else None
    parts = ask_together(
        shifts=lambda: ask("shifts", api.GET_SHIFTS, query=wanted(since, AT_ONCE, cursor)), mine=asked_mine
    )
    told = parts["shifts"] if "shifts" in parts else api.ShiftList(shifts=())
    days = [(when, run) for when, run in by_day(told.shifts) if day in (None, when)]
    more = told.next_cursor if day is None else None
    return render_template(
        "volunteer/shifts.html", days=days, more=more, mine=mine_of(parts), menus=menus(), away=parts.away, address=address,
        narrowed=bool({"in", "speaks", "day"} & request.args.keys()), day_name=day_name,
    )  # fmt: skip


def month() -> ResponseReturnValue:
    """A month, and what takes place on the day that is chosen: at first the next one with a shift."""
    now, day = screens().clock.now(), asked_day("day")
    first = (asked_day("month", "%Y-%m") or day or today()).replace(day=1)
    first = max(first, today().replace(day=1))
    after = (first + timedelta(days=31)).replace(day=1)
    parts = ask_together(shifts=lambda: until(after, max(begins(first), now)), mine=asked_mine)
    mine = mine_of(parts)
    there = dict(by_day(parts["shifts"])) if "shifts" in parts else {}
    if day not in there:
        day = min(there, default=None)
    monday = first - timedelta(days=first.weekday())
    shown = [monday + timedelta(days=n) for n in range(((after - monday).days + 6) // 7 * 7)]
    squares = [
        Square(one, run := there.get(one, []), any(s.shift_id in mine for s in run), first <= one < after)
        for one in shown
    ]
    return render_template(
        "volunteer/month.html", weeks=[squares[n : n + 7] for n in range(0, len(squares), 7)], first=first, after=after,
        before=(first - timedelta(days=1)).replace(day=1) if first > today() else None, day=day, days=[(day, there[day])] if day else [],
        mine=mine, menus=menus()[:2], away=parts.away, letters=week_days(), day_name=day_name, address=address,
    )  # fmt: skip


def places() -> ResponseReturnValue:
    """The town's neighbourhoods, each with how many shifts are to come there; it leads to the list of them."""
    day, now = asked_day("day"), screens().clock.now()
    since = max(begins(day), now) if day else now
    parts = ask_together(shifts=lambda: until(day and day + timedelta(days=1), since, everywhere=True))
    found = by_day(parts["shifts"]) if "shifts" in parts else []
    there = Counter(one.neighbourhood_id for when, run in found if day in (None, when) for one in run)
    step, here = nice_step(max(there.values(), default=1), SHADES), request.args.get("in")
    tiles = []
    for one in screens().city.neighbourhoods:
        count = there[one.id]
        said = f"{one.name}: {ngettext('%(num)s shift', '%(num)s shifts', count)}"
        href = address(view=None, **{"in": one.id}) if count else ""
        tiles.append(Tile(one.name, count, shade_of(count, step) if count else 0, "", href, said, one.id == here))
    return render_template(
        "volunteer/map.html", tiles=tiles, some=bool(there), menus=menus()[1:], away=parts.away, address=address
    )


def menus() -> list[Menu]:
    days = (today() + timedelta(days=n) for n in range(DAYS_NAMED))
    named = ((one.isoformat(), day_name(one), None) for one in days)
    chosen = asked_day("day")
    by_days = menu("calendar-days", _("Day"), "day", _("Every day"), named)
    if chosen and not by_days.chosen:  # one of the calendar's
        by_days = by_days._replace(words=short_day(chosen), chosen=True)
    return [by_neighbourhood(), by_language(), by_days]


def wanted(
    since: datetime | None, limit: int, cursor: str | None = None, *, everywhere: bool = False
) -> api.ShiftQuery:
    spoken = request.args.get("speaks")
    return api.ShiftQuery(
        limit=limit, cursor=cursor, ending_after=since, neighbourhood_id=None if everywhere else request.args.get("in") or None,
        language=spoken if spoken in screens().city.languages else None,
    )  # fmt: skip


def until(day: date | None, since: datetime, *, everywhere: bool = False) -> list[api.Shift]:
    """All from an instant on that begin before a day; None: all there are."""
    day = day or date.max
    found: list[api.Shift] = []
    cursor = None
    while True:
        told = ask("shifts", api.GET_SHIFTS, query=wanted(since, MOST, cursor, everywhere=everywhere))
        found, cursor = [*found, *told.shifts], told.next_cursor
        if cursor is None or screens().city.day_of(found[-1].starts_at) >= day:
            return [one for one in found if screens().city.day_of(one.starts_at) < day]


def by_day(found: Sequence[api.Shift]) -> list[tuple[date, list[api.Shift]]]:
    """Those that take place, soonest first."""
    on = sorted((one for one in found if one.state == "open"), key=lambda one: one.starts_at)
    return [(day, list(run)) for day, run in groupby(on, key=lambda one: screens().city.day_of(one.starts_at))]


def asked_mine() -> api.MySignUps:
    told: api.MySignUps = ask("shifts", api.GET_MY_SIGNUPS)
    return told


def mine_of(parts: Any) -> dict[UUID, api.SignUp]:
    """My sign-ups by shift."""
    signups = parts["mine"].signups if "mine" in parts else ()
    return {one.shift.shift_id: one.signup for one in signups if one.signup.state != "cancelled"}


@only(VOLUNTEER)
def shift(shift_id: UUID) -> ResponseReturnValue:
    found, parts = ask("shifts", api.GET_SHIFT, shift_id=shift_id), ask_together(mine=asked_mine)
    mine = parts["mine"].signups if "mine" in parts else ()
    here = next((one for one in mine if one.shift.shift_id == shift_id and one.signup.state != "cancelled"), None)
    return render_template(
        "volunteer/shift.html", shift=found, signup=here and here.signup, messages=here.messages if here else (),
        now=screens().clock.now(), place=screens().city.neighbourhood(found.neighbourhood_id),
        link=f"{screens().public_url}{url_for('.shift', shift_id=shift_id)}",
    )  # fmt: skip


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
    feed = f"{screens().public_url}/api/shifts{ask('shifts', api.GET_MY_CALENDAR).path}"
    return render_template("volunteer/calendar.html", address=feed, subscribed=f"webcal:{feed.partition(':')[2]}")


def add_to(pages: Blueprint) -> None:
    pages.add_url_rule("/shifts", "shifts", shifts)
    pages.add_url_rule("/shifts/<uuid:shift_id>", "shift", shift)
    pages.add_url_rule("/shifts/<uuid:shift_id>/sign-up", "sign_up", sign_up, methods=["POST"])
    pages.add_url_rule("/shifts/<uuid:shift_id>/give-back", "give_back", give_back, methods=["POST"])
    pages.add_url_rule("/calendar", "calendar", calendar)
