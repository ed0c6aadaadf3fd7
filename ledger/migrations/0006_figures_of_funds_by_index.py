"""A fund's figures are read by indexes, the last check is kept"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """A fund's figures are read by indexes, the last check is kept"""
    rare = "kind IN ('topup', 'topup_reversal', 'fee', 'payment_settled', 'expiry', 'correction', 'payment_returned')"
    op.create_index("ix_transfers_rare", "transfers", ["fund", "kind"], unique=False, postgresql_where=sa.text(rare))
    op.create_index(
        "ix_accounts_no_lots", "accounts", ["fund"], unique=False, postgresql_where=sa.text("expires_on IS NULL")
    )
    op.create_table(
        "last_check",
        sa.Column("one", sa.Boolean(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answer", JSONB(), nullable=False),
        sa.CheckConstraint("one", name="ck_last_check_one"),
        sa.PrimaryKeyConstraint("one", name="pk_last_check"),
    )
