"""The decision: a pure, deterministic state machine over accounts and requests. Knows nothing of coins or shops (`rules.py` does).

The clock is an argument.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from ledger.domain_values import (
    MOST_LEGS,
    Answer,
    Book,
    Change,
    Decision,
    EndHold,
    Held,
    Hold,
    Leg,
    Move,
    Outcome,
    Plan,
    Request,
    Reversal,
    Sweep,
    Transfer,
)


def decide(book: Book, requests: Sequence[Request], *, now: datetime) -> Decision:
    """Apply the requests in order, each on what those before it left. A refusal changes nothing but its outcome."""
    desk = _Desk(book, now)
    answers = tuple([desk.answer(request) for request in requests])
    return Decision(
        answers=answers,
        transfers=tuple([transfer for answer in answers for transfer in answer.transfers]),
        outcomes=tuple(desk.remembered),
        changes=desk.changes,
        held=tuple(desk.held),
        ended=desk.ended,
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

    __slots__ = ("desk", "made", "moved", "taken_back")

    def __init__(self, desk: _Desk) -> None:
        self.desk = desk
        self.made: list[tuple[str, str, int, UUID | None]] = []
        self.moved: dict[str, int] = {}
        self.taken_back: dict[UUID, int] = {}

    def can_give(self, code: str) -> int | None:
        """What may leave the account now; None without limit."""
        account = self.desk.accounts[code]
        return self.desk.available(code) + self.moved.get(code, 0) if account.floored else None

    def add(self, debit: str, credit: str, amount: int, reversal_of: UUID | None = None) -> None:
        if self.desk.accounts[debit].fund_id != self.desk.accounts[credit].fund_id:
            raise _No("fund_mismatch")
        if amount:
            self.moved[debit] = self.moved.get(debit, 0) - amount
            self.moved[credit] = self.moved.get(credit, 0) + amount
            self.made.append((debit, credit, amount, reversal_of))
            if reversal_of is not None:
                self.taken_back[reversal_of] = self.taken_back.get(reversal_of, 0) + amount


class _Desk:
    """The books while one decision is made."""

    def __init__(self, book: Book, now: datetime) -> None:
        self.accounts, self.holds, self.now = book.accounts, book.holds, now
        self.open_since = book.sealed_until
        self.outcomes = dict(book.outcomes)
        self.remembered: list[Outcome] = []
        self.reversed = dict(book.reversed_cents)
        self.changes: defaultdict[str, Change] = defaultdict(Change)
        self.held: list[Held] = []
        self.ended: dict[UUID, EndHold] = {}

    def available(self, code: str) -> int:
        before, change = self.accounts[code].available_cents, self.changes.get(code)
        return before if change is None else before + change.credits - change.debits - change.debits_held

    def answer(self, request: Request) -> Answer:
        known = self.outcomes.get(request.request_id)
        if known is not None:
            if known.payload != request.payload or known.kind != request.kind:
                known = _outcome(request, "refused", code="conflict")
            return Answer(outcome=known, fresh=False)
        transfers: tuple[Transfer, ...] = ()
        try:
            steps = self._steps(request)
        except _No as no:
            waits = isinstance(request, Move) and request.or_wait and no.code != "fund_mismatch"
            facts = {"available_cents": no.available_cents}
            outcome = _outcome(request, "waiting" if waits else "refused", 0, no.code, facts)
        else:
            if isinstance(request, Hold):
                self._hold(request, steps)
            else:
                transfers = self._write(request, steps)
            outcome = _outcome(request, "posted", sum([made[2] for made in steps.made]), None, request.facts)
        self.outcomes[request.request_id] = outcome
        if outcome.state != "waiting" and (transfers or not isinstance(request, Sweep)):
            self.remembered.append(outcome)
        return Answer(outcome=outcome, fresh=True, transfers=transfers)

    def _steps(self, request: Request) -> _Steps:
        """What the request moves. Raises _No."""
        if isinstance(request, Move):
            return self._move(request)
        steps = _Steps(self)
        if isinstance(request, Reversal):
            self._reverse(request, steps)
        elif isinstance(request, Sweep):
            self._sweep(request, steps)
        elif isinstance(request, EndHold):
            self._end_hold(request, steps)
        return steps

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
        steps, rest = _Steps(self), move.amount_cents
        for leg in plan:
            limit = 0 if self._shut(move, leg) else steps.can_give(leg.debit)
            amount = leg.amount_cents
            if amount is None:
                amount = rest if limit is None else max(0, min(rest, limit))
            elif limit is not None and amount > limit:
                raise _No(self._why(move, plan))
            steps.add(leg.debit, leg.credit, amount)
            rest -= amount
        if rest < 0:
            raise ValueError(f"a plan of {move.kind} {move.request_id} gives more than asked")
        if rest:
            raise _No(self._why(move, plan), move.amount_cents - rest)
        return steps

    def _shut(self, move: Move, leg: Leg) -> bool:
        return self.accounts[leg.debit].closed and not move.even_closed

    def _why(self, move: Move, plan: Plan) -> str:
        """`closed` where money would not mend it: an account that must give is closed, or all that may."""
        shut = [leg for leg in plan if self._shut(move, leg)]
        return (
            "closed" if any(leg.amount_cents for leg in shut) or (shut and len(shut) == len(plan)) else "insufficient"
        )

    def _reverse(self, reversal: Reversal, steps: _Steps) -> None:
        for transfer, wanted in reversal.of:
            before = self.reversed.get(transfer.transfer_id, 0) + steps.taken_back.get(transfer.transfer_id, 0)
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

    def _end_hold(self, end: EndHold, steps: _Steps) -> None:
        """What of the hold is moved; all of it is let go. A hold ends once, and not by a person's word after its time."""
        hold = self.holds.get(end.hold_id)
        if hold is None:
            raise _No("unknown_hold")
        if hold.ended or end.hold_id in self.ended:
            raise _No("hold_ended")
        if hold.over != (end.how == "expire"):
            raise _No("hold_over" if hold.over else "hold_not_over")
        whole = sum(leg.amount_cents for leg in hold.legs)
        rest = 0 if end.how != "post" else whole if end.amount_cents is None else end.amount_cents
        if rest > whole:
            raise _No("over_hold", whole)
        for leg in hold.legs:
            amount = min(rest, leg.amount_cents)
            steps.add(leg.debit, leg.credit, amount)
            rest -= amount
        for leg in hold.legs:
            self.changes[leg.debit].debits_held -= leg.amount_cents
            self.changes[leg.credit].credits_held -= leg.amount_cents
        self.ended[end.hold_id] = end

    def _hold(self, hold: Hold, steps: _Steps) -> None:
        for leg, (debit, credit, amount, _) in enumerate(steps.made):
            self.changes[debit].debits_held += amount
            self.changes[credit].credits_held += amount
            self.held.append(Held(hold.request_id, leg, debit, credit, amount, hold.seconds))

    def _write(self, request: Request, steps: _Steps) -> tuple[Transfer, ...]:
        transfers = []
        cause, at = request.because.cause, request.because.occurred_at
        if self.open_since is not None and at < self.open_since:
            at = self.now  # its period is closed: it counts in the open one
        if len(steps.made) > MOST_LEGS:
            raise ValueError(f"{request.kind} {request.request_id} would take {len(steps.made)} transfers")
        first = request.request_id
        for leg, (debit, credit, amount, reversal_of) in enumerate(steps.made):
            self.changes[debit].debits += amount
            self.changes[credit].credits += amount
            if reversal_of is not None:
                self.reversed[reversal_of] = self.reversed.get(reversal_of, 0) + amount
            transfers.append(
                Transfer(
                    UUID(int=first.int + leg) if leg else first, first, request.kind, debit, credit, amount,
                    self.accounts[debit].fund_id, cause, at, self.now, reversal_of,
                )
            )  # fmt: skip
        return tuple(transfers)


def _outcome(
    request: Request,
    state: Literal["posted", "refused", "waiting"],
    amount_cents: int = 0,
    code: str | None = None,
    facts: dict[str, Any] | None = None,
) -> Outcome:
    return Outcome(request.request_id, request.kind, request.payload, state, amount_cents, code, facts)
