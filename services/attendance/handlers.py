"""What attendance hears: shifts and sign-ups, names, cards, people. Each topic comes in its own time, so a row may be heard of in parts."""

from __future__ import annotations

import secrets
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert

from services.attendance.handlers_checkin import close, close_forgotten
from services.attendance.handlers_decision import reject_all_of
from services.attendance.models import Attendance, Card, Name, Person, Shift, SignUp
from services.events import Envelope
from services.events.identity import CardIssued, CardRevoked, PersonErased, PersonJoined
from services.events.shifts import (
    OrganisationRegistered,
    ProgrammeOpened,
    ShiftCancelled,
    ShiftPublished,
    SignUpCancelled,
    SignUpMade,
    SignUpPromoted,
)
from services.kit.db import Tx

SECRET_BYTES = 32
HEARD_OF_A_SHIFT = (
    "shift_id", "programme_id", "organisation_id", "place", "kind", "neighbourhood_id", "starts_at", "ends_at", "capacity",
    "adults_only",
)  # fmt: skip


def on_shift_published(tx: Tx, events: list[Envelope[ShiftPublished]]) -> None:
    rows = [
        {**{f: getattr(e.data, f) for f in HEARD_OF_A_SHIFT}, "cancelled": False, "secret": secrets.token_bytes(SECRET_BYTES)}
        for e in events
    ]  # fmt: skip
    tx.session.execute(insert(Shift).values(rows).on_conflict_do_nothing())


def on_shift_cancelled(tx: Tx, events: list[Envelope[ShiftCancelled]]) -> None:
    """The shift's row is locked first: a check-in at this moment waits, and is then refused."""
    for event in events:
        shift = tx.session.get(Shift, event.data.shift_id, with_for_update=True)
        if shift is not None:
            shift.cancelled = True
            reject_all_of(tx, shift, because=event)
    cancelled = [e.data.shift_id for e in events]
    tx.session.execute(update(SignUp).where(SignUp.shift_id.in_(cancelled)).values(state="cancelled"))


def on_signup_made(tx: Tx, events: list[Envelope[SignUpMade]]) -> None:
    rows = [{f: getattr(e.data, f) for f in ("signup_id", "shift_id", "person_id", "state")} for e in events]
    tx.session.execute(insert(SignUp).values(rows).on_conflict_do_nothing())


def on_signup_promoted(tx: Tx, events: list[Envelope[SignUpPromoted]]) -> None:
    tx.session.execute(update(SignUp).where(SignUp.signup_id.in_(_signups(events))).values(state="going"))


def on_signup_cancelled(tx: Tx, events: list[Envelope[SignUpCancelled]]) -> None:
    tx.session.execute(update(SignUp).where(SignUp.signup_id.in_(_signups(events))).values(state="cancelled"))


def on_programme_opened(tx: Tx, events: list[Envelope[ProgrammeOpened]]) -> None:
    _name(tx, [{"owner_id": e.data.programme_id, "name": e.data.name} for e in events])


def on_organisation_registered(tx: Tx, events: list[Envelope[OrganisationRegistered]]) -> None:
    _name(tx, [{"owner_id": e.data.organisation_id, "name": e.data.name} for e in events])


def on_card_issued(tx: Tx, events: list[Envelope[CardIssued]]) -> None:
    """A card that replaces another ends it, whether or not `card.revoked` says so too."""
    rows = [
        {"card_id": e.data.card_id, "person_id": e.data.person_id, "code_hash": e.data.code_hash, "revoked": False}
        for e in events
    ]
    tx.session.execute(insert(Card).values(rows).on_conflict_do_nothing())
    _revoke(tx, [e.data.replaces_card_id for e in events if e.data.replaces_card_id])


def on_card_revoked(tx: Tx, events: list[Envelope[CardRevoked]]) -> None:
    _revoke(tx, [e.data.card_id for e in events])


def on_person_joined(tx: Tx, events: list[Envelope[PersonJoined]]) -> None:
    people = {e.data.person_id: {"person_id": e.data.person_id, "adult": e.data.adult, "erased": False} for e in events}
    joined = insert(Person).values(list(people.values()))
    tx.session.execute(
        joined.on_conflict_do_update(index_elements=["person_id"], set_={"adult": joined.excluded.adult})
    )


def on_person_erased(tx: Tx, events: list[Envelope[PersonErased]]) -> None:
    """The random id stays in the books; cards and notes go, and whoever is checked in leaves now."""
    erased = [e.data.person_id for e in events]
    tx.session.execute(delete(Card).where(Card.person_id.in_(erased)))
    tx.session.execute(update(Attendance).where(Attendance.person_id.in_(erased)).values(dispute_note=None))
    for event in events:
        tx.session.merge(Person(person_id=event.data.person_id, adult=False, erased=True))
        inside = (
            select(Attendance, Shift)
            .join(Shift)
            .where(Attendance.person_id == event.data.person_id, Attendance.state == "open")
            .where(Attendance.checked_out_at.is_(None))
            .with_for_update(of=Attendance)
        )
        for attendance, shift in tx.session.execute(inside).all():
            close(tx, attendance, shift, min(tx.now, shift.ends_at), because=event)


def _signups(events: list[Any]) -> list[Any]:
    return [e.data.signup_id for e in events]


def _name(tx: Tx, rows: list[dict[str, Any]]) -> None:
    tx.session.execute(insert(Name).values(rows).on_conflict_do_nothing())


def _revoke(tx: Tx, card_ids: list[Any]) -> None:
    tx.session.execute(update(Card).where(Card.card_id.in_(card_ids)).values(revoked=True))


HANDLERS = {
    ShiftPublished: on_shift_published,
    ShiftCancelled: on_shift_cancelled,
    SignUpMade: on_signup_made,
    SignUpPromoted: on_signup_promoted,
    SignUpCancelled: on_signup_cancelled,
    ProgrammeOpened: on_programme_opened,
    OrganisationRegistered: on_organisation_registered,
    CardIssued: on_card_issued,
    CardRevoked: on_card_revoked,
    PersonJoined: on_person_joined,
    PersonErased: on_person_erased,
}
JOBS = (close_forgotten,)
