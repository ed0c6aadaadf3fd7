"""The tables of redemption."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, DateTime, ForeignKey, Index, LargeBinary, Text, UniqueConstraint
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from services.kit.db import service_metadata


class Base(DeclarativeBase):
    metadata = service_metadata()
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy's own class setting
        str: Text,
        datetime: DateTime(timezone=True),
        bytes: LargeBinary,
        list[str]: ARRAY(Text),
        list[dict[str, Any]]: JSONB,
    }


class Shop(Base):
    """A shop and its signed agreement. `opening`: a list of `{weekday, opens, closes}`."""

    __tablename__ = "shops"
    shop_id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    neighbourhood_ids: Mapped[list[str]]
    signed_on: Mapped[date]
    ends_on: Mapped[date | None]
    agreement_reference: Mapped[str]
    address: Mapped[str | None]
    opening: Mapped[list[dict[str, Any]]]
    languages: Mapped[list[str]]
    step_free: Mapped[bool]
    pork_free: Mapped[bool]
    registered_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]
    __table_args__ = (
        CheckConstraint("ends_on >= signed_on", name="agreement_days"),
        Index("ix_shops_registered_at_shop_id", "registered_at", "shop_id"),
    )


class PairingCode(Base):
    """A one-time code, known here only by its SHA-256."""

    __tablename__ = "pairing_codes"
    code_hash: Mapped[bytes] = mapped_column(primary_key=True)
    shop_id: Mapped[UUID] = mapped_column(ForeignKey("shops.shop_id"))
    expires_at: Mapped[datetime]


class Till(Base):
    __tablename__ = "tills"
    till_id: Mapped[UUID] = mapped_column(primary_key=True)
    shop_id: Mapped[UUID] = mapped_column(ForeignKey("shops.shop_id"), index=True)
    name: Mapped[str]
    paired_at: Mapped[datetime]
    unpaired_at: Mapped[datetime | None]


class Person(Base):
    """A random id. The row is what is locked while somebody pays, so that two tills cannot both use the same code or pass the
    same day's limit; and it remembers that somebody was erased, so that nothing of them is stored again."""

    __tablename__ = "people"
    person_id: Mapped[UUID] = mapped_column(primary_key=True)
    erased_at: Mapped[datetime | None]


class Participation(Base):
    """Somebody took part in a neighbourhood: their coins are good there. Heard from attendance."""

    __tablename__ = "participations"
    attendance_id: Mapped[UUID] = mapped_column(primary_key=True)
    person_id: Mapped[UUID] = mapped_column(index=True)
    neighbourhood_id: Mapped[str]


class PaymentCode(Base):
    """What a volunteer shows, known here only by its SHA-256. Forgotten a day after its end, and with it who showed it.

    `refusals`: how often the ledger said no to it (each try has its own sale id). `payment_key_id`, `step`: of one that a phone made
    by itself (`domain_offline.py`); of one phone's, none is good that is older than one that has paid.
    """

    __tablename__ = "payment_codes"
    payment_code_id: Mapped[UUID] = mapped_column(primary_key=True)
    code_hash: Mapped[bytes] = mapped_column(unique=True)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("people.person_id"))
    expires_at: Mapped[datetime] = mapped_column(index=True)
    refusals: Mapped[int]
    used_at: Mapped[datetime | None]
    replaced_at: Mapped[datetime | None]
    payment_key_id: Mapped[UUID | None] = mapped_column(ForeignKey("payment_keys.payment_key_id", ondelete="CASCADE"))
    step: Mapped[int | None]
    __table_args__ = (
        Index("ix_payment_codes_person_id", "person_id"),
        Index(
            "uq_payment_codes_asked_for", "person_id", unique=True,
            postgresql_where="used_at IS NULL AND replaced_at IS NULL AND payment_key_id IS NULL",
        ),
        UniqueConstraint("payment_key_id", "step"),
    )  # fmt: skip


class PaymentKey(Base):
    """What one phone makes codes with where it has no connection. The secret it shares with us is derived from the id, and not stored."""

    __tablename__ = "payment_keys"
    payment_key_id: Mapped[UUID] = mapped_column(primary_key=True)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("people.person_id"), index=True)
    made_at: Mapped[datetime]
    ends_at: Mapped[datetime] = mapped_column(index=True)


class Card(Base):
    """The SHA-256 (hex) of every printed card, so that a till that reads one can say what it is."""

    __tablename__ = "cards"
    code_hash: Mapped[str] = mapped_column(primary_key=True)


class Fund(Base):
    """Where a fund's coins may be spent; an empty list means anywhere. Heard from funding."""

    __tablename__ = "funds"
    fund_id: Mapped[UUID] = mapped_column(primary_key=True)
    neighbourhood_ids: Mapped[list[str]]


class Sale(Base):
    """A sale the ledger has posted. `day`: the city's. `parts`: a list of `{fund_id, amount_cents}`. `person_id` until the link is cut.

    `told`, `void_told`: whether the till had its answer; not so while the sale or the void was completed from the ledger's event.
    """

    __tablename__ = "sales"
    sale_id: Mapped[UUID] = mapped_column(primary_key=True)
    shop_id: Mapped[UUID] = mapped_column(ForeignKey("shops.shop_id"))
    till_id: Mapped[UUID] = mapped_column(ForeignKey("tills.till_id"))
    payment_code_id: Mapped[UUID] = mapped_column(unique=True)
    person_id: Mapped[UUID | None]
    neighbourhood_id: Mapped[str]
    amount_cents: Mapped[int]
    parts: Mapped[list[dict[str, Any]]]
    sold_at: Mapped[datetime]
    day: Mapped[date]
    voided_at: Mapped[datetime | None]
    told: Mapped[bool]
    void_told: Mapped[bool]
    __table_args__ = (
        CheckConstraint("amount_cents > 0", name="amount"),
        CheckConstraint("voided_at IS NOT NULL OR NOT void_told", name="void"),
        Index("ix_sales_shop_id_day", "shop_id", "day"),
        Index("ix_sales_till_id_sold_at", "till_id", "sold_at"),
        Index("ix_sales_person_id_day", "person_id", "day", postgresql_where="person_id IS NOT NULL"),
    )


class Statement(Base):
    """The days of a shop that are settled: what was sold in them can no longer be voided at the till. Heard from reimbursement."""

    __tablename__ = "statements"
    statement_id: Mapped[UUID] = mapped_column(primary_key=True)
    shop_id: Mapped[UUID] = mapped_column(index=True)
    period_from: Mapped[date]
    period_to: Mapped[date]
    issued_at: Mapped[datetime]
