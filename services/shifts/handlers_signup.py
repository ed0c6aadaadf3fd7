"""Sign-ups, the waiting list and teams."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import or_, select

from services.apis import shifts as api
from services.apis import shifts_team
from services.apis.errors import Refused, not_found
from services.events import Envelope
from services.events.shifts import SignUpCancelled, SignUpMade, SignUpPromoted
from services.kit.db import Tx
from services.kit.routes import File
from services.kit.views import view_of
from services.shifts import domain, domain_calendar
from services.shifts.models import Person, Shift, SignUp, Team
from services.shifts.queries import messages_of


def facts_of(shift: Shift) -> domain.ShiftFacts:
    return domain.ShiftFacts(
        starts_at=shift.starts_at,
        ends_at=shift.ends_at,
        capacity=shift.capacity,
        adults_only=shift.adults_only,
        state=shift.state,
    )


def shift_view(shift: Shift) -> api.Shift:
    return view_of(api.Shift, shift, languages=tuple(shift.languages))


def make_signup(tx: Tx, body: api.MakeSignUp, shift_id: UUID) -> api.SignUp:
    """A place, or a place in line. The shift's row is locked: two people cannot both get the last place."""
    shift = _locked(tx, shift_id)
    person_id = tx.who.person_id
    person = tx.session.get(Person, person_id)
    if person is not None and person.erased:
        raise Refused("person_erased", "This person was erased and cannot sign up. Join again with a new invitation.")
    if body.team_id is not None:
        team = tx.session.get(Team, body.team_id)
        if team is None or team.shift_id != shift_id:
            raise not_found("team", body.team_id)
    place = domain.place_for(
        facts_of(shift), _line(tx, shift_id), person_id=person_id, adult=person.adult if person else False, now=tx.now
    )
    signup = SignUp(signup_id=tx.new_id(), shift_id=shift_id, person_id=person_id, team_id=body.team_id, state=place)
    tx.session.add(signup)
    _count(tx, shift)
    tx.put(
        SignUpMade(
            signup_id=signup.signup_id, shift_id=shift_id, person_id=person_id, state=place, team_id=body.team_id
        )
    )
    return view_of(api.SignUp, signup)


def cancel_signup(tx: Tx, signup_id: UUID) -> api.SignUp:
    signup = tx.session.get(SignUp, signup_id)
    if signup is None or signup.person_id != tx.who.person_id:
        raise not_found("sign-up", signup_id)
    shift = _locked(tx, signup.shift_id)
    domain.check_not_started(facts_of(shift), now=tx.now)
    tx.session.refresh(signup)
    _give_back(tx, shift, signup)
    return view_of(api.SignUp, signup)


def give_back_all_places(tx: Tx, person_id: UUID, *, because: Envelope[Any]) -> None:
    living = select(SignUp).where(SignUp.person_id == person_id, SignUp.state != "cancelled").order_by(SignUp.shift_id)
    for signup in tx.session.scalars(living).all():
        shift = _locked(tx, signup.shift_id)
        if shift.starts_at > tx.now:
            _give_back(tx, shift, signup, because=because)


def cancel_signups_of(tx: Tx, shift: Shift) -> None:
    """End every sign-up of a cancelled shift (whose row the caller has locked). `shift.cancelled` tells the others."""
    for signup in _living(tx, shift.shift_id):
        signup.state = "cancelled"
    _count(tx, shift)


def form_team(tx: Tx, body: api.FormTeam, shift_id: UUID) -> api.Team:
    shift = _locked(tx, shift_id)
    tx.who.must("coordinator", shift.organisation_id)
    domain.check_open(facts_of(shift), now=tx.now)
    team = Team(team_id=tx.new_id(), shift_id=shift_id, name=body.name)
    tx.session.add(team)
    return api.Team(team_id=team.team_id, shift_id=shift_id, name=body.name)


def arrange_teams(tx: Tx, body: shifts_team.ArrangeTeams, shift_id: UUID) -> api.Roster:
    shift = _locked(tx, shift_id)
    tx.who.must("coordinator", shift.organisation_id)
    domain.check_open(facts_of(shift), now=tx.now)
    formed = {team.name: team for team in tx.session.scalars(select(Team).where(Team.shift_id == shift_id))}
    for one in body.teams:
        if one.name not in formed:
            formed[one.name] = Team(team_id=tx.new_id(), shift_id=shift_id, name=one.name)
            tx.session.add(formed[one.name])
    tx.session.flush()  # a sign-up names a team that is there
    team_of = {id_: formed[one.name].team_id for one in body.teams for id_ in one.person_ids}
    for signup in _living(tx, shift_id):
        signup.team_id = team_of.get(signup.person_id)
    return _roster(tx, shift_id)


