"""Ceilings set by the administrator"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

CAPS_NEVER_CHANGE = """
CREATE FUNCTION refuse_change_of_cap() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a ceiling never changes: set a later one';
END $$;
CREATE TRIGGER caps_never_change BEFORE UPDATE OR DELETE ON caps FOR EACH ROW EXECUTE FUNCTION refuse_change_of_cap();
"""


def upgrade() -> None:
    """The city's later ceilings, each with its act, its first day, and who set it when"""
    op.create_table(
        "caps",
        sa.Column("cap_id", sa.Uuid(), nullable=False),
        sa.Column("cap", sa.Text(), nullable=False),
        sa.Column("amount_cents", sa.Integer(), nullable=False),
        sa.Column("since", sa.Date(), nullable=False),
        sa.Column("legal_basis", sa.Text(), nullable=False),
        sa.Column("set_by", sa.Uuid(), nullable=False),
        sa.Column("set_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("amount_cents > 0", name=op.f("ck_caps_amount")),
        sa.PrimaryKeyConstraint("cap_id", name=op.f("pk_caps")),
        sa.UniqueConstraint("cap", "since", name=op.f("uq_caps_cap_since")),
    )
    op.execute(CAPS_NEVER_CHANGE)
