"""What one can ask of reimbursement about what shops are owed: periods, statements, queries, claims. Amounts are integer euro cents.

`reimbursement_payment.py` holds how it is paid: accounts, batches, the bank's files and answers.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta, Struct

from services.apis.endpoint import Endpoint, Page
from services.events.ledger import Part

Reason = Annotated[str, Meta(pattern=r"\S\s*\S\s*\S", max_length=200)]
Bearer = Literal["shop", "city"]
Form = Literal["nota_di_debito", "fattura_fuori_campo"]
StatementState = Literal["open", "queried", "claimed"]
ClaimState = Literal["payable", "in_batch", "ordered", "paid", "closed"]
PaymentState = Literal["prepared", "released", "settled", "returned", "cancelled"]
Blocked = Literal["no_iban", "iban_not_approved", "void_waits"]


class Period(Struct, frozen=True, kw_only=True):
    """A month (`period`: YYYY-MM). `statements` and `amount_cents` count all of it, `issued_now` what this request added."""

    period: str
    issued_at: datetime
    closed_at: datetime | None
    statements: int
    amount_cents: int
    issued_now: int = 0


class Periods(Struct, frozen=True, kw_only=True):
    periods: tuple[Period, ...]


class Line(Struct, frozen=True, kw_only=True):
    """A sale, or the void of one (then `amount_cents` is below zero)."""

    line_id: UUID
    kind: Literal["sale", "void"]
    sale_id: UUID
    till_id: UUID
    amount_cents: int
    happened_at: datetime


class Statement(Struct, frozen=True, kw_only=True):
    """What a shop is owed for a period. A line that came to us after an earlier statement was issued is on this one."""

    statement_id: UUID
    shop_id: UUID
    period: str
    period_from: date
    period_to: date
    amount_cents: int
    sale_count: int
    void_count: int
    state: StatementState
    issued_at: datetime
    parts: tuple[Part, ...]


class Query(Struct, frozen=True, kw_only=True):
    """A line the shop does not agree with, and what the city answered."""

    query_id: UUID
    statement_id: UUID
    line_id: UUID
    reason: str
    asked_at: datetime
    answer: str | None
    answered_at: datetime | None


class FullStatement(Struct, frozen=True, kw_only=True):
    statement: Statement
    lines: tuple[Line, ...]
    queries: tuple[Query, ...]


class StatementQuery(Page, frozen=True, kw_only=True):
    """Newest first. An owner sees those of their shops."""

    period: str | None = None
    shop_id: UUID | None = None
    state: StatementState | None = None


class StatementList(Struct, frozen=True, kw_only=True):
    statements: tuple[Statement, ...]
    next_cursor: str | None = None


class AskQuery(Struct, frozen=True, kw_only=True):
    line_id: UUID
    reason: Reason


class SettleQuery(Struct, frozen=True, kw_only=True):
    answer: Reason


class Claim(Struct, frozen=True, kw_only=True):
    """A statement the shop has confirmed. `number` counts within the shop and the year, without gaps.

    `stamp_cents` is the stamp duty on the claim's form, never part of `amount_cents`: that is the coins' money alone. `voided_cents`: what
    sales undone since have taken off it; the rest is paid, and with no rest the claim is *closed*. `blocked`: why a *payable* one cannot be
    paid yet, if so.
    """

    claim_id: UUID
    statement_id: UUID
    shop_id: UUID
    year: int
    number: int
    amount_cents: int
    stamp_cents: int
    stamp_borne_by: Bearer
    form: Form
    made_at: datetime
    state: ClaimState
    voided_cents: int = 0
    blocked: Blocked | None = None


class ClaimQuery(Page, frozen=True, kw_only=True):
    """Oldest first; `period`: of that month's statements. An owner sees those of their shops."""

    shop_id: UUID | None = None
    state: ClaimState | None = None
    period: str | None = None


class ClaimList(Struct, frozen=True, kw_only=True):
    claims: tuple[Claim, ...]
    next_cursor: str | None = None


class NotaDiDebito(Struct, frozen=True, kw_only=True):
    """What the shop's document says. Not subject to VAT (`vat_basis`); with stamp duty above the threshold (`stamp_basis`).

    `amount_cents` is the statement's; `voided_cents` of it were undone since, and `due_cents` is what is asked for.
    """

    claim_id: UUID
    form: Form
    number: str
    issued_on: date
    creditor: str
    creditor_iban: str | None
    debtor: str
    period_from: date
    period_to: date
    sale_count: int
    void_count: int
    amount_cents: int
    voided_cents: int
    due_cents: int
    stamp_cents: int
    stamp_borne_by: Bearer
    vat_basis: str
    stamp_basis: str | None


