"""What funding publishes: the money set aside to back coins, what it may be used for, and what came in. Ordered per fund."""

from datetime import date
from typing import Literal
from uuid import UUID

from msgspec import Struct

from services.events.contract import event


class Earmark(Struct, frozen=True, kw_only=True):
    """What a fund may be used for. An empty tuple means: anywhere, any kind, any programme."""

    neighbourhood_ids: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    programme_ids: tuple[UUID, ...] = ()


@event("fund.opened.v1", key="fund_id")
class FundOpened(Struct, frozen=True, kw_only=True):
    """A fund, its place in the order of use (lower `rank` first) and, for a grant, the share it may pay and its window."""

    fund_id: UUID
    kind: Literal["city", "sponsor", "grant"]
    name: str
    rank: int
    earmark: Earmark
    share_permille: int | None = None
    co_fund_id: UUID | None = None
    opens_on: date | None = None
    ends_on: date | None = None


@event("fund.closed.v1", key="fund_id")
class FundClosed(Struct, frozen=True, kw_only=True):
    """No award draws on the fund any more; its coins stay good."""

    fund_id: UUID


@event("pledge.made.v1", key="fund_id")
class PledgeMade(Struct, frozen=True, kw_only=True):
    """Money promised, not yet there. Backs no coin."""

    pledge_id: UUID
    fund_id: UUID
    amount_cents: int
    channel: Literal["stripe", "bank"]


@event("topup.settled.v1", key="fund_id")
class TopUpSettled(Struct, frozen=True, kw_only=True):
    """Money is really there: `amount_cents` paid by the sponsor (or set aside by the city), of which `fee_cents` went to the processor."""

    topup_id: UUID
    fund_id: UUID
    amount_cents: int
    fee_cents: int
    channel: Literal["stripe", "bank"]


@event("topup.reversed.v1", key="fund_id")
class TopUpReversed(Struct, frozen=True, kw_only=True):
    """A refund or chargeback took money of a top-up back. Coins already issued stay good; the fund carries the rest as a receivable."""

    topup_id: UUID
    fund_id: UUID
    reversal_id: UUID
    amount_cents: int
    channel: Literal["stripe", "bank"]
