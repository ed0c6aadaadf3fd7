"""A month's end in the simulated town: statements, claims, payments made or returned by the bank, the closing, and news that comes late."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import date, timedelta
from uuid import UUID

from infra.simulate.people import Somebody, Ways
from infra.standins.bank import StandinBank
from services.apis import reimbursement as api
from services.apis import reimbursement_payment as payment
from services.kit.bus import Spot

BALANCE_CENTS = 50_000_000
STUCK = frozenset(("ledger", Spot("awards", partition)) for partition in range(2))


class Months:
    def __init__(self, ways: Ways, finance: Sequence[Somebody], owners: Sequence[Somebody]) -> None:
        self.ways, self.finance, self.owners = ways, finance, owners
        self.draw = random.Random(f"months {ways.seed}")  # noqa: S311 - must replay exactly
        self.bank = StandinBank(ways.town.city.account.iban, BALANCE_CENTS)
        self.batch_id: UUID | None = None
        self.ended: str | None = None

    def live(self, day: date) -> None:
        """From the first of a month on, the month before is paid; on the seventh it is closed. Some of its last awards reach the ledger
        only then: a part of the bus is stuck for so long."""
        if (day + timedelta(days=3)).month != day.month:
            self.ways.faults.stuck |= STUCK
        if day.day == 1:
            self.ended = f"{day - timedelta(days=1):%Y-%m}"
            self.finance[0].try_("reimbursement", api.POST_STATEMENTS, period=self.ended)
            self.ways.carry(8)
        if day.day == 2 and self.ended:
            self._claim_and_pay()
        if self.batch_id is not None and day.day in (3, 7):
            self._the_bank_answers(day)
        if day.day == 7 and self.ended:
            self.finance[0].try_("reimbursement", api.POST_PERIOD_CLOSE, period=self.ended)
            self.ways.carry(8)
            self.ways.faults.stuck.clear()

    def _claim_and_pay(self) -> None:
        for owner in self.owners:
            found = owner.try_("reimbursement", api.GET_STATEMENTS, query=api.StatementQuery(state="open"))
            for statement in found.statements if found else ():
                owner.try_("reimbursement", api.POST_CONFIRM, statement_id=statement.statement_id)
        self._pay()

    def _pay(self) -> None:
        batch = self.finance[0].try_("reimbursement", payment.POST_BATCH, payment.PrepareBatch())
        if batch is not None:
            self.finance[1].ask("reimbursement", payment.POST_BATCH_APPROVE, batch_id=batch.batch_id)
            self.finance[2].ask("reimbursement", payment.POST_BATCH_RELEASE, batch_id=batch.batch_id)
            self.batch_id = batch.batch_id

    def _the_bank_answers(self, day: date) -> None:
        """The first time one payment comes back; it is paid again later."""
        about = {"batch_id": self.batch_id}
        self.bank.submit(self.finance[2].ask("reimbursement", payment.GET_PAIN001, query=payment.FileQuery(), **about))
        payments = self.finance[2].ask("reimbursement", payment.GET_BATCH, **about).payments
        back = self.draw.choice(payments).payment_id.hex if day.day == 3 else ""
        file = self.bank.close_day(day, lambda reference: "returned:AC04" if reference == back else "paid")
        self.finance[0].ask("reimbursement", payment.POST_BANK_STATEMENT, content=file)
        self.batch_id = None
        self.ways.carry(8)
        if day.day == 3:
            self._pay()
