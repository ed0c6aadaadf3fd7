"""The same town, many times as old: all that ever happened in it happened in every quarter of a year before, too.

People, shops, funds and rules stay; shifts, sign-ups, attendances, awards, transfers, sales, statements, batches and bank lines are there
`times` times, each copy a quarter earlier with ids of its own, the same in every service. What has not ended yet is not copied: or every
page would be full of open questions. Rows go from table to table inside PostgreSQL. The log over the transfers is sealed anew.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import psycopg
from sqlalchemy import Column, Date, DateTime, Table, Uuid

from infra.wiring import Town

MOVED = """
CREATE FUNCTION pg_temp.moved(id uuid, n int) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$
    SELECT (lpad(to_hex((('x' || substr(hex, 1, 12))::bit(48)::bigint - n * 7889400000::bigint) & x'ffffffffffff'::bigint), 12, '0')
            || substr(hex, 13))::uuid
    FROM (SELECT replace(id::text, '-', '') AS hex) AS text $$;
CREATE FUNCTION pg_temp.moved(month text, n int) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT to_char(to_date(month, 'YYYY-MM') - n * interval '3 months', 'YYYY-MM') $$;
"""
"""Ids begin with their instant: a copy's is a quarter of a year (91.3125 days, in ms) earlier, so that order by id stays order in time."""
OF_WHAT_HAPPENED = {
    "attendance_id", "award_id", "bank_statement_id", "batch_id", "cause", "claim_id", "entry_id", "id", "journal", "line_id",
    "payment_code_id", "payment_id", "query_id", "request_id", "reversal_id", "reversal_of", "sale_id", "set_aside_id",
    "settlement_id", "shift_id", "signup_id", "statement_id", "team_id", "topup_id",
}  # fmt: skip
MONTHS = {"month", "period"}
OVER = "shift_id IN (SELECT shift_id FROM shifts WHERE ends_at < now())"


@dataclass(frozen=True)
class Copied:
    """`where`: which rows; `but`: columns that are no plain copy, as SQL over the row `t` and the number `n` of the copy."""

    where: str = "true"
    but: dict[str, str] = field(default_factory=dict)


CONFIRMED = "SELECT s.statement_id FROM statements s WHERE s.state = 'claimed'"
OF_ENDED = f"statement_id IS NULL OR statement_id IN ({CONFIRMED})"
LAST_OF_SHOP = f"(SELECT max(c.statement_id::text)::uuid FROM ({CONFIRMED} AND s.shop_id = t.shop_id) AS c)"
ON_A_STATEMENT = f"CASE WHEN claim_id IS NULL THEN pg_temp.moved(coalesce(statement_id, {LAST_OF_SHOP}), n) END"
COPIES: dict[str, dict[str, Copied]] = {
    "shifts": {"shifts": Copied("ends_at < now()"), "signups": Copied(OVER)},
    "attendance": {
        "shifts": Copied("ends_at < now()"), "signups": Copied(OVER), "attendances": Copied("state <> 'disputed'"), "decisions": Copied(),
    },
    "awards": {"awards": Copied("state = 'issued'"), "heard": Copied()},
    "redemption": {"participations": Copied(), "sales": Copied(), "statements": Copied()},
    "impact": {"issued": Copied(), "participations": Copied(), "sales": Copied()},
    "funding": {
        "attendances": Copied(), "awards": Copied(), "backings": Copied(), "purchases": Copied(), "credits": Copied("state = 'matched'"),
        "set_asides": Copied(), "settlements": Copied(),
        "topups": Copied("state = 'settled'", {"reference": "reference || '-' || n", "session_id": "session_id || '-' || n"}),
    },
    "reimbursement": {
        "periods": Copied(but={
            "closed_by": "coalesce(closed_by, issued_by)",
            "closed_at": "coalesce(closed_at, issued_at) - n * interval '3 months'",
        }),
        "statements": Copied("state = 'claimed'"), "statement_parts": Copied(f"statement_id IN ({CONFIRMED})"),
        "lines": Copied(OF_ENDED, {"statement_id": ON_A_STATEMENT}),
        "line_parts": Copied(f"line_id IN (SELECT l.line_id FROM lines l WHERE {OF_ENDED})"), "queries": Copied("answer IS NOT NULL"),
        "claims": Copied(but={"number": "number + 10 * n", "year": "extract(year FROM made_at - n * interval '3 months')"}),
        "batches": Copied(but={
            "state": "'released'", "execution_on": "coalesce(execution_on, prepared_at::date) - n * 91",
            **{f"{done}_by": f"coalesce({done}_by, (SELECT max({done}_by::text)::uuid FROM batches))" for done in ("approved", "released")},
            **{f"{done}_at": f"coalesce({done}_at, prepared_at) - n * interval '3 months'" for done in ("approved", "released")},
        }),
        "payments": Copied(but={
            "state": "CASE state WHEN 'prepared' THEN 'settled' ELSE state END", "was_settled": "was_settled OR state = 'prepared'",
        }),
        "bank_files": Copied(),
        "bank_statements": Copied(but={"sha256": "sha256 || '-' || n", "statement_ref": "statement_ref || '-' || n"}),
        "bank_entries": Copied(),
    },
    "ledger": {"outcomes": Copied(), "closed_periods": Copied()},
}  # fmt: skip
FLOWS = """
UPDATE flows SET in_cents = in_cents * {times}, issued_cents = issued_cents * {times}, spent_cents = spent_cents * {times},
    paid_cents = paid_cents * {times}, expired_cents = (issued_cents - spent_cents) * ({times} - 1)"""
