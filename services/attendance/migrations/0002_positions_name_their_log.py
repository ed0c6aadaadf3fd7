"""Positions name their log"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Positions name their log"""
    op.add_column("positions", sa.Column("log_id", sa.Text(), nullable=True))
