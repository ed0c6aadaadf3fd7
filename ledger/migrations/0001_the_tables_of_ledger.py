"""The tables of ledger"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from services.kit.mechanics_v1 import create_mechanics

revision = "0001"
down_revision = None

APPEND_ONLY = """
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: correct a mistake with a reversing transfer', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON transfers FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON outcomes FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON withdrawn_awards FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
"""
# Counters change with every posting: room on the page keeps those updates off the indexes.
ROOM_FOR_UPDATES = "ALTER TABLE accounts SET (fillfactor = 70)"


def upgrade() -> None:
    """The tables of ledger"""
    create_mechanics()
    op.create_table(
        "accounts",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("code", sa.Text(collation="C"), nullable=False),
        sa.Column("fund", sa.Uuid(), nullable=False),
        sa.Column("floored", sa.Boolean(), nullable=False),
        sa.Column("closed", sa.Boolean(), nullable=False),
        sa.Column("expires_on", sa.Date(), nullable=True),
        sa.Column("debits_posted", sa.BigInteger(), nullable=False),
        sa.Column("credits_posted", sa.BigInteger(), nullable=False),
        sa.Column("debits_held", sa.BigInteger(), nullable=False),
        sa.Column("credits_held", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column(
            "positive", sa.Boolean(), sa.Computed("credits_posted > debits_posted", persisted=True), nullable=False
        ),
        sa.CheckConstraint(
            "NOT floored OR credits_posted - debits_posted - debits_held >= 0", name=op.f("ck_accounts_floor")
        ),
        sa.CheckConstraint(
            "least(debits_posted, credits_posted, debits_held, credits_held) >= 0", name=op.f("ck_accounts_counters")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_accounts")),
        sa.UniqueConstraint("code", name=op.f("uq_accounts_code")),
    )
    op.create_index(
        "ix_accounts_lots",
        "accounts",
        ["expires_on"],
        unique=False,
        postgresql_where="positive AND expires_on IS NOT NULL",
    )
    op.create_table(
        "outcomes",
        sa.Column("request_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("amount_cents", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.Text(), nullable=True),
        sa.Column("facts", JSONB(none_as_null=True), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("(state = 'refused') = (code IS NOT NULL)", name=op.f("ck_outcomes_code")),
        sa.CheckConstraint(
            "amount_cents >= 0 AND (state = 'posted' OR amount_cents = 0)", name=op.f("ck_outcomes_amount")
        ),
        sa.CheckConstraint("state IN ('posted', 'refused')", name=op.f("ck_outcomes_state")),
        sa.PrimaryKeyConstraint("request_id", name=op.f("pk_outcomes")),
    )
    op.create_table(
        "transfers",
        sa.Column("debit_account", sa.BigInteger(), nullable=False),
        sa.Column("credit_account", sa.BigInteger(), nullable=False),
        sa.Column("amount_cents", sa.BigInteger(), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("posted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("journal", sa.Uuid(), nullable=False),
        sa.Column("cause", sa.Uuid(), nullable=False),
        sa.Column("fund", sa.Uuid(), nullable=False),
        sa.Column("reversal_of", sa.Uuid(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("leaf", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("amount_cents > 0", name=op.f("ck_transfers_amount")),
        sa.CheckConstraint("debit_account <> credit_account", name=op.f("ck_transfers_two_sides")),
        sa.CheckConstraint("octet_length(leaf) = 32", name=op.f("ck_transfers_leaf")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_transfers")),
    )
    op.create_index("ix_transfers_credit_account_posted_at", "transfers", ["credit_account", "posted_at"], unique=False)
    op.create_index("ix_transfers_debit_account_posted_at", "transfers", ["debit_account", "posted_at"], unique=False)
    op.create_index("ix_transfers_journal", "transfers", ["journal"], unique=False)
    op.create_index(
        "ix_transfers_reversal_of",
        "transfers",
        ["reversal_of"],
        unique=False,
        postgresql_where="reversal_of IS NOT NULL",
    )
    op.create_index("uq_transfers_voided", "transfers", ["reversal_of"], unique=True, postgresql_where="kind = 'void'")
    op.create_table(
        "waiting_awards",
        sa.Column("award_id", sa.Uuid(), nullable=False),
        sa.Column("turn", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("fund_ids", sa.ARRAY(sa.Uuid()), nullable=False),
        sa.Column("amount_cents", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("plans", JSONB(), nullable=False),
        sa.Column("envelope", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("amount_cents > 0", name=op.f("ck_waiting_awards_amount")),
        sa.PrimaryKeyConstraint("award_id", name=op.f("pk_waiting_awards")),
        sa.UniqueConstraint("turn", name=op.f("uq_waiting_awards_turn")),
    )
    op.create_index("ix_waiting_awards_fund_ids", "waiting_awards", ["fund_ids"], unique=False, postgresql_using="gin")
    op.create_index(op.f("ix_waiting_awards_person_id"), "waiting_awards", ["person_id"], unique=False)
    op.create_table(
        "withdrawn_awards",
        sa.Column("award_id", sa.Uuid(), nullable=False),
        sa.Column("attendance_id", sa.Uuid(), nullable=False),
        sa.Column("kept_cents", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("kept_cents >= 0", name=op.f("ck_withdrawn_awards_kept")),
        sa.PrimaryKeyConstraint("award_id", name=op.f("pk_withdrawn_awards")),
    )
    op.create_index(op.f("ix_withdrawn_awards_attendance_id"), "withdrawn_awards", ["attendance_id"], unique=False)
    op.execute(APPEND_ONLY)
    op.execute(ROOM_FOR_UPDATES)