class OwedStatement(Struct, frozen=True, kw_only=True):
    statement_id: UUID
    period: str
    amount_cents: int
    state: StatementState


class OwedClaim(Struct, frozen=True, kw_only=True):
    """`amount_cents`: what is still to be paid of it. `blocked`: why it cannot be paid yet, if so. `expected_on`: the day the order to
    the bank names, once it is out."""

    claim_id: UUID
    number: str
    amount_cents: int
    state: ClaimState
    blocked: Blocked | None
    expected_on: date | None


class ShopPayment(Struct, frozen=True, kw_only=True):
    """`booked_on`: the day on the bank's statement. `return_reason`: the ISO 20022 code of money that came back."""

    payment_id: UUID
    claim_id: UUID
    amount_cents: int
    state: PaymentState
    expected_on: date | None
    booked_on: date | None
    return_reason: str | None


class Owed(Struct, frozen=True, kw_only=True):
    """What will be paid, and when: sales not on a statement yet, statements to confirm, claims to be paid, the last payments.

    `owed_cents` is the sum of the first three. `next_statement_from`: the first day the open sales can be on a statement.
    """

    shop_id: UUID
    owed_cents: int
    open_lines: int
    open_cents: int
    next_statement_from: date
    statements: tuple[OwedStatement, ...]
    claims: tuple[OwedClaim, ...]
    payments: tuple[ShopPayment, ...]


POST_STATEMENTS = Endpoint(
    method="POST", path="/periods/{period}/statements", summary="Issue the statements of a month that is over, for all shops",
    allow=("finance",), answer=Period, status=201, errors=("period_wrong", "period_not_over", "period_closed"),
)  # fmt: skip
POST_PERIOD_CLOSE = Endpoint(
    method="POST", path="/periods/{period}/close", summary="Close a month: no statement is issued in it any more",
    allow=("finance",), answer=Period, errors=("period_wrong", "period_not_issued", "queries_open"),
)  # fmt: skip
GET_PERIODS = Endpoint(
    method="GET", path="/periods", summary="The months with statements, newest first", allow=("finance", "auditor"),
    answer=Periods,
)  # fmt: skip
GET_STATEMENTS = Endpoint(
    method="GET", path="/statements", summary="Statements: all, or those of the owner's shops",
    allow=("finance", "auditor", "shop_owner"), query=StatementQuery, answer=StatementList,
)  # fmt: skip
GET_STATEMENT = Endpoint(
    method="GET", path="/statements/{statement_id:uuid}", summary="One statement with its lines",
    allow=("finance", "auditor", "shop_owner"), answer=FullStatement, errors=("unknown_statement",),
)  # fmt: skip
GET_STATEMENT_CSV = Endpoint(
    method="GET", path="/statements/{statement_id:uuid}/csv", summary="The lines of a statement as a table",
    allow=("finance", "auditor", "shop_owner"), answer=bytes, media="text/csv", errors=("unknown_statement",),
)  # fmt: skip
POST_QUERY = Endpoint(
    method="POST", path="/statements/{statement_id:uuid}/queries", summary="Say that a line is not right", allow=("shop_owner",),
    request=AskQuery, answer=Query, status=201,
    errors=("unknown_statement", "unknown_line", "already_claimed", "already_queried"),
)  # fmt: skip
POST_QUERY_SETTLE = Endpoint(
    method="POST", path="/queries/{query_id:uuid}/settle", summary="Answer a shop's query", allow=("finance",),
    request=SettleQuery, answer=Query, errors=("unknown_query", "query_settled"),
)  # fmt: skip
POST_CONFIRM = Endpoint(
    method="POST", path="/statements/{statement_id:uuid}/confirm", summary="Confirm a statement: it becomes a claim",
    allow=("shop_owner",), answer=Claim, status=201, errors=("unknown_statement", "already_claimed", "statement_queried"),
)  # fmt: skip
GET_CLAIMS = Endpoint(
    method="GET", path="/claims", summary="Claims: all, or those of the owner's shops",
    allow=("finance", "auditor", "shop_owner"), query=ClaimQuery, answer=ClaimList,
)  # fmt: skip
GET_NOTA = Endpoint(
    method="GET", path="/claims/{claim_id:uuid}/document", summary="What the claim's document says",
    allow=("finance", "auditor", "shop_owner"), answer=NotaDiDebito, errors=("unknown_claim",),
)  # fmt: skip
GET_OWED = Endpoint(
    method="GET", path="/shops/{shop_id:uuid}/owed", summary="What a shop will be paid, and when",
    allow=("shop_owner", "finance", "auditor"), answer=Owed, errors=("unknown_shop",),
)  # fmt: skip
