"""The tables of awards."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, DateTime, ForeignKey, Index, Text, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from services.kit.db import service_metadata


class Base(DeclarativeBase):
    metadata = service_metadata()
    type_annotation_map = {str: Text, datetime: DateTime(timezone=True)}  # noqa: RUF012 - SQLAlchemy's own class setting


class Programme(Base):
    """What awards needs to know of a programme, heard from shifts: that there is one rules can be set for."""

    __tablename__ = "programmes"
    programme_id: Mapped[UUID] = mapped_column(primary_key=True)


class Rule(Base):
    """Never changed, never deleted (a trigger refuses it): the row an old award points to still says what it said then."""

    __tablename__ = "rules"
    rule_id: Mapped[UUID] = mapped_column(primary_key=True)
    programme_id: Mapped[UUID] = mapped_column(ForeignKey("programmes.programme_id"))
    valid_from: Mapped[date]
    form: Mapped[str]
    coins: Mapped[int]
    least_minutes: Mapped[int]
    most_hours: Mapped[int | None]
    legal_basis: Mapped[str]
    set_by: Mapped[UUID]
    set_at: Mapped[datetime]
    __table_args__ = (UniqueConstraint("programme_id", "valid_from"),)


class Cap(Base):
    """A ceiling set after those of the city's settings. Never changed, never deleted (a trigger refuses it)."""

    __tablename__ = "caps"
    cap_id: Mapped[UUID] = mapped_column(primary_key=True)
    cap: Mapped[str]
    amount_cents: Mapped[int]
    since: Mapped[date]
    legal_basis: Mapped[str]
    set_by: Mapped[UUID]
    set_at: Mapped[datetime]
    __table_args__ = (CheckConstraint("amount_cents > 0", name="amount"), UniqueConstraint("cap", "since"))


class Fund(Base):
    """A fund as `fund.opened` told it (`terms`), heard from funding."""

    __tablename__ = "funds"
    fund_id: Mapped[UUID] = mapped_column(primary_key=True)
    terms: Mapped[dict[str, Any]] = mapped_column(JSONB)
    open: Mapped[bool]


class Person(Base):
    """A row to lock: two batches may not both give the rest of one person's ceiling."""

    __tablename__ = "people"
    person_id: Mapped[UUID] = mapped_column(primary_key=True)


class Heard(Base):
    """The newest revision heard of an attendance, confirmed or rejected: older ones arriving late change nothing."""

    __tablename__ = "heard"
    attendance_id: Mapped[UUID] = mapped_column(primary_key=True)
    revision: Mapped[int]


class Award(Base):
    """What a confirmed attendance earned, also when that was nothing. `day` is the city's day the shift started on.

    The ceilings in force are kept with it, so that `checks.py` can hold every sum against them. `kept_cents`: spent before the award
    was withdrawn, and so still given: part of what the next award of the attendance gives, not beside it.
    """

    __tablename__ = "awards"
    award_id: Mapped[UUID] = mapped_column(primary_key=True)
    attendance_id: Mapped[UUID]
    revision: Mapped[int]
    person_id: Mapped[UUID] = mapped_column(ForeignKey("people.person_id"))
    shift_id: Mapped[UUID]
    programme_id: Mapped[UUID]
    neighbourhood_id: Mapped[str]
    kind: Mapped[str]
    place: Mapped[str]
    started_at: Mapped[datetime]
    day: Mapped[date]
    minutes: Mapped[int]
    rule_id: Mapped[UUID]
    rule_cents: Mapped[int]
    amount_cents: Mapped[int]
    cut_by: Mapped[str | None]
    day_cap_cents: Mapped[int | None]
    month_cap_cents: Mapped[int | None]
    plans: Mapped[list[Any]] = mapped_column(JSONB)
    expires_on: Mapped[date]
    state: Mapped[str]
    waiting_for: Mapped[str | None]
    kept_cents: Mapped[int]
    decided_at: Mapped[datetime]
    __table_args__ = (
        CheckConstraint("amount_cents BETWEEN 0 AND rule_cents", name="within_rule"),
        CheckConstraint("kept_cents BETWEEN 0 AND amount_cents", name="kept_of_given"),
        CheckConstraint("(cut_by IS NOT NULL) = (amount_cents < rule_cents)", name="cut_has_a_ceiling"),
        Index("uq_awards_living", "attendance_id", unique=True, postgresql_where="state <> 'withdrawn'"),
        Index("ix_awards_unissued", "award_id", postgresql_where="state IN ('awarded', 'waiting')"),
        Index("ix_awards_kept", "attendance_id", postgresql_where="kept_cents > 0"),
        Index("ix_awards_person_id_day", "person_id", "day"),
        Index("ix_awards_person_id_decided_at_award_id", "person_id", "decided_at", "award_id"),
        Index("ix_awards_decided_at_award_id", "decided_at", "award_id"),
        Index("ix_awards_programme_id_day", "programme_id", "day"),
    )
