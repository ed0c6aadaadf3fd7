"""Phones pay without a connection"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Phones pay without a connection"""
    op.create_table(
        "payment_keys",
        sa.Column("payment_key_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["people.person_id"], name=op.f("fk_payment_keys_person_id")),
        sa.PrimaryKeyConstraint("payment_key_id", name=op.f("pk_payment_keys")),
    )
    op.create_index(op.f("ix_payment_keys_ends_at"), "payment_keys", ["ends_at"], unique=False)
    op.create_index(op.f("ix_payment_keys_person_id"), "payment_keys", ["person_id"], unique=False)
    op.add_column("payment_codes", sa.Column("payment_key_id", sa.Uuid(), nullable=True))
    op.add_column("payment_codes", sa.Column("step", sa.Integer(), nullable=True))
    op.drop_index(
        op.f("uq_payment_codes_living"),
        table_name="payment_codes",
        postgresql_where="((used_at IS NULL) AND (replaced_at IS NULL))",
    )
    op.create_index(
        "uq_payment_codes_asked_for",
        "payment_codes",
        ["person_id"],
        unique=True,
        postgresql_where="used_at IS NULL AND replaced_at IS NULL AND payment_key_id IS NULL",
    )
    op.create_unique_constraint(
        op.f("uq_payment_codes_payment_key_id_step"), "payment_codes", ["payment_key_id", "step"]
    )
    op.create_foreign_key(
        op.f("fk_payment_codes_payment_key_id"),
        "payment_codes",
        "payment_keys",
        ["payment_key_id"],
        ["payment_key_id"],
        ondelete="CASCADE",
    )
