"""The tables of reimbursement"""

import sqlalchemy as sa
from alembic import op

from services.kit.mechanics_v1 import create_mechanics

revision = "0001"
down_revision = None


def upgrade() -> None:
    """The tables of reimbursement"""
    create_mechanics()
    op.create_table(
        "bank_statements",
        sa.Column("bank_statement_id", sa.Uuid(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("statement_ref", sa.Text(), nullable=False),
        sa.Column("from_date", sa.Date(), nullable=True),
        sa.Column("to_date", sa.Date(), nullable=True),
        sa.Column("opening_cents", sa.BigInteger(), nullable=False),
        sa.Column("closing_cents", sa.BigInteger(), nullable=False),
        sa.Column("uploaded_by", sa.Uuid(), nullable=False),
        sa.Column("uploaded_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("bank_statement_id", name=op.f("pk_bank_statements")),
        sa.UniqueConstraint("sha256", name=op.f("uq_bank_statements_sha256")),
        sa.UniqueConstraint(
            "statement_ref",
            "from_date",
            "to_date",
            "opening_cents",
            "closing_cents",
            name="uq_bank_statements_same",
            postgresql_nulls_not_distinct=True,
        ),
    )
    op.create_index(
        "ix_bank_statements_uploaded_at_bank_statement_id",
        "bank_statements",
        ["uploaded_at", "bank_statement_id"],
        unique=False,
    )
    op.create_table(
        "batches",
        sa.Column("batch_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("prepared_by", sa.Uuid(), nullable=False),
        sa.Column("prepared_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("approved_by", sa.Uuid(), nullable=True),
        sa.Column("approved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("released_by", sa.Uuid(), nullable=True),
        sa.Column("released_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cancelled_by", sa.Uuid(), nullable=True),
        sa.Column("cancelled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("execution_on", sa.Date(), nullable=True),
        sa.CheckConstraint(
            "state <> 'released' OR num_nulls(approved_by, released_by, released_at, execution_on) = 0",
            name=op.f("ck_batches_released"),
        ),
        sa.CheckConstraint(
            "approved_by <> prepared_by AND released_by <> prepared_by AND released_by <> approved_by",
            name=op.f("ck_batches_three_people"),
        ),
        sa.PrimaryKeyConstraint("batch_id", name=op.f("pk_batches")),
    )
    op.create_index("ix_batches_prepared_at_batch_id", "batches", ["prepared_at", "batch_id"], unique=False)
    op.create_table(
        "funds",
        sa.Column("fund_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("fund_id", name=op.f("pk_funds")),
    )
    op.create_table(
        "periods",
        sa.Column("period", sa.Text(), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("issued_by", sa.Uuid(), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_by", sa.Uuid(), nullable=True),
        sa.PrimaryKeyConstraint("period", name=op.f("pk_periods")),
    )
    op.create_table(
        "shops",
        sa.Column("shop_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("shop_id", name=op.f("pk_shops")),
    )
    op.create_table(
        "accounts",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("shop_id", sa.Uuid(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("iban", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("proposed_by", sa.Uuid(), nullable=False),
        sa.Column("proposed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("refusal", sa.Text(), nullable=True),
        sa.CheckConstraint("state <> 'approved' OR decided_by IS NOT NULL", name=op.f("ck_accounts_approved")),
        sa.CheckConstraint("decided_by <> proposed_by", name=op.f("ck_accounts_second_person")),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.shop_id"], name=op.f("fk_accounts_shop_id")),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_accounts")),
    )
    op.create_index("ix_accounts_proposed_at_account_id", "accounts", ["proposed_at", "account_id"], unique=False)
    op.create_index(op.f("ix_accounts_shop_id"), "accounts", ["shop_id"], unique=False)
    op.create_index("uq_accounts_approved", "accounts", ["shop_id"], unique=True, postgresql_where="state = 'approved'")
    op.create_index("uq_accounts_proposed", "accounts", ["shop_id"], unique=True, postgresql_where="state = 'proposed'")
    op.create_table(
        "bank_files",
        sa.Column("batch_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["batch_id"], ["batches.batch_id"], name=op.f("fk_bank_files_batch_id")),
        sa.PrimaryKeyConstraint("batch_id", "kind", name=op.f("pk_bank_files")),
    )
    op.create_table(
        "statements",
        sa.Column("statement_id", sa.Uuid(), nullable=False),
        sa.Column("shop_id", sa.Uuid(), nullable=False),
        sa.Column("period", sa.Text(), nullable=False),
        sa.Column("period_from", sa.Date(), nullable=False),
        sa.Column("period_to", sa.Date(), nullable=False),
        sa.Column("amount_cents", sa.BigInteger(), nullable=False),
        sa.Column("sale_count", sa.BigInteger(), nullable=False),
        sa.Column("void_count", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("amount_cents > 0", name=op.f("ck_statements_amount")),
        sa.ForeignKeyConstraint(["period"], ["periods.period"], name=op.f("fk_statements_period")),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.shop_id"], name=op.f("fk_statements_shop_id")),
        sa.PrimaryKeyConstraint("statement_id", name=op.f("pk_statements")),
        sa.UniqueConstraint("shop_id", "period", name=op.f("uq_statements_shop_id_period")),
    )
    op.create_index("ix_statements_issued_at_statement_id", "statements", ["issued_at", "statement_id"], unique=False)
    op.create_table(
        "claims",
        sa.Column("claim_id", sa.Uuid(), nullable=False),
        sa.Column("statement_id", sa.Uuid(), nullable=False),
        sa.Column("shop_id", sa.Uuid(), nullable=False),
        sa.Column("year", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("amount_cents", sa.BigInteger(), nullable=False),
        sa.Column("stamp_cents", sa.BigInteger(), nullable=False),
        sa.Column("stamp_borne_by", sa.Text(), nullable=False),
        sa.Column("form", sa.Text(), nullable=False),
        sa.Column("made_by", sa.Uuid(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.shop_id"], name=op.f("fk_claims_shop_id")),
        sa.ForeignKeyConstraint(["statement_id"], ["statements.statement_id"], name=op.f("fk_claims_statement_id")),
        sa.PrimaryKeyConstraint("claim_id", name=op.f("pk_claims")),
        sa.UniqueConstraint("shop_id", "year", "number", name=op.f("uq_claims_shop_id_year_number")),
        sa.UniqueConstraint("statement_id", name=op.f("uq_claims_statement_id")),
    )
    op.create_index("ix_claims_made_at_claim_id", "claims", ["made_at", "claim_id"], unique=False)
    op.create_table(
        "lines",
        sa.Column("line_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("sale_id", sa.Uuid(), nullable=False),
        sa.Column("shop_id", sa.Uuid(), nullable=False),
        sa.Column("till_id", sa.Uuid(), nullable=False),
        sa.Column("amount_cents", sa.BigInteger(), nullable=False),
        sa.Column("happened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("statement_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint(
            "kind = 'sale' AND amount_cents > 0 OR kind = 'void' AND amount_cents < 0", name=op.f("ck_lines_kind")
        ),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.shop_id"], name=op.f("fk_lines_shop_id")),
        sa.ForeignKeyConstraint(["statement_id"], ["statements.statement_id"], name=op.f("fk_lines_statement_id")),
        sa.PrimaryKeyConstraint("line_id", name=op.f("pk_lines")),
        sa.UniqueConstraint("sale_id", "kind", name=op.f("uq_lines_sale_id_kind")),
    )
    op.create_index("ix_lines_open", "lines", ["shop_id", "day"], unique=False, postgresql_where="statement_id IS NULL")
    op.create_index(op.f("ix_lines_statement_id"), "lines", ["statement_id"], unique=False)
    op.create_table(
        "statement_parts",
        sa.Column("statement_id", sa.Uuid(), nullable=False),
        sa.Column("fund_id", sa.Uuid(), nullable=False),
        sa.Column("amount_cents", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("amount_cents > 0", name=op.f("ck_statement_parts_amount")),
        sa.ForeignKeyConstraint(
            ["statement_id"], ["statements.statement_id"], name=op.f("fk_statement_parts_statement_id")
        ),
        sa.PrimaryKeyConstraint("statement_id", "fund_id", name=op.f("pk_statement_parts")),
    )
    op.create_table(
        "line_parts",
        sa.Column("line_id", sa.Uuid(), nullable=False),
        sa.Column("fund_id", sa.Uuid(), nullable=False),
        sa.Column("amount_cents", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["line_id"], ["lines.line_id"], name=op.f("fk_line_parts_line_id")),
        sa.PrimaryKeyConstraint("line_id", "fund_id", name=op.f("pk_line_parts")),
    )
    op.create_table(
        "payments",
        sa.Column("payment_id", sa.Uuid(), nullable=False),
        sa.Column("batch_id", sa.Uuid(), nullable=False),
        sa.Column("claim_id", sa.Uuid(), nullable=False),
        sa.Column("shop_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("amount_cents", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("booked_on", sa.Date(), nullable=True),
        sa.Column("returned_on", sa.Date(), nullable=True),
        sa.Column("return_reason", sa.Text(), nullable=True),
        sa.Column("was_settled", sa.Boolean(), nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.account_id"], name=op.f("fk_payments_account_id")),
        sa.ForeignKeyConstraint(["batch_id"], ["batches.batch_id"], name=op.f("fk_payments_batch_id")),
        sa.ForeignKeyConstraint(["claim_id"], ["claims.claim_id"], name=op.f("fk_payments_claim_id")),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.shop_id"], name=op.f("fk_payments_shop_id")),
        sa.PrimaryKeyConstraint("payment_id", name=op.f("pk_payments")),
    )
    op.create_index(op.f("ix_payments_batch_id"), "payments", ["batch_id"], unique=False)
    op.create_index(op.f("ix_payments_shop_id"), "payments", ["shop_id"], unique=False)
    op.create_index(
        "uq_payments_living",
        "payments",
        ["claim_id"],
        unique=True,
        postgresql_where="state IN ('prepared', 'released', 'settled')",
    )
    op.create_table(
        "queries",
        sa.Column("query_id", sa.Uuid(), nullable=False),
        sa.Column("statement_id", sa.Uuid(), nullable=False),
        sa.Column("line_id", sa.Uuid(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("asked_by", sa.Uuid(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.Column("answered_by", sa.Uuid(), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["line_id"], ["lines.line_id"], name=op.f("fk_queries_line_id")),
        sa.ForeignKeyConstraint(["statement_id"], ["statements.statement_id"], name=op.f("fk_queries_statement_id")),
        sa.PrimaryKeyConstraint("query_id", name=op.f("pk_queries")),
    )
    op.create_index(op.f("ix_queries_statement_id"), "queries", ["statement_id"], unique=False)
    op.create_index("uq_queries_open", "queries", ["line_id"], unique=True, postgresql_where="answer IS NULL")
    op.create_table(
        "bank_entries",
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.Column("bank_statement_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("entry_ref", sa.Text(), nullable=False),
        sa.Column("direction", sa.Text(), nullable=False),
        sa.Column("amount_cents", sa.BigInteger(), nullable=False),
        sa.Column("booked_on", sa.Date(), nullable=False),
        sa.Column("end_to_end_id", sa.Text(), nullable=True),
        sa.Column("remittance", sa.Text(), nullable=False),
        sa.Column("return_reason", sa.Text(), nullable=True),
        sa.Column("reference", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=True),
        sa.Column("payment_id", sa.Uuid(), nullable=True),
        sa.Column("match_reason", sa.Text(), nullable=True),
        sa.Column("proposed_by", sa.Uuid(), nullable=True),
        sa.Column("accepted_by", sa.Uuid(), nullable=True),
        sa.CheckConstraint("state <> 'matched' OR payment_id IS NOT NULL", name=op.f("ck_bank_entries_matched")),
        sa.CheckConstraint("accepted_by <> proposed_by", name=op.f("ck_bank_entries_second_person")),
        sa.ForeignKeyConstraint(
            ["bank_statement_id"], ["bank_statements.bank_statement_id"], name=op.f("fk_bank_entries_bank_statement_id")
        ),
        sa.ForeignKeyConstraint(["payment_id"], ["payments.payment_id"], name=op.f("fk_bank_entries_payment_id")),
        sa.PrimaryKeyConstraint("entry_id", name=op.f("pk_bank_entries")),
        sa.UniqueConstraint("bank_statement_id", "position", name=op.f("uq_bank_entries_bank_statement_id_position")),
    )
    op.create_index(op.f("ix_bank_entries_payment_id"), "bank_entries", ["payment_id"], unique=False)
