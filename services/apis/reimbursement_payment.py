"""What one can ask of reimbursement about paying: shops' accounts, batches with their three hands, the bank's files and answers."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta, Struct

from services.apis.endpoint import Endpoint, Page
from services.apis.reimbursement import Blocked, PaymentState, Reason
from services.events.ledger import Part

AccountState = Literal["proposed", "approved", "refused", "replaced"]
BatchState = Literal["prepared", "approved", "released", "cancelled"]
Version = Literal["pain.001.001.09", "pain.001.001.03"]
EntryState = Literal["matched", "proposed", "unmatched", "credited"]
Why = Literal["unknown_payment", "paid_in_part", "amount_differs", "payment_ended", "no_reason_given"]


class ProposeAccount(Struct, frozen=True, kw_only=True):
    """`holder`: the account holder as the bank has it, in Latin letters."""

    iban: Annotated[str, Meta(min_length=1, max_length=50)]
    holder: Annotated[str, Meta(min_length=1, max_length=200)]


class RefuseAccount(Struct, frozen=True, kw_only=True):
    reason: Reason


class Account(Struct, frozen=True, kw_only=True):
    """A shop's account: paid to only while `approved`, by somebody else than who proposed it."""

    account_id: UUID
    shop_id: UUID
    holder: str
    iban: str
    state: AccountState
    proposed_at: datetime
    decided_at: datetime | None
    refusal: str | None


class AccountQuery(Page, frozen=True, kw_only=True):
    """Oldest proposal first. An owner sees those of their shops."""

    shop_id: UUID | None = None
    state: AccountState | None = None


class AccountList(Struct, frozen=True, kw_only=True):
    accounts: tuple[Account, ...]
    next_cursor: str | None = None


class PrepareBatch(Struct, frozen=True, kw_only=True):
    """The claims to pay; without `claim_ids` all that can be, oldest first (2,000 a batch)."""

    claim_ids: Annotated[tuple[UUID, ...], Meta(min_length=1, max_length=2000)] | None = None


class Payment(Struct, frozen=True, kw_only=True):
    payment_id: UUID
    claim_id: UUID
    shop_id: UUID
    amount_cents: int
    state: PaymentState
    return_reason: str | None


class LeftOut(Struct, frozen=True, kw_only=True):
    claim_id: UUID
    shop_id: UUID
    blocked: Blocked


class Batch(Struct, frozen=True, kw_only=True):
    """Payments released together, and whose hands they went through."""

    batch_id: UUID
    state: BatchState
    payment_count: int
    amount_cents: int
    prepared_by: UUID
    prepared_at: datetime
    approved_by: UUID | None
    approved_at: datetime | None
    released_by: UUID | None
    released_at: datetime | None
    cancelled_by: UUID | None
    cancelled_at: datetime | None
    execution_on: date | None


class FullBatch(Batch, frozen=True, kw_only=True):
    """`left_out`: when it was prepared, the claims that could not be in it."""

    payments: tuple[Payment, ...]
    left_out: tuple[LeftOut, ...] = ()


class BatchList(Struct, frozen=True, kw_only=True):
    batches: tuple[Batch, ...]
    next_cursor: str | None = None


class FileQuery(Struct, frozen=True, kw_only=True):
    version: Version = "pain.001.001.09"


class Entry(Struct, frozen=True, kw_only=True):
    """One movement on the bank's statement. `payment_id`: the payment it names, is matched to, or is proposed for.

    `why` says what keeps it unmatched. `credited`: money of somebody else, told to funding with the `reference` found in it.
    `proposed_by`: who proposed the match, which somebody else accepts.
    """

    entry_id: UUID
    entry_ref: str
    direction: Literal["credit", "debit"]
    amount_cents: int
    booked_on: date
    end_to_end_id: str | None
    remittance: str
    return_reason: str | None
    reference: str | None
    state: EntryState
    why: Why | None
    payment_id: UUID | None
    match_reason: str | None
    proposed_by: UUID | None


class BankStatement(Struct, frozen=True, kw_only=True):
    bank_statement_id: UUID
    statement_ref: str
    from_date: date | None
    to_date: date | None
    opening_cents: int
    closing_cents: int
    uploaded_at: datetime
    matched: int
    proposed: int
    unmatched: int
    credited: int


class FullBankStatement(Struct, frozen=True, kw_only=True):
    bank_statement: BankStatement
    entries: tuple[Entry, ...]


class BankStatementList(Struct, frozen=True, kw_only=True):
    bank_statements: tuple[BankStatement, ...]
    next_cursor: str | None = None


class ProposeMatch(Struct, frozen=True, kw_only=True):
    payment_id: UUID
    reason: Reason


class Trail(Struct, frozen=True, kw_only=True):
    """One payment, followed both ways: to the sales it pays – less those undone – and to the bank's lines."""

    payment: Payment
    batch: Batch
    claim_id: UUID
    claim_number: str
    statement_id: UUID
    period: str
    sale_ids: tuple[UUID, ...]
    undone_sale_ids: tuple[UUID, ...]
    parts: tuple[Part, ...]
    entries: tuple[Entry, ...]


