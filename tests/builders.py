"""Small makers for tests: somebody signed in, a shift, a shop … each with sensible defaults, each through the real API."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from uuid import UUID

from infra.wiring import Town
from services.apis import shifts as shifts_api
from services.events import Envelope, contract_of, encode
from services.kit.auth import Grant, Principal
from services.kit.bus import Message
from services.kit.http import Client
from services.kit.ids import new_id

LONG = 10 * 365 * 24 * 3600


class As:
    """Somebody signed in: asks any service in their name."""

    def __init__(self, town: Town, *grants: tuple[str, UUID | None], person_id: UUID | None = None) -> None:
        self.town, self.person_id = town, person_id or new_id()
        who = Principal(
            kind="person", id=str(self.person_id), grants=tuple(Grant(r, s) for r, s in grants), session_id=new_id()
        )
        self.token = town.tokens.mint(who, now=town.clock.now(), seconds=LONG)

    def ask(self, service: str, endpoint: Any, body: Any = None, *, key: Any = None, **more: Any) -> Any:
        """Call an endpoint with a fresh idempotency key unless one is given."""
        client: Client = self.town.client(service).as_(self.token)
        return client.call(endpoint, body, key=key or new_id(), **more)


def a_volunteer(town: Town, **more: Any) -> As:
    return As(town, ("volunteer", None), **more)


def a_coordinator(town: Town, organisation_id: UUID) -> As:
    return As(town, ("coordinator", organisation_id))


def an_admin(town: Town) -> As:
    return As(town, ("admin", None))


def an_organisation(town: Town, name: str = "Amici del Parco") -> UUID:
    body = shifts_api.RegisterOrganisation(name=name)
    return an_admin(town).ask("shifts", shifts_api.POST_ORGANISATION, body).organisation_id


def a_programme(town: Town, name: str = "Bella Valdarco") -> UUID:
    body = shifts_api.OpenProgramme(name=name, opens_on=date(2026, 1, 1))
    return an_admin(town).ask("shifts", shifts_api.POST_PROGRAMME, body).programme_id


def a_shift(town: Town, *, coordinator: As | None = None, in_hours: float = 24, **more: Any) -> shifts_api.Shift:
    """A published shift of two hours; `more` overrides the activity's fields."""
    organisation_id = more.pop("organisation_id", None) or an_organisation(town, f"Organisation {new_id()}")
    coordinator = coordinator or a_coordinator(town, organisation_id)
    fields = {
        "programme_id": more.pop("programme_id", None) or a_programme(town), "organisation_id": organisation_id, "name": "Clean the park",
        "place": "Parco delle Querce", "kind": "green", "neighbourhood_id": "le-querce", "minutes": 120, "capacity": 10, **more,
    }  # fmt: skip
    activity = coordinator.ask("shifts", shifts_api.POST_ACTIVITY, shifts_api.AddActivity(**fields))
    starts_at = town.clock.now() + timedelta(hours=in_hours)
    body = shifts_api.PublishShift(activity_id=activity.activity_id, starts_at=starts_at)
    return coordinator.ask("shifts", shifts_api.POST_SHIFT, body)


def tell(town: Town, *events: Any) -> None:
    """Put events on the bus as if their own service had published them, and let the town hear them."""
    for event in events:
        contract = contract_of(type(event))
        envelope = Envelope(
            id=new_id(), type=contract.type, occurred_at=town.clock.now(), key=str(getattr(event, contract.key)),
            correlation_id=new_id(), data=event,
        )  # fmt: skip
        town.bus.publish([Message(topic=contract.topic, key=envelope.key, value=encode(envelope))])
    town.settle()
