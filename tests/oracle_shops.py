"""The second half of the pencil-and-paper ledger (`oracle.py`): what happens at counters, and how shops are paid."""

from __future__ import annotations

from collections import Counter
from typing import Any
from uuid import UUID

from services.apis import ledger as api
from services.events.ledger import Part
from services.events.reimbursement import PaymentReleased, PaymentReturned, PaymentSettled
from tests.oracle import Account, Awards, HeldCoins, Line, No, in_words

BACK = {"withdrawal", "void", "payment_returned", "correction"}


class Oracle(Awards):
    """The whole ledger."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.asked: dict[UUID, tuple[tuple[Any, ...], No | None]] = {}
        self.sold: dict[UUID, list[Line]] = {}
        self.voided: set[UUID] = set()
        self.holds: dict[UUID, HeldCoins] = {}
        self.hold_lines: dict[UUID, list[Line]] = {}
        self.payments: dict[UUID, dict[str, list[Line]]] = {}

    # ---------- sales, voids, holds ----------

    def lots(self, person: UUID) -> list[Account]:
        mine = [
            a
            for a, cents in self.balance.items()
            if a[0] == "coins" and a[1] == person and cents > 0 and a[3] >= self.today
        ]
        return sorted(mine, key=lambda lot: (lot[3], lot[2]))

    def payable(self, body: api.PostSale | api.PostHold) -> list[tuple[Account, Account, int]]:
        """From which lot to which shop account, how much at most; oldest expiry first."""
        mine = [lot for lot in self.lots(body.person_id) if body.fund_ids is None or lot[2] in body.fund_ids]
        return [(lot, ("shop", body.shop_id, lot[2]), self.can_give(lot)) for lot in mine if self.can_give(lot)]

    def sale(self, body: api.PostSale) -> tuple[Part, ...]:
        for lot, shop, cents in self._asked(body, body.sale_id):
            self.sold.setdefault(body.sale_id, []).append(self._move("sale", lot, shop, cents))
        return parts_of(self.sold[body.sale_id])

    def hold(self, body: api.PostHold) -> int:
        parts = self._asked(body, body.hold_id)
        if parts:
            self.holds[body.hold_id] = HeldCoins(parts)
            for lot, _, cents in parts:
                self.held[lot] += cents
        return body.amount_cents

    def _asked(self, body: api.PostSale | api.PostHold, id_: UUID) -> list[tuple[Account, Account, int]]:
        """What to take from where; nothing when it was asked and answered before. Raises No, and the same no ever after."""
        if id_ in self.asked:
            words, no = self.asked[id_]
            if words != in_words(body):
                raise No("id_reused")
            if no is not None:
                raise no
            return []
        rest, parts, can = body.amount_cents, [], self.payable(body)
        for lot, shop, cents in can:
            if rest:
                parts.append((lot, shop, min(rest, cents)))
                rest -= min(rest, cents)
        no = No("not_enough_coins", sum(cents for _, _, cents in can)) if rest else None
        self.asked[id_] = in_words(body), no
        if no is not None:
            raise no
        return parts

    def void(self, sale_id: UUID) -> tuple[Part, ...]:
        if sale_id not in self.sold:
            raise No("unknown_sale")
        lines = self.sold[sale_id]
        if sale_id not in self.voided:
            if any(line.cents > self.can_give(line.taker) for line in lines):
                raise No("sale_paid_out")
            self.voided.add(sale_id)
            for line in lines:
                self._back("void", line, line.cents)
        return parts_of(lines)

    def end_hold(self, hold_id: UUID, cents: int | None) -> tuple[int, tuple[Part, ...]]:
        hold = self.holds.get(hold_id)
        if hold is None:
            raise No("unknown_hold")
        if hold.ended is not None:
            if hold.ended != ("asked", cents):
                raise No("hold_ended")
            return sum(line.cents for line in self.hold_lines[hold_id]), parts_of(self.hold_lines[hold_id])
        if hold.over:
            raise No("hold_over")
        whole = sum(part for _, _, part in hold.parts)
        if cents is not None and cents > whole:
            raise No("over_hold")
        self._let_go(hold, ("asked", cents))
        rest, lines = whole if cents is None else cents, []
        for lot, shop, part in hold.parts:
            if min(rest, part):
                lines.append(self._move("hold_post", lot, shop, min(rest, part)))
                rest -= min(rest, part)
        self.hold_lines[hold_id] = lines
        return sum(line.cents for line in lines), parts_of(lines)

    def expire_holds(self) -> None:
        for hold in self.holds.values():
            if hold.over and hold.ended is None:
                self._let_go(hold, ("expired",))

    def _let_go(self, hold: HeldCoins, how: tuple[Any, ...]) -> None:
        hold.ended = how
        for lot, _, part in hold.parts:
            self.held[lot] -= part

    # ---------- a fund in figures ----------

    def figures(self, fund: UUID) -> dict[str, int]:
        moved: Counter[str] = Counter()
        stands: Counter[str] = Counter()
        for line in self.lines:
            if fund_of(line.giver) == fund and line.kind not in BACK:
                moved[line.kind] += line.cents - line.taken_back
        for account, cents in self.balance.items():
            if fund_of(account) == fund:
                stands[account[0]] += cents
        waits = [w.cents for w in self.line if fund in {s.fund_id for p in w.plans for s in p.sources}]
        return {
            "came_in_cents": moved["topup"] - moved["topup_reversal"], "fee_cents": moved["fee"], "issued_cents": moved["award"],
            "spent_cents": moved["sale"] + moved["hold_post"], "paid_cents": moved["payment_settled"], "expired_cents": moved["expiry"],
            "outstanding_cents": stands["coins"], "free_cents": stands["fund"],
            "owed_cents": stands["shop"] + stands["paying"] + stands["overpaid"],
            "receivable_cents": -stands["receivable"], "waiting_cents": sum(waits),
        }  # fmt: skip

    # ---------- payments ----------

    def released(self, data: PaymentReleased) -> None:
        """What was paid too much before is made good first. What then lacks was undone since, and is paid all the same."""
        if "payment_released" in self.payments.get(data.payment_id, {}):
            return
        if any(p.amount_cents > self.payable_at_most(data.shop_id, p.fund_id) for p in data.parts):
            raise No("parked")
        ways = []
        for p in data.parts:
            owed, too_much = ("shop", data.shop_id, p.fund_id), ("overpaid", data.shop_id, p.fund_id)
            filled = min(self.can_give(owed), -self.balance[too_much])
            if filled:
                self._move("overpaid_filled", owed, too_much, filled)
            lacks = max(0, p.amount_cents - self.can_give(owed))
            batch = ("paying", data.batch_id, p.fund_id)
            ways += [way for way in ((owed, batch, p.amount_cents - lacks), (too_much, batch, lacks)) if way[2]]
        self._pay(data.payment_id, "payment_released", ways)

    def payable_at_most(self, shop_id: UUID, fund_id: UUID) -> int:
        """What the shop is owed, and what was ever undone there, less what it was paid of that already."""
        owed = ("shop", shop_id, fund_id)
        undone = sum(line.cents for line in self.lines if line.kind == "void" and line.giver == owed)
        return self.can_give(owed) + undone + self.balance["overpaid", shop_id, fund_id]

    def payment_settled(self, data: PaymentSettled) -> None:
        ways = [(("paying", data.batch_id, p.fund_id), ("bank", p.fund_id), p.amount_cents) for p in data.parts]
        self._pay(data.payment_id, "payment_settled", ways)

    def _pay(self, payment_id: UUID, kind: str, ways: list[tuple[Account, Account, int]]) -> None:
        done = self.payments.setdefault(payment_id, {})
        if kind in done:
            return
        if any(cents > self.can_give(giver) for giver, _, cents in ways if giver[0] != "overpaid"):
            raise No("parked")
        done[kind] = [self._move(kind, *way) for way in ways]

    def returned(self, data: PaymentReturned) -> None:
        done = self.payments.get(data.payment_id, {})
        if "payment_returned" in done:
            return
        kinds = ("payment_settled", "payment_released") if data.was_settled else ("payment_released",)
        if any(kind not in done for kind in kinds):
            raise No("parked")
        lines = [line for kind in kinds for line in done[kind]]
        if not data.was_settled and any(line.cents > self.can_give(line.taker) for line in lines):
            raise No("parked")
        for line in lines:
            self._back("payment_returned", line, line.cents)
        for too_much in {line.giver for line in lines if line.giver[0] == "overpaid" and self.balance[line.giver] > 0}:
            self._move("overpaid_freed", too_much, ("shop", *too_much[1:]), self.balance[too_much])
        done["payment_returned"] = lines


def fund_of(account: Account) -> UUID:
    fund: UUID = account[2 if account[0] == "coins" else -1]
    return fund


def parts_of(lines: list[Line]) -> tuple[Part, ...]:
    """What each fund stands behind, in order of fund."""
    sums: dict[UUID, int] = {}
    for line in lines:
        fund = line.taker[-1]
        sums[fund] = sums.get(fund, 0) + line.cents
    return tuple(Part(fund_id=fund, amount_cents=sums[fund]) for fund in sorted(sums))
