"""The tables of redemption"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from services.kit.mechanics_v1 import create_mechanics

revision = "0001"
down_revision = None


def upgrade() -> None:
    """The tables of redemption"""
    create_mechanics()
    op.create_table(
        "cards",
        sa.Column("code_hash", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("code_hash", name=op.f("pk_cards")),
    )
    op.create_table(
        "funds",
        sa.Column("fund_id", sa.Uuid(), nullable=False),
        sa.Column("neighbourhood_ids", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("fund_id", name=op.f("pk_funds")),
    )
    op.create_table(
        "participations",
        sa.Column("attendance_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("neighbourhood_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("attendance_id", name=op.f("pk_participations")),
    )
    op.create_index(op.f("ix_participations_person_id"), "participations", ["person_id"], unique=False)
    op.create_table(
        "people",
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("erased_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("person_id", name=op.f("pk_people")),
    )
    op.create_table(
        "shops",
        sa.Column("shop_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("neighbourhood_ids", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("signed_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=True),
        sa.Column("agreement_reference", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column("opening", postgresql.JSONB(), nullable=False),
        sa.Column("languages", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("step_free", sa.Boolean(), nullable=False),
        sa.Column("pork_free", sa.Boolean(), nullable=False),
        sa.Column("registered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("ends_on >= signed_on", name=op.f("ck_shops_agreement_days")),
        sa.PrimaryKeyConstraint("shop_id", name=op.f("pk_shops")),
    )
    op.create_index("ix_shops_registered_at_shop_id", "shops", ["registered_at", "shop_id"], unique=False)
    op.create_table(
        "statements",
        sa.Column("statement_id", sa.Uuid(), nullable=False),
        sa.Column("shop_id", sa.Uuid(), nullable=False),
        sa.Column("period_from", sa.Date(), nullable=False),
        sa.Column("period_to", sa.Date(), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("statement_id", name=op.f("pk_statements")),
    )
    op.create_index(op.f("ix_statements_shop_id"), "statements", ["shop_id"], unique=False)
    op.create_table(
        "pairing_codes",
        sa.Column("code_hash", sa.LargeBinary(), nullable=False),
        sa.Column("shop_id", sa.Uuid(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.shop_id"], name=op.f("fk_pairing_codes_shop_id")),
        sa.PrimaryKeyConstraint("code_hash", name=op.f("pk_pairing_codes")),
    )
    op.create_table(
        "payment_codes",
        sa.Column("payment_code_id", sa.Uuid(), nullable=False),
        sa.Column("code_hash", sa.LargeBinary(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("refusals", sa.Integer(), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("replaced_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["people.person_id"], name=op.f("fk_payment_codes_person_id")),
        sa.PrimaryKeyConstraint("payment_code_id", name=op.f("pk_payment_codes")),
        sa.UniqueConstraint("code_hash", name=op.f("uq_payment_codes_code_hash")),
    )
    op.create_index(op.f("ix_payment_codes_expires_at"), "payment_codes", ["expires_at"], unique=False)
    op.create_index("ix_payment_codes_person_id", "payment_codes", ["person_id"], unique=False)
    op.create_index(
        "uq_payment_codes_living",
        "payment_codes",
        ["person_id"],
        unique=True,
        postgresql_where="used_at IS NULL AND replaced_at IS NULL",
    )
    op.create_table(
        "tills",
        sa.Column("till_id", sa.Uuid(), nullable=False),
        sa.Column("shop_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("paired_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("unpaired_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.shop_id"], name=op.f("fk_tills_shop_id")),
        sa.PrimaryKeyConstraint("till_id", name=op.f("pk_tills")),
    )
    op.create_index(op.f("ix_tills_shop_id"), "tills", ["shop_id"], unique=False)
    op.create_table(
        "sales",
        sa.Column("sale_id", sa.Uuid(), nullable=False),
        sa.Column("shop_id", sa.Uuid(), nullable=False),
        sa.Column("till_id", sa.Uuid(), nullable=False),
        sa.Column("payment_code_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("neighbourhood_id", sa.Text(), nullable=False),
        sa.Column("amount_cents", sa.Integer(), nullable=False),
        sa.Column("parts", postgresql.JSONB(), nullable=False),
        sa.Column("sold_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("voided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("told", sa.Boolean(), nullable=False),
        sa.Column("void_told", sa.Boolean(), nullable=False),
        sa.CheckConstraint("amount_cents > 0", name=op.f("ck_sales_amount")),
        sa.CheckConstraint("voided_at IS NOT NULL OR NOT void_told", name=op.f("ck_sales_void")),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.shop_id"], name=op.f("fk_sales_shop_id")),
        sa.ForeignKeyConstraint(["till_id"], ["tills.till_id"], name=op.f("fk_sales_till_id")),
        sa.PrimaryKeyConstraint("sale_id", name=op.f("pk_sales")),
        sa.UniqueConstraint("payment_code_id", name=op.f("uq_sales_payment_code_id")),
    )
    op.create_index(
        "ix_sales_person_id_day", "sales", ["person_id", "day"], unique=False, postgresql_where="person_id IS NOT NULL"
    )
    op.create_index("ix_sales_shop_id_day", "sales", ["shop_id", "day"], unique=False)
    op.create_index("ix_sales_till_id_sold_at", "sales", ["till_id", "sold_at"], unique=False)
