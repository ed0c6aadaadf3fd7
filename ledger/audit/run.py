"""One audit, from the first row to the verdict."""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

from msgspec import DecodeError, Struct, json
from psycopg import DataError
from sqlalchemy import Engine

from ledger.audit.accounts import Accounts, judge_accounts, read_accounts
from ledger.audit.dossier import EVERYTHING, dossiers
from ledger.audit.events import Told
from ledger.audit.log import judge_log, judge_months
from ledger.audit.report import Findings, Progress, Report
from ledger.audit.requests import judge_request
from ledger.audit.source import Snapshot, snapshot
from ledger.audit.state import State
from ledger.audit.sums import judge_sums
from ledger.audit.waiting import Line
from ledger.audit.walk import Walk

EVERY = 50_000
LONGEST_TRANSACTION = timedelta(hours=1)
"""What was decided so long before the newest decision has been committed, if ever: no transaction of the ledger lives that long."""


def quiet(what: str, rows: int) -> None:
    """Progress nobody wants to see."""


def audit(engine: Engine, state: State | None = None, tell: Progress = quiet) -> tuple[Report, State]:
    """Audit the books; answers the verdict, and where to go on from next time.

    `state`: where an earlier audit stopped – then what it added up is taken as it left it, and what was decided since is judged. The sums
    kept for speed, the sealed log and closed months are judged by a whole audit alone.
    """
    began = time.perf_counter()
    findings = Findings()
    try:
        report, state = _audit(engine, state, findings, tell)
    except DataError:  # an event is no JSON, or names no id: nothing can be gathered by it
        report, state = Report(), state or State()
        with snapshot(engine) as books:
            _name_unreadable(books, findings)
        if not findings.count:
            raise
    report.findings, report.wrong = findings.named, findings.count
    report.seconds = round(time.perf_counter() - began, 3)
    return report, state


def _audit(engine: Engine, state: State | None, findings: Findings, tell: Progress) -> tuple[Report, State]:
    whole = state is None
    state = state or State()
    report = Report(since_seq=state.upto_seq)
    with snapshot(engine) as books:
        accounts = read_accounts(books)
        _go_on(books, accounts, state, findings)
        walk = Walk(accounts, state, findings)
        walk.all(books, tell)
        since = state.decided_until or EVERYTHING
        newest = books.one("SELECT to_char(max(decided_at), {instant}) FROM outcomes")[0]
        report.requests = _judge_dossiers(books, accounts, since, findings, tell)
        judge_accounts(books, accounts, findings)
        if whole:
            judge_sums(books, findings)
            judge_log(books, findings, tell)
            judge_months(books, findings)
        _judge_withdrawals(books, findings)
        state.decided_until = _safely_before(newest) if newest else None
        state.outcomes = _decided(books, state)
    report.transfers, report.accounts, report.cents = walk.count, len(accounts), walk.cents
    report.upto_seq, report.missing_seqs = state.upto_seq, len(state.missing)
    return report, state


def _go_on(books: Snapshot, accounts: Accounts, state: State, findings: Findings) -> None:
    """Take up the balances of an earlier audit. What it added up must still be there."""
    if not state.upto_seq:
        return
    said = {"upto": state.upto_seq, "missing": list(state.missing)}
    count, cents = books.one(
        "SELECT count(*), coalesce(sum(amount_cents), 0)::bigint FROM transfers WHERE seq <= %(upto)s AND seq <> ALL(%(missing)s)",
        said,
    )
    key = f"seq<={state.upto_seq}"
    findings.same("transfers", key, "number", count, state.transfers)
    findings.same("transfers", key, "amount_cents", cents, state.cents)
    findings.same("outcomes", f"decided_at<{state.decided_until}", "number", _decided(books, state), state.outcomes)
    for id_, (debits, credits_) in state.counters.items():
        if id_ in accounts:
            accounts[id_].debits, accounts[id_].credits = debits, credits_
        else:
            findings.add("accounts", f"id={id_}", "id", None, "an account with transfers, seen by the last audit")


def _decided(books: Snapshot, state: State) -> int:
    query = "SELECT count(*) FROM outcomes WHERE decided_at < %(until)s::timestamptz"
    return int(books.one(query, {"until": state.decided_until})[0])


def _judge_withdrawals(books: Snapshot, findings: Findings) -> None:
    """Each withdrawn award was withdrawn by a request of its own, whose id follows from the award's. There are few."""
    awards = [row[0] for row in books.rows("SELECT award_id FROM withdrawn_awards")]
    asked = {uuid5(award_id, "withdrawal"): award_id for award_id in awards}
    query = (
        "SELECT request_id FROM outcomes WHERE request_id = ANY(%(ids)s) AND kind = 'withdrawal' AND state = 'posted'"
    )
    there = {row[0] for row in books.rows(query, {"ids": list(asked)})} if asked else set()
    for request_id in sorted(asked.keys() - there):
        findings.add(
            "outcomes", f"request_id={request_id}", "request_id", None, f"the withdrawal of award {asked[request_id]}"
        )


def _judge_dossiers(books: Snapshot, accounts: Accounts, since: str, findings: Findings, tell: Progress) -> int:
    line, told, count = Line(books, accounts, findings, since), Told(accounts, findings, since), 0
    for id_, all_ in dossiers(books, since):
        judge_request(id_, all_, findings)
        line.judge(id_, all_)
        told.judge(id_, all_)
        count += 1
        if count % EVERY == 0:
            tell("requests", count)
    line.judge_order()
    return count


class _Event(Struct):
    type: str
    correlation_id: UUID
    occurred_at: datetime
    data: dict[str, Any]


def _name_unreadable(books: Snapshot, findings: Findings) -> None:
    for seq, value in books.rows("SELECT seq, value FROM outbox"):
        try:
            json.decode(value, type=_Event)
        except (DecodeError, UnicodeDecodeError) as error:
            findings.add("outbox", f"seq={seq}", "value", error, "an event")


def _safely_before(instant: str) -> str:
    return (datetime.fromisoformat(instant) - LONGEST_TRANSACTION).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
