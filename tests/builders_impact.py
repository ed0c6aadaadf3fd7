"""Events that a read model hears, put on the bus as if their own services had published them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec

from services.events import Envelope, contract_of, encode
from services.events.attendance import AttendanceConfirmed
from services.events.ledger import CoinsIssued, CoinsWithdrawn, Part
from services.kit.bus import Bus, Message
from services.kit.ids import new_id

FUND = new_id()
WHEN = datetime(2026, 3, 3, 10, 0, tzinfo=UTC)


def message_of(event: msgspec.Struct, *, occurred_at: datetime = WHEN) -> Message:
    contract = contract_of(type(event))
    key = str(getattr(event, contract.key))
    envelope: Envelope[Any] = Envelope(
        id=new_id(), type=contract.type, occurred_at=occurred_at, key=key, correlation_id=new_id(), data=event,
    )  # fmt: skip
    return Message(topic=contract.topic, key=key, value=encode(envelope))


def tell_bus(bus: Bus, *events: msgspec.Struct, occurred_at: datetime = WHEN) -> None:
    bus.publish([message_of(event, occurred_at=occurred_at) for event in events])


def issued(person_id: UUID, amount_cents: int, award_id: UUID | None = None) -> CoinsIssued:
    return CoinsIssued(
        award_id=award_id or new_id(),
        person_id=person_id,
        neighbourhood_id="le-querce",
        amount_cents=amount_cents,
        lots=(),
    )


def withdrawn(of: CoinsIssued, amount_cents: int) -> CoinsWithdrawn:
    part = Part(fund_id=FUND, amount_cents=amount_cents)
    return CoinsWithdrawn(award_id=of.award_id, person_id=of.person_id, parts=(part,), kept_cents=0)


def confirmed(person_id: UUID, minutes: int) -> AttendanceConfirmed:
    return AttendanceConfirmed(
        attendance_id=new_id(), person_id=person_id, shift_id=FUND, programme_id=FUND, organisation_id=FUND,
        neighbourhood_id="le-querce", kind="green", place="Parco", started_at=WHEN, minutes=minutes,
    )  # fmt: skip
