"""Programmes, organisations, activities and shifts: commands of the administrator and of coordinators."""

from __future__ import annotations

from datetime import UTC, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from services.apis import shifts as api
from services.apis import shifts_held as held_api
from services.apis.errors import Refused, not_found
from services.events import Envelope
from services.events.identity import PersonErased, PersonJoined
from services.events.shifts import OrganisationRegistered, ProgrammeOpened, ShiftCancelled, ShiftPublished
from services.kit.cursor import after, next_cursor
from services.kit.db import Tx
from services.kit.views import view_of
from services.shifts import domain
from services.shifts.handlers_signup import cancel_signups_of, facts_of, give_back_all_places, shift_view
from services.shifts.models import Activity, Organisation, Person, Programme, Shift


def open_programme(tx: Tx, body: api.OpenProgramme) -> api.Programme:
    programme = Programme(programme_id=tx.new_id(), name=body.name, opens_on=body.opens_on)
    tx.session.add(programme)
    tx.put(ProgrammeOpened(programme_id=programme.programme_id, name=body.name, opens_on=body.opens_on))
    return view_of(api.Programme, programme)


def register_organisation(tx: Tx, body: api.RegisterOrganisation) -> api.Organisation:
    if tx.session.scalar(select(Organisation).where(Organisation.name == body.name)):
        raise Refused(
            "name_taken", "An organisation with this name is registered already. Use it, or add the place to the name."
        )
    organisation = Organisation(organisation_id=tx.new_id(), name=body.name)
    tx.session.add(organisation)
    tx.put(OrganisationRegistered(organisation_id=organisation.organisation_id, name=body.name))
    return view_of(api.Organisation, organisation)


def add_activity(tx: Tx, body: api.AddActivity) -> api.Activity:
    if not tx.who.has("admin"):
        tx.who.must("coordinator", body.organisation_id)
    if tx.session.get(Programme, body.programme_id) is None:
        raise not_found("programme", body.programme_id)
    if tx.session.get(Organisation, body.organisation_id) is None:
        raise not_found("organisation", body.organisation_id)
    if tx.city.neighbourhood(body.neighbourhood_id) is None:
        raise not_found("neighbourhood", body.neighbourhood_id)
    domain.check_insurance_days(body.insured_from, body.insured_until)
    activity = Activity(activity_id=tx.new_id(), **_columns(body))
    tx.session.add(activity)
    return _activity_view(activity)


def change_activity(tx: Tx, body: api.ChangeActivity, activity_id: UUID) -> api.Activity:
    activity = tx.session.get(Activity, activity_id, with_for_update=True)
    if activity is None:
        raise not_found("activity", activity_id)
    tx.who.must("coordinator", activity.organisation_id)
    domain.check_insurance_days(body.insured_from, body.insured_until)
    for name, value in _columns(body).items():
        setattr(activity, name, value)
    return _activity_view(activity)


def _columns(body: api.AddActivity | api.ChangeActivity) -> dict[str, Any]:
    return {f: getattr(body, f) for f in body.__struct_fields__} | {"languages": sorted(set(body.languages))}


def _activity_view(activity: Activity) -> api.Activity:
    return view_of(api.Activity, activity, languages=tuple(activity.languages))


def publish_shift(tx: Tx, body: api.PublishShift) -> api.Shift:
    activity = tx.session.get(Activity, body.activity_id)
    if activity is None:
        raise not_found("activity", body.activity_id)
    tx.who.must("coordinator", activity.organisation_id)
    programme = tx.session.get_one(Programme, activity.programme_id)
    starts_at = body.starts_at.astimezone(UTC)
    ends_at = (body.ends_at or starts_at + timedelta(minutes=activity.minutes)).astimezone(UTC)
    day = tx.city.day_of(starts_at)
    domain.check_times(starts_at, ends_at, now=tx.now, opens_on=programme.opens_on, day=day)
    domain.check_insured(activity.insured_from, activity.insured_until, day)
    copied = (
        "activity_id",
        "programme_id",
        "organisation_id",
        "name",
        "place",
        "kind",
        "neighbourhood_id",
        "adults_only",
        "languages",
    )
    shift = Shift(
        shift_id=tx.new_id(), starts_at=starts_at, ends_at=ends_at, capacity=body.capacity or activity.capacity,
        going=0, waiting=0, state="open", **{f: getattr(activity, f) for f in copied},
    )  # fmt: skip
    tx.session.add(shift)
    tx.put(view_of(ShiftPublished, shift))
    return shift_view(shift)


