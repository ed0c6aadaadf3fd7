"""The one place that writes value: gather → decide → apply, set-based. The same code serves 2,000 awards and one sale.

PostgreSQL writes one thing while the next is being hashed (`services/kit/bulk.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

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
from ledger.queries import BY_INDEX, by_index
from services.apis.errors import Refused
from services.kit.bulk import Sending, array, rows_of, sending
from services.kit.db import Tx

_UNOPENED = 0
BOOKS_LOCK = 0x626F6F6B  # "book": shared by every posting; closing a period holds it alone

_OPEN = """
    INSERT INTO accounts (code, fund, person, floored, closed, expires_on, debits_posted, credits_posted, debits_held, credits_held,
                          version)
    SELECT code, fund, person, floored, false, expires_on, 0, 0, 0, 0, 0
    FROM unnest(%(codes)s::text[], %(funds)s::uuid[], %(people)s::uuid[], %(floored)s::boolean[], %(days)s::date[])
        AS wanted (code, fund, person, floored, expires_on)
    ON CONFLICT DO NOTHING"""
_READ = """
    SELECT id, code, fund, floored, closed, debits_posted, credits_posted, debits_held, credits_held
    FROM accounts WHERE code = ANY(%(codes)s::text[])"""
_LOCK = _READ + " ORDER BY id FOR NO KEY UPDATE"
_LOTS = """
    SELECT id, code FROM unnest(%(people)s::uuid[], %(funds)s::uuid[], %(days)s::date[]) WITH ORDINALITY AS k (p, f, d, n)
    LEFT JOIN accounts ON (person, fund, expires_on) = (p, f, d) ORDER BY n"""
_BOOKS = BY_INDEX + ", pg_advisory_xact_lock_shared(%(lock)s)"
_SEALED = "SELECT max(ends_at) FROM closed_periods"
_OUTCOMES = """
    SELECT request_id, kind, payload, state, amount_cents, code, facts FROM outcomes WHERE request_id = ANY(%(ids)s::uuid[])"""
_REVERSED = """
    SELECT reversal_of, CAST(sum(amount_cents) AS bigint) AS cents FROM transfers
    WHERE reversal_of = ANY(%(ids)s::uuid[]) GROUP BY reversal_of"""
_HOLDS = """
    SELECT hold_id, leg, d.code AS debit, c.code AS credit, amount_cents, how, until <= clock_timestamp() AS over
    FROM holds JOIN accounts d ON d.id = debit_account JOIN accounts c ON c.id = credit_account LEFT JOIN hold_ends USING (hold_id)
    WHERE hold_id = ANY(%(ids)s::uuid[]) ORDER BY hold_id, leg"""
_COUNT = """
    UPDATE accounts SET debits_posted = debits_posted + d, credits_posted = credits_posted + c, debits_held = debits_held + dh,
                        credits_held = credits_held + ch, version = version + 1
    FROM unnest(%(ids)s::bigint[], %(d)s::bigint[], %(c)s::bigint[], %(dh)s::bigint[], %(ch)s::bigint[])
        AS more (account, d, c, dh, ch)
    WHERE accounts.id = account"""
_HOLD = """
    INSERT INTO holds (hold_id, leg, debit_account, credit_account, amount_cents, until)
    VALUES (%(hold_id)s, %(leg)s, %(debit)s, %(credit)s, %(amount_cents)s, clock_timestamp() + make_interval(secs => %(seconds)s))"""
_END = (
    "INSERT INTO hold_ends (hold_id, how, request_id, ended_at) VALUES (%(hold_id)s, %(how)s, %(request_id)s, %(now)s)"
)

_TRANSFERS = {
    "debit_account": "int8", "credit_account": "int8", "amount_cents": "int8", "occurred_at": "timestamptz", "posted_at": "timestamptz",
    "id": "uuid", "journal": "uuid", "cause": "uuid", "fund": "uuid", "reversal_of": "uuid", "kind": "text", "leaf": "bytea",
}  # fmt: skip
_REMEMBERED = {
    "request_id": "uuid", "kind": "text", "payload": "bytea", "state": "text", "amount_cents": "int8", "code": "text",
    "facts": "jsonb", "decided_at": "timestamptz", "leaf": "bytea",
}  # fmt: skip


def post(
    tx: Tx,
    requests: Sequence[Request],
    known: Mapping[str, Account] | None = None,
    meanwhile: Callable[[tuple[Answer, ...]], None] | None = None,
) -> tuple[Answer, ...]:
    """Decide the requests in order and write what they move; answers in the same order. Refusals are answers too (see `insist`).

    `meanwhile`: what to make of the answers while PostgreSQL writes; it may put events, but not use the session.

    `known`: accounts read already in this transaction. What only receives is not locked before it is written, for nothing is decided on
    what stands there. What gives is locked in order of id, so that two postings never wait for each other in a circle. A transaction that
    posts twice (a batch of several kinds of events) gives that order up; should it meet a sale the wrong way round, PostgreSQL ends one
    of the two and it is repeated, without effect until then.
    """
    if not requests:
        return ()
    book = _gather(tx, requests, known or {})
    decision = decide(book, requests, now=tx.now)
    _apply(tx, decision, book, meanwhile)
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
    with sending(tx.session) as out:
        _remember(out, outcomes, tx.now)


def _remember(out: Sending, outcomes: Iterable[Outcome], now: datetime) -> None:
    out.copy("outcomes", _REMEMBERED, [
        (o.request_id, o.kind, o.payload, o.state, o.amount_cents, o.code, o.facts, now, o.leaf(now)) for o in outcomes
    ])  # fmt: skip


def open_accounts(tx: Tx, codes: Iterable[str], people: Mapping[str, UUID] | None = None) -> None:
    """Insert the accounts that are missing; in order of code, so that two postings never wait for each other's. `people`: whose lots."""
    wanted = sorted(codes)
    terms = [rules.terms_of(code) for code in wanted]
    said = {
        "codes": array(wanted), "funds": array([t.fund_id for t in terms]), "floored": array([t.floored for t in terms]),
        "days": array([t.expires_on for t in terms]), "people": array([people[code] if people else None for code in wanted]),
    }  # fmt: skip
    rows_of(tx.session, _OPEN, **said)


