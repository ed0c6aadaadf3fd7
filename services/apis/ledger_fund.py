"""What the ledger says of a fund: what came in, stands where, was spent. Amounts are integer euro cents."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from services.apis.endpoint import Endpoint, service


class FundFigures(Struct, frozen=True, kw_only=True):
    """A fund in eleven numbers, in cents.

    came_in: top-ups less what was taken back · fees: kept by the processor · issued: coins, less withdrawn · spent: sales, less voids ·
    paid: left the bank for shops · expired: gone back · outstanding: in wallets · owed: to shops, not yet paid, less what they were
    paid too much · free: can be issued · receivable: coins issued on money that was taken back · waiting: awards this fund may pay, not
    issued for want of money.
    came_in + receivable = fees + free + outstanding + owed + paid.
    """

    fund_id: UUID
    came_in_cents: int
    fee_cents: int
    issued_cents: int
    spent_cents: int
    paid_cents: int
    expired_cents: int
    outstanding_cents: int
    owed_cents: int
    free_cents: int
    receivable_cents: int
    waiting_cents: int


class Funds(Struct, frozen=True, kw_only=True):
    funds: tuple[FundFigures, ...]


class TrendQuery(Struct, frozen=True, kw_only=True):
    """So many moments, a week apart, the last of them now."""

    points: Annotated[int, Meta(ge=2, le=60)] = 8


class Trend(Struct, frozen=True, kw_only=True):
    """What was free in a fund at each moment."""

    fund_id: UUID
    free_cents: tuple[int, ...]


class Trends(Struct, frozen=True, kw_only=True):
    """`moments`, oldest first."""

    moments: tuple[datetime, ...]
    funds: tuple[Trend, ...]


GET_FUNDS = Endpoint(
    method="GET", path="/funds", summary="All funds in figures",
    allow=("finance", "auditor", service("funding"), service("impact")), answer=Funds,
)  # fmt: skip
GET_FUND = Endpoint(
    method="GET", path="/funds/{fund_id:uuid}", summary="One fund in figures; zeros for one that never had money",
    allow=("finance", "auditor", service("funding"), service("impact")), answer=FundFigures,
)  # fmt: skip
GET_TRENDS = Endpoint(
    method="GET", path="/funds/trends", summary="What was free in each fund, week by week", allow=("finance", "auditor"),
    query=TrendQuery, answer=Trends,
)  # fmt: skip
