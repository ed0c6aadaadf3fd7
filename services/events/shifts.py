"""What shifts publishes: the scheme's calendar, and who means to come."""

from datetime import date, datetime
from typing import Literal
from uuid import UUID

from msgspec import Struct

from services.events.contract import event


@event("programme.opened.v1", key="programme_id")
class ProgrammeOpened(Struct, frozen=True, kw_only=True):
    programme_id: UUID
    name: str
    opens_on: date


@event("organisation.registered.v1", key="organisation_id")
class OrganisationRegistered(Struct, frozen=True, kw_only=True):
    """A third-sector organisation that runs shifts. Its name is public; names of its people are not."""

    organisation_id: UUID
    name: str


@event("shift.published.v1", key="shift_id")
class ShiftPublished(Struct, frozen=True, kw_only=True):
    """A shift people can sign up for. `place_id` names the public space, `kind` the kind of activity (e.g. "green")."""

    shift_id: UUID
    programme_id: UUID
    organisation_id: UUID
    activity_id: UUID
    place: str
    kind: str
    neighbourhood_id: str
    starts_at: datetime
    ends_at: datetime
    capacity: int
    adults_only: bool = False


@event("shift.cancelled.v1", key="shift_id")
class ShiftCancelled(Struct, frozen=True, kw_only=True):
    shift_id: UUID
    reason: str


@event("signup.made.v1", key="shift_id")
class SignUpMade(Struct, frozen=True, kw_only=True):
    """A place on the shift, or on its waiting list (`state`)."""

    signup_id: UUID
    shift_id: UUID
    person_id: UUID
    state: Literal["going", "waiting"]
    team_id: UUID | None = None


@event("signup.promoted.v1", key="shift_id")
class SignUpPromoted(Struct, frozen=True, kw_only=True):
    """The first of the waiting list got a place that became free."""

    signup_id: UUID
    shift_id: UUID
    person_id: UUID


@event("signup.cancelled.v1", key="shift_id")
class SignUpCancelled(Struct, frozen=True, kw_only=True):
    signup_id: UUID
    shift_id: UUID
    person_id: UUID
