"""What money does in the demo town: the sponsor's gifts, the month's statements, three hands, the bank's answer, one payment sent back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from hashlib import sha256
from typing import TYPE_CHECKING

from infra.demo import cast
from infra.demo.actors import Actors
from infra.demo.memory import Memory
from infra.demo.setup import owner_of
from infra.demo.sponsor import SponsorDay
from infra.standins.bank import StandinBank
from infra.wiring import Town
from services.apis import reimbursement as api
from services.apis import reimbursement_payment as payment_api
from services.apis.errors import Refused
from services.kit.clock import SetClock

if TYPE_CHECKING:
    from infra.demo.history import Day

BALANCE_CENTS = 50_000_000
RETURNED_SHOP = cast.SHOPS[2]
NEW_IBAN = cast.SPARE_IBAN


class MoneyDay:
    def __init__(self, town: Town, clock: SetClock, memory: Memory, actors: Actors) -> None:
        self.town, self.clock, self.memory, self.actors = town, clock, memory, actors
        self.sponsor = SponsorDay(town, memory, actors)

    def morning(self, day: Day) -> None:
        """A month's closing takes eight mornings, each with its own hand; the sponsor gives on some days."""
        self.clock.move_to(day.at(7, 45))
        if file := self.sponsor.morning(day):
            self.upload(file)
        month_ago = day.date.replace(day=1) - timedelta(days=1)
        if month_ago < self.memory.first_day:
            return
        period = f"{month_ago:%Y-%m}"
        steps: dict[int, Callable[[Day, str], None]] = {
            1: self._issue, 2: self._shops_confirm, 3: self._pay_all, 4: self._bank_answers, 6: self._new_account,
            8: self._pay_again, 9: self._bank_answers, 10: self._close,
        }  # fmt: skip
        step = steps.get(day.date.day)
        # The last month is left to the visitor: its statements wait for the shops, its batch for three hands.
        last_month = (self.memory.first_day + timedelta(days=self.memory.days - 1)).replace(day=1)
        if step and (day.date.day <= 2 or day.date.replace(day=1) != last_month or "paid" not in self.memory.notes):
            step(day, period)

    def _issue(self, day: Day, period: str) -> None:
        self.actors.ask("giulio", "reimbursement", api.POST_STATEMENTS, key=f"statements {period}", period=period)

    def _shops_confirm(self, day: Day, period: str) -> None:
        """Each owner says where the money goes, and confirms; one asks about a line first."""
        for shop in cast.SHOPS:
            self._account(shop, shop.iban)
        for number, shop in enumerate(cast.SHOPS):
            for statement in self._statements(shop, period):
                if number == 4:
                    self._ask_first(shop, statement)
                self.actors.ask(owner_of(shop), "reimbursement", api.POST_CONFIRM, key=f"confirm {statement.statement_id}",
                                statement_id=statement.statement_id)  # fmt: skip

    def _statements(self, shop: cast.Shop, period: str) -> list[api.Statement]:
        query = api.StatementQuery(period=period)
        found = self.actors.ask(owner_of(shop), "reimbursement", api.GET_STATEMENTS, query=query).statements
        return [s for s in found if s.amount_cents > 0]

    def _ask_first(self, shop: cast.Shop, statement: api.Statement) -> None:
        full = self.actors.ask(owner_of(shop), "reimbursement", api.GET_STATEMENT, statement_id=statement.statement_id)
        if full.queries:
            return
        ask = api.AskQuery(line_id=full.lines[0].line_id, reason="The receipt of that day says another amount")
        query = self.actors.ask(owner_of(shop), "reimbursement", api.POST_QUERY, ask, key=f"query {statement.statement_id}",
                                statement_id=statement.statement_id)  # fmt: skip
        settle = api.SettleQuery(answer="The rest was paid in cash; the coins are right")
        self.actors.ask(
            "lucia",
            "reimbursement",
            api.POST_QUERY_SETTLE,
            settle,
            key=f"settle {query.query_id}",
            query_id=query.query_id,
        )

    def _account(self, shop: cast.Shop, iban: str) -> None:
        """The owner proposes an account, a finance officer lets it take effect."""
        propose = payment_api.ProposeAccount(iban=iban, holder=shop.name)
        shop_id = self.memory.ids[shop.name]
        account = self.actors.ask(
            owner_of(shop), "reimbursement", payment_api.POST_ACCOUNT, propose, key=f"account {iban}", shop_id=shop_id
        )
        self.actors.ask(
            "lucia",
            "reimbursement",
            payment_api.POST_ACCOUNT_APPROVE,
            key=f"approve {iban}",
            account_id=account.account_id,
        )

    def _pay_all(self, day: Day, period: str) -> None:
        """Giulio prepares, Lucia approves – and is refused when she also tries to release –, Franca releases."""
        batch = self.actors.ask(
            "giulio", "reimbursement", payment_api.POST_BATCH, payment_api.PrepareBatch(), key=f"batch {day.date}"
        )
        self.actors.ask(
            "lucia", "reimbursement", payment_api.POST_BATCH_APPROVE, key=f"approve {day.date}", batch_id=batch.batch_id
        )
        try:
            self.actors.ask(
                "lucia",
                "reimbursement",
                payment_api.POST_BATCH_RELEASE,
                key=f"one hand {day.date}",
                batch_id=batch.batch_id,
            )
        except Refused as refusal:
            if refusal.code not in ("same_person", "batch_state"):
                raise
        self.actors.ask(
            "franca",
            "reimbursement",
            payment_api.POST_BATCH_RELEASE,
            key=f"release {day.date}",
            batch_id=batch.batch_id,
        )
        self.memory.ids["batch at the bank"] = batch.batch_id

    def _pay_again(self, day: Day, period: str) -> None:
        self._pay_all(day, period)

    def _bank_answers(self, day: Day, period: str) -> None:
        """The bank's statement of the day: everything paid, but the first time one account turns out closed."""
        batch_id = self.memory.ids["batch at the bank"]
        order = self.actors.ask(
            "franca", "reimbursement", payment_api.GET_PAIN001, query=payment_api.FileQuery(), batch_id=batch_id
        )
        batch = self.actors.ask("franca", "reimbursement", payment_api.GET_BATCH, batch_id=batch_id)
        first = "paid" not in self.memory.notes
        closed = (
            {p.payment_id.hex for p in batch.payments if p.shop_id == self.memory.ids[RETURNED_SHOP.name]}
            if first
            else set()
        )
        bank = StandinBank(self.town.city.account.iban, BALANCE_CENTS, statements=day.number)
        bank.submit(order)
        self.upload(bank.close_day(day.date, lambda reference: "returned:AC04" if reference in closed else "paid"))
        self.memory.notes["paid"] = period

    def upload(self, file: bytes) -> None:
        """Drop the bank's file on the finance page; a file known already was read before a kill."""
        try:
            self.actors.ask(
                "giulio",
                "reimbursement",
                payment_api.POST_BANK_STATEMENT,
                key=f"camt {sha256(file).hexdigest()}",
                content=file,
            )
        except Refused as refusal:
            if refusal.code != "bank_statement_known":
                raise

    def _new_account(self, day: Day, period: str) -> None:
        self._account(RETURNED_SHOP, NEW_IBAN)

    def _close(self, day: Day, period: str) -> None:
        self.actors.ask("lucia", "reimbursement", api.POST_PERIOD_CLOSE, key=f"close {period}", period=period)
