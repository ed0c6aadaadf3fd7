"""Mixed teams: a proposal that deals people out so that each team has several languages, and old hands beside newcomers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from string import ascii_uppercase
from uuid import UUID

import msgspec
from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from services.apis import identity_vault, shifts_team
from services.apis.endpoint import Page
from services.apis.errors import Refused
from services.kit.screens import ask, done, form_key, only
from services.shifts.roster import Known, known_of

COORDINATOR = "coordinator"
USUAL_SIZE, MOST_TEAMS = 5, 6
Line = identity_vault.PersonLine
TEAM_OF = "team-"


def dealt(people: Sequence[Line], count: int) -> dict[UUID, str]:
    """Teams A, B, C … for them: dealt like cards, a language after the other and the longest known first."""
    order = sorted(people, key=lambda one: (one.language, one.joined_at, one.person_id))
    return {one.person_id: ascii_uppercase[n % count] for n, one in enumerate(order)}


@only(COORDINATOR)
def teams(shift_id: UUID) -> ResponseReturnValue:
    known = known_of(shift_id)
    going = [line for line in known.lines if line.state == "going"]
    people = about(known, {line.person_id for line in going})
    most = min(MOST_TEAMS, len(going))
    asked = request.args.get("count", type=int)
    count = min(max(2, asked or -(-len(going) // USUAL_SIZE)), max(2, most))
    placed = {line.person_id: known.teams[line.team_id] for line in going if line.team_id}
    chosen = placed if placed and not asked else dealt(list(people.values()), count)
    names = sorted({*chosen.values(), *known.teams.values(), *ascii_uppercase[:count]})
    going.sort(key=lambda line: chosen.get(line.person_id, ""))
    return render_template(
        "shifts/teams.html", shift=known.shift, going=going, known=known, people=people, chosen=chosen, teams=names,
        counts=range(2, most + 1), count=None if chosen is placed else count,
    )  # fmt: skip


def about(known: Known, person_ids: Collection[UUID]) -> dict[UUID, Line]:
    """What the organisation knows of each; of a guest nothing."""
    nothing = {
        id_: Line(person_id=id_, adult=True, language="", joined_at=datetime.min.replace(tzinfo=UTC))
        for id_ in person_ids
    }
    found: dict[UUID, Line] = {}
    cursor = None
    while True:
        query = Page(limit=200, cursor=cursor)
        told = ask("identity", identity_vault.GET_PEOPLE, query=query, organisation_id=known.shift.organisation_id)
        found |= {one.person_id: one for one in told.people if one.person_id in nothing}
        cursor = told.next_cursor
        if cursor is None:
            return nothing | found


@only(COORDINATOR)
def arrange(shift_id: UUID) -> ResponseReturnValue:
    members: dict[str, list[str]] = defaultdict(list)
    for field, name in request.form.items():
        if field.startswith(TEAM_OF) and name.strip():
            members[name.strip()].append(field.removeprefix(TEAM_OF))
    said = {"teams": [{"name": name, "person_ids": ids} for name, ids in members.items()]}
    try:
        body = msgspec.convert(said, type=shifts_team.ArrangeTeams)
    except msgspec.ValidationError as error:
        raise Refused("invalid_request", str(error), status=422) from None
    ask("shifts", shifts_team.POST_TEAMS, body, key=form_key(), shift_id=shift_id)
    return done(url_for(".shift", shift_id=shift_id), _("The teams are made."))


def add_to(pages: Blueprint) -> None:
    pages.add_url_rule("/shifts/<uuid:shift_id>/teams", "teams", teams)
    pages.add_url_rule("/shifts/<uuid:shift_id>/teams", "arrange", arrange, methods=["POST"])
