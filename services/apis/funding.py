"""What one can ask of funding: funds, money set aside for them, and bank credits that found none. Sponsors: `funding_sponsor.py`.

Amounts are integer euro cents, times UTC, months and days those of the city.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta, Struct

from services.apis.endpoint import PUBLIC, Endpoint, Page
from services.events.funding import Earmark

Text = Annotated[str, Meta(min_length=1, max_length=200)]
Slug = Annotated[str, Meta(pattern="^[a-z][a-z0-9-]{1,39}$")]
Permille = Annotated[int, Meta(ge=1, le=1000)]
BudgetCents = Annotated[int, Meta(ge=1, le=10_000_000_000)]
FundKind = Literal["city", "sponsor", "grant"]
SetAsideState = Literal["prepared", "settled", "withdrawn"]


class OpenFund(Struct, frozen=True, kw_only=True):
    """A fund and what it may be used for; lower `rank` is used first.

    A sponsor's fund names its `sponsor_id`. A grant pays `share_permille` of each award, at most `max_share_permille` (AMIF: 750,
    Regulation (EU) 2021/1147 art. 15; more only with the `act` that says so), and `co_fund_id` the rest. It pays for what was earned
    from `opens_on` to `ends_on`, both included.
    """

    kind: FundKind
    name: Text
    rank: Annotated[int, Meta(ge=0, le=9999)] = 500
    earmark: Earmark = Earmark()
    sponsor_id: UUID | None = None
    share_permille: Permille | None = None
    max_share_permille: Permille = 750
    co_fund_id: UUID | None = None
    act: Text | None = None
    opens_on: date | None = None
    ends_on: date | None = None


class Figures(Struct, frozen=True, kw_only=True):
    """What became of a fund's money, as the ledger tells.

    `in_cents` came in, `taken_back_cents` of it left again by refunds and chargebacks. `issued_cents` became coins (less what a
    correction took back): of these `outstanding_cents` are in wallets, `expired_cents` came back, `spent_cents` were spent, and of that
    `paid_cents` are paid to shops. `free_cents` can still be issued; `receivable_cents` is missing for coins issued already.
    """

    in_cents: int = 0
    taken_back_cents: int = 0
    issued_cents: int = 0
    outstanding_cents: int = 0
    expired_cents: int = 0
    spent_cents: int = 0
    paid_cents: int = 0
    free_cents: int = 0
    receivable_cents: int = 0


class Hands(Struct, frozen=True, kw_only=True):
    """Who opened and closed a fund. `opened_by`: None for one that a sponsor's first top-up opened."""

    opened_at: datetime
    opened_by: UUID | None
    closed_at: datetime | None
    closed_by: UUID | None


class Fund(Struct, frozen=True, kw_only=True):
    """`sponsor` is the name the sponsor goes by. `figures` are for finance and the auditor, `hands` for the administrator too."""

    fund_id: UUID
    kind: FundKind
    name: str
    sponsor: str | None
    rank: int
    earmark: Earmark
    share_permille: int | None
    co_fund_id: UUID | None
    act: str | None
    opens_on: date | None
    ends_on: date | None
    open: bool
    figures: Figures | None = None
    hands: Hands | None = None


class Funds(Struct, frozen=True, kw_only=True):
    funds: tuple[Fund, ...]
    next_cursor: str | None = None


class PrepareSetAside(Struct, frozen=True, kw_only=True):
    """Money of the city's budget, or of a grant it has received, for a fund. `act`: what decided it ("determina n. 123/2026")."""

    amount_cents: BudgetCents
    act: Text


class SetAside(Struct, frozen=True, kw_only=True):
    """`prepared` by one person; `settled` when another approved it; or `withdrawn`."""

    set_aside_id: UUID
    fund_id: UUID
    amount_cents: int
    act: str
    state: SetAsideState
    prepared_by: UUID
    prepared_at: datetime
    decided_by: UUID | None
    decided_at: datetime | None


