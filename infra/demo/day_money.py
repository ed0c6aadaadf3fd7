"""What money does in the demo town: the sponsor's gifts, the month's statements, three hands, the bank's answer, one payment sent back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from hashlib import sha256
from typing import TYPE_CHECKING
from uuid import UUID

from infra.demo import cast
from infra.demo.actors import Actors
from infra.demo.memory import Memory
from infra.demo.setup import owner_of
from infra.demo.sponsor import SponsorDay
from infra.standins.bank import StandinBank
from infra.town import Town
from services.apis import reimbursement as api
from services.apis import reimbursement_payment as payment_api
from services.apis.endpoint import Endpoint
from services.apis.errors import Refused
from services.kit.clock import MovedClock

if TYPE_CHECKING:
    from infra.demo.history import Day

BALANCE_CENTS = 50_000_000
ANSWERED = cast.SHOPS[4]  # asks about a line, is answered, and confirms
# In the month that is left to the visitor, one owner has not confirmed yet, and another waits for an answer.
WAITS, ASKS = cast.SHOPS[0], cast.SHOPS[1]


class MoneyDay:
    def __init__(self, town: Town, clock: MovedClock, memory: Memory, actors: Actors) -> None:
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
        steps: dict[int, Callable[[Day, str], object]] = {
            1: self._issue, 2: self._shops_confirm, 3: self._pay_all, 4: self._bank_answers, 6: self._new_account,
            8: self._pay_all, 9: self._bank_answers, 10: self._close,
        }  # fmt: skip
        if self._left_to_the_visitor(period):
            # One month is paid and closed; of the next one, the batch waits for Lucia.
            steps = {1: self._issue, 2: self._shops_confirm, 3: self._prepare}
        if step := steps.get(day.date.day):
            step(day, period)

    def _left_to_the_visitor(self, period: str) -> bool:
        return bool(self.memory.notes.get("closed", period) != period)

    def _issue(self, day: Day, period: str) -> None:
        self.actors.ask("giulio", "reimbursement", api.POST_STATEMENTS, key=f"statements {period}", period=period)

    def _shops_confirm(self, day: Day, period: str) -> None:
        """Each owner says where the money goes, and confirms; one asks about a line first."""
        for shop in cast.SHOPS:
            self._account(shop, shop.iban)
        visitors = self._left_to_the_visitor(period)
        for shop in cast.SHOPS:
            for statement in self._statements(shop, period):
                if visitors and shop == WAITS:
                    continue
                if visitors and shop == ASKS:
                    self._query(shop, statement, "We took this one back at the till; it should not count")
                    continue
                if shop == ANSWERED:
                    query = self._query(shop, statement, "The receipt of that day says another amount")
                    self._answer(query, "The rest was paid in cash; the coins are right")
                self.actors.ask(owner_of(shop), "reimbursement", api.POST_CONFIRM, key=f"confirm {statement.statement_id}",
                                statement_id=statement.statement_id)  # fmt: skip

    def _statements(self, shop: cast.Shop, period: str) -> list[api.Statement]:
        query = api.StatementQuery(period=period)
        found = self.actors.ask(owner_of(shop), "reimbursement", api.GET_STATEMENTS, query=query).statements
        return [s for s in found if s.amount_cents > 0]

    def _query(self, shop: cast.Shop, statement: api.Statement, reason: str) -> api.Query:
        """The owner asks about the statement's first line."""
        where = {"statement_id": statement.statement_id}
        line = self.actors.ask(owner_of(shop), "reimbursement", api.GET_STATEMENT, **where).lines[0]
        body = api.AskQuery(line_id=line.line_id, reason=reason)
        query: api.Query = self.actors.ask(
            owner_of(shop), "reimbursement", api.POST_QUERY, body, key=f"query {statement.statement_id}", **where
        )
        return query

    def _answer(self, query: api.Query, answer: str) -> None:
        body, key = api.SettleQuery(answer=answer), f"settle {query.query_id}"
        self.actors.ask("lucia", "reimbursement", api.POST_QUERY_SETTLE, body, key=key, query_id=query.query_id)

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

    def _prepare(self, day: Day, period: str) -> UUID | None:
        """Giulio prepares a batch of all that can be paid; None when there is nothing."""
        try:
            body = payment_api.PrepareBatch()
            batch = self.actors.ask("giulio", "reimbursement", payment_api.POST_BATCH, body, key=f"batch {day.date}")
        except Refused as refusal:
            if refusal.code != "payment_batch_empty":
                raise
            return None
        batch_id: UUID = batch.batch_id
        return batch_id

    def _pay_all(self, day: Day, period: str) -> None:
        """Giulio prepares, Lucia approves – and is refused when she also tries to release –, Franca releases."""
        batch_id = self._prepare(day, period)
        if batch_id is None:
            self.memory.ids.pop("at the bank", None)
            return
        self._hand("lucia", payment_api.POST_BATCH_APPROVE, f"approve {day.date}", batch_id)
        try:
            self._hand("lucia", payment_api.POST_BATCH_RELEASE, f"one hand {day.date}", batch_id)
        except Refused as refusal:
            if refusal.code not in ("same_person", "batch_state"):
                raise
        self._hand("franca", payment_api.POST_BATCH_RELEASE, f"release {day.date}", batch_id)
        self.memory.ids["at the bank"] = batch_id

    def _hand(self, who: str, endpoint: Endpoint, key: str, batch_id: UUID) -> None:
        self.actors.ask(who, "reimbursement", endpoint, key=key, batch_id=batch_id)

    def _bank_answers(self, day: Day, period: str) -> None:
        """The bank's statement of the day: everything paid, but the first time one account turns out closed."""
        batch_id = self.memory.ids.pop("at the bank", None)
        if batch_id is None:
            return
        query = payment_api.FileQuery()
        order = self.actors.ask("franca", "reimbursement", payment_api.GET_PAIN001, query=query, batch_id=batch_id)
        payments = self.actors.ask("franca", "reimbursement", payment_api.GET_BATCH, batch_id=batch_id).payments
        if "returned" not in self.memory.ids:
            self.memory.ids["returned"] = min(payments, key=lambda p: p.amount_cents).shop_id
            returned = {p.payment_id.hex for p in payments if p.shop_id == self.memory.ids["returned"]}
        else:
            returned = set()
        bank = StandinBank(self.town.city.account.iban, BALANCE_CENTS, statements=day.number)
        bank.submit(order)
        self.upload(bank.close_day(day.date, lambda reference: "returned:AC04" if reference in returned else "paid"))

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
        """The shop whose account was closed names another one."""
        for shop in cast.SHOPS:
            if self.memory.ids[shop.name] == self.memory.ids.get("returned"):
                self._account(shop, cast.SPARE_IBAN)

    def _close(self, day: Day, period: str) -> None:
        self.actors.ask("lucia", "reimbursement", api.POST_PERIOD_CLOSE, key=f"close {period}", period=period)
        self.memory.notes["closed"] = period
