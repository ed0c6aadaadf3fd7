"""The tables of the ledger. Triggers that keep some of them append-only are in the first migration."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Computed,
    DateTime,
    FetchedValue,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Text,
    Uuid,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from services.kit.db import service_metadata

HASHED = FetchedValue()
"""The SHA-256 of the row without it, as PostgreSQL writes it as jsonb in UTC: a trigger sets it, the audit computes it again."""


RARE = "kind IN ('topup', 'topup_reversal', 'fee', 'payment_settled', 'expiry', 'correction', 'payment_returned')"
"""Transfers that are few beside awards and sales, and from which, with what stands on the accounts, the sums of those two follow."""


class Base(DeclarativeBase):
    metadata = service_metadata()
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy's own class setting
        str: Text,
        int: BigInteger,
        bytes: LargeBinary,
        datetime: DateTime(timezone=True),
        dict[str, Any]: JSONB,
    }


class Account(Base):
    """A counterpart of value, of one fund. Posted counters only grow; balance = credits - debits.

    `person`: whose lot it is, until that link is cut. `positive` and `expires_on` let the expiry job find exactly the lots that still
    hold coins, however late a void put them back.
    """

    __tablename__ = "accounts"
    id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    code: Mapped[str] = mapped_column(Text(collation="C"), unique=True)  # byte order: a wallet is a range of codes
    fund: Mapped[UUID]
    person: Mapped[UUID | None]
    floored: Mapped[bool]
    closed: Mapped[bool]
    expires_on: Mapped[date | None]
    debits_posted: Mapped[int]
    credits_posted: Mapped[int]
    debits_held: Mapped[int]
    credits_held: Mapped[int]
    version: Mapped[int]
    positive: Mapped[bool] = mapped_column(Computed("credits_posted > debits_posted", persisted=True))
    __table_args__ = (
        CheckConstraint("NOT floored OR credits_posted - debits_posted - debits_held >= 0", name="floor"),
        CheckConstraint("least(debits_posted, credits_posted, debits_held, credits_held) >= 0", name="counters"),
        Index("uq_accounts_person", "person", "fund", "expires_on", unique=True, postgresql_where="person IS NOT NULL"),
        Index("ix_accounts_held", "id", postgresql_where="debits_held > 0"),
        Index("ix_accounts_lots", "expires_on", postgresql_where="positive AND expires_on IS NOT NULL"),
        Index("ix_accounts_no_lots", "fund", postgresql_where="expires_on IS NULL"),
    )


class Transfer(Base):
    """One balanced move; `domain_values.Transfer` says what the columns mean.

    No foreign keys: they cost 30-50 % here. An account exists because it was locked when the transfer was written. `seq` is drawn before
    commit, and transactions commit out of order: who tails it must mind the gaps (`sealing.py`).
    """

    __tablename__ = "transfers"
    seq: Mapped[int] = mapped_column(Identity(always=True), unique=True)
    debit_account: Mapped[int]
    credit_account: Mapped[int]
    amount_cents: Mapped[int]
    occurred_at: Mapped[datetime]
    posted_at: Mapped[datetime]
    id: Mapped[UUID] = mapped_column(primary_key=True)
    journal: Mapped[UUID]
    cause: Mapped[UUID]
    fund: Mapped[UUID]
    reversal_of: Mapped[UUID | None]
    kind: Mapped[str]
    leaf: Mapped[bytes]
    __table_args__ = (
        CheckConstraint("amount_cents > 0", name="amount"),
        CheckConstraint("debit_account <> credit_account", name="two_sides"),
        CheckConstraint("octet_length(leaf) = 32", name="leaf"),
        Index("ix_transfers_debit_account_posted_at", "debit_account", "posted_at"),
        Index("ix_transfers_credit_account_posted_at", "credit_account", "posted_at"),
        Index("ix_transfers_reversal_of", "reversal_of", postgresql_where="reversal_of IS NOT NULL"),
        Index("uq_transfers_voided", "reversal_of", unique=True, postgresql_where="kind = 'void'"),
        Index("ix_transfers_rare", "fund", "kind", postgresql_where=RARE),
    )


class Outcome(Base):
    """What became of each request, refusals too, for good. The same id with another `payload` is a conflict."""

    __tablename__ = "outcomes"
    request_id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str]
    payload: Mapped[bytes]
    state: Mapped[str]
    amount_cents: Mapped[int]
    code: Mapped[str | None]
    facts: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    decided_at: Mapped[datetime]
    leaf: Mapped[bytes]
    __table_args__ = (
        CheckConstraint("state IN ('posted', 'refused')", name="state"),
        CheckConstraint("(state = 'refused') = (code IS NOT NULL)", name="code"),
        CheckConstraint("amount_cents >= 0 AND (state = 'posted' OR amount_cents = 0)", name="amount"),
        CheckConstraint("octet_length(leaf) = 32", name="leaf"),
    )


class Hold(Base):
    """One leg of a hold, for good. `until` is by the database's clock."""

    __tablename__ = "holds"
    hold_id: Mapped[UUID] = mapped_column(primary_key=True)
    leg: Mapped[int] = mapped_column(Integer, primary_key=True)
    debit_account: Mapped[int]
    credit_account: Mapped[int]
    amount_cents: Mapped[int]
    until: Mapped[datetime]
    leaf: Mapped[bytes] = mapped_column(server_default=HASHED)
    __table_args__ = (
        CheckConstraint("amount_cents > 0", name="amount"),
        Index("ix_holds_debit_account", "debit_account"),
    )