def lots_of(tx: Tx, lots: Sequence[rules.Lot]) -> list[Account]:
    """The accounts of these lots, in the same order, to receive coins: what stands there is not read, for nothing is decided on it.
    Those that are missing are opened, under random ids."""
    by_index(tx)
    accounts = _lots(tx, lots)
    missing = {
        rules.coins(tx.new_id(), lot): lot.person_id for lot, found in zip(lots, accounts, strict=True) if found is None
    }
    if missing:
        open_accounts(tx, missing, missing)
        accounts = _lots(
            tx, lots
        )  # read again: another transaction, or another award of this batch, may have opened one first
    return accounts  # type: ignore[return-value]


def _lots(tx: Tx, lots: Sequence[rules.Lot]) -> list[Account | None]:
    people, funds, days = (array([lot[n] for lot in lots]) for n in range(3))
    rows = rows_of(tx.session, _LOTS, people=people, funds=funds, days=days)
    return [Account(id_, code, lot.fund_id, True) if id_ else None for (id_, code), lot in zip(rows, lots, strict=True)]


def _gather(tx: Tx, requests: Sequence[Request], known: Mapping[str, Account]) -> Book:
    rows_of(tx.session, _BOOKS, lock=BOOKS_LOCK)
    holds = _holds(tx, [request.hold_id for request in requests if isinstance(request, EndHold)])
    give: set[str] = set()
    take: set[str] = set()
    for request in requests:
        for debit, credit in _ways(request, holds):
            give.add(debit)
            take.add(credit)
    take.difference_update(give, known)
    accounts = _accounts(tx, take, _READ) | _accounts(tx, give, _LOCK)
    if missing := give - accounts.keys():
        open_accounts(tx, missing)
        accounts |= _accounts(tx, give, _LOCK)
    # What only receives is opened when it does: a refused sale leaves no account of its shop behind.
    accounts |= {code: _unopened(code) for code in take - accounts.keys()}
    # Read only now: who posted the same request, or took the same transfer back, held these locks and has committed.
    remembered = rows_of(tx.session, _OUTCOMES, ids=array([request.request_id for request in requests]))
    taken_back = {t.transfer_id for r in requests if isinstance(r, Reversal) for t, _ in r.of}
    reversed_cents = rows_of(tx.session, _REVERSED, ids=array(taken_back)) if taken_back else []
    [(sealed_until,)] = rows_of(tx.session, _SEALED)
    return Book(
        accounts={**known, **accounts}, outcomes={row[0]: Outcome(*row) for row in remembered},
        reversed_cents=dict(reversed_cents), holds=_holds(tx, holds), sealed_until=sealed_until,
    )  # fmt: skip


