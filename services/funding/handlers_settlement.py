"""Telling that money is here, or has left again: the one place where it is written down and published."""

from __future__ import annotations

from typing import Any, Literal
from uuid import UUID

from sqlalchemy import select

from services.events import Envelope
from services.events.funding import TopUpReversed, TopUpSettled
from services.funding.models import Reversal, Settlement, TopUp
from services.kit.db import Tx
from services.kit.ids import derived_id

Channel = Literal["stripe", "bank"]


def settlements_of(tx: Tx, topup_id: UUID) -> list[Settlement]:
    """The settlements of a top-up (whose row the caller has locked), in order."""
    mine = select(Settlement).where(Settlement.topup_id == topup_id).order_by(Settlement.turn)
    return list(tx.session.scalars(mine))


def settlement_id(topup_id: UUID, turn: int) -> UUID:
    """The first settlement goes by the top-up's own id; the ledger takes each id once, so the next ones have their own."""
    return topup_id if turn == 0 else derived_id("settlement", topup_id, turn)


def settle(
    tx: Tx, id_: UUID, fund_id: UUID, *, amount_cents: int, channel: Channel, fee_cents: int = 0,
    topup: TopUp | None = None, turn: int = 0, because: Envelope[Any] | None = None,
) -> Settlement:  # fmt: skip
    settlement = Settlement(
        settlement_id=id_, fund_id=fund_id, topup_id=topup and topup.topup_id, turn=turn, amount_cents=amount_cents,
        fee_cents=fee_cents, taken_back_cents=0, channel=channel, settled_at=tx.now,
    )  # fmt: skip
    tx.session.add(settlement)
    tx.session.flush()
    tx.put(
        TopUpSettled(topup_id=id_, fund_id=fund_id, amount_cents=amount_cents, fee_cents=fee_cents, channel=channel),
        because=because,
    )
    return settlement


def take_back(tx: Tx, settlement: Settlement, amount_cents: int) -> None:
    """What was taken back before is part of the reversal's id: the same step told twice is one reversal."""
    reversal_id = derived_id("reversal", settlement.settlement_id, settlement.taken_back_cents)
    settlement.taken_back_cents += amount_cents
    tx.session.add(
        Reversal(
            reversal_id=reversal_id,
            settlement_id=settlement.settlement_id,
            amount_cents=amount_cents,
            reversed_at=tx.now,
        )
    )
    tx.put(
        TopUpReversed(
            topup_id=settlement.settlement_id, fund_id=settlement.fund_id, reversal_id=reversal_id,
            amount_cents=amount_cents, channel=settlement.channel,  # type: ignore[arg-type]
        )
    )  # fmt: skip
