"""The tables of funding: funds and the money in them, and what was heard of what it became."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, DateTime, ForeignKey, Index, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from services.kit.db import service_metadata


class Base(DeclarativeBase):
    metadata = service_metadata()
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy's own class setting
        str: Text,
        int: BigInteger,
        datetime: DateTime(timezone=True),
        dict[str, Any]: JSONB,
    }


class Sponsor(Base):
    """`kind`: an organisation by its legal name, or a private person by the name they chose to be called."""

    __tablename__ = "sponsors"
    sponsor_id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str]
    name: Mapped[str] = mapped_column(unique=True)


class Fund(Base):
    """`earmark` as in `fund.opened`, sorted, so that equal purposes are equal rows. `opened_by`: None where a top-up opened it."""

    __tablename__ = "funds"
    fund_id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str]
    name: Mapped[str]
    rank: Mapped[int]
    earmark: Mapped[dict[str, Any]]
    sponsor_id: Mapped[UUID | None] = mapped_column(ForeignKey("sponsors.sponsor_id"))
    share_permille: Mapped[int | None]
    max_share_permille: Mapped[int | None]
    co_fund_id: Mapped[UUID | None] = mapped_column(ForeignKey("funds.fund_id"))
    act: Mapped[str | None]
    opens_on: Mapped[date | None]
    ends_on: Mapped[date | None]
    opened_at: Mapped[datetime]
    opened_by: Mapped[UUID | None]
    closed_at: Mapped[datetime | None]
    closed_by: Mapped[UUID | None]
    __table_args__ = (
        CheckConstraint("(kind = 'sponsor') = (sponsor_id IS NOT NULL)", name="sponsor"),
        CheckConstraint("(kind = 'grant') = (share_permille IS NOT NULL)", name="grant"),
        CheckConstraint("share_permille <= max_share_permille", name="share"),
        Index("ix_funds_opened_at_fund_id", "opened_at", "fund_id"),
        Index(
            "uq_funds_purpose", "sponsor_id", "earmark", unique=True,
            postgresql_where=text("sponsor_id IS NOT NULL AND closed_at IS NULL"),
        ),
    )  # fmt: skip


class SetAside(Base):
    """Money of the budget for a fund: prepared by one person of finance, decided by another (withdrawn: by any)."""

    __tablename__ = "set_asides"
    set_aside_id: Mapped[UUID] = mapped_column(primary_key=True)
    fund_id: Mapped[UUID] = mapped_column(ForeignKey("funds.fund_id"))
    amount_cents: Mapped[int]
    act: Mapped[str]
    state: Mapped[str]
    prepared_by: Mapped[UUID]
    prepared_at: Mapped[datetime]
    decided_by: Mapped[UUID | None]
    decided_at: Mapped[datetime | None]
    __table_args__ = (Index("ix_set_asides_prepared_at_set_aside_id", "prepared_at", "set_aside_id"),)


class TopUp(Base):
    """A sponsor's pledge. `dispute_fee_cents`: what the processor keeps of it now for disputes; the city bears that."""

    __tablename__ = "topups"
    topup_id: Mapped[UUID] = mapped_column(primary_key=True)
    sponsor_id: Mapped[UUID] = mapped_column(ForeignKey("sponsors.sponsor_id"))
    fund_id: Mapped[UUID] = mapped_column(ForeignKey("funds.fund_id"))
    amount_cents: Mapped[int]
    method: Mapped[str]
    state: Mapped[str]
    made_at: Mapped[datetime]
    session_id: Mapped[str | None]
    checkout_url: Mapped[str | None]
    reference: Mapped[str | None] = mapped_column(unique=True)
    dispute_fee_cents: Mapped[int] = mapped_column(server_default="0")
    __table_args__ = (
        CheckConstraint("session_id IS NULL OR reference IS NULL", name="one_way"),
        Index("ix_topups_sponsor_id_made_at_topup_id", "sponsor_id", "made_at", "topup_id"),
        Index("ix_topups_fund_id", "fund_id"),
    )


