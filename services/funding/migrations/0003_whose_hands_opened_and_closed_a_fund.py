"""Whose hands opened and closed a fund"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Whose hands opened and closed a fund"""
    for column in ("opened_by", "closed_by"):
        op.add_column("funds", sa.Column(column, sa.Uuid(), nullable=True))
