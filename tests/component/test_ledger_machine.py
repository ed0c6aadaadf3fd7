"""Anything in any order: hypothesis plays a town against the real ledger and the pencil-and-paper one, and they must always agree.

`LEDGER_EXAMPLES` sets how many towns are played (`make proof` plays many more than a normal run). A town that
fails is printed step by step as it was played; `LEDGER_SHRINK=1` looks for the shortest that fails, for minutes.
"""

from __future__ import annotations

import os
from datetime import date, timedelta
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule, run_state_machine_as_test
from sqlalchemy import text

from infra.wiring import Town
from services.apis import ledger as api
from services.events.awards import AwardReplanned, AwardWithdrawn, CoinsAwarded
from services.events.funding import FundClosed, TopUpReversed, TopUpSettled
from services.events.ledger import Part
from services.kit.ids import new_id
from services.kit.inbox import MOST_PARKED_IN_A_ROW
from tests.builders_ledger import a_finance_officer, an_award, released
from tests.component.ledger_draws import (
    FUNDS,
    PEOPLE,
    SHOPS,
    Plans,
    a_topup,
    as_plans,
    cents,
    changed,
    channel,
    fund,
    one_of,
    person,
    pick,
    plans,
    shop,
    twice,
)
from tests.component.ledger_payments import Payments
from tests.component.ledger_side_by_side import SideBySide
from tests.conftest import empty

EXAMPLES = int(os.environ.get("LEDGER_EXAMPLES", "12"))
STEPS = 45
PHASES = [Phase.generate, *([Phase.shrink] if os.environ.get("LEDGER_SHRINK") else [])]


