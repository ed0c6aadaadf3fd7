"""The tables of shifts."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, DateTime, ForeignKey, Identity, Index, Text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from services.kit.db import service_metadata


class Base(DeclarativeBase):
    metadata = service_metadata()
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy's own class setting
        str: Text,
        datetime: DateTime(timezone=True),
        list[str]: ARRAY(Text),
    }


class Programme(Base):
    __tablename__ = "programmes"
    programme_id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    opens_on: Mapped[date]


class Organisation(Base):
    __tablename__ = "organisations"
    organisation_id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)


class Activity(Base):
    __tablename__ = "activities"
    activity_id: Mapped[UUID] = mapped_column(primary_key=True)
    programme_id: Mapped[UUID] = mapped_column(ForeignKey("programmes.programme_id"))
    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisations.organisation_id"))
    name: Mapped[str]
    place: Mapped[str]
    kind: Mapped[str]
    neighbourhood_id: Mapped[str]
    minutes: Mapped[int]
    capacity: Mapped[int]
    adults_only: Mapped[bool]
    languages: Mapped[list[str]] = mapped_column(server_default="{}")
    insured_from: Mapped[date | None]
    insured_until: Mapped[date | None]


class Shift(Base):
    """`going` and `waiting` are counted here as well, so that a list of shifts is one read; `checks.py` compares them with the sign-ups."""

    __tablename__ = "shifts"
    shift_id: Mapped[UUID] = mapped_column(primary_key=True)
    activity_id: Mapped[UUID] = mapped_column(ForeignKey("activities.activity_id"))
    programme_id: Mapped[UUID]
    organisation_id: Mapped[UUID]
    name: Mapped[str]
    place: Mapped[str]
    kind: Mapped[str]
    neighbourhood_id: Mapped[str]
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    capacity: Mapped[int]
    going: Mapped[int]
    waiting: Mapped[int]
    adults_only: Mapped[bool]
    languages: Mapped[list[str]] = mapped_column(server_default="{}")
    state: Mapped[str]
    cancel_reason: Mapped[str | None]
    __table_args__ = (
        CheckConstraint("going BETWEEN 0 AND capacity AND waiting >= 0", name="within_capacity"),
        Index("ix_shifts_ends_at_shift_id", "ends_at", "shift_id"),
    )


class Team(Base):
    __tablename__ = "teams"
    team_id: Mapped[UUID] = mapped_column(primary_key=True)
    shift_id: Mapped[UUID] = mapped_column(ForeignKey("shifts.shift_id"))
    name: Mapped[str]


class Message(Base):
    """From the coordinators to everybody on the roster of a shift."""

    __tablename__ = "messages"
    message_id: Mapped[UUID] = mapped_column(primary_key=True)
    shift_id: Mapped[UUID] = mapped_column(ForeignKey("shifts.shift_id"), index=True)
    text: Mapped[str]
    sent_at: Mapped[datetime]


class SignUp(Base):
    __tablename__ = "signups"
    signup_id: Mapped[UUID] = mapped_column(primary_key=True)
    turn: Mapped[int] = mapped_column(BigInteger, Identity(always=True), unique=True)
    shift_id: Mapped[UUID] = mapped_column(ForeignKey("shifts.shift_id"))
    person_id: Mapped[UUID]
    team_id: Mapped[UUID | None] = mapped_column(ForeignKey("teams.team_id"))
    state: Mapped[str]
    __table_args__ = (
        Index("uq_signups_living", "shift_id", "person_id", unique=True, postgresql_where="state <> 'cancelled'"),
        Index("ix_signups_person_id", "person_id"),
    )


class Person(Base):
    """What shifts needs to know of a volunteer, heard from identity."""

    __tablename__ = "people"
    person_id: Mapped[UUID] = mapped_column(primary_key=True)
    adult: Mapped[bool]
    erased: Mapped[bool]
