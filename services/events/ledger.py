"""What the ledger publishes: what moved. Amounts are integer euro cents; every part names the one fund that stands behind it."""

from datetime import date
from typing import Literal
from uuid import UUID

from msgspec import Struct

from services.events.contract import event


class Part(Struct, frozen=True, kw_only=True):
    """The share of an amount that one fund stands behind."""

    fund_id: UUID
    amount_cents: int


class Lot(Struct, frozen=True, kw_only=True):
    """Coins of one fund with one last day."""

    fund_id: UUID
    amount_cents: int
    expires_on: date


@event("coins.issued.v1", key="person_id")
class CoinsIssued(Struct, frozen=True, kw_only=True):
    """An award reached the wallet.

    `amount_cents` is less than was awarded – down to zero, with no lots – where a withdrawn award of the same attendance had kept coins.
    """

    award_id: UUID
    person_id: UUID
    neighbourhood_id: str
    amount_cents: int
    lots: tuple[Lot, ...]


@event("award.waiting.v1", key="person_id")
class AwardWaiting(Struct, frozen=True, kw_only=True):
    """No eligible fund could cover the award: it waits, and is issued by itself when money comes. `amount_cents`: as in `CoinsIssued`."""

    award_id: UUID
    person_id: UUID
    amount_cents: int
    reason: Literal["no_fund", "not_enough_money"]


@event("coins.withdrawn.v1", key="person_id")
class CoinsWithdrawn(Struct, frozen=True, kw_only=True):
    """What a withdrawn award gave back to its funds; `kept_cents` had been spent already and stays with the person.

    What an attendance keeps is not given again by its next award.
    """

    award_id: UUID
    person_id: UUID
    parts: tuple[Part, ...]
    kept_cents: int


@event("coins.expired.v1", key="person_id")
class CoinsExpired(Struct, frozen=True, kw_only=True):
    """Coins whose last day has passed went back to the fund they came from."""

    person_id: UUID
    fund_id: UUID
    amount_cents: int
    expired_on: date


@event("coins.spent.v1", key="sale_id")
class CoinsSpent(Struct, frozen=True, kw_only=True):
    """A sale is posted. Carries no person: redemption completes its sale from this if it died before answering the till."""

    sale_id: UUID
    shop_id: UUID
    till_id: UUID
    payment_code_id: UUID
    neighbourhood_id: str
    amount_cents: int
    parts: tuple[Part, ...]


@event("coins.unspent.v1", key="sale_id")
class CoinsUnspent(Struct, frozen=True, kw_only=True):
    """A sale was voided: its coins are back in the wallet."""

    sale_id: UUID
    shop_id: UUID
    amount_cents: int
    parts: tuple[Part, ...]


@event("fund.credited.v1", key="fund_id")
class FundCredited(Struct, frozen=True, kw_only=True):
    """Money that is really there entered a fund; `free_cents` is what the fund can still issue afterwards."""

    fund_id: UUID
    topup_id: UUID
    amount_cents: int
    free_cents: int


@event("fund.shortfall.v1", key="fund_id")
class FundShortfall(Struct, frozen=True, kw_only=True):
    """Money of a top-up was taken back after coins had been issued on it: the fund carries `receivable_cents`."""

    fund_id: UUID
    topup_id: UUID
    amount_cents: int
    receivable_cents: int