class Machine(Payments):
    """One town. What was done is remembered, so that later steps can be about it."""

    town: Town

    def __init__(self) -> None:
        super().__init__()
        empty(self.town)
        self.both = SideBySide(self.town)
        self.oracle = self.both.oracle
        self.awards: list[CoinsAwarded] = []
        self.sales: list[api.PostSale] = []
        self.holds: list[api.PostHold] = []
        self.payments: list[Any] = []
        self.impossible = 0
        self.instants = [self.town.clock.now()]

    def move(self, span: timedelta) -> None:
        self.oracle.now = self.town.clock.move_to(self.town.clock.now() + span)  # type: ignore[attr-defined]

    @initialize(
        filled=st.lists(st.integers(500, 3000), min_size=3, max_size=3), given=st.lists(cents, min_size=3, max_size=3)
    )
    def a_town_that_lives(self, filled: list[int], given: list[int]) -> None:
        """Three funds with money and one without, coins in most wallets: else most of what follows would be refused."""
        self.both.tell(*(a_topup(n, amount) for n, amount in enumerate(filled)))
        whole: Plans = [[(0, None), (1, None), (2, None)], [(1, 500), (2, 500)]]
        self.both.tell(*(self.an_award(n, amount, whole, n % 2) for n, amount in enumerate(given)))

    # ---------- money and awards ----------

    @rule(
        fund=fund,
        cents=cents,
        fee=st.sampled_from([0, 0, 3, 100]),
        channel=channel,
        late=st.sampled_from([0, 0, 30]),
        again=twice,
    )
    def money_comes(self, fund: int, cents: int, fee: int, channel: str, late: int, again: bool) -> None:
        self.both.tell(a_topup(fund, cents, fee, channel), hours_late=late, again=again)

    @rule(fund=fund, cents=cents, channel=channel, again=twice)
    def money_is_taken_back(self, fund: int, cents: int, channel: Any, again: bool) -> None:
        self.both.tell(
            TopUpReversed(
                topup_id=new_id(), fund_id=FUNDS[fund], reversal_id=new_id(), amount_cents=cents, channel=channel
            ),
            again=again,
        )

    def an_award(self, person: int, cents: int, numbers: Plans, months: int, **more: Any) -> CoinsAwarded:
        day = self.oracle.today
        month = day.year * 12 + day.month - 1 + months + 1
        last = date(month // 12, month % 12 + 1, 1) - timedelta(days=1)
        award = an_award(cents, *as_plans(numbers), person_id=PEOPLE[person], expires_on=last, **more)
        self.awards.append(award)
        return award

    @rule(person=person, cents=cents, numbers=plans(), months=st.integers(-1, 2), late=st.sampled_from([0, 0, 30]))
    def coins_are_awarded(self, person: int, cents: int, numbers: Plans, months: int, late: int) -> None:
        self.both.tell(self.an_award(person, cents, numbers, months), hours_late=late)

    def withdrawal(self, award: CoinsAwarded) -> AwardWithdrawn:
        return AwardWithdrawn(award_id=award.award_id, person_id=award.person_id, attendance_id=award.attendance_id)

    @precondition(lambda self: self.awards)
    @rule(which=pick, cents=cents, numbers=plans(), again=st.booleans())
    def an_attendance_is_corrected(self, which: int, cents: int, numbers: Plans, again: bool) -> None:
        before = one_of(self.awards, which)
        news: list[Any] = [self.withdrawal(before)]
        if again and before is [a for a in self.awards if a.attendance_id == before.attendance_id][-1]:
            more = {"attendance_id": before.attendance_id, "revision": before.revision + 1}
            news.append(self.an_award(PEOPLE.index(before.person_id), cents, numbers, 1, **more))
        self.both.tell(*news)

    @precondition(lambda self: self.awards)
    @rule(which=pick, numbers=plans())
    def an_award_is_replanned(self, which: int, numbers: Plans) -> None:
        waiting = [w.award for w in self.oracle.line] or self.awards
        award = one_of(waiting, which)
        self.both.tell(AwardReplanned(award_id=award.award_id, person_id=award.person_id, plans=as_plans(numbers)))

    @rule(fund=st.sampled_from([3, 3, 3, 0]), really=st.sampled_from([False, False, True]))
    def a_fund_is_closed(self, fund: int, really: bool) -> None:
        if really:
            self.both.tell(FundClosed(fund_id=FUNDS[fund]))

    @rule(steps=st.lists(st.tuples(st.booleans(), fund, person, cents, plans()), min_size=2, max_size=6))
    def much_is_heard_at_once(self, steps: list[tuple[bool, int, int, int, Plans]]) -> None:
        self.both.tell(
            *(
                a_topup(f, c, 3, "stripe") if money else self.an_award(p, c, numbers, 1)
                for money, f, p, c, numbers in steps
            )
        )

    @precondition(lambda self: self.both.told)
    @rule(which=pick, how_many=st.integers(1, 4), other_ids=st.booleans())
    def news_comes_again(self, which: int, how_many: int, other_ids: bool) -> None:
        start = which % len(self.both.told)
        self.both.repeat(self.both.told[start : start + how_many], other_ids=other_ids)

    @precondition(lambda self: self.impossible < MOST_PARKED_IN_A_ROW)
    @rule(which=pick, shop=shop, cents=cents)
    def what_cannot_be_is_told(self, which: int, shop: int, cents: int) -> None:
        self.impossible += 1
        event = one_of(self.both.told, which).data
        if isinstance(event, TopUpSettled):
            other = {f: getattr(event, f) for f in event.__struct_fields__} | {"amount_cents": event.amount_cents + 1}
            self.both.tell_what_cannot_be(TopUpSettled(**other))
        else:
            most = self.oracle.payable_at_most(SHOPS[shop], FUNDS[0])
            self.both.tell_what_cannot_be(released(SHOPS[shop], Part(fund_id=FUNDS[0], amount_cents=most + cents)))

    @precondition(lambda self: self.oracle.lines)
    @rule(
        which=pick,
        giver=st.sampled_from(["bank", "fund", "receivable", "coins"]),
        part=st.sampled_from([None, None, 1, 2000]),
    )
    def finance_corrects(self, which: int, giver: str, part: int | None) -> None:
        """What came from a bank, was taken back from a fund, was carried as receivable – or is not for finance to correct."""
        kinds = ("award", "sale", "void") if giver == "coins" else ("topup", "topup_reversal")
        lines = [
            line for line in self.oracle.lines if line.kind in kinds and (giver == "coins" or line.giver[0] == giver)
        ]
        if lines:
            self.both.correct(one_of(lines, which), part, a_finance_officer(self.town))

    # ---------- at the counter ----------

    def amount(self, person: int, wish: int) -> int:
        """A wish of 0 or below: all there is, and so much more."""
        there = sum(self.oracle.can_give(lot) for lot in self.oracle.lots(PEOPLE[person]))
        return max(1, wish if wish > 0 else there - wish)

    @rule(
        person=person,
        shop=shop,
        wish=st.integers(1, 300) | st.sampled_from([0, -1]),
        only=st.none() | st.none() | st.sets(fund, min_size=1),
    )
    def somebody_buys(self, person: int, shop: int, wish: int, only: set[int] | None) -> None:
        sale = api.PostSale(
            sale_id=new_id(), person_id=PEOPLE[person], shop_id=SHOPS[shop], till_id=SHOPS[shop], payment_code_id=new_id(),
            neighbourhood_id="le-querce", amount_cents=self.amount(person, wish),
            fund_ids=None if only is None else tuple(FUNDS[n] for n in sorted(only)), correlation_id=new_id(),
        )  # fmt: skip
        self.sales.append(sale)
        self.both.sell(sale)

    @precondition(lambda self: self.sales)
    @rule(which=pick, more=st.sampled_from([0, 0, 1]))
    def a_sale_is_sent_again(self, which: int, more: int) -> None:
        self.both.sell(changed(one_of(self.sales, which), more))

    @precondition(lambda self: self.sales)
    @rule(which=pick, again=twice)
    def a_sale_is_voided(self, which: int, again: bool) -> None:
        known = list(self.oracle.sold) if which % 8 else [sale.sale_id for sale in self.sales]
        for _ in range(1 + again):
            self.both.void(one_of(known, which) if known and which else new_id())

    @rule(person=person, shop=shop, wish=st.integers(1, 300) | st.sampled_from([0, -1]))
    def coins_are_held(self, person: int, shop: int, wish: int) -> None:
        hold = api.PostHold(
            hold_id=new_id(),
            person_id=PEOPLE[person],
            shop_id=SHOPS[shop],
            amount_cents=self.amount(person, wish),
            seconds=3600,
        )
        self.holds.append(hold)
        self.both.hold(hold)

    @precondition(lambda self: self.holds)
    @rule(which=pick, more=st.sampled_from([0, 0, 1]))
    def a_hold_is_sent_again(self, which: int, more: int) -> None:
        self.both.hold(changed(one_of(self.holds, which), more))

    @precondition(lambda self: self.holds)
    @rule(which=pick, cents=st.none() | st.integers(0, 600))
    def a_hold_ends(self, which: int, cents: int | None) -> None:
        known = list(self.oracle.holds) if which % 8 else [hold.hold_id for hold in self.holds]
        self.both.end_hold(one_of(known, which) if known and which else new_id(), cents)

    @precondition(lambda self: self.oracle.holds)
    @rule(which=pick)
    def a_hold_s_time_is_up(self, which: int) -> None:
        """By the database's clock, which a test cannot move: so the hold is made older instead."""
        hold_id = one_of(list(self.oracle.holds), which)
        self.oracle.holds[hold_id].over = True
        with self.both.ctx.engine.begin() as conn:
            conn.exec_driver_sql("SET LOCAL ROLE NONE; SET LOCAL session_replication_role = replica")
            conn.execute(text("UPDATE holds SET until = until - interval '1 day' WHERE hold_id = :id"), {"id": hold_id})

    # ---------- time, restarts, looking back ----------

    @rule(hours=st.sampled_from([1, 5, 24, 24 * 31]), jobs=st.sampled_from([True, True, False]))
    def time_passes(self, hours: int, jobs: bool) -> None:
        self.instants.append(self.town.clock.now())
        self.move(timedelta(hours=hours))
        if jobs:
            self.both.do_the_jobs()

    @rule(from_the_start=st.booleans())
    def the_consumer_restarts(self, from_the_start: bool) -> None:
        self.both.restart(from_the_start=from_the_start)
        self.both.compare()

    @rule(which=pick, person=person, far=st.sampled_from([False, False, True]))
    def somebody_looks(self, which: int, person: int, far: bool) -> None:
        self.both.compare_wallet(PEOPLE[person])
        self.both.compare_fund(one_of(FUNDS, which))
        if far:
            self.both.compare_then(one_of(self.instants, which))

    def teardown(self) -> None:
        self.both.compare_transfers()
        assert self.town.check() == []


def test_whatever_happens_the_ledger_and_pencil_and_paper_agree(town: Town) -> None:
    Machine.town = town
    run_state_machine_as_test(
        Machine,
        settings=settings(
            phases=PHASES,
            report_multiple_bugs=False,
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            database=None,
        ),
    )