def cancel_shift(tx: Tx, body: api.CancelShift, shift_id: UUID) -> api.Shift:
    shift = tx.session.get(Shift, shift_id, with_for_update=True)
    if shift is None:
        raise not_found("shift", shift_id)
    tx.who.must("coordinator", shift.organisation_id)
    domain.check_not_started(facts_of(shift), now=tx.now)
    if shift.state == "open":
        shift.state, shift.cancel_reason = "cancelled", body.reason
        cancel_signups_of(tx, shift)
        tx.put(ShiftCancelled(shift_id=shift_id, reason=body.reason))
    return shift_view(shift)


def list_programmes(tx: Tx) -> api.Programmes:
    rows = tx.session.scalars(select(Programme).order_by(Programme.opens_on, Programme.programme_id))
    return api.Programmes(programmes=tuple(view_of(api.Programme, row) for row in rows))


def list_organisations(tx: Tx) -> api.Organisations:
    rows = tx.session.scalars(select(Organisation).order_by(Organisation.name))
    return api.Organisations(organisations=tuple(view_of(api.Organisation, row) for row in rows))


def list_neighbourhoods(tx: Tx) -> api.Neighbourhoods:
    return api.Neighbourhoods(
        neighbourhoods=tuple(api.Neighbourhood(neighbourhood_id=n.id, name=n.name) for n in tx.city.neighbourhoods)
    )


def list_activities(tx: Tx) -> api.Activities:
    rows = tx.session.scalars(select(Activity).order_by(Activity.name, Activity.activity_id))
    return api.Activities(activities=tuple(map(_activity_view, rows)))


def list_shifts(tx: Tx, query: api.ShiftQuery) -> api.ShiftList:
    wanted = select(Shift).where(Shift.ends_at > (query.ending_after or tx.now))
    if query.neighbourhood_id:
        wanted = wanted.where(Shift.neighbourhood_id == query.neighbourhood_id)
    if query.organisation_id:
        wanted = wanted.where(Shift.organisation_id == query.organisation_id)
    if query.language:
        wanted = wanted.where(Shift.languages.contains([query.language]))
    wanted = wanted.where(after(query, Shift.ends_at, Shift.shift_id)).order_by(Shift.ends_at, Shift.shift_id)
    rows = list(tx.session.scalars(wanted.limit(query.limit + 1)))
    return api.ShiftList(
        shifts=tuple(shift_view(row) for row in rows[: query.limit]),
        next_cursor=next_cursor(query, rows, lambda row: (row.ends_at, row.shift_id)),
    )


def get_shift(tx: Tx, shift_id: UUID) -> api.Shift:
    shift = tx.session.get(Shift, shift_id)
    if shift is None:
        raise not_found("shift", shift_id)
    return shift_view(shift)


def post_held(tx: Tx, body: held_api.AskHeld) -> held_api.AllHeld:
    wanted = select(Shift).where(Shift.shift_id.in_(body.shift_ids)).order_by(Shift.starts_at, Shift.shift_id)
    return held_api.AllHeld(shifts=tuple(shift_view(row) for row in tx.session.scalars(wanted)))


def on_person_joined(tx: Tx, events: list[Envelope[PersonJoined]]) -> None:
    people = [{"person_id": e.data.person_id, "adult": e.data.adult, "erased": False} for e in events]
    tx.session.execute(insert(Person).on_conflict_do_nothing(), people)


def on_person_erased(tx: Tx, events: list[Envelope[PersonErased]]) -> None:
    """An erased person keeps no place and takes none: a session may live on for some minutes."""
    for event in events:
        gone = insert(Person).values(person_id=event.data.person_id, adult=False, erased=True)
        tx.session.execute(gone.on_conflict_do_update(index_elements=["person_id"], set_={"erased": True}))
        give_back_all_places(tx, event.data.person_id, because=event)


HANDLERS = {PersonJoined: on_person_joined, PersonErased: on_person_erased}
