"""The one place that writes value: gather → decide → apply, set-based. The same code serves 2,000 awards and one sale."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from msgspec import json, to_builtins
from sqlalchemy import text

from ledger import rules
from ledger.domain import decide
from ledger.domain_values import Account, Answer, Book, Decision, Move, Outcome, Request, Reversal, Sweep
from services.apis.errors import Refused
from services.kit.db import Tx

# Rows travel as one JSON value: one parameter and one statement, whatever the size of the batch.
_KNOWN = text("""
    SELECT code FROM accounts WHERE code = ANY(ARRAY(SELECT json_array_elements_text(CAST(:codes AS json))))""")
_OPEN = text("""
    INSERT INTO accounts (code, fund, floored, closed, expires_on, debits_posted, credits_posted, debits_held, credits_held, version)
    SELECT code, fund_id, floored, false, expires_on, 0, 0, 0, 0, 0
    FROM json_to_recordset(CAST(:rows AS json)) AS wanted (code text, fund_id uuid, floored boolean, expires_on date)
    ON CONFLICT (code) DO NOTHING""")
_LOCK = text("""
    SELECT id, code, fund AS fund_id, floored, closed, debits_posted, credits_posted, debits_held, credits_held
    FROM accounts WHERE code = ANY(ARRAY(SELECT json_array_elements_text(CAST(:codes AS json)))) ORDER BY id FOR NO KEY UPDATE""")
_OUTCOMES = text("""
    SELECT request_id, kind, payload, state, amount_cents, code, facts FROM outcomes
    WHERE request_id = ANY(ARRAY(SELECT CAST(json_array_elements_text(CAST(:ids AS json)) AS uuid)))""")
_REVERSED = text("""
    SELECT reversal_of, CAST(sum(amount_cents) AS bigint) AS cents FROM transfers
    WHERE reversal_of = ANY(ARRAY(SELECT CAST(json_array_elements_text(CAST(:ids AS json)) AS uuid))) GROUP BY reversal_of""")
_TRANSFERS = text("""
    INSERT INTO transfers (debit_account, credit_account, amount_cents, occurred_at, posted_at, id, journal, cause, fund, reversal_of,
                           kind, leaf)
    SELECT debit, credit, amount_cents, occurred_at, :now, transfer_id, journal, cause, fund_id, reversal_of, kind, decode(leaf, 'hex')
    FROM json_to_recordset(CAST(:rows AS json)) AS t (
        debit bigint, credit bigint, amount_cents bigint, occurred_at timestamptz, transfer_id uuid, journal uuid, cause uuid,
        fund_id uuid, reversal_of uuid, kind text, leaf text)""")
_COUNT = text("""
    UPDATE accounts SET debits_posted = debits_posted + more.debits, credits_posted = credits_posted + more.credits,
                        version = version + 1
    FROM json_to_recordset(CAST(:rows AS json)) AS more (id bigint, debits bigint, credits bigint)
    WHERE accounts.id = more.id""")
_REMEMBER = text("""
    INSERT INTO outcomes (request_id, kind, payload, state, amount_cents, code, facts, decided_at)
    SELECT request_id, kind, decode(payload, 'base64'), state, amount_cents, code, facts, :now
    FROM json_to_recordset(CAST(:rows AS json)) AS o (
        request_id uuid, kind text, payload text, state text, amount_cents bigint, code text, facts jsonb)""")


def post(tx: Tx, requests: Sequence[Request]) -> tuple[Answer, ...]:
    """Decide the requests in order and write what they move; answers in the same order. Refusals are answers too (see `insist`).

    Accounts are locked in order of id, so that two postings never wait for each other in a circle. A transaction that posts twice
    (a batch of several kinds of events) gives that order up; should it meet a sale the wrong way round, PostgreSQL ends one of
    the two and it is repeated, without effect until then.
    """
    if not requests:
        return ()
    book = _gather(tx, requests)
    decision = decide(book, requests, now=tx.now, new_id=tx.new_id)
    _apply(tx, decision, book)
    return decision.answers


def insist(answers: Iterable[Answer]) -> None:
    """For events, which nobody can say no to: raises the first refusal, so that the event is parked and a person looks."""
    for answer in answers:
        outcome = answer.outcome
        if outcome.code == "conflict" or (answer.fresh and outcome.state == "refused"):
            raise Refused(
                f"{outcome.kind}_{outcome.code}",
                f"{outcome.kind} {outcome.request_id} cannot be posted.",
                outcome.facts,
            )


def remember(tx: Tx, outcomes: Sequence[Outcome]) -> None:
    """Keep outcomes for good."""
    if outcomes:
        tx.session.execute(_REMEMBER, {"rows": _json(outcomes), "now": tx.now})


def open_accounts(tx: Tx, codes: Iterable[str]) -> None:
    """Insert the accounts that are missing; in order of code, so that two postings never wait for each other's."""
    wanted = set(codes)
    missing = wanted.difference(tx.session.scalars(_KNOWN, {"codes": _json(wanted)}))
    if missing:
        rows = [{"code": code, **to_builtins(rules.terms_of(code))} for code in sorted(missing)]
        tx.session.execute(_OPEN, {"rows": _json(rows)})


def _gather(tx: Tx, requests: Sequence[Request]) -> Book:
    codes = {code for request in requests for code in _touched(request)}
    open_accounts(tx, codes)
    rows = tx.session.execute(_LOCK, {"codes": _json(codes)})
    accounts = {row.code: Account(**row._mapping) for row in rows}
    # Read only now: who posted the same request, or took the same transfer back, held these locks and has committed.
    rows = tx.session.execute(_OUTCOMES, {"ids": _json([request.request_id for request in requests])})
    outcomes = {row.request_id: Outcome(**row._mapping) for row in rows}
    taken_back = {t.transfer_id for r in requests if isinstance(r, Reversal) for t, _ in r.of}
    rows = tx.session.execute(_REVERSED, {"ids": _json(taken_back)})
    return Book(accounts=accounts, outcomes=outcomes, reversed_cents={row.reversal_of: row.cents for row in rows})


def _touched(request: Request) -> Iterable[str]:
    if isinstance(request, Move):
        for plan in request.plans:
            for leg in plan:
                yield from (leg.debit, leg.credit)
    elif isinstance(request, Reversal):
        for transfer, _ in request.of:
            yield from (transfer.debit, transfer.credit)
    elif isinstance(request, Sweep):
        yield from (request.debit, request.credit)


def _apply(tx: Tx, decision: Decision, book: Book) -> None:
    if decision.transfers:
        id_of = {code: account.id for code, account in book.accounts.items()}
        rows = [
            {
                "debit": id_of[t.debit], "credit": id_of[t.credit], "amount_cents": t.amount_cents, "occurred_at": t.occurred_at,
                "transfer_id": t.transfer_id, "journal": t.journal, "cause": t.cause, "fund_id": t.fund_id,
                "reversal_of": t.reversal_of, "kind": t.kind, "leaf": t.leaf.hex(),
            }
            for t in decision.transfers
        ]  # fmt: skip
        tx.session.execute(_TRANSFERS, {"rows": _json(rows), "now": tx.now})
        more = [{"id": id_of[code], "debits": d, "credits": c} for code, (d, c) in decision.counters.items()]
        tx.session.execute(_COUNT, {"rows": _json(more)})
    remember(tx, decision.outcomes)


def _json(value: Any) -> str:
    return json.encode(value).decode()
