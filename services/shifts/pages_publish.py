"""Publishing: choose an activity, a day and a time; once or every week."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Annotated
from uuid import UUID
from zoneinfo import ZoneInfo

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import ngettext
from msgspec import Meta, Struct

from services.apis import shifts as api
from services.apis.errors import Refused, not_found
from services.kit.ids import derived_id
from services.kit.screens import ask, done, form_key, only, read_form, screens, visit

COORDINATOR = "coordinator"
LOOKED_BACK = timedelta(days=56)
DAYS_OFFERED = 14
MOST_WEEKS = 26
USUAL_TIME = time(9)


class NewShift(Struct, frozen=True, kw_only=True):
    """The form: a day, a time of the city's clocks, and for how many weeks."""

    day: date
    at: Annotated[str, Meta(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]
    weeks: Annotated[int, Meta(ge=1, le=MOST_WEEKS)] = 1
    capacity: Annotated[int, Meta(ge=1, le=500)] | None = None
    another_day: date | None = None


@dataclass(frozen=True)
class Usual:
    """When an activity took place last, as the city's clocks show it; how many it was for."""

    starts_at: datetime | None
    at: time
    capacity: int


def activities() -> list[api.Activity]:
    mine = visit().who.scopes(COORDINATOR)
    return [one for one in ask("shifts", api.GET_ACTIVITIES).activities if one.organisation_id in mine]


def activity_of(activity_id: UUID) -> api.Activity:
    """One of them. Raises Refused `unknown_activity`."""
    activity = next((one for one in activities() if one.activity_id == activity_id), None)
    if activity is None:
        raise not_found("activity", activity_id)
    return activity


def last_shifts(organisations: Iterable[UUID]) -> dict[UUID, api.Shift]:
    """The latest shift of each activity, of those that took place lately or are planned."""
    latest: dict[UUID, api.Shift] = {}
    for organisation_id in organisations:
        cursor, since = None, screens().clock.now() - LOOKED_BACK
        while True:
            query = api.ShiftQuery(organisation_id=organisation_id, ending_after=since, limit=200, cursor=cursor)
            told = ask("shifts", api.GET_SHIFTS, query=query)
            latest |= {one.activity_id: one for one in told.shifts}
            cursor = told.next_cursor
            if cursor is None:
                break
    return latest


def usual(activity: api.Activity, last: api.Shift | None) -> Usual:
    if last is None:
        return Usual(None, USUAL_TIME, activity.capacity)
    local = screens().city.local(last.starts_at)
    return Usual(local, local.time(), last.capacity)


@only(COORDINATOR)
def new() -> ResponseReturnValue:
    """What shall it be? The activities used last come first."""
    found = activities()
    last = last_shifts({one.organisation_id for one in found})
    order = sorted(
        found,
        key=lambda one: (-last[one.activity_id].starts_at.timestamp() if one.activity_id in last else 0, one.name),
    )
    return render_template("shifts/new.html", activities=order, last=last)


@only(COORDINATOR)
def publish(activity_id: UUID) -> ResponseReturnValue:
    """When? The day a week after the last time is chosen already, and its time."""
    refusal = None
    if request.method == "POST":
        try:
            return _publish(activity_id)
        except Refused as refused:
            if refused.status >= 500:
                raise
            refusal = refused
    activity = activity_of(activity_id)
    known = usual(activity, last_shifts({activity.organisation_id}).get(activity_id))
    days = days_offered(known)
    return render_template(
        "shifts/publish.html", activity=activity, usual=known, days=days, chosen=chosen_day(known, days), refusal=refusal,
        weeks=range(1, 13),
    ), refusal.status if refusal else 200  # fmt: skip


def days_offered(known: Usual) -> list[date]:
    """Two weeks of days on which a shift at the usual time would still lie ahead."""
    now = screens().city.local(screens().clock.now())
    first = now.date() + timedelta(days=known.at <= now.time())
    return [first + timedelta(days=n) for n in range(DAYS_OFFERED)]


def chosen_day(known: Usual, days: list[date]) -> date:
    """The next same day of the week on which the activity is not planned yet; else the first."""
    if known.starts_at is None:
        return days[0]
    day = known.starts_at.date() + timedelta(days=7)
    while day < days[0]:
        day += timedelta(days=7)
    return day if day in days else days[0]


def _publish(activity_id: UUID) -> ResponseReturnValue:
    wanted = read_form(NewShift)
    first, key = wanted.another_day or wanted.day, form_key()
    insured_until = activity_of(activity_id).insured_until
    if insured_until and first + timedelta(days=7 * (wanted.weeks - 1)) > insured_until:
        raise Refused("not_insured", "The insurance ends before the last of these weeks.")
    for week in range(wanted.weeks):
        day = first + timedelta(days=7 * week)
        starts_at = datetime.combine(day, time.fromisoformat(wanted.at), ZoneInfo(screens().city.zone))
        body = api.PublishShift(activity_id=activity_id, starts_at=starts_at, capacity=wanted.capacity)
        ask("shifts", api.POST_SHIFT, body, key=derived_id(key, "week", week))
    words = ngettext("The shift is published.", "%(num)s shifts are published.", wanted.weeks)
    return done(url_for(".week", week=f"{first:%G-W%V}"), words)


def add_to(pages: Blueprint) -> None:
    pages.add_url_rule("/shifts/new", "new", new)
    pages.add_url_rule("/shifts/new/<uuid:activity_id>", "publish", publish, methods=["GET", "POST"])
