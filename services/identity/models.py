"""The tables of identity.

What is personal is sealed with the person's key or kept as a keyed hash only; codes and secrets never lie here in clear.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, DateTime, ForeignKey, Index, LargeBinary, Text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from services.kit.db import service_metadata


class Base(DeclarativeBase):
    metadata = service_metadata()
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy's own class setting
        str: Text,
        datetime: DateTime(timezone=True),
        bytes: LargeBinary,
    }


class Organisation(Base):
    """An organisation heard of from shifts: it may invite, and has a vault."""

    __tablename__ = "organisations"
    organisation_id: Mapped[UUID] = mapped_column(primary_key=True)


class Person(Base):
    """`organisation_id`: through which a volunteer joined (None for staff). An erased person is an id and two instants, nothing else."""

    __tablename__ = "people"
    person_id: Mapped[UUID] = mapped_column(primary_key=True)
    organisation_id: Mapped[UUID | None] = mapped_column(ForeignKey("organisations.organisation_id"))
    adult: Mapped[bool | None]
    language: Mapped[str | None]
    pin_hash: Mapped[str | None]
    joined_at: Mapped[datetime]
    erased_at: Mapped[datetime | None]
    __table_args__ = (
        CheckConstraint("erased_at IS NOT NULL OR num_nonnulls(adult, language) = 2", name="living_is_known"),
        CheckConstraint(
            "erased_at IS NULL OR num_nonnulls(organisation_id, adult, language, pin_hash) = 0", name="erased_is_empty"
        ),
        Index("ix_people_organisation_id_joined_at_person_id", "organisation_id", "joined_at", "person_id"),
    )


class PersonKey(Base):
    """The person's own key, wrapped with the installation's. Deleting this row is what erasure means."""

    __tablename__ = "person_keys"
    person_id: Mapped[UUID] = mapped_column(ForeignKey("people.person_id"), primary_key=True)
    wrapped: Mapped[bytes]


class Name(Base):
    """What an organisation's vault holds on a person, sealed with the person's key."""

    __tablename__ = "names"
    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisations.organisation_id"), primary_key=True)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("people.person_id"), primary_key=True)
    nickname_sealed: Mapped[bytes | None]
    name_sealed: Mapped[bytes | None]
    __table_args__ = (Index("ix_names_person_id", "person_id"),)


class Unmasking(Base):
    """A name was opened, or a code for new pictures made. The reason is sealed with the person's key: it may be about them."""

    __tablename__ = "unmaskings"
    unmasking_id: Mapped[UUID] = mapped_column(primary_key=True)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("people.person_id"))
    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisations.organisation_id"))
    looked_by: Mapped[UUID] = mapped_column(ForeignKey("people.person_id"))
    role: Mapped[str]
    reason_sealed: Mapped[bytes]
    looked_at: Mapped[datetime]
    __table_args__ = (
        Index("ix_unmaskings_person_id_looked_at_unmasking_id", "person_id", "looked_at", "unmasking_id"),
    )


class Role(Base):
    """A role held from `granted_at` until `revoked_at`. `granted_by` is None for joining and for the first administrator."""

    __tablename__ = "roles"
    role_id: Mapped[UUID] = mapped_column(primary_key=True)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("people.person_id"))
    role: Mapped[str]
    scope_id: Mapped[UUID | None]
    granted_at: Mapped[datetime]
    granted_by: Mapped[UUID | None]
    revoked_at: Mapped[datetime | None]
    revoked_by: Mapped[UUID | None]
    __table_args__ = (
        Index(
            "uq_roles_living", "person_id", "role", "scope_id",
            unique=True, postgresql_where="revoked_at IS NULL", postgresql_nulls_not_distinct=True,
        ),
    )  # fmt: skip


class Card(Base):
    """A printed card. Its code is made anew from its id and the installation's key; here lies only the code's SHA-256 (hex)."""

    __tablename__ = "cards"
    card_id: Mapped[UUID] = mapped_column(primary_key=True)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("people.person_id"))
    code_hash: Mapped[str] = mapped_column(unique=True)
    replaces_card_id: Mapped[UUID | None] = mapped_column(ForeignKey("cards.card_id"))
    issued_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    __table_args__ = (
        Index("uq_cards_living", "person_id", unique=True, postgresql_where="revoked_at IS NULL"),
        Index("ix_cards_person_id", "person_id"),
    )


class Invitation(Base):
    """For one volunteer, once. `person_id`: who joined with it; the link goes with the row when it expires or the person is erased."""

    __tablename__ = "invitations"
    invitation_id: Mapped[UUID] = mapped_column(primary_key=True)
    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisations.organisation_id"))
    code_hash: Mapped[str] = mapped_column(unique=True)
    adult: Mapped[bool]
    language: Mapped[str | None]
    invited_by: Mapped[UUID]
    invited_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    person_id: Mapped[UUID | None] = mapped_column(ForeignKey("people.person_id"))
    __table_args__ = (Index("ix_invitations_organisation_id_invited_at", "organisation_id", "invited_at"),)


class PicturesCode(Base):
    """With it a volunteer chooses new pictures, once. One a person: a new code replaces the one before."""

    __tablename__ = "pictures_codes"
    person_id: Mapped[UUID] = mapped_column(ForeignKey("people.person_id"), primary_key=True)
    code_hash: Mapped[str] = mapped_column(unique=True)
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class Staff(Base):
    """A staff account. `email_hash` is keyed, for finding; the address and the code app's secret are sealed with the person's key.

    `totp_step`: the last 30-second step a code was accepted for (RFC 6238 5.2: each code is good once).
    """

    __tablename__ = "staff"
    person_id: Mapped[UUID] = mapped_column(ForeignKey("people.person_id"), primary_key=True)
    email_hash: Mapped[str] = mapped_column(unique=True)
    email_sealed: Mapped[bytes]
    password_hash: Mapped[str]
    totp_sealed: Mapped[bytes | None]
    totp_step: Mapped[int | None]


class StaffInvitation(Base):
    """An invitation to a role. The address is kept as a keyed hash only: who accepts says it again."""

    __tablename__ = "staff_invitations"
    invitation_id: Mapped[UUID] = mapped_column(primary_key=True)
    code_hash: Mapped[str] = mapped_column(unique=True)
    email_hash: Mapped[str]
    role: Mapped[str]
    scope_id: Mapped[UUID | None]
    invited_by: Mapped[UUID]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    person_id: Mapped[UUID | None] = mapped_column(ForeignKey("people.person_id"))


class Session(Base):
    """A sign-in. Its tokens live minutes; `renewal_hash` is the SHA-256 (hex) of the secret the next one is asked for with."""

    __tablename__ = "sessions"
    session_id: Mapped[UUID] = mapped_column(primary_key=True)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("people.person_id"))
    renewal_hash: Mapped[str]
    started_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    __table_args__ = (Index("ix_sessions_person_id", "person_id"),)


class Attempt(Base):
    """Failed tries. `subject` is a keyed hash (hex) of a person, an e-mail or a network address."""

    __tablename__ = "attempts"
    subject: Mapped[str] = mapped_column(primary_key=True)
    failures: Mapped[int]
    since: Mapped[datetime]
    locked_until: Mapped[datetime]
    forgotten_at: Mapped[datetime]
