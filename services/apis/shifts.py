"""What one can ask of shifts: programmes, neighbourhoods, organisations, activities, shifts, sign-ups, teams."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta, Struct

from services.apis.endpoint import PUBLIC, Endpoint, Page, service

Text = Annotated[str, Meta(min_length=1, max_length=200)]
Instant = Annotated[datetime, Meta(tz=True)]
Slug = Annotated[str, Meta(pattern="^[a-z][a-z0-9-]{1,39}$")]
Language = Annotated[str, Meta(pattern="^[a-z]{2,3}$")]
Languages = Annotated[tuple[Language, ...], Meta(max_length=20)]


class OpenProgramme(Struct, frozen=True, kw_only=True):
    name: Text
    opens_on: date


class Programme(Struct, frozen=True, kw_only=True):
    programme_id: UUID
    name: str
    opens_on: date


class RegisterOrganisation(Struct, frozen=True, kw_only=True):
    name: Text


class Organisation(Struct, frozen=True, kw_only=True):
    organisation_id: UUID
    name: str


class Neighbourhood(Struct, frozen=True, kw_only=True):
    neighbourhood_id: str
    name: str


class AddActivity(Struct, frozen=True, kw_only=True):
    """A template shifts are published from. `kind` groups activities for earmarks and figures: `green`, `bins`, `library` …

    `languages`: spoken by those who lead it. `insured_from`, `insured_until`: first and last day of the volunteers' insurance.
    """

    programme_id: UUID
    organisation_id: UUID
    name: Text
    place: Text
    kind: Slug
    neighbourhood_id: Slug
    minutes: Annotated[int, Meta(ge=15, le=720)]
    capacity: Annotated[int, Meta(ge=1, le=500)]
    adults_only: bool = False
    languages: Languages = ()
    insured_from: date | None = None
    insured_until: date | None = None


class ChangeActivity(Struct, frozen=True, kw_only=True):
    """What is said of an activity from now on, all of it; shifts that are published already stay as they are."""

    place: Text
    minutes: Annotated[int, Meta(ge=15, le=720)]
    capacity: Annotated[int, Meta(ge=1, le=500)]
    adults_only: bool = False
    languages: Languages = ()
    insured_from: date | None = None
    insured_until: date | None = None


class Activity(Struct, frozen=True, kw_only=True):
    activity_id: UUID
    programme_id: UUID
    organisation_id: UUID
    name: str
    place: str
    kind: str
    neighbourhood_id: str
    minutes: int
    capacity: int
    adults_only: bool
    languages: tuple[str, ...] = ()
    insured_from: date | None = None
    insured_until: date | None = None


class PublishShift(Struct, frozen=True, kw_only=True):
    """A date for an activity; `ends_at` and `capacity` default to the activity's."""

    activity_id: UUID
    starts_at: Instant
    ends_at: Instant | None = None
    capacity: Annotated[int, Meta(ge=1, le=500)] | None = None


class Shift(Struct, frozen=True, kw_only=True):
    shift_id: UUID
    activity_id: UUID
    programme_id: UUID
    organisation_id: UUID
    name: str
    place: str
    kind: str
    neighbourhood_id: str
    starts_at: datetime
    ends_at: datetime
    capacity: int
    going: int
    waiting: int
    adults_only: bool
    state: Literal["open", "cancelled"]
    languages: tuple[str, ...] = ()
    cancel_reason: str | None = None


class ShiftQuery(Page, frozen=True, kw_only=True):
    """Shifts that end after `ending_after` (default: now), soonest first. `language`: where it is spoken."""

    neighbourhood_id: str | None = None
    organisation_id: UUID | None = None
    language: Language | None = None
    ending_after: Instant | None = None


class ShiftList(Struct, frozen=True, kw_only=True):
    shifts: tuple[Shift, ...]
    next_cursor: str | None = None


class CancelShift(Struct, frozen=True, kw_only=True):
    reason: Text


class SignUp(Struct, frozen=True, kw_only=True):
    signup_id: UUID
    shift_id: UUID
    state: Literal["going", "waiting", "cancelled"]
    team_id: UUID | None = None


class MakeSignUp(Struct, frozen=True, kw_only=True):
    """`team_id`: come with that team (see `POST_TEAM`)."""

    team_id: UUID | None = None


class Team(Struct, frozen=True, kw_only=True):
    team_id: UUID
    shift_id: UUID
    name: str


class RosterLine(Struct, frozen=True, kw_only=True):
    signup_id: UUID
    person_id: UUID
    state: Literal["going", "waiting"]
    team_id: UUID | None


class Roster(Struct, frozen=True, kw_only=True):
    """`teams`: those that somebody of the lines is in."""

    shift_id: UUID
    lines: tuple[RosterLine, ...]
    teams: tuple[Team, ...] = ()


class Message(Struct, frozen=True, kw_only=True):
    message_id: UUID
    text: str
    sent_at: datetime


class MySignUp(Struct, frozen=True, kw_only=True):
    """`messages`: what its coordinators wrote to everybody on the roster, newest first."""

    signup: SignUp
    shift: Shift
    messages: tuple[Message, ...] = ()


class MySignUps(Struct, frozen=True, kw_only=True):
    signups: tuple[MySignUp, ...]


class FormTeam(Struct, frozen=True, kw_only=True):
    """A team of a shift; mixed teams of newcomers and residents are the point of the scheme."""

    name: Text


class Programmes(Struct, frozen=True, kw_only=True):
    programmes: tuple[Programme, ...]


