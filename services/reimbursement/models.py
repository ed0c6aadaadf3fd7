"""The tables of reimbursement. Amounts are integer euro cents; people are random ids."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, DateTime, ForeignKey, Index, LargeBinary, Text, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from services.kit.db import service_metadata


class Base(DeclarativeBase):
    metadata = service_metadata()
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy's own class setting
        str: Text,
        datetime: DateTime(timezone=True),
        bytes: LargeBinary,
        int: BigInteger,
    }


class Shop(Base):
    """A shop, heard from redemption. Its row is locked where its claims are numbered and where its account changes."""

    __tablename__ = "shops"
    shop_id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]


class Fund(Base):
    """What the treasurer's file says of a fund, heard from funding."""

    __tablename__ = "funds"
    fund_id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str]
    name: Mapped[str]


class Period(Base):
    __tablename__ = "periods"
    period: Mapped[str] = mapped_column(primary_key=True)
    issued_at: Mapped[datetime]
    issued_by: Mapped[UUID]
    closed_at: Mapped[datetime | None]
    closed_by: Mapped[UUID | None]


class Statement(Base):
    """State: open, queried, claimed."""

    __tablename__ = "statements"
    statement_id: Mapped[UUID] = mapped_column(primary_key=True)
    shop_id: Mapped[UUID] = mapped_column(ForeignKey("shops.shop_id"))
    period: Mapped[str] = mapped_column(ForeignKey("periods.period"))
    period_from: Mapped[date]
    period_to: Mapped[date]
    amount_cents: Mapped[int]
    sale_count: Mapped[int]
    void_count: Mapped[int]
    state: Mapped[str]
    issued_at: Mapped[datetime]
    __table_args__ = (
        UniqueConstraint("shop_id", "period"),
        CheckConstraint("amount_cents > 0", name="amount"),
        Index("ix_statements_issued_at_statement_id", "issued_at", "statement_id"),
    )


class StatementPart(Base):
    __tablename__ = "statement_parts"
    statement_id: Mapped[UUID] = mapped_column(ForeignKey("statements.statement_id"), primary_key=True)
    fund_id: Mapped[UUID] = mapped_column(primary_key=True)
    amount_cents: Mapped[int]
    __table_args__ = (CheckConstraint("amount_cents > 0", name="amount"),)


class Line(Base):
    """A sale (its `line_id` is the sale's id), or the void of one, with an amount below zero. `day`: the city's.

    `claim_id`: of a void that came when its sale was in a claim already, that claim; it then is on no statement.
    """

    __tablename__ = "lines"
    line_id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str]
    sale_id: Mapped[UUID]
    shop_id: Mapped[UUID] = mapped_column(ForeignKey("shops.shop_id"))
    till_id: Mapped[UUID]
    amount_cents: Mapped[int]
    happened_at: Mapped[datetime]
    day: Mapped[date]
    statement_id: Mapped[UUID | None] = mapped_column(ForeignKey("statements.statement_id"), index=True)
    claim_id: Mapped[UUID | None] = mapped_column(ForeignKey("claims.claim_id"), index=True)
    __table_args__ = (
        UniqueConstraint("sale_id", "kind"),
        CheckConstraint("kind = 'sale' AND amount_cents > 0 OR kind = 'void' AND amount_cents < 0", name="kind"),
        CheckConstraint("claim_id IS NULL OR kind = 'void' AND statement_id IS NULL", name="settled_once"),
        Index("ix_lines_open", "shop_id", "day", postgresql_where="statement_id IS NULL"),
    )


class LinePart(Base):
    __tablename__ = "line_parts"
    line_id: Mapped[UUID] = mapped_column(ForeignKey("lines.line_id"), primary_key=True)
    fund_id: Mapped[UUID] = mapped_column(primary_key=True)
    amount_cents: Mapped[int]


class Query(Base):
    __tablename__ = "queries"
    query_id: Mapped[UUID] = mapped_column(primary_key=True)
    statement_id: Mapped[UUID] = mapped_column(ForeignKey("statements.statement_id"), index=True)
    line_id: Mapped[UUID] = mapped_column(ForeignKey("lines.line_id"))
    reason: Mapped[str]
    asked_by: Mapped[UUID]
    asked_at: Mapped[datetime]
    answer: Mapped[str | None]
    answered_by: Mapped[UUID | None]
    answered_at: Mapped[datetime | None]
    __table_args__ = (Index("uq_queries_open", "line_id", unique=True, postgresql_where="answer IS NULL"),)


class Account(Base):
    """Where a shop is paid. Its name and number never change; a new one is a new row. State: proposed, approved, refused, replaced."""

    __tablename__ = "accounts"
    account_id: Mapped[UUID] = mapped_column(primary_key=True)
    shop_id: Mapped[UUID] = mapped_column(ForeignKey("shops.shop_id"), index=True)
    holder: Mapped[str]
    iban: Mapped[str]
    state: Mapped[str]
    proposed_by: Mapped[UUID]
    proposed_at: Mapped[datetime]
    decided_by: Mapped[UUID | None]
    decided_at: Mapped[datetime | None]
    refusal: Mapped[str | None]
    __table_args__ = (
        CheckConstraint("decided_by <> proposed_by", name="second_person"),
        CheckConstraint("state <> 'approved' OR decided_by IS NOT NULL", name="approved"),
        Index("uq_accounts_proposed", "shop_id", unique=True, postgresql_where="state = 'proposed'"),
        Index("uq_accounts_approved", "shop_id", unique=True, postgresql_where="state = 'approved'"),
        Index("ix_accounts_proposed_at_account_id", "proposed_at", "account_id"),
    )


