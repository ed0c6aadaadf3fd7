"""What Stripe's news means for a top-up: pure. Amounts are integer euro cents.

Only the truth of now is looked at, never how it came about: what was told to the others so far is compared with what is true, and the
difference is told. So news may come in any order and any number of times. A settlement is one `topup.settled` that was told; its
`left_cents` are what is still here of it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from services.apis.funding_sponsor import TopUpState
from services.funding.stripe_news import StripeNews


@dataclass(frozen=True)
class Piece:
    """A settlement as told so far."""

    settlement_id: UUID
    amount_cents: int
    taken_back_cents: int = 0

    @property
    def left_cents(self) -> int:
        return self.amount_cents - self.taken_back_cents


@dataclass(frozen=True)
class Told:
    """What the others were told of a top-up, its settlements in order."""

    state: TopUpState
    amount_cents: int
    pieces: tuple[Piece, ...] = ()

    @property
    def left_cents(self) -> int:
        return sum(piece.left_cents for piece in self.pieces)


@dataclass(frozen=True)
class Settle:
    """Tell that money is here. `fee_cents` of it stay with the processor."""

    settlement_id: UUID
    amount_cents: int
    fee_cents: int


@dataclass(frozen=True)
class TakeBack:
    """Tell that money of a settlement has left again."""

    settlement_id: UUID
    amount_cents: int


@dataclass(frozen=True)
class Step:
    """What to tell now, and how the top-up stands afterwards."""

    state: TopUpState
    settle: Settle | None = None
    take_back: tuple[TakeBack, ...] = ()


def follow(told: Told, now: StripeNews, settlement_id: Callable[[int], UUID]) -> Step:
    """What to tell so that the others know what is true now. `settlement_id(n)` is the id of the n-th settlement, from 0.

    Money is told of when the fee is known (its news follows), because only the rest can back coins. A dispute's fee is not part of it:
    the city bears that, as it bears what is taken back beyond the payment itself. Money that comes back – a dispute won, a refund that
    failed – is a new settlement without a fee.
    """
    if now.kind == "ignored":
        return Step(state=told.state)
    if now.kind not in ("settled", "refunded", "disputed"):
        return Step(state=told.state if told.pieces else now.kind)
    gone = 0 if now.kind == "settled" else min(now.amount_cents, told.amount_cents)
    here = told.amount_cents - gone
    next_id = settlement_id(len(told.pieces))
    if told.pieces:
        settle = Settle(next_id, here - told.left_cents, fee_cents=0) if here > told.left_cents else None
        return Step(now.kind, settle, _take(told.pieces, told.left_cents - here))
    if now.fee_cents is None:
        return Step(state="processing")
    settle = Settle(next_id, told.amount_cents, now.fee_cents - now.dispute_fee_cents)
    return Step(now.kind, settle, _take((Piece(next_id, told.amount_cents),), gone))


def _take(pieces: tuple[Piece, ...], amount_cents: int) -> tuple[TakeBack, ...]:
    """So much, from the latest settlement first, never more than is left of each."""
    taken = []
    for piece in reversed(pieces):
        cents = min(piece.left_cents, max(0, amount_cents))
        if cents:
            taken.append(TakeBack(piece.settlement_id, cents))
        amount_cents -= cents
    return tuple(taken)
