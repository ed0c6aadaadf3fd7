"""The tables of attendance"""

import sqlalchemy as sa
from alembic import op

from services.kit.mechanics_v1 import create_mechanics

revision = "0001"
down_revision = None


def upgrade() -> None:
    """The tables of attendance"""
    create_mechanics()
    op.create_table(
        "cards",
        sa.Column("card_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("code_hash", sa.Text(), nullable=False),
        sa.Column("revoked", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("card_id", name=op.f("pk_cards")),
    )
    op.create_index(op.f("ix_cards_code_hash"), "cards", ["code_hash"], unique=False)
    op.create_index(op.f("ix_cards_person_id"), "cards", ["person_id"], unique=False)
    op.create_table(
        "names",
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("owner_id", name=op.f("pk_names")),
    )
    op.create_table(
        "people",
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("adult", sa.Boolean(), nullable=False),
        sa.Column("erased", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("person_id", name=op.f("pk_people")),
    )
    op.create_table(
        "shifts",
        sa.Column("shift_id", sa.Uuid(), nullable=False),
        sa.Column("programme_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("neighbourhood_id", sa.Text(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("capacity", sa.Integer(), nullable=False),
        sa.Column("adults_only", sa.Boolean(), nullable=False),
        sa.Column("cancelled", sa.Boolean(), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("shift_id", name=op.f("pk_shifts")),
    )
    op.create_table(
        "signups",
        sa.Column("signup_id", sa.Uuid(), nullable=False),
        sa.Column("shift_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("signup_id", name=op.f("pk_signups")),
    )
    op.create_index("ix_signups_shift_id_person_id", "signups", ["shift_id", "person_id"], unique=False)
    op.create_table(
        "attendances",
        sa.Column("attendance_id", sa.Uuid(), nullable=False),
        sa.Column("shift_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("walk_in", sa.Boolean(), nullable=False),
        sa.Column("witness", sa.Text(), nullable=True),
        sa.Column("in_step", sa.BigInteger(), nullable=True),
        sa.Column("checked_in_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("checked_out_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("forgotten", sa.Boolean(), nullable=False),
        sa.Column("minutes", sa.Integer(), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("disputed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("dispute_reason", sa.Text(), nullable=True),
        sa.Column("dispute_note", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "dispute_note IS NULL OR state = 'disputed'", name=op.f("ck_attendances_note_while_disputed")
        ),
        sa.CheckConstraint("state <> 'confirmed' OR minutes > 0", name=op.f("ck_attendances_confirmed_minutes")),
        sa.CheckConstraint("state <> 'open' OR checked_in_at IS NOT NULL", name=op.f("ck_attendances_opened")),
        sa.CheckConstraint("state IN ('open', 'confirmed', 'disputed', 'rejected')", name=op.f("ck_attendances_state")),
        sa.CheckConstraint("checked_out_at >= checked_in_at", name=op.f("ck_attendances_out_after_in")),
        sa.ForeignKeyConstraint(["shift_id"], ["shifts.shift_id"], name=op.f("fk_attendances_shift_id")),
        sa.PrimaryKeyConstraint("attendance_id", name=op.f("pk_attendances")),
        sa.UniqueConstraint("shift_id", "person_id", name=op.f("uq_attendances_shift_id_person_id")),
    )
    op.create_index(
        "ix_attendances_disputed",
        "attendances",
        ["disputed_at", "attendance_id"],
        unique=False,
        postgresql_where="state = 'disputed'",
    )
    op.create_index(
        "ix_attendances_inside",
        "attendances",
        ["shift_id"],
        unique=False,
        postgresql_where="state = 'open' AND checked_out_at IS NULL",
    )
    op.create_index("ix_attendances_person_id", "attendances", ["person_id"], unique=False)
    op.create_table(
        "decisions",
        sa.Column("attendance_id", sa.Uuid(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("minutes", sa.Integer(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("settles_dispute", sa.Boolean(), nullable=False),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["attendance_id"], ["attendances.attendance_id"], name=op.f("fk_decisions_attendance_id")
        ),
        sa.PrimaryKeyConstraint("attendance_id", "revision", name=op.f("pk_decisions")),
    )