def get_roster(tx: Tx, shift_id: UUID) -> api.Roster:
    shift = tx.session.get(Shift, shift_id)
    if shift is None:
        raise not_found("shift", shift_id)
    if not tx.who.has("auditor"):
        tx.who.must("coordinator", shift.organisation_id)
    return _roster(tx, shift_id)


def _roster(tx: Tx, shift_id: UUID) -> api.Roster:
    living = _living(tx, shift_id)
    teams = (
        select(Team)
        .where(Team.team_id.in_({one.team_id for one in living if one.team_id}))
        .order_by(Team.name, Team.team_id)
    )
    return api.Roster(
        shift_id=shift_id,
        lines=tuple(view_of(api.RosterLine, signup) for signup in living),
        teams=tuple(view_of(api.Team, team) for team in tx.session.scalars(teams)),
    )


def my_signups(tx: Tx) -> api.MySignUps:
    rows = _signups_of(tx, tx.who.person_id)
    written = messages_of(tx, [shift.shift_id for signup, shift in rows if signup.state != "cancelled"])
    return api.MySignUps(
        signups=tuple(
            api.MySignUp(signup=view_of(api.SignUp, signup), shift=shift_view(shift), messages=written[shift.shift_id])
            for signup, shift in rows
        )
    )


def _signups_of(tx: Tx, person_id: UUID) -> Sequence[tuple[SignUp, Shift]]:
    """What somebody signed up for and is not over, soonest first; also what they were signed up for and does not take place."""
    rows = tx.session.execute(
        select(SignUp, Shift)
        .join(Shift, Shift.shift_id == SignUp.shift_id)
        .where(SignUp.person_id == person_id, Shift.ends_at > tx.now)
        .where(or_(SignUp.state != "cancelled", Shift.state == "cancelled"))
        .order_by(Shift.starts_at)
        .limit(100)
    )
    return [(row[0], row[1]) for row in rows]


def my_calendar(tx: Tx) -> api.Calendar:
    return api.Calendar(path=f"/calendars/{domain_calendar.token_of(tx.who.person_id, tx.extras['calendar_secret'])}")


def calendar_at(tx: Tx, token: str) -> File:
    person_id = domain_calendar.person_of(token, tx.extras["calendar_secret"])
    return _calendar(tx, [shift for signup, shift in _signups_of(tx, person_id) if signup.state == "going"])


def calendar_of_shift(tx: Tx, shift_id: UUID) -> File:
    shift = tx.session.get(Shift, shift_id)
    if shift is None:
        raise not_found("shift", shift_id)
    return _calendar(tx, [shift])


def _calendar(tx: Tx, shifts: Sequence[Shift]) -> File:
    content = domain_calendar.calendar(map(shift_view, shifts), now=tx.now)
    return File(content=content, media="text/calendar", name="shifts.ics")


def _locked(tx: Tx, shift_id: UUID) -> Shift:
    shift = tx.session.get(Shift, shift_id, with_for_update=True)
    if shift is None:
        raise not_found("shift", shift_id)
    return shift


def _living(tx: Tx, shift_id: UUID) -> list[SignUp]:
    living = select(SignUp).where(SignUp.shift_id == shift_id, SignUp.state != "cancelled").order_by(SignUp.turn)
    return list(tx.session.scalars(living))


def _line(tx: Tx, shift_id: UUID) -> list[domain.InLine]:
    return [
        domain.InLine(signup_id=s.signup_id, person_id=s.person_id, place=s.state, turn=s.turn)  # type: ignore[arg-type]
        for s in _living(tx, shift_id)
    ]


def _give_back(tx: Tx, shift: Shift, signup: SignUp, *, because: Envelope[Any] | None = None) -> None:
    """Free the place and let the waiting list move up."""
    if signup.state == "cancelled":
        return
    signup.state = "cancelled"
    tx.put(
        SignUpCancelled(signup_id=signup.signup_id, shift_id=shift.shift_id, person_id=signup.person_id),
        because=because,
    )
    for one in domain.moving_up(_line(tx, shift.shift_id), shift.capacity):
        tx.session.get_one(SignUp, one.signup_id).state = "going"
        tx.put(
            SignUpPromoted(signup_id=one.signup_id, shift_id=shift.shift_id, person_id=one.person_id), because=because
        )
    _count(tx, shift)


def _count(tx: Tx, shift: Shift) -> None:
    line = _line(tx, shift.shift_id)
    shift.going, shift.waiting = domain.going(line), domain.waiting(line)