class SetAsideQuery(Page, frozen=True, kw_only=True):
    """Newest first. `decided_until`: those decided by that instant."""

    fund_id: UUID | None = None
    state: SetAsideState | None = None
    decided_until: Annotated[datetime, Meta(tz=True)] | None = None


class SetAsides(Struct, frozen=True, kw_only=True):
    set_asides: tuple[SetAside, ...]
    next_cursor: str | None = None


class Credit(Struct, frozen=True, kw_only=True):
    """Money on the city's account that names no open top-up. One person proposes a fund, another approves."""

    entry_id: UUID
    amount_cents: int
    booked_on: date
    reference: str | None
    reason: Literal["no_reference", "unknown_reference", "fund_closed"]
    state: Literal["unassigned", "proposed", "assigned"]
    fund_id: UUID | None
    proposed_by: UUID | None


class Credits(Struct, frozen=True, kw_only=True):
    credits: tuple[Credit, ...]
    next_cursor: str | None = None


class AssignCredit(Struct, frozen=True, kw_only=True):
    fund_id: UUID


POST_FUND = Endpoint(
    method="POST", path="/funds", summary="Open a fund", allow=("admin", "finance"), request=OpenFund, answer=Fund, status=201,
    errors=("unknown_neighbourhood", "unknown_sponsor", "sponsor_terms_wrong", "grant_terms_wrong", "share_too_high", "co_fund_wrong",
            "window_wrong", "fund_exists"),
)  # fmt: skip
GET_FUNDS = Endpoint(method="GET", path="/funds", summary="All funds", allow=(PUBLIC,), query=Page, answer=Funds)
POST_FUND_CLOSE = Endpoint(
    method="POST", path="/funds/{fund_id:uuid}/close", summary="Close a fund: no new coin draws on it", allow=("admin", "finance"),
    answer=Fund, errors=("unknown_fund", "backs_a_grant", "payment_under_way"),
)  # fmt: skip
POST_SET_ASIDE = Endpoint(
    method="POST", path="/funds/{fund_id:uuid}/set-aside", summary="Prepare money of the budget for a fund", allow=("finance",),
    request=PrepareSetAside, answer=SetAside, status=201, errors=("unknown_fund", "fund_closed", "not_for_sponsors"),
)  # fmt: skip
GET_SET_ASIDES = Endpoint(
    method="GET", path="/set-asides", summary="Money set aside, newest first", allow=("finance", "auditor"), query=SetAsideQuery,
    answer=SetAsides,
)  # fmt: skip
POST_SET_ASIDE_APPROVE = Endpoint(
    method="POST", path="/set-asides/{set_aside_id:uuid}/approve", summary="Approve what another person prepared", allow=("finance",),
    answer=SetAside, errors=("unknown_setaside", "already_decided", "same_person", "fund_closed"),
)  # fmt: skip
POST_SET_ASIDE_WITHDRAW = Endpoint(
    method="POST", path="/set-asides/{set_aside_id:uuid}/withdraw", summary="Withdraw what was prepared", allow=("finance",),
    answer=SetAside, errors=("unknown_setaside", "already_decided"),
)  # fmt: skip
GET_UNASSIGNED_CREDITS = Endpoint(
    method="GET", path="/unassigned-credits", summary="Money on the account that found no fund, oldest first",
    allow=("finance", "auditor"), query=Page, answer=Credits,
)  # fmt: skip
POST_CREDIT_ASSIGN = Endpoint(
    method="POST", path="/unassigned-credits/{entry_id:uuid}/assign", summary="Propose the fund a credit is for", allow=("finance",),
    request=AssignCredit, answer=Credit, errors=("unknown_credit", "already_assigned", "unknown_fund", "fund_closed"),
)  # fmt: skip
POST_CREDIT_APPROVE = Endpoint(
    method="POST", path="/unassigned-credits/{entry_id:uuid}/approve", summary="Approve the fund another person proposed",
    allow=("finance",), request=AssignCredit, answer=Credit,
    errors=("unknown_credit", "already_assigned", "not_proposed", "same_person", "fund_closed"),
)  # fmt: skip
