"""The tables of attendance: what it heard of shifts and people, and who was there."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, DateTime, ForeignKey, Index, Text, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from services.kit.db import service_metadata


class Base(DeclarativeBase):
    metadata = service_metadata()
    type_annotation_map = {str: Text, datetime: DateTime(timezone=True)}  # noqa: RUF012 - SQLAlchemy's own class setting


class Shift(Base):
    """A shift as heard from shifts, and the `secret` (32 random bytes, never leaving this table) its codes are made with."""

    __tablename__ = "shifts"
    shift_id: Mapped[UUID] = mapped_column(primary_key=True)
    programme_id: Mapped[UUID]
    organisation_id: Mapped[UUID]
    place: Mapped[str]
    kind: Mapped[str]
    neighbourhood_id: Mapped[str]
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    capacity: Mapped[int]
    adults_only: Mapped[bool]
    cancelled: Mapped[bool]
    secret: Mapped[bytes]


class SignUp(Base):
    __tablename__ = "signups"
    signup_id: Mapped[UUID] = mapped_column(primary_key=True)
    shift_id: Mapped[UUID]
    person_id: Mapped[UUID]
    state: Mapped[str]
    __table_args__ = (Index("ix_signups_shift_id_person_id", "shift_id", "person_id"),)


class Person(Base):
    __tablename__ = "people"
    person_id: Mapped[UUID] = mapped_column(primary_key=True)
    adult: Mapped[bool]
    erased: Mapped[bool]


class Card(Base):
    """A printed card: the SHA-256 of its code finds the person."""

    __tablename__ = "cards"
    card_id: Mapped[UUID] = mapped_column(primary_key=True)
    person_id: Mapped[UUID] = mapped_column(index=True)
    code_hash: Mapped[str] = mapped_column(index=True)
    revoked: Mapped[bool]


class Name(Base):
    """The public name of a programme or an organisation, for certificates."""

    __tablename__ = "names"
    owner_id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]


class Attendance(Base):
    """One person at one shift, once. `in_step`: the step of the code used to come in; the same one cannot be used to leave.

    `minutes`: as recorded at the check-out, then as last confirmed. The note of a dispute lives only while it waits.
    """

    __tablename__ = "attendances"
    attendance_id: Mapped[UUID] = mapped_column(primary_key=True)
    shift_id: Mapped[UUID] = mapped_column(ForeignKey("shifts.shift_id"))
    person_id: Mapped[UUID]
    state: Mapped[str]
    walk_in: Mapped[bool]
    witness: Mapped[str | None]
    in_step: Mapped[int | None] = mapped_column(BigInteger)
    checked_in_at: Mapped[datetime | None]
    checked_out_at: Mapped[datetime | None]
    forgotten: Mapped[bool]
    minutes: Mapped[int | None]
    revision: Mapped[int]
    disputed_at: Mapped[datetime | None]
    dispute_reason: Mapped[str | None]
    dispute_note: Mapped[str | None]
    __table_args__ = (
        UniqueConstraint("shift_id", "person_id"),
        CheckConstraint("state IN ('open', 'confirmed', 'disputed', 'rejected')", name="state"),
        CheckConstraint("state <> 'open' OR checked_in_at IS NOT NULL", name="opened"),
        CheckConstraint("state <> 'confirmed' OR minutes > 0", name="confirmed_minutes"),
        CheckConstraint("checked_out_at >= checked_in_at", name="out_after_in"),
        CheckConstraint("dispute_note IS NULL OR state = 'disputed'", name="note_while_disputed"),
        Index("ix_attendances_person_id", "person_id"),
        Index("ix_attendances_inside", "shift_id", postgresql_where="state = 'open' AND checked_out_at IS NULL"),
        Index("ix_attendances_disputed", "disputed_at", "attendance_id", postgresql_where="state = 'disputed'"),
    )


class Decision(Base):
    """Each confirmation and rejection, as it was taken; kept for the auditor. `decided_by` is None where a cancelled shift decided."""

    __tablename__ = "decisions"
    attendance_id: Mapped[UUID] = mapped_column(ForeignKey("attendances.attendance_id"), primary_key=True)
    revision: Mapped[int] = mapped_column(primary_key=True)
    verdict: Mapped[str]
    minutes: Mapped[int | None]
    reason: Mapped[str | None]
    settles_dispute: Mapped[bool]
    decided_by: Mapped[UUID | None]
    decided_at: Mapped[datetime]
