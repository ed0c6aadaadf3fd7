"""The tables of impact: a read model, one row a thing that happened, so that a correction replaces it."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, DateTime, LargeBinary, Text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from services.kit.db import service_metadata


class Base(DeclarativeBase):
    metadata = service_metadata()
    type_annotation_map = {str: Text, bytes: LargeBinary, datetime: DateTime(timezone=True)}  # noqa: RUF012 - SQLAlchemy's own class setting


class Participation(Base):
    """The latest word on one attendance; `month` (YYYY-MM) in the city's zone. A rejected one has no minutes and does not count."""

    __tablename__ = "participations"
    attendance_id: Mapped[UUID] = mapped_column(primary_key=True)
    revision: Mapped[int]
    counts: Mapped[bool]
    person_id: Mapped[UUID | None]
    shift_id: Mapped[UUID | None]
    neighbourhood_id: Mapped[str | None]
    month: Mapped[str | None]
    place: Mapped[str | None]
    minutes: Mapped[int]


class Issued(Base):
    """Coins that reached a wallet, less what was withdrawn."""

    __tablename__ = "issued"
    award_id: Mapped[UUID] = mapped_column(primary_key=True)
    neighbourhood_id: Mapped[str]
    month: Mapped[str]
    amount_cents: Mapped[int]
    withdrawn_cents: Mapped[int]


class Sale(Base):
    """A sale, by shop and neighbourhood; nobody knows whose."""

    __tablename__ = "sales"
    sale_id: Mapped[UUID] = mapped_column(primary_key=True)
    shop_id: Mapped[UUID]
    neighbourhood_id: Mapped[str]
    month: Mapped[str]
    amount_cents: Mapped[int]
    voided: Mapped[bool]


class Kept(Base):
    """The figures (`api.Impact` as JSON) as they were last worked out, in one row. `until`: the month (YYYY-MM) that was running then;
    None when something of a month before was heard since."""

    __tablename__ = "kept"
    one: Mapped[bool] = mapped_column(primary_key=True)
    until: Mapped[str | None]
    figures: Mapped[bytes | None]
    __table_args__ = (CheckConstraint("one", name="one"),)
