"""Languages, insurance and messages"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Languages, insurance and messages"""
    for table in ("activities", "shifts"):
        spoken = sa.Column("languages", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False)
        op.add_column(table, spoken)
    op.add_column("activities", sa.Column("insured_from", sa.Date(), nullable=True))
    op.add_column("activities", sa.Column("insured_until", sa.Date(), nullable=True))
    op.create_table(
        "messages",
        sa.Column("message_id", sa.Uuid(), nullable=False),
        sa.Column("shift_id", sa.Uuid(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["shift_id"], ["shifts.shift_id"], name=op.f("fk_messages_shift_id")),
        sa.PrimaryKeyConstraint("message_id", name=op.f("pk_messages")),
    )
    op.create_index(op.f("ix_messages_shift_id"), "messages", ["shift_id"], unique=False)
