"""A shift with everybody who means to come, as its coordinators see it."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from services.apis import shifts as api
from services.kit import looks
from services.kit.names import names_of
from services.kit.screens import ask, screens


@dataclass(frozen=True)
class Known:
    """`lines`: those with a place first, then in the order of names. `teams`: their names by id."""

    shift: api.Shift
    lines: list[api.RosterLine]
    names: dict[UUID, str]
    teams: dict[UUID, str]


def known_of(shift_id: UUID) -> Known:
    found: api.Shift = ask("shifts", api.GET_SHIFT, shift_id=shift_id)
    roster: api.Roster = ask("shifts", api.GET_ROSTER, shift_id=shift_id)
    reason = looks.at_a_shift("Roster", found.name, screens().city.day_of(found.starts_at))
    names = names_of(found.organisation_id, {one.person_id for one in roster.lines}, reason)
    order = list(names)
    lines = sorted(roster.lines, key=lambda one: (one.state != "going", order.index(one.person_id)))
    return Known(found, lines, names, {one.team_id: one.name for one in roster.teams})
