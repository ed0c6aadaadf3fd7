"""A role that cannot change the books, a hash on every row, sums of busy accounts"""

import json
from datetime import UTC
from hashlib import sha256

from alembic import op
from sqlalchemy import text

from services.kit.roles_v1 import append_only, create_role, only

revision = "0004"
down_revision = "0003"

# Transfers and outcomes are written by the thousand, so the ledger hashes them while it writes; the rare rows are hashed here.
HASHES = """
CREATE FUNCTION hash_row() RETURNS trigger LANGUAGE plpgsql SET timezone = 'UTC' SET bytea_output = 'hex' AS $$
BEGIN
    NEW.leaf := sha256(convert_to((to_jsonb(NEW) - 'leaf')::text, 'UTF8'));
    RETURN NEW;
END $$;
SET LOCAL timezone = 'UTC';
SET LOCAL bytea_output = 'hex';
"""
HASHED = """
ALTER TABLE {0} ADD COLUMN leaf bytea;
ALTER TABLE {0} DISABLE TRIGGER USER;
UPDATE {0} t SET leaf = sha256(convert_to((to_jsonb(t) - 'leaf')::text, 'UTF8'));
ALTER TABLE {0} ENABLE TRIGGER USER;
ALTER TABLE {0} ALTER COLUMN leaf SET NOT NULL;
CREATE TRIGGER hash_row BEFORE INSERT OR UPDATE ON {0} FOR EACH ROW EXECUTE FUNCTION hash_row();
"""
SUMS = """
CREATE TABLE summed (
    one boolean NOT NULL, upto bigint NOT NULL, missing bigint[] NOT NULL, missing_since bigint[] NOT NULL,
    CONSTRAINT pk_summed PRIMARY KEY (one), CONSTRAINT ck_summed_one CHECK (one));
CREATE TABLE account_sums (
    account bigint NOT NULL, clock text NOT NULL, upto bigint NOT NULL, part integer NOT NULL, first timestamptz NOT NULL,
    last timestamptz NOT NULL, debits bigint NOT NULL, credits bigint NOT NULL, instants timestamptz[] NOT NULL,
    amounts bigint[] NOT NULL, CONSTRAINT pk_account_sums PRIMARY KEY (account, clock, upto, part),
    CONSTRAINT ck_account_sums_clock CHECK (clock IN ('posted_at', 'occurred_at')));
"""


def upgrade() -> None:
    """A role that cannot change the books, a hash on every row, sums of busy accounts"""
    op.execute(HASHES)
    for table in ("holds", "hold_ends", "withdrawn_awards", "waiting_awards"):
        op.execute(HASHED.format(table))
    _hash_outcomes()
    _remember_closings()
    op.execute("ALTER TABLE outcomes ALTER COLUMN leaf SET NOT NULL")
    op.execute("ALTER TABLE outcomes ADD CONSTRAINT ck_outcomes_leaf CHECK (octet_length(leaf) = 32)")
    op.execute(SUMS)
    _role()


def _role() -> None:
    role = create_role()
    for table in (
        "transfers",
        "outcomes",
        "holds",
        "hold_ends",
        "closed_periods",
        "withdrawn_awards",
        "inbox",
        "account_sums",
        "log",
        "subtrees",
        "checkpoints",
        "period_seals",
        "links_cut",
    ):
        append_only(table, role)
    counters = "person, closed, debits_posted, credits_posted, debits_held, credits_held, version"
    only("accounts", role, "SELECT", "INSERT", f"UPDATE ({counters})")
    only("outbox", role, "SELECT", "INSERT", "UPDATE (published_at)")
    for table in ("positions", "parked", "answers", "summed"):
        only(table, role, "SELECT", "INSERT", "UPDATE")
    only("alembic_version", role, "SELECT")


def _hash_outcomes() -> None:
    """As `domain_values.Outcome.leaf` says."""
    op.execute("ALTER TABLE outcomes ADD COLUMN leaf bytea")
    op.execute("ALTER TABLE outcomes DISABLE TRIGGER USER")
    bind = op.get_bind()
    rows = bind.execute(
        text("SELECT request_id, kind, payload, state, amount_cents, code, facts, decided_at FROM outcomes")
    )
    hashed = [{"id": row.request_id, "leaf": _leaf(*row)} for row in rows]
    if hashed:
        bind.execute(text("UPDATE outcomes SET leaf = :leaf WHERE request_id = :id"), hashed)
    op.execute("ALTER TABLE outcomes ENABLE TRIGGER USER")


def _leaf(request_id, kind, payload, state, amount_cents, code, facts, decided_at):
    at = decided_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    said = [str(request_id), kind, payload.hex(), state, amount_cents, code, facts, at]
    return sha256(json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()).digest()


def _remember_closings() -> None:
    """That a fund was closed is remembered like every other request from now on."""
    from uuid import uuid5

    bind = op.get_bind()
    at = bind.execute(text("SELECT coalesce(max(decided_at), now()) FROM outcomes")).scalar_one()
    for (fund,) in bind.execute(text("SELECT fund FROM accounts WHERE closed")).all():
        request_id, payload = uuid5(fund, "closed"), sha256(json.dumps([str(fund)]).encode()).digest()
        row = {"id": request_id, "payload": payload, "at": at}
        row["leaf"] = _leaf(request_id, "fund_closed", payload, "posted", 0, None, None, at)
        bind.execute(text("""
            INSERT INTO outcomes (request_id, kind, payload, state, amount_cents, decided_at, leaf)
            VALUES (:id, 'fund_closed', :payload, 'posted', 0, :at, :leaf)"""), row)  # fmt: skip