class Organisations(Struct, frozen=True, kw_only=True):
    organisations: tuple[Organisation, ...]


class Neighbourhoods(Struct, frozen=True, kw_only=True):
    neighbourhoods: tuple[Neighbourhood, ...]


class Calendar(Struct, frozen=True, kw_only=True):
    """`path`: where any calendar program reads my shifts to come, behind the address of this service. Secret: it needs no sign-in."""

    path: str


class Activities(Struct, frozen=True, kw_only=True):
    activities: tuple[Activity, ...]


POST_PROGRAMME = Endpoint(
    method="POST", path="/programmes", summary="Open a programme", allow=("admin",),
    request=OpenProgramme, answer=Programme, status=201,
)  # fmt: skip
GET_PROGRAMMES = Endpoint(
    method="GET", path="/programmes", summary="All programmes", allow=(PUBLIC,), answer=Programmes
)
GET_NEIGHBOURHOODS = Endpoint(
    method="GET", path="/neighbourhoods", summary="The city's neighbourhoods", allow=(PUBLIC,), answer=Neighbourhoods
)
POST_ORGANISATION = Endpoint(
    method="POST", path="/organisations", summary="Register a third-sector organisation", allow=("admin",),
    request=RegisterOrganisation, answer=Organisation, status=201, errors=("name_taken",),
)  # fmt: skip
GET_ORGANISATIONS = Endpoint(
    method="GET", path="/organisations", summary="All organisations", allow=(PUBLIC,), answer=Organisations
)
POST_ACTIVITY = Endpoint(
    method="POST", path="/activities", summary="Add an activity shifts can be published from", allow=("coordinator", "admin"),
    request=AddActivity, answer=Activity, status=201,
    errors=("unknown_programme", "unknown_organisation", "unknown_neighbourhood", "insurance_days"),
)  # fmt: skip
POST_ACTIVITY_CHANGE = Endpoint(
    method="POST", path="/activities/{activity_id:uuid}/change", summary="Say an activity anew, for the shifts to come",
    allow=("coordinator",), request=ChangeActivity, answer=Activity, errors=("unknown_activity", "insurance_days"),
)  # fmt: skip
GET_ACTIVITIES = Endpoint(
    method="GET",
    path="/activities",
    summary="All activities",
    allow=("coordinator", "admin", "auditor"),
    answer=Activities,
)
POST_SHIFT = Endpoint(
    method="POST", path="/shifts", summary="Publish a shift", allow=("coordinator",),
    request=PublishShift, answer=Shift, status=201,
    errors=("unknown_activity", "shift_in_the_past", "shift_too_long", "programme_not_open", "not_insured"),
)  # fmt: skip
GET_SHIFTS = Endpoint(
    method="GET", path="/shifts", summary="Shifts to come", allow=(PUBLIC,), query=ShiftQuery, answer=ShiftList
)
GET_SHIFT = Endpoint(
    method="GET", path="/shifts/{shift_id:uuid}", summary="One shift", allow=(PUBLIC, service("attendance")), answer=Shift,
    errors=("unknown_shift",),
)  # fmt: skip
POST_SHIFT_CANCEL = Endpoint(
    method="POST", path="/shifts/{shift_id:uuid}/cancel", summary="Cancel a shift", allow=("coordinator",),
    request=CancelShift, answer=Shift, errors=("unknown_shift", "shift_started"),
)  # fmt: skip
GET_ROSTER = Endpoint(
    method="GET", path="/shifts/{shift_id:uuid}/roster", summary="Who means to come", allow=("coordinator", "auditor"),
    answer=Roster, errors=("unknown_shift",),
)  # fmt: skip
POST_TEAM = Endpoint(
    method="POST", path="/shifts/{shift_id:uuid}/teams", summary="Form a team for a shift", allow=("coordinator",),
    request=FormTeam, answer=Team, status=201, errors=("unknown_shift", "shift_closed"),
)  # fmt: skip
POST_SIGNUP = Endpoint(
    method="POST", path="/shifts/{shift_id:uuid}/signups", summary="Sign up, or join the waiting list when the shift is full",
    allow=("volunteer",), request=MakeSignUp, answer=SignUp, status=201,
    errors=("unknown_shift", "shift_closed", "already_signed_up", "adults_only", "unknown_team", "person_erased"),
)  # fmt: skip
POST_SIGNUP_CANCEL = Endpoint(
    method="POST", path="/signups/{signup_id:uuid}/cancel", summary="Give one's place back", allow=("volunteer",),
    answer=SignUp, errors=("unknown_signup", "shift_started"),
)  # fmt: skip
GET_MY_SIGNUPS = Endpoint(
    method="GET", path="/me/signups", summary="My shifts to come", allow=("volunteer",), answer=MySignUps
)
GET_MY_CALENDAR = Endpoint(
    method="GET", path="/me/calendar", summary="The address of my own calendar", allow=("volunteer",), answer=Calendar
)
GET_CALENDAR = Endpoint(
    method="GET", path="/calendars/{token}", summary="Somebody's shifts to come, by the secret address (iCalendar)", allow=(PUBLIC,),
    answer=bytes, media="text/calendar", errors=("unknown_calendar",),
)  # fmt: skip
GET_SHIFT_CALENDAR = Endpoint(
    method="GET", path="/shifts/{shift_id:uuid}/calendar", summary="One shift (iCalendar)", allow=(PUBLIC,), answer=bytes,
    media="text/calendar", errors=("unknown_shift",),
)  # fmt: skip