def _accounts(tx: Tx, codes: Iterable[str], how: str) -> dict[str, Account]:
    return {row[1]: Account(*row) for row in rows_of(tx.session, how, codes=array(codes))} if codes else {}


def _unopened(code: str) -> Account:
    terms = rules.terms_of(code)
    return Account(_UNOPENED, code, terms.fund_id, terms.floored)


def _holds(tx: Tx, hold_ids: Iterable[UUID]) -> dict[UUID, HoldState]:
    ids = array(hold_ids)
    holds: dict[UUID, HoldState] = {}
    for hold_id, leg, debit, credit, cents, how, over in rows_of(tx.session, _HOLDS, ids=ids) if ids != "{}" else ():
        before = holds[hold_id].legs if hold_id in holds else ()
        holds[hold_id] = HoldState((*before, Held(hold_id, leg, debit, credit, cents, 0)), how, over)
    return holds


def _ways(request: Request, holds: Mapping[UUID, HoldState]) -> Iterable[tuple[str, str]]:
    """Which accounts a request may move value from, and to."""
    if isinstance(request, Move):
        return [(leg.debit, leg.credit) for plan in request.plans for leg in plan]
    if isinstance(request, Reversal):
        return [(transfer.credit, transfer.debit) for transfer, _ in request.of]
    if isinstance(request, Sweep):
        # To zero, it is decided on what stands on the other side too.
        return [(request.debit, request.credit), (request.credit, request.debit)][: 1 + request.to_zero]
    if isinstance(request, EndHold) and request.hold_id in holds:
        return [(held.debit, held.credit) for held in holds[request.hold_id].legs]
    return ()


def _apply(tx: Tx, decision: Decision, book: Book, meanwhile: Callable[[tuple[Answer, ...]], None] | None) -> None:
    """Write it. The counters first: while PostgreSQL is busy with them, there is the most to hash."""
    id_of = {code: account.id for code, account in book.accounts.items()}
    if unopened := [code for code in decision.changes if id_of[code] == _UNOPENED]:
        open_accounts(tx, unopened)
        id_of |= {code: account.id for code, account in _accounts(tx, unopened, _READ).items()}
    now = tx.now
    with sending(tx.session) as out:
        if decision.changes:
            changes = decision.changes.values()
            added = {"d": "debits", "c": "credits", "dh": "debits_held", "ch": "credits_held"}
            said = {short: array([getattr(change, name) for change in changes]) for short, name in added.items()}
            out.run(_COUNT, ids=array([id_of[code] for code in decision.changes]), **said)
        out.copy("transfers", _TRANSFERS, [
            (id_of[t.debit], id_of[t.credit], t.amount_cents, t.occurred_at, now, t.transfer_id, t.journal, t.cause, t.fund_id,
             t.reversal_of, t.kind, t.leaf)
            for t in decision.transfers
        ])  # fmt: skip
        for held in decision.held:
            out.run(
                _HOLD, hold_id=held.hold_id, leg=held.leg, debit=id_of[held.debit], credit=id_of[held.credit],
                amount_cents=held.amount_cents, seconds=held.seconds,
            )  # fmt: skip
        for hold_id, end in decision.ended.items():
            out.run(_END, hold_id=hold_id, how=end.how, request_id=end.request_id, now=now)
        if meanwhile:
            meanwhile(decision.answers)  # transfers take longest to be written
        _remember(out, decision.outcomes, now)