class HoldEnd(Base):
    """How a hold ended, for good: its key lets it end once."""

    __tablename__ = "hold_ends"
    hold_id: Mapped[UUID] = mapped_column(primary_key=True)
    how: Mapped[str]
    request_id: Mapped[UUID]
    ended_at: Mapped[datetime]
    leaf: Mapped[bytes] = mapped_column(server_default=HASHED)
    __table_args__ = (CheckConstraint("how IN ('post', 'void', 'expire')", name="how"),)


class ClosedPeriod(Base):
    """A month finance has closed (YYYY-MM), with the instant it ended: nothing is booked before that any more. `last_seq`: the last
    transfer before it was closed; all of the period are up to there. The sealer adds the root over all balances as they stood then."""

    __tablename__ = "closed_periods"
    period: Mapped[str] = mapped_column(primary_key=True)
    ends_at: Mapped[datetime]
    closed_at: Mapped[datetime]
    last_seq: Mapped[int]


class WaitingAward(Base):
    """An award no fund could cover yet: the event that asked for it, the plans it may be paid by now, its turn in the line."""

    __tablename__ = "waiting_awards"
    award_id: Mapped[UUID] = mapped_column(primary_key=True)
    turn: Mapped[int] = mapped_column(Identity(always=True), unique=True)
    person_id: Mapped[UUID] = mapped_column(index=True)
    fund_ids: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid))
    amount_cents: Mapped[int]
    reason: Mapped[str]
    since: Mapped[datetime]
    plans: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    envelope: Mapped[bytes]
    leaf: Mapped[bytes] = mapped_column(server_default=HASHED)
    __table_args__ = (
        CheckConstraint("amount_cents > 0", name="amount"),
        Index("ix_waiting_awards_fund_ids", "fund_ids", postgresql_using="gin"),
    )


class WithdrawnAward(Base):
    """An issued award that was withdrawn, for good. `kept_cents`: what it did not give back, because it was spent (or has expired).
    A later award of the same attendance gives so much less."""

    __tablename__ = "withdrawn_awards"
    award_id: Mapped[UUID] = mapped_column(primary_key=True)
    attendance_id: Mapped[UUID] = mapped_column(index=True)
    kept_cents: Mapped[int]
    leaf: Mapped[bytes] = mapped_column(server_default=HASHED)
    __table_args__ = (CheckConstraint("kept_cents >= 0", name="kept"),)


class Summed(Base):
    """How far `account_sums` goes, in one row: up to `upto`, except what is `missing` – numbers drawn by transactions that had not
    committed (or never will). `missing_since`: for each, the first transaction id that had not begun when it was noticed."""

    __tablename__ = "summed"
    one: Mapped[bool] = mapped_column(primary_key=True)
    upto: Mapped[int]
    missing: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))
    missing_since: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))
    __table_args__ = (CheckConstraint("one", name="one"),)


class LastCheck(Base):
    """What the job last found of the invariants, in one row, for books too large to be checked while somebody waits."""

    __tablename__ = "last_check"
    one: Mapped[bool] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    answer: Mapped[dict[str, Any]] = mapped_column(JSONB)
    __table_args__ = (CheckConstraint("one", name="one"),)


class AccountSum(Base):
    """At most 500 neighbouring entries of an account by one clock, and their sums: so a balance at a past instant need not add them all.

    `upto`: by which step of the job; `amounts`: below zero for a debit, in order of `instants`. Lots have too few entries to need this.
    """

    __tablename__ = "account_sums"
    account: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    clock: Mapped[str] = mapped_column(primary_key=True)
    upto: Mapped[int] = mapped_column(primary_key=True)
    part: Mapped[int] = mapped_column(Integer, primary_key=True)
    first: Mapped[datetime]
    last: Mapped[datetime]
    debits: Mapped[int]
    credits: Mapped[int]
    instants: Mapped[list[datetime]] = mapped_column(ARRAY(DateTime(timezone=True)))
    amounts: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))
    __table_args__ = (CheckConstraint("clock IN ('posted_at', 'occurred_at')", name="clock"),)
