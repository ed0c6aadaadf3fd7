"""What one can ask of the ledger. Amounts are integer euro cents."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from services.apis.endpoint import Endpoint, service
from services.events.ledger import Lot, Part

Cents = Annotated[int, Meta(ge=1, le=100_000_000)]


class WaitingAward(Struct, frozen=True, kw_only=True):
    """Coins on the way: an award no fund could cover yet."""

    award_id: UUID
    amount_cents: int
    since: datetime
    reason: str


class Wallet(Struct, frozen=True, kw_only=True):
    """A person's coins: lots oldest expiry first, and the awards still waiting."""

    person_id: UUID
    balance_cents: int
    lots: tuple[Lot, ...]
    waiting: tuple[WaitingAward, ...]


class PostSale(Struct, frozen=True, kw_only=True):
    """Move coins to what a shop is owed, oldest expiry first. `fund_ids`: only coins of these funds (None: of any)."""

    sale_id: UUID
    person_id: UUID
    shop_id: UUID
    till_id: UUID
    payment_code_id: UUID
    neighbourhood_id: str
    amount_cents: Cents
    fund_ids: tuple[UUID, ...] | None = None


class SalePosted(Struct, frozen=True, kw_only=True):
    sale_id: UUID
    amount_cents: int
    parts: tuple[Part, ...]
    transfer_ids: tuple[UUID, ...]


class PostVoid(Struct, frozen=True, kw_only=True):
    """Put the coins of a sale back where they came from."""

    sale_id: UUID


class VoidPosted(Struct, frozen=True, kw_only=True):
    sale_id: UUID
    amount_cents: int
    parts: tuple[Part, ...]
    transfer_ids: tuple[UUID, ...]


GET_WALLET = Endpoint(
    method="GET",
    path="/wallets/{person_id:uuid}",
    summary="A person's coins (their own, or asked by redemption)",
    allow=("volunteer", service("redemption")),
    answer=Wallet,
)
POST_SALE = Endpoint(
    method="POST",
    path="/sales",
    summary="Post a sale from a person's coins",
    allow=(service("redemption"),),
    request=PostSale,
    answer=SalePosted,
    status=201,
    errors=("not_enough_coins",),
    per_minute=1_000_000,
)
POST_VOID = Endpoint(
    method="POST",
    path="/voids",
    summary="Put the coins of a sale back",
    allow=(service("redemption"),),
    request=PostVoid,
    answer=VoidPosted,
    status=201,
    errors=("unknown_sale", "already_voided"),
    per_minute=1_000_000,
)
