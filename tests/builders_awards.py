"""Small makers around awards: a rule, a confirmed attendance, a fund."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from infra.wiring import Town
from services.apis import awards as api
from services.events import decode
from services.events.attendance import AttendanceConfirmed, AttendanceRejected
from services.events.funding import Earmark, FundOpened
from services.kit.ids import new_id
from tests.builders import As, a_programme, an_admin

MORNING = datetime(2026, 5, 4, 7, 0, tzinfo=UTC)  # nine o'clock in Valdarco, on the day every test starts


def an_auditor(town: Town) -> As:
    return As(town, ("auditor", None))


def a_known_programme(town: Town) -> UUID:
    """A programme awards has heard of."""
    programme_id = a_programme(town)
    town.settle()
    return programme_id


def a_rule(town: Town, programme_id: UUID | None = None, **more: Any) -> api.Rule:
    """A rule from today on: seven coins per participation; `more` overrides its fields."""
    fields = {"form": "per_participation", "coins": 7, "legal_basis": "Delibera 12/2026", **more}
    fields.setdefault("valid_from", town.city.day_of(town.clock.now()))
    body = api.SetRule(programme_id=programme_id or a_known_programme(town), **fields)
    return an_admin(town).ask("awards", api.POST_RULE, body)


def a_confirmed(person_id: UUID | None = None, **more: Any) -> AttendanceConfirmed:
    """Two hours in the park this morning, confirmed; to be told with `tell`."""
    fields = {
        "attendance_id": new_id(), "person_id": person_id or new_id(), "shift_id": new_id(), "programme_id": new_id(),
        "organisation_id": new_id(), "neighbourhood_id": "le-querce", "kind": "green", "place": "Parco delle Querce",
        "started_at": MORNING, "minutes": 120, **more,
    }  # fmt: skip
    return AttendanceConfirmed(**fields)


def a_rejected(one: AttendanceConfirmed, revision: int = 2) -> AttendanceRejected:
    return AttendanceRejected(
        attendance_id=one.attendance_id,
        person_id=one.person_id,
        shift_id=one.shift_id,
        reason="absent",
        revision=revision,
    )


def an_open_fund(kind: str = "city", rank: int = 1, **more: Any) -> FundOpened:
    fields = {"fund_id": new_id(), "kind": kind, "name": kind, "rank": rank, "earmark": Earmark(), **more}
    return FundOpened(**fields)


def published(town: Town, service: str, struct: type) -> list[Any]:
    """The events of one type that a service has published, in order."""
    heard = []
    with town.rooms[service].engine.connect() as conn:
        for value in conn.exec_driver_sql("SELECT value FROM outbox ORDER BY seq").scalars():
            data = decode(bytes(value)).data
            if isinstance(data, struct):
                heard.append(data)
    return heard
