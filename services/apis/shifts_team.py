"""Who works with whom at a shift."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from services.apis.endpoint import Endpoint
from services.apis.shifts import Roster, Text


class Members(Struct, frozen=True, kw_only=True):
    """A team of the shift by its name, formed if there is none of it yet, and everybody in it."""

    name: Text
    person_ids: Annotated[tuple[UUID, ...], Meta(max_length=500)]


class ArrangeTeams(Struct, frozen=True, kw_only=True):
    """All teams of a shift as they are from now on: whoever is named in none is in none. Who left the roster meanwhile is passed over."""

    teams: Annotated[tuple[Members, ...], Meta(max_length=50)]


POST_TEAMS = Endpoint(
    method="POST", path="/shifts/{shift_id:uuid}/teams/arrange", summary="Say who is in which team of a shift", allow=("coordinator",),
    request=ArrangeTeams, answer=Roster, errors=("unknown_shift", "shift_closed"),
)  # fmt: skip
