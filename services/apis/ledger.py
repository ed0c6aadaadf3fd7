"""What one can ask of the ledger. Amounts are integer euro cents."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from msgspec import Meta, Struct

from services.apis.endpoint import Endpoint, Page, service
from services.events.ledger import Lot, Part

Cents = Annotated[int, Meta(ge=1, le=100_000_000)]
MOST_SALES = 500
Instant = Annotated[datetime, Meta(tz=True)]
By = Literal["occurred_at", "posted_at"]
"""By which clock: when it happened in town, or when the ledger wrote it down."""


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
    """Move coins to what a shop is owed, oldest expiry first. `fund_ids`: only coins of these funds (None: of any).

    The answer to a `sale_id` is kept for good, a refusal too: another try, with another amount, is another sale with a new id.
    `correlation_id`: of the till's request.
    """

    sale_id: UUID
    person_id: UUID
    shop_id: UUID
    till_id: UUID
    payment_code_id: UUID
    neighbourhood_id: str
    amount_cents: Cents
    correlation_id: UUID
    fund_ids: tuple[UUID, ...] | None = None


class PostSales(Struct, frozen=True, kw_only=True):
    """Sales that wait at the same moment. Each is posted or refused by itself, in this order."""

    sales: Annotated[tuple[PostSale, ...], Meta(min_length=1, max_length=MOST_SALES)]


class SalePosted(Struct, frozen=True, kw_only=True, tag="posted", tag_field="state"):
    sale_id: UUID
    amount_cents: int
    parts: tuple[Part, ...]
    transfer_ids: tuple[UUID, ...]


class SaleRefused(Struct, frozen=True, kw_only=True, tag="refused", tag_field="state"):
    """Nothing was moved. `code`: not_enough_coins (they pay `payable_cents` of it) or id_reused."""

    sale_id: UUID
    code: Literal["not_enough_coins", "id_reused"]
    payable_cents: int


class SalesAnswered(Struct, frozen=True, kw_only=True):
    """In the order asked."""

    answers: tuple[SalePosted | SaleRefused, ...]


class PostHold(Struct, frozen=True, kw_only=True):
    """Set coins aside for a shop, oldest expiry first, for so many seconds: nobody else can be paid with them meanwhile."""

    hold_id: UUID
    person_id: UUID
    shop_id: UUID
    amount_cents: Cents
    seconds: Annotated[int, Meta(ge=1, le=7 * 24 * 3600)]
    fund_ids: tuple[UUID, ...] | None = None


class HoldPosted(Struct, frozen=True, kw_only=True):
    hold_id: UUID
    amount_cents: int


class PostHoldEnd(Struct, frozen=True, kw_only=True):
    """Pay the shop so much of a hold (None: all of it; 0: nothing, the hold is void). What is not paid is free again."""

    hold_id: UUID
    amount_cents: Annotated[int, Meta(ge=0, le=100_000_000)] | None = None


class HoldEnded(Struct, frozen=True, kw_only=True):
    hold_id: UUID
    amount_cents: int
    parts: tuple[Part, ...]
    transfer_ids: tuple[UUID, ...]


class PostVoid(Struct, frozen=True, kw_only=True):
    """Put the coins of a sale back where they came from. Once they are, asked again for the same sale the answer is the same. While the
    shop is being paid for it the answer is no; ask again, with a new key, when that payment came back."""

    sale_id: UUID


class VoidPosted(Struct, frozen=True, kw_only=True):
    sale_id: UUID
    amount_cents: int
    parts: tuple[Part, ...]
    transfer_ids: tuple[UUID, ...]


class Movement(Struct, frozen=True, kw_only=True):
    """One line of a wallet: `amount_cents` above zero came in, below zero went out. `journal` is shared by the lines of one sale.

    `with_kind`: what stands on the other side – `fund` or `shop`; never which shop.
    """

    transfer_id: UUID
    journal: UUID
    kind: str
    amount_cents: int
    occurred_at: datetime
    fund_id: UUID
    expires_on: date
    with_kind: str


class Movements(Struct, frozen=True, kw_only=True):
    """A person's lines. Coins that were all spent and last moved in a month closed 90 days ago or longer are nobody's any more, so their
    lines are not listed."""

    movements: tuple[Movement, ...]
    next_cursor: str | None = None


class AccountQuery(Struct, frozen=True, kw_only=True):
    """An account by its code (`fund/…`, `shop/…/…`), as it stood at an instant (None: now), that instant included."""

    code: str
    at: Instant | None = None
    by: By = "posted_at"


class Account(Struct, frozen=True, kw_only=True):
    """balance = credits - debits."""

    code: str
    fund_id: UUID
    at: datetime | None
    by: By
    debits_cents: int
    credits_cents: int
    balance_cents: int


class HistoryQuery(Page, frozen=True, kw_only=True):
    """What moved on an account up to an instant, newest first. For others than the auditor, coins are told without their lot."""

    code: str
    at: Instant | None = None
    by: By = "posted_at"


class Transfer(Struct, frozen=True, kw_only=True):
    """One balanced move: `debit` gave, `credit` received. `leaf` is the SHA-256 (hex) of the row."""

    transfer_id: UUID
    journal: UUID
    kind: str
    debit: str
    credit: str
    amount_cents: int
    fund_id: UUID
    cause: UUID
    occurred_at: datetime
    posted_at: datetime
    reversal_of: UUID | None
    leaf: str


class Transfers(Struct, frozen=True, kw_only=True):
    transfers: tuple[Transfer, ...]
    next_cursor: str | None = None


class Journal(Struct, frozen=True, kw_only=True):
    """A request, what became of it, and what it moved. `facts` of a refusal or a correction."""

    journal: UUID
    kind: str
    state: Literal["posted", "refused"]
    code: str | None
    facts: dict[str, Any] | None
    decided_at: datetime
    transfers: tuple[Transfer, ...]


class PostCorrection(Struct, frozen=True, kw_only=True):
    """Reverse a wrong transfer, whole or in part; never more than is left of it."""

    transfer_id: UUID
    reason: Annotated[str, Meta(min_length=3, max_length=500)]
    amount_cents: Cents | None = None


GET_WALLET = Endpoint(
    method="GET",
    path="/wallets/{person_id:uuid}",
    summary="A person's coins (their own, or asked by redemption)",
    allow=("volunteer", service("redemption")),
    answer=Wallet,
)
POST_SALES = Endpoint(
    method="POST",
    path="/sales",
    summary="Post sales from people's coins",
    allow=(service("redemption"),),
    request=PostSales,
    answer=SalesAnswered,
    keyless=True,  # each sale's own id is its key
    max_bytes=4 * 1024 * 1024,
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
    errors=("unknown_sale", "sale_paid_out"),
    per_minute=1_000_000,
)
POST_HOLD = Endpoint(
    method="POST", path="/holds", summary="Set coins aside for a shop", allow=(service("redemption"),),
    request=PostHold, answer=HoldPosted, status=201, errors=("not_enough_coins", "id_reused"), per_minute=1_000_000,
)  # fmt: skip
POST_HOLD_END = Endpoint(
    method="POST", path="/hold-ends", summary="Pay a hold, wholly or in part, or let it go", allow=(service("redemption"),),
    request=PostHoldEnd, answer=HoldEnded, status=201, errors=("unknown_hold", "hold_ended", "hold_over", "over_hold", "id_reused"),
    per_minute=1_000_000,
)  # fmt: skip
GET_MOVEMENTS = Endpoint(
    method="GET", path="/wallets/{person_id:uuid}/movements", summary="My coins, line by line, newest first", allow=("volunteer",),
    query=Page, answer=Movements,
)  # fmt: skip
GET_ACCOUNT = Endpoint(
    method="GET", path="/account", summary="An account's balance, now or at any past instant",
    allow=("auditor", "finance", service("funding"), service("reimbursement")), query=AccountQuery, answer=Account,
    errors=("unknown_account",),
)  # fmt: skip
GET_HISTORY = Endpoint(
    method="GET", path="/account/history", summary="An account's transfers, newest first",
    allow=("auditor", "finance", service("funding"), service("reimbursement")), query=HistoryQuery, answer=Transfers,
    errors=("unknown_account",),
)  # fmt: skip
GET_TRANSFER = Endpoint(
    method="GET", path="/transfers/{transfer_id:uuid}", summary="One transfer", allow=("auditor",), answer=Transfer,
    errors=("unknown_transfer",),
)  # fmt: skip
GET_JOURNAL = Endpoint(
    method="GET", path="/journals/{journal:uuid}", summary="A request, its outcome and its transfers",
    allow=("auditor", service("redemption")), answer=Journal, errors=("unknown_journal",),
)  # fmt: skip
POST_CORRECTION = Endpoint(
    method="POST", path="/corrections", summary="Reverse a wrong transfer, with the reason on record", allow=("finance",),
    request=PostCorrection, answer=Journal, status=201,
    errors=("unknown_transfer", "not_correctable", "more_than_is_left", "not_enough_money"),
)  # fmt: skip
