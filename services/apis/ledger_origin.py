"""Where the coins of sales came from: what an officer or an auditor needs to follow a payment on to the hours behind it. No wallet is
opened by it: neither whose coins they were nor what else was bought with them is told."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from services.apis.endpoint import Endpoint

MOST_TRACED = 200


class AskOrigins(Struct, frozen=True, kw_only=True):
    sale_ids: Annotated[tuple[UUID, ...], Meta(min_length=1, max_length=MOST_TRACED)]


class FromAward(Struct, frozen=True, kw_only=True):
    """So much of the coins of an award was spent in this part of a sale."""

    award_id: UUID
    amount_cents: int


class SpentPart(Struct, frozen=True, kw_only=True):
    """One transfer of a sale: coins of one fund. `awards`: what brought them, in the order in which they came."""

    transfer_id: UUID
    fund_id: UUID
    amount_cents: int
    awards: tuple[FromAward, ...]


class Origin(Struct, frozen=True, kw_only=True):
    sale_id: UUID
    parts: tuple[SpentPart, ...]


class Origins(Struct, frozen=True, kw_only=True):
    """In the order asked; a sale the ledger does not know has no parts. Coins that came first are spent first."""

    sales: tuple[Origin, ...]


POST_ORIGINS = Endpoint(
    method="POST", path="/sales/origins", summary="The awards whose coins these sales were made with", allow=("finance", "auditor"),
    request=AskOrigins, answer=Origins, keyless=True,
)  # fmt: skip
