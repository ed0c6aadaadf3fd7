"""The ledger as somebody with pencil and paper would keep it: no database, no batches, no locks – written apart from `ledger/`.

An account is a tuple: `("fund", fund)`, `("coins", person, fund, last day)`, `("shop" | "overpaid", shop, fund)`,
`("paying", batch, fund)`, `("bank" | "stripe" | "fees" | "receivable", fund)`; the fund of `coins` stands third, else last. Balances are
cents. Answers that are a no raise `No`. Money moves by `_move` alone, which writes one line and never lets an account that may not go
below zero do so.
"""

from __future__ import annotations

from calendar import monthrange
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from services.apis import ledger as api
from services.events.awards import AwardReplanned, AwardWithdrawn, CoinsAwarded, Plan
from services.events.funding import TopUpReversed, TopUpSettled

Account = tuple[Any, ...]
MAY_BE_BELOW_ZERO = {"bank", "stripe", "receivable", "overpaid"}


class No(Exception):
    """A request is refused: the code, and the cents that would work where the answer says so."""

    def __init__(self, code: str, cents: int | None = None) -> None:
        super().__init__(code, cents)
        self.code, self.cents = code, cents


@dataclass
class Line:
    """One line of the book: what went from whom to whom; by which clocks; how much of it was taken back later."""

    kind: str
    giver: Account
    taker: Account
    cents: int
    happened: datetime
    booked: datetime
    taken_back: int = 0


@dataclass
class Waiting:
    award: CoinsAwarded
    plans: tuple[Plan, ...]
    cents: int
    reason: str


@dataclass
class HeldCoins:
    parts: list[tuple[Account, Account, int]]
    over: bool = False
    ended: tuple[Any, ...] | None = None


@dataclass
class Desk:
    """What everything else stands on: the balances, the lines, the clock."""

    now: datetime
    zone: ZoneInfo
    lifetime_months: int
    balance: Counter[Account] = field(default_factory=Counter)
    held: Counter[Account] = field(default_factory=Counter)
    lines: list[Line] = field(default_factory=list)

    @property
    def today(self) -> date:
        return self.now.astimezone(self.zone).date()

    def can_give(self, account: Account) -> int:
        return self.balance[account] - self.held[account]

    def _move(self, kind: str, giver: Account, taker: Account, cents: int, happened: datetime | None = None) -> Line:
        assert cents > 0
        self.balance[giver] -= cents
        self.balance[taker] += cents
        assert giver[0] in MAY_BE_BELOW_ZERO or self.can_give(giver) >= 0, (kind, giver)
        line = Line(kind, giver, taker, cents, happened or self.now, self.now)
        self.lines.append(line)
        return line

    def _back(self, kind: str, line: Line, cents: int, happened: datetime | None = None) -> None:
        line.taken_back += cents
        self._move(kind, line.taker, line.giver, cents, happened)

    def at(self, account: Account, instant: datetime, clock: str) -> int:
        """The balance as it stood, by when things happened or by when they were booked."""
        sums = 0
        for line in self.lines:
            if getattr(line, clock) <= instant:
                sums += line.cents * ((line.taker == account) - (line.giver == account))
        return sums