BOOKS = """
CREATE TEMP TABLE lots AS
    SELECT id, n AS nth, nextval(pg_get_serial_sequence('accounts', 'id')) AS copy, until,
        CASE WHEN until < current_date THEN credits_posted - debits_posted ELSE 0 END AS left_over
    FROM accounts CROSS JOIN generate_series(1, {times} - 1) AS n
    CROSS JOIN LATERAL (SELECT (date_trunc('month', expires_on) - n * interval '3 months' + interval '1 month - 1 day')::date AS until) AS d
    WHERE code LIKE 'coins/%';
CREATE UNIQUE INDEX ON lots (id, nth);
ANALYZE lots;
CREATE TEMP TABLE lived AS
    SELECT coalesce(d.copy, debit_account) AS debit_account, coalesce(c.copy, credit_account) AS credit_account, amount_cents,
        occurred_at - n * interval '3 months' AS occurred_at, posted_at - n * interval '3 months' AS posted_at,
        pg_temp.moved(t.id, n) AS id, pg_temp.moved(journal, n) AS journal, pg_temp.moved(cause, n) AS cause, fund,
        pg_temp.moved(reversal_of, n) AS reversal_of, kind, CASE n WHEN 0 THEN leaf ELSE sha256(leaf || int4send(n)) END AS leaf, seq
    FROM generate_series(0, {times} - 1) AS n CROSS JOIN transfers t
    LEFT JOIN lots d ON d.id = debit_account AND d.nth = n LEFT JOIN lots c ON c.id = credit_account AND c.nth = n;
INSERT INTO lived
    SELECT l.copy, f.id, left_over, (until + 1)::timestamptz, (until + 1)::timestamptz, one, one, one, f.fund, NULL, 'expiry',
        sha256(uuid_send(one)), 0
    FROM (SELECT gen_random_uuid() AS one, * FROM lots WHERE left_over > 0) AS l JOIN accounts a USING (id)
    JOIN accounts f ON f.code = 'fund/' || a.fund;
UPDATE accounts SET debits_posted = debits_posted * {times}, credits_posted = credits_posted * {times} WHERE code NOT LIKE 'coins/%';
UPDATE accounts f SET credits_posted = f.credits_posted + came_back
    FROM (SELECT credit_account AS id, sum(amount_cents) AS came_back FROM lived WHERE kind = 'expiry' GROUP BY 1) AS l WHERE f.id = l.id;
INSERT INTO accounts (id, code, fund, person, floored, closed, expires_on, debits_posted, credits_posted, debits_held, credits_held,
                      version)
    OVERRIDING SYSTEM VALUE
    SELECT copy, concat_ws('/', 'coins', pg_temp.moved(split_part(code, '/', 2)::uuid, nth), fund,
            pg_temp.moved(split_part(code, '/', 4), nth)),
        fund, person, floored, closed, until, debits_posted + left_over, credits_posted, 0, 0, version
    FROM accounts JOIN lots USING (id);
INSERT INTO outcomes (request_id, kind, payload, state, amount_cents, decided_at, leaf)
    SELECT id, kind, leaf, 'posted', amount_cents, posted_at, leaf FROM lived WHERE kind = 'expiry';
TRUNCATE transfers, log, subtrees, checkpoints, period_seals, account_sums RESTART IDENTITY;
INSERT INTO transfers (debit_account, credit_account, amount_cents, occurred_at, posted_at, id, journal, cause, fund, reversal_of,
                       kind, leaf)
    SELECT debit_account, credit_account, amount_cents, occurred_at, posted_at, id, journal, cause, fund, reversal_of, kind, leaf
    FROM lived ORDER BY posted_at, seq;
UPDATE closed_periods SET last_seq = (SELECT coalesce(max(seq), 0) FROM transfers WHERE posted_at < closed_at);
"""
"""Lots are used up by their last day, and what is left in one is its fund's again; through all other accounts goes as much each time."""
MORE = {"funding": FLOWS, "ledger": BOOKS}


def lengthen(town: Town, times: int) -> None:
    """Make the history of the town so many times as long, in every service, and let the jobs do what they do with it."""
    for name, tables in COPIES.items():
        ctx = town.rooms[name]
        url = ctx.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
        with psycopg.connect(url) as conn:
            conn.execute(
                "SET session_replication_role = replica; SET statement_timeout = 0; SET timezone = 'Europe/Rome'"
            )
            conn.execute(MOVED)
            for table, copied in tables.items():
                conn.execute(_copies(ctx.room.metadata.tables[table], copied, times))  # type: ignore[arg-type]
            if name in MORE:
                conn.execute(MORE[name].format(times=times))  # type: ignore[arg-type]
        with psycopg.connect(url, autocommit=True) as conn:
            conn.execute("VACUUM ANALYZE")
    town.tick()


def _copies(table: Table, copied: Copied, times: int) -> str:
    """SQL that writes the copies of the table's rows."""
    columns = [column for column in table.columns if column.identity is None and column.computed is None]
    values = ", ".join(copied.but.get(column.name) or _moved(column) for column in columns)
    names = ", ".join(f'"{column.name}"' for column in columns)
    return (
        f"INSERT INTO {table.name} ({names}) SELECT {values} FROM {table.name} t, generate_series(1, {times} - 1) AS n "
        f"WHERE {copied.where} ORDER BY n DESC"
    )


def _moved(column: Column[object]) -> str:
    name = f't."{column.name}"'
    if (isinstance(column.type, Uuid) and column.name in OF_WHAT_HAPPENED) or column.name in MONTHS:
        return f"pg_temp.moved({name}, n)"
    if isinstance(column.type, DateTime | Date):
        of = "::date" if isinstance(column.type, Date) else ""
        return f"({name} - n * interval '3 months'){of}"
    return name
