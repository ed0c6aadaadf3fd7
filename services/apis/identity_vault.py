"""What a coordinator can ask of identity: the volunteers who joined through the organisation, their cards, and the names in its vault."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from services.apis.endpoint import Endpoint, Nothing, Page
from services.apis.identity import Card, Name, NameHeld, PrintableCard, Reason


class PersonLine(Struct, frozen=True, kw_only=True):
    person_id: UUID
    adult: bool
    language: str
    joined_at: datetime


class People(Struct, frozen=True, kw_only=True):
    people: tuple[PersonLine, ...]
    next_cursor: str | None = None


class SetName(Struct, frozen=True, kw_only=True):
    name: Name


class OpenName(Struct, frozen=True, kw_only=True):
    """The reason is shown to the person."""

    reason: Reason


class OpenNames(Struct, frozen=True, kw_only=True):
    """The names of a roster, with one reason. Who has no name in this vault is left out of the answer."""

    reason: Reason
    person_ids: Annotated[tuple[UUID, ...], Meta(min_length=1, max_length=200)]


class NamesHeld(Struct, frozen=True, kw_only=True):
    names: tuple[NameHeld, ...]


GET_PEOPLE = Endpoint(
    method="GET", path="/organisations/{organisation_id:uuid}/people", summary="Volunteers who joined through the organisation",
    allow=("coordinator",), query=Page, answer=People,
)  # fmt: skip
GET_PERSON_CARD = Endpoint(
    method="GET", path="/organisations/{organisation_id:uuid}/people/{person_id:uuid}/card", summary="A volunteer's card, to print",
    allow=("coordinator",), answer=PrintableCard, errors=("unknown_person",),
)  # fmt: skip
POST_PERSON_CARD_REPLACE = Endpoint(
    method="POST", path="/organisations/{organisation_id:uuid}/people/{person_id:uuid}/card/replace",
    summary="A volunteer's card is lost: end it and make a new one", allow=("coordinator",), answer=Card, status=201,
    errors=("unknown_person",),
)  # fmt: skip
POST_NAME = Endpoint(
    method="POST", path="/organisations/{organisation_id:uuid}/vault/{person_id:uuid}", summary="Lock a person's name into the vault",
    allow=("coordinator",), keyless=True, request=SetName, answer=Nothing, errors=("unknown_person",),
)  # fmt: skip
POST_NAME_OPEN = Endpoint(
    method="POST", path="/organisations/{organisation_id:uuid}/vault/{person_id:uuid}/open",
    summary="Open a person's name, with a reason they will see", allow=("coordinator",), keyless=True,
    request=OpenName, answer=NameHeld, errors=("unknown_name",),
)  # fmt: skip
POST_NAMES_OPEN = Endpoint(
    method="POST", path="/organisations/{organisation_id:uuid}/vault/open",
    summary="Open the names of a roster, with a reason they will see", allow=("coordinator",), keyless=True,
    request=OpenNames, answer=NamesHeld,
)  # fmt: skip
