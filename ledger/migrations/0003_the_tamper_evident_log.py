"""The tamper-evident log"""

from alembic import op

revision = "0003"
down_revision = "0002"

TABLES = """
CREATE TABLE log (
    position bigint NOT NULL, seq bigint NOT NULL, transfer_id uuid NOT NULL, leaf bytea NOT NULL,
    CONSTRAINT pk_log PRIMARY KEY (position), CONSTRAINT uq_log_seq UNIQUE (seq), CONSTRAINT ck_log_leaf CHECK (octet_length(leaf) = 32));
CREATE TABLE subtrees (
    level bigint NOT NULL, index bigint NOT NULL, hash bytea NOT NULL, CONSTRAINT pk_subtrees PRIMARY KEY (level, index));
CREATE TABLE gaps (seq bigint NOT NULL, before_xid bigint NOT NULL, CONSTRAINT pk_gaps PRIMARY KEY (seq));
CREATE TABLE checkpoints (
    size bigint NOT NULL, root bytea NOT NULL, at timestamptz NOT NULL, origin text NOT NULL, key_id bytea NOT NULL,
    signature bytea NOT NULL, CONSTRAINT pk_checkpoints PRIMARY KEY (size));
CREATE TABLE period_seals (
    period text NOT NULL, size bigint NOT NULL, root bytea NOT NULL, balances_root bytea NOT NULL, at timestamptz NOT NULL,
    origin text NOT NULL, key_id bytea NOT NULL, signature bytea NOT NULL, CONSTRAINT pk_period_seals PRIMARY KEY (period));
CREATE TABLE links_cut (
    period text NOT NULL, at timestamptz NOT NULL, CONSTRAINT pk_links_cut PRIMARY KEY (period));
ALTER TABLE closed_periods ADD COLUMN last_seq bigint NOT NULL;
"""
APPEND_ONLY = """
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {} FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
"""


def upgrade() -> None:
    """The tamper-evident log"""
    op.execute(TABLES)
    for table in ("log", "subtrees", "checkpoints", "period_seals", "links_cut"):
        op.execute(APPEND_ONLY.format(table))
