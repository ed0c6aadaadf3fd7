"""The tables of awards"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from services.kit.mechanics_v1 import create_mechanics

revision = "0001"
down_revision = None

RULES_NEVER_CHANGE = """
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'an award rule never changes: set a later one';
END $$;
CREATE TRIGGER rules_never_change BEFORE UPDATE OR DELETE ON rules FOR EACH ROW EXECUTE FUNCTION refuse_change();
"""


def upgrade() -> None:
    """The tables of awards"""
    create_mechanics()
    op.create_table(
        "funds",
        sa.Column("fund_id", sa.Uuid(), nullable=False),
        sa.Column("terms", JSONB(), nullable=False),
        sa.Column("open", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("fund_id", name=op.f("pk_funds")),
    )
    op.create_table(
        "heard",
        sa.Column("attendance_id", sa.Uuid(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("attendance_id", name=op.f("pk_heard")),
    )
    op.create_table(
        "people",
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("person_id", name=op.f("pk_people")),
    )
    op.create_table(
        "programmes",
        sa.Column("programme_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("programme_id", name=op.f("pk_programmes")),
    )
    op.create_table(
        "awards",
        sa.Column("award_id", sa.Uuid(), nullable=False),
        sa.Column("attendance_id", sa.Uuid(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("shift_id", sa.Uuid(), nullable=False),
        sa.Column("programme_id", sa.Uuid(), nullable=False),
        sa.Column("neighbourhood_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("minutes", sa.Integer(), nullable=False),
        sa.Column("rule_id", sa.Uuid(), nullable=False),
        sa.Column("rule_cents", sa.Integer(), nullable=False),
        sa.Column("amount_cents", sa.Integer(), nullable=False),
        sa.Column("cut_by", sa.Text(), nullable=True),
        sa.Column("day_cap_cents", sa.Integer(), nullable=True),
        sa.Column("month_cap_cents", sa.Integer(), nullable=True),
        sa.Column("plans", JSONB(), nullable=False),
        sa.Column("expires_on", sa.Date(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("waiting_for", sa.Text(), nullable=True),
        sa.Column("kept_cents", sa.Integer(), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "(cut_by IS NOT NULL) = (amount_cents < rule_cents)", name=op.f("ck_awards_cut_has_a_ceiling")
        ),
        sa.CheckConstraint("amount_cents BETWEEN 0 AND rule_cents", name=op.f("ck_awards_within_rule")),
        sa.CheckConstraint("kept_cents BETWEEN 0 AND amount_cents", name=op.f("ck_awards_kept_of_given")),
        sa.ForeignKeyConstraint(["person_id"], ["people.person_id"], name=op.f("fk_awards_person_id")),
        sa.PrimaryKeyConstraint("award_id", name=op.f("pk_awards")),
    )
    op.create_index("ix_awards_decided_at_award_id", "awards", ["decided_at", "award_id"], unique=False)
    op.create_index("ix_awards_kept", "awards", ["attendance_id"], unique=False, postgresql_where="kept_cents > 0")
    op.create_index("ix_awards_person_id_day", "awards", ["person_id", "day"], unique=False)
    op.create_index(
        "ix_awards_person_id_decided_at_award_id", "awards", ["person_id", "decided_at", "award_id"], unique=False
    )
    op.create_index("ix_awards_programme_id_day", "awards", ["programme_id", "day"], unique=False)
    op.create_index(
        "ix_awards_unissued", "awards", ["award_id"], unique=False, postgresql_where="state IN ('awarded', 'waiting')"
    )
    op.create_index(
        "uq_awards_living", "awards", ["attendance_id"], unique=True, postgresql_where="state <> 'withdrawn'"
    )
    op.create_table(
        "rules",
        sa.Column("rule_id", sa.Uuid(), nullable=False),
        sa.Column("programme_id", sa.Uuid(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("form", sa.Text(), nullable=False),
        sa.Column("coins", sa.Integer(), nullable=False),
        sa.Column("least_minutes", sa.Integer(), nullable=False),
        sa.Column("most_hours", sa.Integer(), nullable=True),
        sa.Column("legal_basis", sa.Text(), nullable=False),
        sa.Column("set_by", sa.Uuid(), nullable=False),
        sa.Column("set_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["programme_id"], ["programmes.programme_id"], name=op.f("fk_rules_programme_id")),
        sa.PrimaryKeyConstraint("rule_id", name=op.f("pk_rules")),
        sa.UniqueConstraint("programme_id", "valid_from", name=op.f("uq_rules_programme_id_valid_from")),
    )
    op.execute(RULES_NEVER_CHANGE)
