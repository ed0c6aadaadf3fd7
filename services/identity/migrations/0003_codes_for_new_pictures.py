"""Codes for new pictures"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Codes for new pictures"""
    op.create_table(
        "pictures_codes",
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("code_hash", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["people.person_id"], name=op.f("fk_pictures_codes_person_id")),
        sa.PrimaryKeyConstraint("person_id", name=op.f("pk_pictures_codes")),
        sa.UniqueConstraint("code_hash", name=op.f("uq_pictures_codes_code_hash")),
    )
