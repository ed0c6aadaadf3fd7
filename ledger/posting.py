"""The one place that writes value: gather → decide → apply, set-based. The same code serves 2,000 awards and one sale.

Rows are streamed with COPY while they are made, so that PostgreSQL writes the first while the last is still being hashed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from psycopg.types.json import Jsonb
from sqlalchemy import text

from ledger import rules
from ledger.domain import decide
from ledger.domain_values import (
    Account,
    Answer,
    Book,
    Decision,
    EndHold,
    Held,
    HoldState,
    Move,
    Outcome,
    Request,
    Reversal,
    Sweep,
)
from services.apis.errors import Refused
from services.kit.db import Tx, array, copy_rows

BOOKS_LOCK = 0x626F6F6B  # "book": shared by every posting; closing a period holds it alone

_OPEN = text("""
    INSERT INTO accounts (code, fund, person, floored, closed, expires_on, debits_posted, credits_posted, debits_held, credits_held,
                          version)
    SELECT code, fund, person, floored, false, expires_on, 0, 0, 0, 0, 0
    FROM unnest(CAST(:codes AS text[]), CAST(:funds AS uuid[]), CAST(:people AS uuid[]), CAST(:floored AS boolean[]), CAST(:days AS date[]))
        AS wanted (code, fund, person, floored, expires_on)
    ON CONFLICT DO NOTHING""")
_LOCK = text("""
    SELECT id, code, fund, floored, closed, debits_posted, credits_posted, debits_held, credits_held
    FROM accounts WHERE code = ANY(CAST(:codes AS text[])) ORDER BY id FOR NO KEY UPDATE""")
_LOTS = text("""
    SELECT n, code FROM unnest(CAST(:people AS uuid[]), CAST(:funds AS uuid[]), CAST(:days AS date[])) WITH ORDINALITY AS k (p, f, d, n)
    JOIN accounts ON (person, fund, expires_on) = (p, f, d)""")
_BOOKS = text("SELECT pg_advisory_xact_lock_shared(:lock)")
_SEALED = text("SELECT max(ends_at) FROM closed_periods")
_OUTCOMES = text("""
    SELECT request_id, kind, payload, state, amount_cents, code, facts FROM outcomes WHERE request_id = ANY(CAST(:ids AS uuid[]))""")
_REVERSED = text("""
    SELECT reversal_of, CAST(sum(amount_cents) AS bigint) AS cents FROM transfers
    WHERE reversal_of = ANY(CAST(:ids AS uuid[])) GROUP BY reversal_of""")
_HOLDS = text("""
    SELECT hold_id, leg, d.code AS debit, c.code AS credit, amount_cents, how, until <= clock_timestamp() AS over
    FROM holds JOIN accounts d ON d.id = debit_account JOIN accounts c ON c.id = credit_account LEFT JOIN hold_ends USING (hold_id)
    WHERE hold_id = ANY(CAST(:ids AS uuid[])) ORDER BY hold_id, leg""")
_COUNT = text("""
    UPDATE accounts SET debits_posted = debits_posted + d, credits_posted = credits_posted + c, debits_held = debits_held + dh,
                        credits_held = credits_held + ch, version = version + 1
    FROM unnest(CAST(:ids AS bigint[]), CAST(:d AS bigint[]), CAST(:c AS bigint[]), CAST(:dh AS bigint[]), CAST(:ch AS bigint[]))
        AS more (account, d, c, dh, ch)
    WHERE accounts.id = account""")
_HOLD = text("""
    INSERT INTO holds (hold_id, leg, debit_account, credit_account, amount_cents, until)
    VALUES (:hold_id, :leg, :debit, :credit, :amount_cents, clock_timestamp() + make_interval(secs => :seconds))""")
_END = text("INSERT INTO hold_ends (hold_id, how, request_id, ended_at) VALUES (:hold_id, :how, :request_id, :now)")

_TRANSFERS = {
    "debit_account": "int8", "credit_account": "int8", "amount_cents": "int8", "occurred_at": "timestamptz", "posted_at": "timestamptz",
    "id": "uuid", "journal": "uuid", "cause": "uuid", "fund": "uuid", "reversal_of": "uuid", "kind": "text", "leaf": "bytea",
}  # fmt: skip
_REMEMBERED = {
    "request_id": "uuid", "kind": "text", "payload": "bytea", "state": "text", "amount_cents": "int8", "code": "text",
    "facts": "jsonb", "decided_at": "timestamptz", "leaf": "bytea",
}  # fmt: skip


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


def remember(tx: Tx, outcomes: Iterable[Outcome]) -> None:
    """Keep outcomes for good."""
    copy_rows(tx, "outcomes", _REMEMBERED, (
        (o.request_id, o.kind, o.payload, o.state, o.amount_cents, o.code, None if o.facts is None else Jsonb(o.facts), tx.now,
         o.leaf(tx.now))
        for o in outcomes
    ))  # fmt: skip


def open_accounts(tx: Tx, codes: Iterable[str], people: Mapping[str, UUID] | None = None) -> None:
    """Insert the accounts that are missing; in order of code, so that two postings never wait for each other's. `people`: whose lots."""
    wanted = sorted(codes)
    terms = [rules.terms_of(code) for code in wanted]
    said = {
        "codes": array(wanted), "funds": array([t.fund_id for t in terms]), "floored": array([t.floored for t in terms]),
        "days": array([t.expires_on for t in terms]), "people": array([people[code] if people else None for code in wanted]),
    }  # fmt: skip
    tx.session.execute(_OPEN, said)


