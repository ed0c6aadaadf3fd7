"""The one place that writes value: gather → decide → apply, set-based. The same code serves 2,000 awards and one sale."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec
from sqlalchemy import text

from ledger import rules
from ledger.domain import decide
from ledger.domain_values import Account, Answer, Book, Decision, Move, Outcome, Request, Reversal, Sweep
from services.apis.errors import Refused
from services.kit.db import Tx

_OPEN = text("""
    INSERT INTO accounts (code, fund, floored, closed, expires_on, debits_posted, credits_posted, debits_held, credits_held, version)
    SELECT code, fund, floored, false, expires_on, 0, 0, 0, 0, 0
    FROM unnest(CAST(:codes AS text[]), CAST(:funds AS uuid[]), CAST(:floored AS boolean[]), CAST(:expiries AS date[]))
         AS wanted (code, fund, floored, expires_on)
    WHERE NOT EXISTS (SELECT FROM accounts WHERE accounts.code = wanted.code COLLATE "C")
    ORDER BY code ON CONFLICT (code) DO NOTHING""")
_LOCK = text("""
    SELECT id, code, fund AS fund_id, floored, closed, debits_posted, credits_posted, debits_held, credits_held
    FROM accounts WHERE code = ANY(CAST(:codes AS text[])) ORDER BY id FOR NO KEY UPDATE""")
_OUTCOMES = text("""
    SELECT request_id, kind, payload, state, amount_cents, code, facts FROM outcomes
    WHERE request_id = ANY(CAST(:ids AS uuid[]))""")
_REVERSED = text("""
    SELECT reversal_of, CAST(sum(amount_cents) AS bigint) AS cents FROM transfers
    WHERE reversal_of = ANY(CAST(:ids AS uuid[])) GROUP BY reversal_of""")
_TRANSFERS = text("""
    INSERT INTO transfers (debit_account, credit_account, amount_cents, occurred_at, posted_at, id, journal, cause, fund, reversal_of,
                           kind, leaf)
    SELECT debit, credit, amount, occurred_at, :now, id, journal, cause, fund, reversal_of, kind, leaf
    FROM unnest(CAST(:debits AS bigint[]), CAST(:credits AS bigint[]), CAST(:amounts AS bigint[]), CAST(:times AS timestamptz[]),
                CAST(:ids AS uuid[]), CAST(:journals AS uuid[]), CAST(:causes AS uuid[]), CAST(:funds AS uuid[]),
                CAST(:reversals AS uuid[]), CAST(:kinds AS text[]), CAST(:leaves AS bytea[]))
         AS t (debit, credit, amount, occurred_at, id, journal, cause, fund, reversal_of, kind, leaf)""")
_COUNT = text("""
    UPDATE accounts SET debits_posted = debits_posted + more.debits, credits_posted = credits_posted + more.credits,
                        version = version + 1
    FROM unnest(CAST(:ids AS bigint[]), CAST(:debits AS bigint[]), CAST(:credits AS bigint[])) AS more (id, debits, credits)
    WHERE accounts.id = more.id""")
_REMEMBER = text("""
    INSERT INTO outcomes (request_id, kind, payload, state, amount_cents, code, facts, decided_at)
    SELECT o.*, :now FROM unnest(CAST(:ids AS uuid[]), CAST(:kinds AS text[]), CAST(:payloads AS bytea[]), CAST(:states AS text[]),
                                 CAST(:amounts AS bigint[]), CAST(:codes AS text[]), CAST(:facts AS jsonb[])) AS o""")


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
        values = {
            "ids": [o.request_id for o in outcomes], "kinds": [o.kind for o in outcomes],
            "payloads": [o.payload for o in outcomes], "states": [o.state for o in outcomes],
            "amounts": [o.amount_cents for o in outcomes], "codes": [o.code for o in outcomes],
            "facts": [msgspec.json.encode(o.facts).decode() if o.facts else None for o in outcomes], "now": tx.now,
        }  # fmt: skip
        tx.session.execute(_REMEMBER, values)


def open_accounts(tx: Tx, codes: Iterable[str]) -> None:
    """Insert the accounts that are missing, in order of code."""
    wanted = sorted(codes)
    terms = [rules.terms_of(code) for code in wanted]
    values = {"codes": wanted, "funds": [t.fund_id for t in terms], "floored": [t.floored for t in terms],
              "expiries": [t.expires_on for t in terms]}  # fmt: skip
    tx.session.execute(_OPEN, values)


def _gather(tx: Tx, requests: Sequence[Request]) -> Book:
    codes = {code for request in requests for code in _touched(request)}
    open_accounts(tx, codes)
    accounts = {row["code"]: Account(**row) for row in tx.session.execute(_LOCK, {"codes": list(codes)}).mappings()}
    # Read only now: who posted the same request, or took the same transfer back, held these locks and has committed.
    ids = {"ids": [request.request_id for request in requests]}
    outcomes = {row["request_id"]: Outcome(**row) for row in tx.session.execute(_OUTCOMES, ids).mappings()}
    taken_back = {"ids": [t.transfer_id for r in requests if isinstance(r, Reversal) for t, _ in r.of]}
    reversed_cents = {}
    if taken_back["ids"]:
        reversed_cents = {row.reversal_of: row.cents for row in tx.session.execute(_REVERSED, taken_back)}
    return Book(accounts=accounts, outcomes=outcomes, reversed_cents=reversed_cents)


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
    transfers, id_of = decision.transfers, {code: account.id for code, account in book.accounts.items()}
    if transfers:
        values = {
            "debits": [id_of[t.debit] for t in transfers], "credits": [id_of[t.credit] for t in transfers],
            "amounts": [t.amount_cents for t in transfers], "times": [t.occurred_at for t in transfers],
            "ids": [t.transfer_id for t in transfers], "journals": [t.journal for t in transfers],
            "causes": [t.cause for t in transfers], "funds": [t.fund_id for t in transfers],
            "reversals": [t.reversal_of for t in transfers], "kinds": [t.kind for t in transfers],
            "leaves": [t.leaf for t in transfers], "now": tx.now,
        }  # fmt: skip
        tx.session.execute(_TRANSFERS, values)
        counters = decision.counters
        values = {"ids": [id_of[code] for code in counters], "debits": [d for d, _ in counters.values()],
                  "credits": [c for _, c in counters.values()]}  # fmt: skip
        tx.session.execute(_COUNT, values)
    remember(tx, decision.outcomes)
