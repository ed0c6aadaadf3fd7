"""What awards publishes: the coins a confirmed attendance earns, and from which funds they may come. Ordered per person."""

from datetime import date, datetime
from typing import Literal
from uuid import UUID

from msgspec import Struct

from services.events.contract import event


class FundSource(Struct, frozen=True, kw_only=True):
    """A fund an award may draw on, in order; `share_permille` (0–1000) where a grant pays a fixed share of each award."""

    fund_id: UUID
    share_permille: int | None = None


class Plan(Struct, frozen=True, kw_only=True):
    """One way to pay an award. Without shares: funds in order, each giving what it has until the amount is covered. With shares:
    every source gives its permille of the amount (they sum to 1000; the rounding cent goes to the last)."""

    sources: tuple[FundSource, ...]


@event("coins.awarded.v1", key="person_id")
class CoinsAwarded(Struct, frozen=True, kw_only=True):
    """The ledger moves `amount_cents` into the person's coins by the first of `plans` that covers it whole, or keeps the award waiting.

    `amount_cents` is all that the attendance gives: after a correction (`revision` above 1) only what is more than its earlier awards gave
    and did not give back is moved. `plans` is empty while no fund's earmark fits. `expires_on` is the last day of the month in which the
    coins can be spent.
    """

    award_id: UUID
    person_id: UUID
    attendance_id: UUID
    programme_id: UUID
    neighbourhood_id: str
    amount_cents: int
    plans: tuple[Plan, ...]
    expires_on: date
    rule_id: UUID
    earned_at: datetime
    revision: int = 1


@event("award.replanned.v1", key="person_id")
class AwardReplanned(Struct, frozen=True, kw_only=True):
    """The funds changed: a waiting award may now draw on these. Harmless for an award already issued or withdrawn."""

    award_id: UUID
    person_id: UUID
    plans: tuple[Plan, ...]


@event("award.capped.v1", key="person_id")
class AwardCapped(Struct, frozen=True, kw_only=True):
    """A ceiling of the scheme cut an award: what was earned by the rule, what was given, and which ceiling said so."""

    award_id: UUID
    person_id: UUID
    attendance_id: UUID
    rule_cents: int
    given_cents: int
    cap: Literal["day", "month"]


@event("award.withdrawn.v1", key="person_id")
class AwardWithdrawn(Struct, frozen=True, kw_only=True):
    """A correction took back an award (rejected or re-confirmed attendance): the ledger reverses what is still unspent.

    Nothing already spent is taken from anyone; it counts towards what the attendance is awarded next, else it is the fund's cost.
    """

    award_id: UUID
    person_id: UUID
    attendance_id: UUID