class Awards(Desk):
    """Funds, top-ups, awards, the line of those that wait."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.closed: set[UUID] = set()
        self.topped_up: set[UUID] = set()
        self.line: list[Waiting] = []
        self.issued: dict[UUID, list[Line]] = {}
        self.dropped: set[UUID] = set()
        self.withdrawn: set[UUID] = set()
        self.kept: Counter[UUID] = Counter()

    def free(self, fund: UUID) -> int:
        return self.balance["fund", fund]

    def settled(self, topups: Sequence[TopUpSettled], happened: datetime) -> None:
        """Top-ups whose news came together."""
        fresh = [t for n, t in enumerate(topups) if t.topup_id not in self.topped_up | {u.topup_id for u in topups[:n]}]
        for t in fresh:
            source = (t.channel, t.fund_id)
            self.topped_up.add(t.topup_id)
            for taker, cents in (("fund", t.amount_cents - t.fee_cents), ("fees", t.fee_cents)):
                if cents:
                    self._move("topup", source, (taker, t.fund_id), cents, happened)
            if t.fee_cents:
                self._move("fee", ("fees", t.fund_id), source, t.fee_cents, happened)
        if fresh:
            self._came_in({t.fund_id for t in fresh}, happened)

    def reversed(self, data: TopUpReversed, happened: datetime) -> None:
        if data.reversal_id in self.topped_up:
            return
        self.topped_up.add(data.reversal_id)
        from_free = min(self.free(data.fund_id), data.amount_cents)
        for giver, cents in (("fund", from_free), ("receivable", data.amount_cents - from_free)):
            if cents:
                self._move("topup_reversal", (giver, data.fund_id), (data.channel, data.fund_id), cents, happened)

    def awarded(self, data: CoinsAwarded, happened: datetime) -> None:
        known = self.issued.keys() | self.dropped | {w.award.award_id for w in self.line}
        if data.award_id in known:
            return
        reason = self._give(data, data.plans, happened, waited=False)
        if reason:
            self.line.append(Waiting(data, data.plans, self._to_give(data), reason))

    def replanned(self, news: Sequence[AwardReplanned], happened: datetime) -> None:
        plans = {one.award_id: one.plans for one in news}
        waiting = [w for w in self.line if w.award.award_id in plans]
        for one in waiting:
            one.plans = plans[one.award.award_id]
        self._serve(waiting, happened)

    def withdrawn_award(self, data: AwardWithdrawn, happened: datetime) -> None:
        if any(w.award.award_id == data.award_id for w in self.line):
            self.line = [w for w in self.line if w.award.award_id != data.award_id]
            self.dropped.add(data.award_id)
        elif data.award_id in self.issued and data.award_id not in self.withdrawn:
            self.withdrawn.add(data.award_id)
            back_in = set()
            for line in self.issued[data.award_id]:
                back = min(line.cents, self.can_give(line.taker))
                if back:
                    self._back("withdrawal", line, back, happened)
                    back_in.add(line.giver[1])
                self.kept[data.attendance_id] += line.cents - back
            self._came_in(back_in, happened)

    def _to_give(self, data: CoinsAwarded) -> int:
        return max(0, data.amount_cents - self.kept[data.attendance_id])

    def _give(self, data: CoinsAwarded, plans: Iterable[Plan], happened: datetime, *, waited: bool) -> str | None:
        """Issue the award; or why it waits."""
        cents, day = self._to_give(data), data.expires_on
        if waited or day < self.today:
            later = self.today.year * 12 + self.today.month - 1 + self.lifetime_months
            year, month = divmod(later, 12)
            day = max(day, date(year, month + 1, monthrange(year, month + 1)[1]))
        parts: list[tuple[UUID, int]] | None = None if cents else []
        hope = False
        for plan in plans:
            found, mendable = self._parts(plan, cents)
            if parts is None and found is not None:
                parts = found
            hope = hope or mendable
        if parts is None:
            return "not_enough_money" if hope else "no_fund"
        self.issued[data.award_id] = [
            self._move("award", ("fund", fund), ("coins", data.person_id, fund, day), part, happened)
            for fund, part in parts
            if part
        ]
        return None

    def _parts(self, plan: Plan, cents: int) -> tuple[list[tuple[UUID, int]] | None, bool]:
        """What each fund of a plan would give (None: they cannot), and whether more money in them would help."""
        open_free = {s.fund_id: 0 if s.fund_id in self.closed else self.free(s.fund_id) for s in plan.sources}
        if any(s.share_permille is not None for s in plan.sources):
            shares = [cents * (s.share_permille or 0) // 1000 for s in plan.sources[:-1]]
            parts = list(zip(open_free, [*shares, cents - sum(shares)], strict=True))
            mendable = not any(part and fund in self.closed for fund, part in parts)
            return (parts if all(part <= open_free[fund] for fund, part in parts) else None), mendable
        parts, rest = [], cents
        for fund, free in open_free.items():
            parts.append((fund, min(free, rest)))
            rest -= min(free, rest)
        return (None if rest else parts), any(fund not in self.closed for fund in open_free)

    def _came_in(self, funds: Iterable[UUID], happened: datetime) -> None:
        funds = set(funds)
        for fund in sorted(funds):
            filled = min(self.free(fund), -self.balance["receivable", fund])
            if filled > 0:
                self._move("receivable_filled", ("fund", fund), ("receivable", fund), filled, happened)
        if any(self.free(fund) > 0 for fund in funds):
            mine = [w for w in self.line if funds & {s.fund_id for p in w.plans for s in p.sources}]
            self._serve(mine, happened)

    def _serve(self, waiting: Sequence[Waiting], happened: datetime) -> None:
        for one in waiting:
            reason = self._give(one.award, one.plans, happened, waited=True)
            if reason is None:
                self.line.remove(one)
            else:
                one.reason = reason

    def expire(self) -> None:
        """The daily job: what can be given of lots whose last day has passed goes back to its fund."""
        due = [a for a in self.balance if a[0] == "coins" and a[3] < self.today and self.can_give(a) > 0]
        for lot in due:
            self._move("expiry", lot, ("fund", lot[2]), self.can_give(lot))
        self._came_in({lot[2] for lot in due}, self.now)

    def correct(self, line: Line, cents: int | None) -> None:
        if line.kind not in ("topup", "topup_reversal"):
            raise No("not_correctable")
        wanted = line.cents if cents is None else cents
        if wanted > line.cents - line.taken_back:
            raise No("more_than_is_left")
        if line.taker[0] not in MAY_BE_BELOW_ZERO and wanted > self.can_give(line.taker):
            raise No("not_enough_money")
        self._back("correction", line, wanted)
        fund = line.giver[-1]
        beyond = self.balance["receivable", fund]
        if beyond > 0:  # other money had filled it meanwhile: that money is the fund's again
            self._move("receivable_freed", ("receivable", fund), ("fund", fund), beyond)
        if line.giver[0] in ("fund", "receivable"):
            self._came_in({fund}, self.now)


def in_words(body: api.PostSale | api.PostHold) -> tuple[Any, ...]:
    """What makes a request the same request."""
    if isinstance(body, api.PostSale):
        return "sale", body.person_id, body.shop_id, body.till_id, body.amount_cents, body.fund_ids
    return "hold", body.person_id, body.shop_id, body.amount_cents, body.seconds, body.fund_ids
