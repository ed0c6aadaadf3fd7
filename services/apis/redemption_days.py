"""What one can ask of redemption about months gone by. Amounts are integer euro cents."""

from __future__ import annotations

from datetime import date
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from services.apis.endpoint import Endpoint


class DaysQuery(Struct, frozen=True, kw_only=True):
    """A month, `YYYY-MM` (default: this one), and for an owner of several shops: which one."""

    month: Annotated[str, Meta(pattern="^2[0-9]{3}-(0[1-9]|1[0-2])$")] | None = None
    shop_id: UUID | None = None


class DayTotal(Struct, frozen=True, kw_only=True):
    """`sales` and `amount_cents` count what stands, `voids` what was undone."""

    day: date
    sales: int
    voids: int
    amount_cents: int


class Days(Struct, frozen=True, kw_only=True):
    """The days of a month with sales, newest first. `earlier`: the last month before it with any."""

    month: str
    amount_cents: int
    days: tuple[DayTotal, ...]
    earlier: str | None


GET_DAYS = Endpoint(
    method="GET", path="/sales/days", summary="A month's totals, day by day", allow=("cashier", "shop_owner"),
    query=DaysQuery, answer=Days, errors=("till_unpaired",),
)  # fmt: skip
