"""What officers and auditors ask of shifts: those that stand behind what was given, many at once."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from services.apis.endpoint import Endpoint
from services.apis.shifts import Shift

MOST_HELD = 1000


class AskHeld(Struct, frozen=True, kw_only=True):
    shift_ids: Annotated[tuple[UUID, ...], Meta(min_length=1, max_length=MOST_HELD)]


class AllHeld(Struct, frozen=True, kw_only=True):
    """Those of the shifts asked for that there are, oldest first."""

    shifts: tuple[Shift, ...]


POST_HELD = Endpoint(
    method="POST", path="/shifts/held", summary="Shifts as evidence", allow=("finance", "auditor"), request=AskHeld, answer=AllHeld,
    keyless=True,
)  # fmt: skip
