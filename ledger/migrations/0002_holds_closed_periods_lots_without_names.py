"""Holds, closed periods, lots without names"""

from alembic import op

revision = "0002"
down_revision = "0001"

TABLES = """
ALTER TABLE accounts ADD COLUMN person uuid;
UPDATE accounts SET person = split_part(code, '/', 2)::uuid WHERE split_part(code, '/', 1) = 'coins';
CREATE UNIQUE INDEX uq_accounts_person ON accounts (person, fund, expires_on) WHERE person IS NOT NULL;
CREATE INDEX ix_accounts_held ON accounts (id) WHERE debits_held > 0;

ALTER TABLE transfers ADD COLUMN seq bigint GENERATED ALWAYS AS IDENTITY;
ALTER TABLE transfers ADD CONSTRAINT uq_transfers_seq UNIQUE (seq);
DROP INDEX ix_transfers_journal;

CREATE TABLE holds (
    hold_id uuid NOT NULL, leg integer NOT NULL, debit_account bigint NOT NULL, credit_account bigint NOT NULL,
    amount_cents bigint NOT NULL, until timestamptz NOT NULL,
    CONSTRAINT pk_holds PRIMARY KEY (hold_id, leg), CONSTRAINT ck_holds_amount CHECK (amount_cents > 0));
CREATE INDEX ix_holds_debit_account ON holds (debit_account);
CREATE TABLE hold_ends (
    hold_id uuid NOT NULL, how text NOT NULL, request_id uuid NOT NULL, ended_at timestamptz NOT NULL,
    CONSTRAINT pk_hold_ends PRIMARY KEY (hold_id), CONSTRAINT ck_hold_ends_how CHECK (how IN ('post', 'void', 'expire')));
CREATE TABLE closed_periods (
    period text NOT NULL, ends_at timestamptz NOT NULL, closed_at timestamptz NOT NULL,
    CONSTRAINT pk_closed_periods PRIMARY KEY (period));
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON holds FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON hold_ends FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON closed_periods FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
"""
# What is hashed of a transfer became a JSON array: see `Transfer.leaf`.
LEAVES = """
ALTER TABLE transfers DISABLE TRIGGER append_only;
UPDATE transfers t SET leaf = sha256(convert_to(concat(
    '["', t.id, '","', t.journal, '","', t.kind, '","', d.code, '","', c.code, '",', t.amount_cents, ',"', t.fund, '","', t.cause, '","',
    to_char(t.occurred_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), '","',
    to_char(t.posted_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), '",', coalesce('"' || t.reversal_of || '"', 'null'), ']'
    ), 'UTF8'))
FROM accounts d, accounts c WHERE d.id = t.debit_account AND c.id = t.credit_account;
ALTER TABLE transfers ENABLE TRIGGER append_only;
"""


def upgrade() -> None:
    """Holds, closed periods, lots without names"""
    op.execute(TABLES)
    op.execute(LEAVES)
