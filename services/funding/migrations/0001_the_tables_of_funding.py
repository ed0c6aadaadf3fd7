"""The tables of funding"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from services.kit.mechanics_v1 import create_mechanics

revision = "0001"
down_revision = None


def upgrade() -> None:
    """The tables of funding"""
    create_mechanics()
    op.create_table(
        "attendances",
        sa.Column("attendance_id", sa.Uuid(), nullable=False),
        sa.Column("neighbourhood_id", sa.Text(), nullable=False),
        sa.Column("month", sa.Text(), nullable=False),
        sa.Column("minutes", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("attendance_id", name=op.f("pk_attendances")),
    )
    op.create_table(
        "awards",
        sa.Column("award_id", sa.Uuid(), nullable=False),
        sa.Column("attendance_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("award_id", name=op.f("pk_awards")),
    )
    op.create_index(op.f("ix_awards_attendance_id"), "awards", ["attendance_id"], unique=False)
    op.create_table(
        "backings",
        sa.Column("award_id", sa.Uuid(), nullable=False),
        sa.Column("fund_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("amount_cents", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("award_id", "fund_id", name=op.f("pk_backings")),
    )
    op.create_index("ix_backings_fund_id", "backings", ["fund_id"], unique=False)
    op.create_table(
        "flows",
        sa.Column("fund_id", sa.Uuid(), nullable=False),
        sa.Column("in_cents", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("issued_cents", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("expired_cents", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("spent_cents", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("paid_cents", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("fund_id", name=op.f("pk_flows")),
    )
    op.create_table(
        "purchases",
        sa.Column("sale_id", sa.Uuid(), nullable=False),
        sa.Column("fund_id", sa.Uuid(), nullable=False),
        sa.Column("shop_id", sa.Uuid(), nullable=False),
        sa.Column("neighbourhood_id", sa.Text(), nullable=False),
        sa.Column("amount_cents", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("sale_id", "fund_id", name=op.f("pk_purchases")),
    )
    op.create_index("ix_purchases_fund_id", "purchases", ["fund_id"], unique=False)
    op.create_table(
        "sponsors",
        sa.Column("sponsor_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("sponsor_id", name=op.f("pk_sponsors")),
        sa.UniqueConstraint("name", name=op.f("uq_sponsors_name")),
    )
    op.create_table(
        "funds",
        sa.Column("fund_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("rank", sa.BigInteger(), nullable=False),
        sa.Column("earmark", JSONB(), nullable=False),
        sa.Column("sponsor_id", sa.Uuid(), nullable=True),
        sa.Column("share_permille", sa.BigInteger(), nullable=True),
        sa.Column("max_share_permille", sa.BigInteger(), nullable=True),
        sa.Column("co_fund_id", sa.Uuid(), nullable=True),
        sa.Column("act", sa.Text(), nullable=True),
        sa.Column("opens_on", sa.Date(), nullable=True),
        sa.Column("ends_on", sa.Date(), nullable=True),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("(kind = 'grant') = (share_permille IS NOT NULL)", name=op.f("ck_funds_grant")),
        sa.CheckConstraint("(kind = 'sponsor') = (sponsor_id IS NOT NULL)", name=op.f("ck_funds_sponsor")),
        sa.CheckConstraint("share_permille <= max_share_permille", name=op.f("ck_funds_share")),
        sa.ForeignKeyConstraint(["co_fund_id"], ["funds.fund_id"], name=op.f("fk_funds_co_fund_id")),
        sa.ForeignKeyConstraint(["sponsor_id"], ["sponsors.sponsor_id"], name=op.f("fk_funds_sponsor_id")),
        sa.PrimaryKeyConstraint("fund_id", name=op.f("pk_funds")),
    )
    op.create_index("ix_funds_opened_at_fund_id", "funds", ["opened_at", "fund_id"], unique=False)
    op.create_index(
        "uq_funds_purpose",
        "funds",
        ["sponsor_id", "earmark"],
        unique=True,
        postgresql_where=sa.text("sponsor_id IS NOT NULL AND closed_at IS NULL"),
    )
    op.create_table(
        "set_asides",
        sa.Column("set_aside_id", sa.Uuid(), nullable=False),
        sa.Column("fund_id", sa.Uuid(), nullable=False),
        sa.Column("amount_cents", sa.BigInteger(), nullable=False),
        sa.Column("act", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("prepared_by", sa.Uuid(), nullable=False),
        sa.Column("prepared_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["fund_id"], ["funds.fund_id"], name=op.f("fk_set_asides_fund_id")),
        sa.PrimaryKeyConstraint("set_aside_id", name=op.f("pk_set_asides")),
    )
    op.create_index(
        "ix_set_asides_prepared_at_set_aside_id", "set_asides", ["prepared_at", "set_aside_id"], unique=False
    )
    op.create_table(
        "topups",
        sa.Column("topup_id", sa.Uuid(), nullable=False),
        sa.Column("sponsor_id", sa.Uuid(), nullable=False),
        sa.Column("fund_id", sa.Uuid(), nullable=False),
        sa.Column("amount_cents", sa.BigInteger(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("session_id", sa.Text(), nullable=True),
        sa.Column("checkout_url", sa.Text(), nullable=True),
        sa.Column("reference", sa.Text(), nullable=True),
        sa.Column("dispute_fee_cents", sa.BigInteger(), server_default="0", nullable=False),
        sa.CheckConstraint("session_id IS NULL OR reference IS NULL", name=op.f("ck_topups_one_way")),
        sa.ForeignKeyConstraint(["fund_id"], ["funds.fund_id"], name=op.f("fk_topups_fund_id")),
        sa.ForeignKeyConstraint(["sponsor_id"], ["sponsors.sponsor_id"], name=op.f("fk_topups_sponsor_id")),
        sa.PrimaryKeyConstraint("topup_id", name=op.f("pk_topups")),
        sa.UniqueConstraint("reference", name=op.f("uq_topups_reference")),
    )
    op.create_index("ix_topups_fund_id", "topups", ["fund_id"], unique=False)
    op.create_index(
        "ix_topups_sponsor_id_made_at_topup_id", "topups", ["sponsor_id", "made_at", "topup_id"], unique=False
    )
    op.create_table(
        "settlements",
        sa.Column("settlement_id", sa.Uuid(), nullable=False),
        sa.Column("fund_id", sa.Uuid(), nullable=False),
        sa.Column("topup_id", sa.Uuid(), nullable=True),
        sa.Column("turn", sa.BigInteger(), nullable=False),
        sa.Column("amount_cents", sa.BigInteger(), nullable=False),
        sa.Column("fee_cents", sa.BigInteger(), nullable=False),
        sa.Column("taken_back_cents", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "amount_cents > 0 AND fee_cents BETWEEN 0 AND amount_cents", name=op.f("ck_settlements_amounts")
        ),
        sa.CheckConstraint("taken_back_cents BETWEEN 0 AND amount_cents", name=op.f("ck_settlements_taken_back")),
        sa.ForeignKeyConstraint(["fund_id"], ["funds.fund_id"], name=op.f("fk_settlements_fund_id")),
        sa.ForeignKeyConstraint(["topup_id"], ["topups.topup_id"], name=op.f("fk_settlements_topup_id")),
        sa.PrimaryKeyConstraint("settlement_id", name=op.f("pk_settlements")),
        sa.UniqueConstraint("topup_id", "turn", name=op.f("uq_settlements_topup_id_turn")),
    )
    op.create_index("ix_settlements_fund_id", "settlements", ["fund_id"], unique=False)
    op.create_table(
        "credits",
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.Column("amount_cents", sa.BigInteger(), nullable=False),
        sa.Column("booked_on", sa.Date(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=True),
        sa.Column("heard_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("fund_id", sa.Uuid(), nullable=True),
        sa.Column("settlement_id", sa.Uuid(), nullable=True),
        sa.Column("proposed_by", sa.Uuid(), nullable=True),
        sa.Column("approved_by", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(["fund_id"], ["funds.fund_id"], name=op.f("fk_credits_fund_id")),
        sa.ForeignKeyConstraint(
            ["settlement_id"], ["settlements.settlement_id"], name=op.f("fk_credits_settlement_id")
        ),
        sa.PrimaryKeyConstraint("entry_id", name=op.f("pk_credits")),
        sa.UniqueConstraint("settlement_id", name=op.f("uq_credits_settlement_id")),
    )
    op.create_index(
        "ix_credits_open",
        "credits",
        ["heard_at", "entry_id"],
        unique=False,
        postgresql_where=sa.text("state IN ('unassigned', 'proposed')"),
    )
    op.create_table(
        "reversals",
        sa.Column("reversal_id", sa.Uuid(), nullable=False),
        sa.Column("settlement_id", sa.Uuid(), nullable=False),
        sa.Column("amount_cents", sa.BigInteger(), nullable=False),
        sa.Column("reversed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["settlement_id"], ["settlements.settlement_id"], name=op.f("fk_reversals_settlement_id")
        ),
        sa.PrimaryKeyConstraint("reversal_id", name=op.f("pk_reversals")),
    )
    op.create_index(op.f("ix_reversals_settlement_id"), "reversals", ["settlement_id"], unique=False)