POST_ACCOUNT = Endpoint(
    method="POST", path="/shops/{shop_id:uuid}/accounts", summary="Propose the account a shop is paid on", allow=("shop_owner",),
    request=ProposeAccount, answer=Account, status=201, errors=("unknown_shop", "iban_wrong", "payment_text_wrong"),
)  # fmt: skip
GET_ACCOUNTS = Endpoint(
    method="GET", path="/accounts", summary="Accounts of shops, with their history", allow=("finance", "auditor", "shop_owner"),
    query=AccountQuery, answer=AccountList,
)  # fmt: skip
POST_ACCOUNT_APPROVE = Endpoint(
    method="POST", path="/accounts/{account_id:uuid}/approve", summary="Let a proposed account take effect", allow=("finance",),
    answer=Account, errors=("unknown_account", "account_decided", "same_person"),
)  # fmt: skip
POST_ACCOUNT_REFUSE = Endpoint(
    method="POST", path="/accounts/{account_id:uuid}/refuse", summary="Refuse a proposed account; the one before stays",
    allow=("finance",), request=RefuseAccount, answer=Account, errors=("unknown_account", "account_decided", "same_person"),
)  # fmt: skip
POST_BATCH = Endpoint(
    method="POST", path="/batches", summary="Prepare a payment batch", allow=("finance",), request=PrepareBatch, answer=FullBatch,
    status=201, errors=("unknown_claim", "claim_not_payable", "iban_not_approved", "payment_batch_empty"),
)  # fmt: skip
GET_BATCHES = Endpoint(
    method="GET", path="/batches", summary="Payment batches, newest first", allow=("finance", "auditor"), query=Page,
    answer=BatchList,
)  # fmt: skip
GET_BATCH = Endpoint(
    method="GET", path="/batches/{batch_id:uuid}", summary="One payment batch", allow=("finance", "auditor"), answer=FullBatch,
    errors=("unknown_batch",),
)  # fmt: skip
POST_BATCH_APPROVE = Endpoint(
    method="POST", path="/batches/{batch_id:uuid}/approve", summary="Approve a batch somebody else prepared", allow=("finance",),
    answer=Batch, errors=("unknown_batch", "batch_state", "same_person", "iban_not_approved", "iban_changed", "claim_lessened"),
)  # fmt: skip
POST_BATCH_RELEASE = Endpoint(
    method="POST", path="/batches/{batch_id:uuid}/release", summary="Release a batch two others prepared and approved",
    allow=("finance",), answer=Batch,
    errors=("unknown_batch", "batch_state", "same_person", "iban_not_approved", "iban_changed", "claim_lessened",
            "fund_not_known_yet"),
)  # fmt: skip
POST_BATCH_CANCEL = Endpoint(
    method="POST", path="/batches/{batch_id:uuid}/cancel", summary="Cancel a batch before its release: its claims are payable again",
    allow=("finance",), answer=Batch, errors=("unknown_batch", "batch_state"),
)  # fmt: skip
GET_PAIN001 = Endpoint(
    method="GET", path="/batches/{batch_id:uuid}/pain001", summary="A released batch for the bank (ISO 20022 pain.001)",
    allow=("finance", "auditor"), query=FileQuery, answer=bytes, media="application/xml", errors=("unknown_batch", "batch_state"),
)  # fmt: skip
GET_OPI = Endpoint(
    method="GET", path="/batches/{batch_id:uuid}/opi", summary="A released batch for the treasurer (OPI preparation)",
    allow=("finance", "auditor"), answer=bytes, media="application/xml",
    errors=("unknown_batch", "batch_state"),
)  # fmt: skip
POST_BANK_STATEMENT = Endpoint(
    method="POST", path="/bank-statements", summary="Read the bank's statement (ISO 20022 camt.053) and match it",
    allow=("finance",), answer=BankStatement, status=201, upload="application/xml", max_bytes=5 * 1024 * 1024, per_minute=30,
    errors=("bank_statement_known", "bank_statement_too_large", "bank_statement_unsafe", "bank_statement_malformed",
            "bank_statement_several", "bank_statement_foreign", "bank_statement_currency", "bank_statement_does_not_add_up"),
)  # fmt: skip
GET_BANK_STATEMENTS = Endpoint(
    method="GET", path="/bank-statements", summary="The bank's statements, newest first", allow=("finance", "auditor"),
    query=Page, answer=BankStatementList,
)  # fmt: skip
GET_BANK_STATEMENT = Endpoint(
    method="GET", path="/bank-statements/{bank_statement_id:uuid}", summary="One statement of the bank, line by line",
    allow=("finance", "auditor"), answer=FullBankStatement, errors=("unknown_bank_statement",),
)  # fmt: skip
POST_MATCH = Endpoint(
    method="POST", path="/bank-entries/{entry_id:uuid}/match", summary="Propose which payment an unmatched line belongs to",
    allow=("finance",), request=ProposeMatch, answer=Entry,
    errors=("unknown_entry", "unknown_payment", "entry_matched", "match_amount_differs", "payment_ended"),
)  # fmt: skip
POST_MATCH_ACCEPT = Endpoint(
    method="POST", path="/bank-entries/{entry_id:uuid}/accept", summary="Accept a match somebody else proposed",
    allow=("finance",), answer=Entry, errors=("unknown_entry", "match_not_proposed", "same_person", "payment_ended"),
)  # fmt: skip
POST_MATCH_REFUSE = Endpoint(
    method="POST", path="/bank-entries/{entry_id:uuid}/refuse", summary="Refuse or withdraw a proposed match: the line waits again",
    allow=("finance",), answer=Entry, errors=("unknown_entry", "match_not_proposed"),
)  # fmt: skip
GET_TRAIL = Endpoint(
    method="GET", path="/payments/{payment_id:uuid}/trail", summary="A payment from its sales to the bank's line",
    allow=("auditor", "finance"), answer=Trail, errors=("unknown_payment",),
)  # fmt: skip
