"""A day of shifts: published, signed up for, attended, confirmed, disputed."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID
from zoneinfo import ZoneInfo

from infra.demo import cast
from infra.demo.actors import Actors
from infra.demo.memory import Memory
from infra.town import Town
from services.apis import attendance as attendance_api
from services.apis import shifts as shifts_api
from services.apis.endpoint import Endpoint
from services.apis.errors import Refused
from services.kit.clock import MovedClock

if TYPE_CHECKING:
    from infra.demo.history import Day

AHEAD = 7
COORDINATOR_OF = {organisation: key for _, key, organisation in cast.STAFF if organisation is not None}
# What a person may meet in a real week, and the history goes on: nothing of this is an error of the town.
ORDINARY = {
    "already_signed_up", "already_checked_in", "already_checked_out", "not_checked_in", "shift_full", "shift_closed", "code_used",
    "already_disputed", "dispute_settled", "no_sign_up", "key_reused",
}  # fmt: skip


class ShiftDay:
    def __init__(self, town: Town, clock: MovedClock, memory: Memory, actors: Actors) -> None:
        self.town, self.clock, self.memory, self.actors = town, clock, memory, actors

    # ---------- the morning: publish and sign up ----------

    def morning(self, day: Day) -> None:
        """Publish what happens in a week (on the first day: the whole first week), then sign up for tomorrow (and today, the first day)."""
        self.clock.move_to(day.at(7))
        ahead = range(AHEAD + 1) if day.number == 0 else (AHEAD,)
        for offset in ahead:
            self._publish(day.date + timedelta(days=offset))
        self.town.settle()
        for date_ in [day.date, day.date + timedelta(days=1)] if day.number == 0 else [day.date + timedelta(days=1)]:
            for activity in self._activities(date_):
                for nickname in self._willing(activity, date_):
                    self._sign_up(nickname, activity, date_)

    def publish_ahead(self, today: date) -> None:
        """Publish the two weeks to come, so that a town opened again has something to sign up for."""
        for offset in range(1, 15):
            self._publish(today + timedelta(days=offset))

    def _publish(self, date_: date) -> None:
        for activity in self._activities(date_):
            name = _shift_name(activity, date_)
            if name in self.memory.ids:
                continue
            local = datetime(date_.year, date_.month, date_.day, activity.hour, tzinfo=ZoneInfo(self.town.city.zone))
            body = shifts_api.PublishShift(activity_id=self.memory.ids[activity.name], starts_at=local)
            shift = self.actors.ask(_coordinator(activity), "shifts", shifts_api.POST_SHIFT, body, key=name)
            self.memory.ids[name] = shift.shift_id

    def _sign_up(self, nickname: str, activity: cast.Activity, date_: date) -> None:
        name = _shift_name(activity, date_)
        self._try(
            nickname,
            "shifts",
            shifts_api.POST_SIGNUP,
            shifts_api.MakeSignUp(),
            key=f"sign up {name}",
            shift_id=self.memory.ids[name],
        )

    # ---------- the day: check in and out ----------

    def work(self, day: Day) -> None:
        """Live the day's check-ins and check-outs in order of time."""
        timeline: list[tuple[datetime, Callable[[], None]]] = []
        for activity in self._activities(day.date):
            start = day.at(activity.hour)
            end = start + timedelta(minutes=activity.minutes)
            timeline.append((start - timedelta(minutes=8), lambda a=activity: self._check_in(a, day)))  # type: ignore[misc]
            timeline.append((end - timedelta(minutes=4), lambda a=activity: self._check_out(a, day)))  # type: ignore[misc]
        for instant, act in sorted(timeline, key=lambda pair: pair[0]):
            self.clock.move_to(instant)
            act()

    def _check_in(self, activity: cast.Activity, day: Day) -> None:
        coordinator, shift_id = _coordinator(activity), self._shift_id(activity, day.date)
        for nickname in self._coming(activity, day.date):
            draw = self._draw("in", nickname, activity.name, day.date)
            key = f"in {_shift_name(activity, day.date)} {nickname}"
            someone = self.memory.people[nickname]
            way = draw.random()
            if way < 0.7:
                code = self.actors.ask(coordinator, "attendance", attendance_api.GET_CODE, shift_id=shift_id).path
                self._try(
                    nickname, "attendance", attendance_api.POST_CHECK_IN, attendance_api.UseCode(code=code), key=key
                )
            elif way < 0.9:
                body: Any = attendance_api.Scan(card_code=someone.card_code or "")
                self._try(coordinator, "attendance", attendance_api.POST_SCAN, body, key=key, shift_id=shift_id)
            else:
                tap = attendance_api.Tap(person_id=someone.person_id)
                self._try(coordinator, "attendance", attendance_api.POST_TAP, tap, key=key, shift_id=shift_id)

    def _check_out(self, activity: cast.Activity, day: Day) -> None:
        coordinator, shift_id = _coordinator(activity), self._shift_id(activity, day.date)
        for nickname in self._coming(activity, day.date):
            if self._draw("out", nickname, activity.name, day.date).random() < 0.12:
                continue  # forgotten: the shift's end will count
            code = self.actors.ask(coordinator, "attendance", attendance_api.GET_CODE, shift_id=shift_id).path
            key = f"out {_shift_name(activity, day.date)} {nickname}"
            self._try(nickname, "attendance", attendance_api.POST_CHECK_OUT, attendance_api.UseCode(code=code), key=key)

    # ---------- the evening: confirm, dispute, settle ----------

    def evening(self, day: Day) -> None:
        activities = self._activities(day.date)
        ends = [day.at(a.hour) + timedelta(minutes=a.minutes + 5) for a in activities]
        self.clock.move_to(max([day.at(17, 30), *ends]))
        self.town.tick()
        self.town.settle()
        for activity in activities:
            self._confirm(activity, day)
        self._settle_disputes(day)

    def _confirm(self, activity: cast.Activity, day: Day) -> None:
        """Confirm all but one now and then, whom the coordinator does not remember; a few volunteers see it differently."""
        coordinator, name = _coordinator(activity), _shift_name(activity, day.date)
        shift_id = self._shift_id(activity, day.date)
        there = self.actors.ask(
            coordinator, "attendance", attendance_api.GET_SHIFT_ATTENDANCES, shift_id=shift_id
        ).attendances
        left = [a for a in there if a.state == "open" and self._draw("left", a.person_id, name).random() < 0.04]
        body = attendance_api.ConfirmAll(left_out=tuple(sorted((a.attendance_id for a in left), key=str)))
        self.actors.ask_once(
            coordinator, "attendance", attendance_api.POST_CONFIRM_ALL, body, key=f"confirm {name}", shift_id=shift_id
        )
        for attendance in left:
            self._try(
                coordinator,
                "attendance",
                attendance_api.POST_REJECT,
                attendance_api.Reject(reason="not_there"),
                key=f"reject {attendance.attendance_id}",
                attendance_id=attendance.attendance_id,
            )
        nicknames = {someone.person_id: key for key, someone in self.memory.people.items()}
        for attendance in there:
            was_left = attendance in left
            if was_left or self._draw("dispute", attendance.person_id, name).random() < 0.03:
                reason = "was_there" if was_left else "minutes_wrong"
                dispute = attendance_api.MakeDispute(reason=reason)  # type: ignore[arg-type]
                self._try(
                    nicknames[attendance.person_id],
                    "attendance",
                    attendance_api.POST_DISPUTE,
                    dispute,
                    key=f"dispute {name}",
                    shift_id=shift_id,
                )

    def _settle_disputes(self, day: Day) -> None:
        """Each coordinator settles what was disputed before today; what is disputed today waits for them."""
        for coordinator in COORDINATOR_OF.values():
            for dispute in self.actors.ask(coordinator, "attendance", attendance_api.GET_DISPUTES).disputes:
                attendance = dispute.attendance
                if dispute.disputed_at >= day.at(0):
                    continue
                if not attendance.minutes or self._draw("settle", attendance.attendance_id).random() < 0.2:
                    continue  # this one takes the coordinator longer
                self._try(
                    coordinator,
                    "attendance",
                    attendance_api.POST_CONFIRM,
                    attendance_api.Confirm(minutes=attendance.minutes),
                    key=f"settle {attendance.attendance_id} {attendance.revision}",
                    attendance_id=attendance.attendance_id,
                )

    # ---------- who and what ----------

    def _activities(self, date_: date) -> list[cast.Activity]:
        return [a for a in cast.ACTIVITIES if date_.weekday() in a.weekdays]

    def _shift_id(self, activity: cast.Activity, date_: date) -> UUID:
        return self.memory.ids[_shift_name(activity, date_)]

    def _draw(self, *about: object) -> random.Random:
        return random.Random(f"{self.memory.seed} {about}")  # noqa: S311 - a made-up town, made the same way each time

    def _willing(self, activity: cast.Activity, date_: date) -> list[str]:
        """Who signs up: most of the neighbourhood's people, and now and then somebody from elsewhere."""
        here = [n.lower() for n, _, place in cast.VOLUNTEERS if place == activity.neighbourhood]
        elsewhere = [n.lower() for n, _, place in cast.VOLUNTEERS if place != activity.neighbourhood]
        draw = self._draw("willing", activity.name, date_)
        return draw.sample(here, draw.randint(6, 10)) + draw.sample(elsewhere, draw.choice((0, 0, 1, 1, 2)))

    def _coming(self, activity: cast.Activity, date_: date) -> list[str]:
        """Who comes of those who signed up. Who does not come loses nothing."""
        return [
            n for n in self._willing(activity, date_) if self._draw("coming", n, activity.name, date_).random() < 0.87
        ]

    def _try(self, who: str, service: str, endpoint: Endpoint, body: object, *, key: str, **path: object) -> None:
        try:
            self.actors.ask(who, service, endpoint, body, key=key, **path)
        except Refused as refusal:
            if refusal.code not in ORDINARY:
                raise


def _shift_name(activity: cast.Activity, date_: date) -> str:
    return f"shift {activity.name} {date_}"


def _coordinator(activity: cast.Activity) -> str:
    return COORDINATOR_OF[activity.organisation]
