"""Attendance the real way: signed up, checked in with the code, time passed, checked out, confirmed. Moves the town's clock on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from infra.wiring import Town
from services.apis import attendance as api
from services.apis import shifts as shifts_api
from services.events.identity import PersonJoined
from tests.builders import As, a_coordinator, a_shift, a_volunteer, tell


@dataclass(frozen=True)
class Scene:
    """A shift, its coordinator, and a volunteer who signed up."""

    town: Town
    shift: shifts_api.Shift
    coordinator: As
    volunteer: As

    def at(self, minutes: float) -> Scene:
        """Move the clock to so many minutes after the shift's start (before it, when negative), let jobs run and events arrive."""
        self.town.clock.move_to(self.shift.starts_at + timedelta(minutes=minutes))  # type: ignore[attr-defined]
        self.town.tick()
        self.town.settle()
        return self

    def code(self) -> str:
        """What the coordinator's screen shows now."""
        return self.coordinator.ask("attendance", api.GET_CODE, shift_id=self.shift.shift_id).path

    def check_in(self, who: As | None = None, code: str | None = None) -> api.Attendance:
        body = api.UseCode(code=code or self.code())
        return (who or self.volunteer).ask("attendance", api.POST_CHECK_IN, body)

    def check_out(self, who: As | None = None, code: str | None = None) -> api.Attendance:
        body = api.UseCode(code=code or self.code())
        return (who or self.volunteer).ask("attendance", api.POST_CHECK_OUT, body)

    def tap(self, who: As, **more: Any) -> api.Attendance:
        assert who.person_id
        return self.ask(api.POST_TAP, api.Tap(person_id=who.person_id, **more))

    def confirm(self, attendance: api.Attendance, minutes: int | None = None) -> api.Attendance:
        body = api.Confirm(minutes=minutes)
        return self.coordinator.ask("attendance", api.POST_CONFIRM, body, attendance_id=attendance.attendance_id)

    def dispute(self, who: As | None = None, **more: Any) -> api.Attendance:
        body = api.MakeDispute(**{"reason": "was_there", **more})
        return (who or self.volunteer).ask("attendance", api.POST_DISPUTE, body, shift_id=self.shift.shift_id)

    def ask(self, endpoint: Any, body: Any = None, **more: Any) -> Any:
        """The coordinator asks about this shift."""
        return self.coordinator.ask("attendance", endpoint, body, shift_id=self.shift.shift_id, **more)

    def listed(self) -> api.ShiftAttendance:
        return self.ask(api.GET_SHIFT_ATTENDANCES)

    def newcomer(self, *, signs_up: bool = True) -> As:
        """Another volunteer, with a sign-up or without."""
        volunteer = joined(self.town)
        if signs_up:
            sign_up(volunteer, self.shift)
        return volunteer


def joined(town: Town, *, adult: bool = True) -> As:
    """A volunteer every service has heard of."""
    volunteer = a_volunteer(town)
    tell(town, PersonJoined(person_id=volunteer.person_id, role="volunteer", adult=adult))
    return volunteer


def sign_up(volunteer: As, shift: shifts_api.Shift) -> shifts_api.SignUp:
    signup = volunteer.ask("shifts", shifts_api.POST_SIGNUP, shifts_api.MakeSignUp(), shift_id=shift.shift_id)
    volunteer.town.settle()
    return signup


def a_scene(town: Town, *, volunteer: As | None = None, **shift: Any) -> Scene:
    """A shift of two hours tomorrow, with one volunteer signed up. `shift` as in `a_shift`."""
    volunteer, published = volunteer or joined(town), a_shift(town, **shift)
    sign_up(volunteer, published)
    return Scene(town, published, a_coordinator(town, published.organisation_id), volunteer)


@dataclass(frozen=True)
class Confirmed:
    """A confirmed attendance and the people around it."""

    scene: Scene
    attendance: api.Attendance


def a_closed_attendance(town: Town, *, minutes: int = 120, **scene: Any) -> Confirmed:
    """Somebody came at the start and checked out `minutes` later; nobody has decided on it yet."""
    here = a_scene(town, **scene).at(0)
    here.check_in()
    closed = here.at(minutes).check_out()
    town.settle()
    return Confirmed(here, closed)


def a_confirmed_attendance(town: Town, *, minutes: int = 120, **scene: Any) -> Confirmed:
    """The same, confirmed by the coordinator and heard by every service."""
    closed = a_closed_attendance(town, minutes=minutes, **scene)
    confirmed = closed.scene.confirm(closed.attendance)
    town.settle()
    return Confirmed(closed.scene, confirmed)