class Claim(Base):
    """`voided_cents`: what voids of its own sales have taken off it since. What is left is paid; with nothing left it is closed."""

    __tablename__ = "claims"
    claim_id: Mapped[UUID] = mapped_column(primary_key=True)
    statement_id: Mapped[UUID] = mapped_column(ForeignKey("statements.statement_id"), unique=True)
    shop_id: Mapped[UUID] = mapped_column(ForeignKey("shops.shop_id"))
    year: Mapped[int]
    number: Mapped[int]
    amount_cents: Mapped[int]
    stamp_cents: Mapped[int]
    stamp_borne_by: Mapped[str]
    form: Mapped[str]
    made_by: Mapped[UUID]
    made_at: Mapped[datetime]
    voided_cents: Mapped[int]

    @property
    def due_cents(self) -> int:
        return self.amount_cents - self.voided_cents

    __table_args__ = (
        UniqueConstraint("shop_id", "year", "number"),
        CheckConstraint("voided_cents BETWEEN 0 AND amount_cents", name="voided"),
        Index("ix_claims_made_at_claim_id", "made_at", "claim_id"),
    )


class Batch(Base):
    """State: prepared, approved, released, cancelled."""

    __tablename__ = "batches"
    batch_id: Mapped[UUID] = mapped_column(primary_key=True)
    state: Mapped[str]
    prepared_by: Mapped[UUID]
    prepared_at: Mapped[datetime]
    approved_by: Mapped[UUID | None]
    approved_at: Mapped[datetime | None]
    released_by: Mapped[UUID | None]
    released_at: Mapped[datetime | None]
    cancelled_by: Mapped[UUID | None]
    cancelled_at: Mapped[datetime | None]
    execution_on: Mapped[date | None]
    __table_args__ = (
        CheckConstraint(
            "approved_by <> prepared_by AND released_by <> prepared_by AND released_by <> approved_by",
            name="three_people",
        ),
        CheckConstraint(
            "state <> 'released' OR num_nulls(approved_by, released_by, released_at, execution_on) = 0",
            name="released",
        ),
        Index("ix_batches_prepared_at_batch_id", "prepared_at", "batch_id"),
    )


class BankFile(Base):
    """What was released, byte by byte: written once, so that every download is the same whatever changes afterwards."""

    __tablename__ = "bank_files"
    batch_id: Mapped[UUID] = mapped_column(ForeignKey("batches.batch_id"), primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    content: Mapped[bytes]


class Payment(Base):
    """A claim in a batch. State: prepared, released, settled, returned, cancelled; the last two leave the claim payable again.

    `was_settled`: its debit had been read before it came back.
    """

    __tablename__ = "payments"
    payment_id: Mapped[UUID] = mapped_column(primary_key=True)
    batch_id: Mapped[UUID] = mapped_column(ForeignKey("batches.batch_id"), index=True)
    claim_id: Mapped[UUID] = mapped_column(ForeignKey("claims.claim_id"))
    shop_id: Mapped[UUID] = mapped_column(ForeignKey("shops.shop_id"), index=True)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.account_id"))
    amount_cents: Mapped[int]
    state: Mapped[str]
    booked_on: Mapped[date | None]
    returned_on: Mapped[date | None]
    return_reason: Mapped[str | None]
    was_settled: Mapped[bool | None]
    __table_args__ = (
        # A claim is in one living batch at most, whoever prepares at the same moment.
        Index(
            "uq_payments_living", "claim_id", unique=True,
            postgresql_where="state IN ('prepared', 'released', 'settled')",
        ),
    )  # fmt: skip


class BankStatement(Base):
    """A statement of the bank. The same file twice has the same `sha256`; the same statement written anew has the same balances."""

    __tablename__ = "bank_statements"
    bank_statement_id: Mapped[UUID] = mapped_column(primary_key=True)
    sha256: Mapped[str] = mapped_column(unique=True)
    statement_ref: Mapped[str]
    from_date: Mapped[date | None]
    to_date: Mapped[date | None]
    opening_cents: Mapped[int]
    closing_cents: Mapped[int]
    uploaded_by: Mapped[UUID]
    uploaded_at: Mapped[datetime]
    __table_args__ = (
        UniqueConstraint(
            "statement_ref", "from_date", "to_date", "opening_cents", "closing_cents",
            name="uq_bank_statements_same", postgresql_nulls_not_distinct=True,
        ),
        Index("ix_bank_statements_uploaded_at_bank_statement_id", "uploaded_at", "bank_statement_id"),
    )  # fmt: skip


class BankEntry(Base):
    """One movement (a booking of several payments is several rows). State: matched, proposed, unmatched, credited."""

    __tablename__ = "bank_entries"
    entry_id: Mapped[UUID] = mapped_column(primary_key=True)
    bank_statement_id: Mapped[UUID] = mapped_column(ForeignKey("bank_statements.bank_statement_id"))
    position: Mapped[int]
    entry_ref: Mapped[str]
    direction: Mapped[str]
    amount_cents: Mapped[int]
    booked_on: Mapped[date]
    end_to_end_id: Mapped[str | None]
    remittance: Mapped[str]
    return_reason: Mapped[str | None]
    reference: Mapped[str | None]
    state: Mapped[str]
    why: Mapped[str | None]
    payment_id: Mapped[UUID | None] = mapped_column(ForeignKey("payments.payment_id"), index=True)
    match_reason: Mapped[str | None]
    proposed_by: Mapped[UUID | None]
    accepted_by: Mapped[UUID | None]
    __table_args__ = (
        UniqueConstraint("bank_statement_id", "position"),
        CheckConstraint("accepted_by <> proposed_by", name="second_person"),
        CheckConstraint("state <> 'matched' OR payment_id IS NOT NULL", name="matched"),
    )
