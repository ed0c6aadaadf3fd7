"""The decision: a pure, deterministic state machine over accounts and requests. Knows nothing of coins or shops (`rules.py` does).

The clock and ids are arguments.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from ledger.domain_values import Answer, Book, Decision, Move, Outcome, Plan, Request, Reversal, Sweep, Transfer


def decide(book: Book, requests: Sequence[Request], *, now: datetime, new_id: Callable[[], UUID]) -> Decision:
    """Apply the requests in order, each on what those before it left. A refusal changes nothing but its outcome."""
    desk = _Desk(book, now, new_id)
    answers = tuple(desk.answer(request) for request in requests)
    touched = desk.debits.keys() | desk.credits.keys()
    return Decision(
        answers=answers,
        transfers=tuple(t for a in answers for t in a.transfers),
        outcomes=tuple(desk.remembered),
        counters={code: (desk.debits.get(code, 0), desk.credits.get(code, 0)) for code in touched},
    )


def split(amount_cents: int, permilles: Sequence[int]) -> list[int]:
    """Shares of an amount, rounded down; the last takes the rest, and so the rounding cent. Raises ValueError unless they sum to 1000."""
    if sum(permilles) != 1000 or min(permilles) < 0:
        raise ValueError(f"shares must sum to 1000 permille: {list(permilles)}")
    shares = [amount_cents * permille // 1000 for permille in permilles[:-1]]
    return [*shares, amount_cents - sum(shares)]


class _No(Exception):
    def __init__(self, code: str, available_cents: int = 0) -> None:
        super().__init__(code)
        self.code = code
        self.available_cents = available_cents


class _Steps:
    """A plan being tried: its moves so far, without effect on the desk until it is known to succeed."""

    def __init__(self, desk: _Desk) -> None:
        self.desk = desk
        self.made: list[tuple[str, str, int, UUID | None]] = []
        self.moved: defaultdict[str, int] = defaultdict(int)
        self.taken_back: defaultdict[UUID, int] = defaultdict(int)

    def can_give(self, code: str) -> int | None:
        """What may leave the account now; None without limit."""
        account = self.desk.accounts[code]
        return self.desk.available(code) + self.moved[code] if account.floored else None

    def add(self, debit: str, credit: str, amount: int, reversal_of: UUID | None = None) -> None:
        if self.desk.accounts[debit].fund_id != self.desk.accounts[credit].fund_id:
            raise _No("fund_mismatch")
        if amount:
            self.moved[debit] -= amount
            self.moved[credit] += amount
            self.made.append((debit, credit, amount, reversal_of))
            if reversal_of is not None:
                self.taken_back[reversal_of] += amount


class _Desk:
    """The books while one decision is made."""

    def __init__(self, book: Book, now: datetime, new_id: Callable[[], UUID]) -> None:
        self.accounts, self.now, self.new_id = book.accounts, now, new_id
        self.outcomes = dict(book.outcomes)
        self.remembered: list[Outcome] = []
        self.reversed = dict(book.reversed_cents)
        self.debits: dict[str, int] = {}
        self.credits: dict[str, int] = {}

    def available(self, code: str) -> int:
        return self.accounts[code].available_cents + self.credits.get(code, 0) - self.debits.get(code, 0)

    def answer(self, request: Request) -> Answer:
        known = self.outcomes.get(request.request_id)
        if known is not None:
            if known.payload != request.payload or known.kind != request.kind:
                known = _outcome(request, "refused", code="conflict")
            return Answer(outcome=known, fresh=False)
        steps = _Steps(self)
        try:
            if isinstance(request, Move):
                steps = self._move(request)
            elif isinstance(request, Reversal):
                self._reverse(request, steps)
            elif isinstance(request, Sweep):
                self._sweep(request, steps)
        except _No as no:
            waits = isinstance(request, Move) and request.or_wait and no.code != "fund_mismatch"
            facts = {"available_cents": no.available_cents}
            outcome = _outcome(request, "waiting" if waits else "refused", code=no.code, facts=facts)
            transfers: tuple[Transfer, ...] = ()
        else:
            transfers = self._write(request, steps)
            total = sum(t.amount_cents for t in transfers)
            outcome = _outcome(request, "posted", amount_cents=total, facts=request.facts)
        self.outcomes[request.request_id] = outcome
        if outcome.state != "waiting" and (transfers or not isinstance(request, Sweep)):
            self.remembered.append(outcome)
        return Answer(outcome=outcome, fresh=True, transfers=transfers)

    def _move(self, move: Move) -> _Steps:
        if not move.amount_cents and not move.plans:
            return _Steps(self)
        if move.amount_cents <= 0:
            raise ValueError(f"{move.kind} {move.request_id} moves {move.amount_cents}")
        no = _No("no_plan")
        for plan in move.plans:
            try:
                return self._follow(move, plan)
            except _No as this:
                if this.code == "fund_mismatch":
                    raise
                # Of several reasons the one that a little more money would mend says most.
                no = this if (this.code == "insufficient") >= (no.code == "insufficient") else no
        raise no

    def _follow(self, move: Move, plan: Plan) -> _Steps:
        steps, rest, closed = _Steps(self), move.amount_cents, False
        for leg in plan:
            limit = steps.can_give(leg.debit)
            if self.accounts[leg.debit].closed and not move.even_closed:
                limit, closed = 0, True
            amount = leg.amount_cents
            if amount is None:
                amount = rest if limit is None else max(0, min(rest, limit))
            elif limit is not None and amount > limit:
                raise _No("closed" if closed else "insufficient")
            steps.add(leg.debit, leg.credit, amount)
            rest -= amount
        if rest < 0:
            raise ValueError(f"a plan of {move.kind} {move.request_id} gives more than asked")
        if rest:
            raise _No("closed" if closed and not steps.made else "insufficient", move.amount_cents - rest)
        return steps

    def _reverse(self, reversal: Reversal, steps: _Steps) -> None:
        for transfer, wanted in reversal.of:
            before = self.reversed.get(transfer.transfer_id, 0) + steps.taken_back[transfer.transfer_id]
            left = max(0, transfer.amount_cents - before)
            limit = steps.can_give(transfer.credit)
            amount = min(wanted, left, wanted if limit is None else max(0, limit))
            if amount < wanted and not reversal.at_most:
                raise _No("over_original" if wanted > left else "insufficient", amount)
            steps.add(transfer.credit, transfer.debit, amount, transfer.transfer_id)

    def _sweep(self, sweep: Sweep, steps: _Steps) -> None:
        amount = max(0, self.available(sweep.debit))
        if sweep.to_zero:
            amount = min(amount, max(0, -self.available(sweep.credit)))
        steps.add(sweep.debit, sweep.credit, amount)

    def _write(self, request: Request, steps: _Steps) -> tuple[Transfer, ...]:
        transfers = []
        for debit, credit, amount, reversal_of in steps.made:
            self.debits[debit] = self.debits.get(debit, 0) + amount
            self.credits[credit] = self.credits.get(credit, 0) + amount
            if reversal_of is not None:
                self.reversed[reversal_of] = self.reversed.get(reversal_of, 0) + amount
            transfers.append(
                Transfer(
                    transfer_id=self.new_id(), journal=request.request_id, kind=request.kind, debit=debit, credit=credit,
                    amount_cents=amount, fund_id=self.accounts[debit].fund_id, cause=request.because.cause,
                    occurred_at=request.because.occurred_at, posted_at=self.now, reversal_of=reversal_of,
                )
            )  # fmt: skip
        return tuple(transfers)


def _outcome(request: Request, state: Literal["posted", "refused", "waiting"], **more: Any) -> Outcome:
    return Outcome(request_id=request.request_id, kind=request.kind, payload=request.payload, state=state, **more)
