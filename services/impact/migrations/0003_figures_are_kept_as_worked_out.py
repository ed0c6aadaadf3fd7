"""Figures are kept as worked out"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """One row: the figures as they were last worked out"""
    op.create_table(
        "kept",
        sa.Column("one", sa.Boolean(), nullable=False),
        sa.Column("until", sa.Text(), nullable=True),
        sa.Column("figures", sa.LargeBinary(), nullable=True),
        sa.CheckConstraint("one", name=op.f("ck_kept_one")),
        sa.PrimaryKeyConstraint("one", name=op.f("pk_kept")),
    )
