"""Voids that lessen a claim"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """A void heard after its sale's statement became a claim is settled by that claim."""
    op.add_column("claims", sa.Column("voided_cents", sa.BigInteger(), nullable=False, server_default="0"))
    op.alter_column("claims", "voided_cents", server_default=None)
    op.create_check_constraint(op.f("ck_claims_voided"), "claims", "voided_cents BETWEEN 0 AND amount_cents")
    op.add_column("lines", sa.Column("claim_id", sa.Uuid(), nullable=True))
    op.create_foreign_key(op.f("fk_lines_claim_id"), "lines", "claims", ["claim_id"], ["claim_id"])
    op.create_check_constraint(
        op.f("ck_lines_settled_once"), "lines", "claim_id IS NULL OR kind = 'void' AND statement_id IS NULL"
    )
    op.create_index(op.f("ix_lines_claim_id"), "lines", ["claim_id"], unique=False)