class Settlement(Base):
    """One `topup.settled`: money that came. `turn` counts those of one top-up; money set aside has none."""

    __tablename__ = "settlements"
    settlement_id: Mapped[UUID] = mapped_column(primary_key=True)
    fund_id: Mapped[UUID] = mapped_column(ForeignKey("funds.fund_id"))
    topup_id: Mapped[UUID | None] = mapped_column(ForeignKey("topups.topup_id"))
    turn: Mapped[int]
    amount_cents: Mapped[int]
    fee_cents: Mapped[int]
    taken_back_cents: Mapped[int] = mapped_column(server_default="0")
    channel: Mapped[str]
    settled_at: Mapped[datetime]
    __table_args__ = (
        CheckConstraint("amount_cents > 0 AND fee_cents BETWEEN 0 AND amount_cents", name="amounts"),
        CheckConstraint("taken_back_cents BETWEEN 0 AND amount_cents", name="taken_back"),
        UniqueConstraint("topup_id", "turn"),
        Index("ix_settlements_fund_id", "fund_id"),
    )


class Reversal(Base):
    """One `topup.reversed`: money of a settlement that left again."""

    __tablename__ = "reversals"
    reversal_id: Mapped[UUID] = mapped_column(primary_key=True)
    settlement_id: Mapped[UUID] = mapped_column(ForeignKey("settlements.settlement_id"), index=True)
    amount_cents: Mapped[int]
    reversed_at: Mapped[datetime]


class Credit(Base):
    """A credit line of the bank's statement. *matched* by its reference, or *unassigned* (`reason`) until two people gave it a fund."""

    __tablename__ = "credits"
    entry_id: Mapped[UUID] = mapped_column(primary_key=True)
    amount_cents: Mapped[int]
    booked_on: Mapped[date]
    reference: Mapped[str | None]
    heard_at: Mapped[datetime]
    state: Mapped[str]
    reason: Mapped[str | None]
    fund_id: Mapped[UUID | None] = mapped_column(ForeignKey("funds.fund_id"))
    settlement_id: Mapped[UUID | None] = mapped_column(ForeignKey("settlements.settlement_id"), unique=True)
    proposed_by: Mapped[UUID | None]
    approved_by: Mapped[UUID | None]
    __table_args__ = (
        Index("ix_credits_open", "heard_at", "entry_id", postgresql_where=text("state IN ('unassigned', 'proposed')")),
    )


class Flow(Base):
    """Heard from the ledger and the bank: what moved through a fund, each column a sum that only ever adds up events."""

    __tablename__ = "flows"
    fund_id: Mapped[UUID] = mapped_column(primary_key=True)
    in_cents: Mapped[int] = mapped_column(server_default="0")
    issued_cents: Mapped[int] = mapped_column(server_default="0")
    expired_cents: Mapped[int] = mapped_column(server_default="0")
    spent_cents: Mapped[int] = mapped_column(server_default="0")
    paid_cents: Mapped[int] = mapped_column(server_default="0")


class Attendance(Base):
    """Heard from attendance: where, when and how long. `minutes` 0: the newest word is that the person did not take part."""

    __tablename__ = "attendances"
    attendance_id: Mapped[UUID] = mapped_column(primary_key=True)
    neighbourhood_id: Mapped[str]
    month: Mapped[str]
    minutes: Mapped[int]


class Award(Base):
    """Heard from awards: which attendance an award is for. After a correction an attendance has several."""

    __tablename__ = "awards"
    award_id: Mapped[UUID] = mapped_column(primary_key=True)
    attendance_id: Mapped[UUID] = mapped_column(index=True)


class Backing(Base):
    """Heard from the ledger: the coins of an award that a fund stands behind, less what was withdrawn."""

    __tablename__ = "backings"
    award_id: Mapped[UUID] = mapped_column(primary_key=True)
    fund_id: Mapped[UUID] = mapped_column(primary_key=True)
    person_id: Mapped[UUID]
    amount_cents: Mapped[int]
    __table_args__ = (Index("ix_backings_fund_id", "fund_id"),)


class Purchase(Base):
    """Heard from the ledger: what was paid with coins of a fund. Nobody here knows by whom."""

    __tablename__ = "purchases"
    sale_id: Mapped[UUID] = mapped_column(primary_key=True)
    fund_id: Mapped[UUID] = mapped_column(primary_key=True)
    shop_id: Mapped[UUID]
    neighbourhood_id: Mapped[str]
    amount_cents: Mapped[int]
    __table_args__ = (Index("ix_purchases_fund_id", "fund_id"),)