def codes_of(tx: Tx, lots: Iterable[rules.Lot]) -> dict[rules.Lot, str]:
    """The accounts of these lots; those that are missing are opened, under random ids."""
    wanted = list(dict.fromkeys(lots))
    found = _codes(tx, wanted)
    missing = {rules.coins(tx.new_id(), lot): lot.person_id for lot in wanted if lot not in found}
    if missing:
        open_accounts(tx, missing, missing)
        found = _codes(tx, wanted)  # read again: another transaction may have opened one of them first
    return found


def _codes(tx: Tx, lots: Sequence[rules.Lot]) -> dict[rules.Lot, str]:
    people, funds, days = ([lot[n] for lot in lots] for n in range(3))
    rows = tx.session.execute(_LOTS, {"people": array(people), "funds": array(funds), "days": array(days)})
    return {lots[n - 1]: code for n, code in rows}


def _gather(tx: Tx, requests: Sequence[Request]) -> Book:
    tx.session.execute(_BOOKS, {"lock": BOOKS_LOCK})
    holds = _holds(tx, [request.hold_id for request in requests if isinstance(request, EndHold)])
    codes = {code for request in requests for code in _touched(request, holds)}
    accounts = _lock(tx, codes)
    if len(accounts) < len(codes):
        open_accounts(tx, codes - accounts.keys())
        accounts = _lock(tx, codes)
    # Read only now: who posted the same request, or took the same transfer back, held these locks and has committed.
    rows = tx.session.execute(_OUTCOMES, {"ids": array([request.request_id for request in requests])})
    outcomes = {row.request_id: Outcome(**row._mapping) for row in rows}
    taken_back = {t.transfer_id for r in requests if isinstance(r, Reversal) for t, _ in r.of}
    reversed_cents: dict[UUID, int] = {}
    if taken_back:
        reversed_cents = dict(tx.session.execute(_REVERSED, {"ids": array(taken_back)}).all())
    return Book(
        accounts=accounts, outcomes=outcomes, reversed_cents=reversed_cents, holds=_holds(tx, holds),
        sealed_until=tx.session.scalar(_SEALED),
    )  # fmt: skip


def _lock(tx: Tx, codes: Iterable[str]) -> dict[str, Account]:
    return {row[1]: Account(*row) for row in tx.session.execute(_LOCK, {"codes": array(codes)})}


def _holds(tx: Tx, hold_ids: Iterable[UUID]) -> dict[UUID, HoldState]:
    ids = array(hold_ids)
    holds: dict[UUID, HoldState] = {}
    for row in tx.session.execute(_HOLDS, {"ids": ids}) if ids != "{}" else ():
        leg = Held(row.hold_id, row.leg, row.debit, row.credit, row.amount_cents, 0)
        before = holds.get(row.hold_id)
        holds[row.hold_id] = HoldState((*before.legs, leg) if before else (leg,), row.how, row.over)
    return holds


def _touched(request: Request, holds: Mapping[UUID, HoldState]) -> Iterable[str]:
    if isinstance(request, Move):
        for plan in request.plans:
            for leg in plan:
                yield leg.debit
                yield leg.credit
    elif isinstance(request, Reversal):
        for transfer, _ in request.of:
            yield from (transfer.debit, transfer.credit)
    elif isinstance(request, Sweep):
        yield from (request.debit, request.credit)
    elif isinstance(request, EndHold) and request.hold_id in holds:
        for held in holds[request.hold_id].legs:
            yield from (held.debit, held.credit)


def _apply(tx: Tx, decision: Decision, book: Book) -> None:
    id_of = {code: account.id for code, account in book.accounts.items()}
    now = tx.now
    copy_rows(tx, "transfers", _TRANSFERS, (
        (id_of[t.debit], id_of[t.credit], t.amount_cents, t.occurred_at, now, t.transfer_id, t.journal, t.cause, t.fund_id, t.reversal_of,
         t.kind, t.leaf)
        for t in decision.transfers
    ))  # fmt: skip
    if decision.changes:
        changes = decision.changes.values()
        added = {"d": "debits", "c": "credits", "dh": "debits_held", "ch": "credits_held"}
        said = {short: array([getattr(change, name) for change in changes]) for short, name in added.items()}
        tx.session.execute(_COUNT, {"ids": array([id_of[code] for code in decision.changes]), **said})
    if decision.held:
        rows = [
            {"hold_id": h.hold_id, "leg": h.leg, "debit": id_of[h.debit], "credit": id_of[h.credit], "amount_cents": h.amount_cents,
             "seconds": h.seconds}
            for h in decision.held
        ]  # fmt: skip
        tx.session.execute(_HOLD, rows)
    if decision.ended:
        ends = [{"hold_id": i, "how": e.how, "request_id": e.request_id, "now": now} for i, e in decision.ended.items()]
        tx.session.execute(_END, ends)
    remember(tx, decision.outcomes)
