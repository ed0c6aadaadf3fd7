"""A year of a ledger under a set clock, from one seed: everything by the events and requests that do it in town."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from uuid import UUID

from infra.wiring import Town
from ledger.rules import month_end
from services.apis import ledger as api
from services.apis.errors import Refused
from services.events.awards import AwardWithdrawn, CoinsAwarded
from services.events.funding import TopUpReversed
from services.events.ledger import Part
from services.kit.ids import new_id
from tests.builders import tell
from tests.builders_ledger import (
    a_finance_officer,
    a_fund,
    an_auditor,
    an_award,
    in_order,
    in_shares,
    released,
    returned,
    sell,
    settled,
    tell_together,
    top_up,
    void,
)

AWARDS, SALES = 125, 30


class Year:
    """Months of town life; `cast` stays, what happens is drawn."""

    def __init__(self, town: Town, seed: int) -> None:
        self.town, self.draw = town, random.Random(seed)
        self.funds = [a_fund(town, 200_00) for _ in range(3)]
        self.people = [new_id() for _ in range(25)]
        self.shops = [new_id() for _ in range(4)]

    def live(self) -> None:
        for month in range(12):
            self.now = datetime(2026 + (5 + month) // 12, (5 + month) % 12 + 1, 2, 9, tzinfo=UTC)
            self._pass(0)
            self._money()
            awards = self._awards()
            if month % 4 == 2:
                self._taken_back()
            self._pass(9)
            sales = self._sales()
            self._corrections(awards, sales)
            self._payments(sales)
            self._pass(30)
        self._pass(100)

    def _pass(self, days: int) -> None:
        self.town.clock.move_to(self.now + timedelta(days=days))  # type: ignore[attr-defined]
        self.town.tick()
        self.town.settle()

    def _money(self) -> None:
        for fund in self.funds:
            self.topup = top_up(self.town, fund, 260_00, fee_cents=3_33, channel=self.draw.choice(["bank", "stripe"]))

    def _taken_back(self) -> None:
        """A sponsor's bank takes the money back after coins were issued on it."""
        back = TopUpReversed(
            reversal_id=new_id(), topup_id=self.topup, fund_id=self.funds[2], amount_cents=900_00, channel="bank"
        )
        tell(self.town, back)

    def _awards(self) -> list[CoinsAwarded]:
        until = month_end((self.now + timedelta(days=40)).date())
        plans = [
            in_order(*self.funds),
            in_order(self.funds[2], self.funds[0]),
            in_shares({self.funds[0]: 750, self.funds[1]: 250}),
        ]
        awards = [
            an_award(
                self.draw.randrange(101, 999),
                self.draw.choice(plans),
                person_id=self.draw.choice(self.people),
                expires_on=until,
            )
            for _ in range(AWARDS)
        ]
        tell_together(self.town, awards)
        return awards

    def _sales(self) -> list[tuple[UUID, api.SalePosted]]:
        sales = []
        for _ in range(SALES):
            shop = self.draw.choice(self.shops)
            try:
                sale = sell(self.town, self.draw.choice(self.people), self.draw.randrange(100, 1200), shop_id=shop)
            except Refused:
                continue
            sales.append((shop, sale))
        return sales

    def _corrections(self, awards: list[CoinsAwarded], sales: list[tuple[UUID, api.SalePosted]]) -> None:
        for shop, sale in self.draw.sample(sales, min(4, len(sales))):
            void(self.town, sale.sale_id)
            sales.remove((shop, sale))
        gone = self.draw.sample(awards, 3)
        tell(
            self.town,
            *(AwardWithdrawn(award_id=a.award_id, person_id=a.person_id, attendance_id=a.attendance_id) for a in gone),
        )
        history = an_auditor(self.town).ask(
            "ledger", api.GET_HISTORY, query=api.HistoryQuery(code=f"fund/{self.funds[0]}", limit=200)
        )
        wrong = [t for t in history.transfers if t.kind == "topup"]
        if wrong:
            body = api.PostCorrection(transfer_id=wrong[0].transfer_id, reason="booked too much", amount_cents=1)
            a_finance_officer(self.town).ask("ledger", api.POST_CORRECTION, body)

    def _payments(self, sales: list[tuple[UUID, api.SalePosted]]) -> None:
        for shop in self.shops:
            sums: dict[UUID, int] = {}
            for part in [part for at, sale in sales if at == shop for part in sale.parts]:
                sums[part.fund_id] = sums.get(part.fund_id, 0) + part.amount_cents
            if not sums:
                continue
            payment = released(shop, *(Part(fund_id=f, amount_cents=c) for f, c in sums.items()))
            tell(self.town, payment)
            if self.draw.random() < 0.8:
                tell(self.town, settled(payment))
                if self.draw.random() < 0.2:
                    tell(self.town, returned(payment, was_settled=True))
