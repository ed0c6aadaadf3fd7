"""The real ledger and the pencil-and-paper one (`tests/oracle.py`), asked the same things: every answer and every balance must agree."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
import pytest
from sqlalchemy import text

from infra.local_bus import spot_of
from infra.wiring import Town
from ledger.models import Base
from services.apis import ledger as api
from services.apis import ledger_fund as fund_api
from services.apis.errors import Refused
from services.events import Envelope, contract_of, encode
from services.events.awards import AwardReplanned, AwardWithdrawn, CoinsAwarded
from services.events.funding import FundClosed, TopUpReversed, TopUpSettled
from services.events.reimbursement import PaymentReleased, PaymentReturned, PaymentSettled
from services.kit import parked
from services.kit.bus import Message
from services.kit.inbox import Consumer, topics_of
from tests.builders import As
from tests.builders_ledger import an_auditor, envelope_of, post_sale
from tests.oracle import Account, Line, No
from tests.oracle_shops import Oracle

TABLES = sorted(Base.metadata.tables)
NOT_OF_THE_BOOKS = {"answers", "outcomes"}
NOT_OF_AN_EVENT = NOT_OF_THE_BOOKS | {"inbox", "positions", "parked"}


class SideBySide:
    """Tells and asks both; compares."""

    def __init__(self, town: Town) -> None:
        self.town, self.ctx = town, town.rooms["ledger"]
        self.oracle = Oracle(town.clock.now(), ZoneInfo(town.city.zone), town.city.coins.lifetime_months)
        self.redemption, self.auditor = town.client("ledger", speaking_as="redemption"), an_auditor(town)
        self.told: list[Envelope[Any]] = []
        self.consumer = self._consumer()

    # ---------- telling ----------

    def _consumer(self, *, from_the_start: bool = False) -> Consumer:
        subscription = self.town.bus.subscribe("ledger", topics_of(self.ctx))
        if from_the_start:
            for spot in subscription.newly_assigned():
                subscription.seek(spot, 0)
        return Consumer(self.ctx, subscription)

    def restart(self, *, from_the_start: bool) -> None:
        self.consumer.close()
        self.consumer = self._consumer(from_the_start=from_the_start)
        self.drain()

    def drain(self) -> None:
        while self.consumer.poll_once():
            pass

    def publish(self, envelopes: Sequence[Envelope[Any]]) -> None:
        self.town.bus.publish(
            [Message(topic=contract_of(type(e.data)).topic, key=e.key, value=encode(e)) for e in envelopes]
        )
        self.drain()

    def tell(self, *events: Any, hours_late: int = 0, again: bool = False) -> None:
        """Events published together, each heard once by the oracle, in the order a consumer reads them. `again`: told twice."""
        happened = self.town.clock.now() - timedelta(hours=hours_late)
        envelopes = [msgspec.structs.replace(envelope_of(self.town, event), occurred_at=happened) for event in events]
        self.publish(envelopes)
        self.told += envelopes
        in_turn = sorted(envelopes, key=lambda e: spot_of(contract_of(type(e.data)).topic, e.key))
        for struct, run in groupby(in_turn, key=lambda e: type(e.data)):
            self._hear(struct, [e.data for e in run], happened)
        self.compare()
        if again:
            self.repeat(envelopes, other_ids=True)

    def _hear(self, struct: type, run: list[Any], happened: datetime) -> None:
        together: dict[type, Callable[..., None]] = {
            TopUpSettled: self.oracle.settled, AwardReplanned: self.oracle.replanned,
        }  # fmt: skip
        alone: dict[type, Callable[..., None]] = {
            TopUpReversed: self.oracle.reversed, CoinsAwarded: self.oracle.awarded, AwardWithdrawn: self.oracle.withdrawn_award,
            FundClosed: lambda data, _: self.oracle.closed.add(data.fund_id),
            PaymentReleased: lambda data, _: self.oracle.released(data), PaymentSettled: lambda data, _: self.oracle.payment_settled(data),
            PaymentReturned: lambda data, _: self.oracle.returned(data),
        }  # fmt: skip
        if struct in together:
            together[struct](run, happened)
        else:
            for data in run:
                alone[struct](data, happened)

    def tell_what_cannot_be(self, event: Any) -> None:
        """An event nobody can say no to and that cannot be posted: it is parked, nothing moved; a person drops it."""
        logging.disable(logging.CRITICAL)
        with self.unchanged(NOT_OF_AN_EVENT):
            self.publish([envelope_of(self.town, event)])
        logging.disable(logging.NOTSET)
        rows = parked.parked(self.ctx)
        assert len(rows) == 1, rows
        parked.drop(self.ctx, rows[0].seq, "a test's impossible event")

    def repeat(self, envelopes: Sequence[Envelope[Any]], *, other_ids: bool) -> None:
        """Events delivered again; or the same news under other ids. Nothing may come of it."""
        if other_ids:
            envelopes = [
                msgspec.structs.replace(e, id=self.town.ids()) for e in envelopes if type(e.data) is not AwardReplanned
            ]
        with self.unchanged(NOT_OF_AN_EVENT if other_ids else NOT_OF_THE_BOOKS | {"positions"}):
            self.publish(envelopes)

    def do_the_jobs(self) -> None:
        for job in self.ctx.room.jobs:
            did = 1
            while did:
                with self.ctx.transaction() as tx:
                    did = job(tx)
        self.oracle.expire()
        self.oracle.expire_holds()
        self.compare()

    # ---------- asking ----------

    def sell(self, body: api.PostSale) -> None:
        self.ask(None, body, lambda: self.oracle.sale(body), lambda answer: answer.parts)

    def void(self, sale_id: UUID) -> None:
        self.ask(
            api.POST_VOID, api.PostVoid(sale_id=sale_id), lambda: self.oracle.void(sale_id), lambda answer: answer.parts
        )

    def hold(self, body: api.PostHold) -> None:
        self.ask(api.POST_HOLD, body, lambda: self.oracle.hold(body), lambda answer: answer.amount_cents)

    def end_hold(self, hold_id: UUID, cents: int | None) -> None:
        body = api.PostHoldEnd(hold_id=hold_id, amount_cents=cents)
        self.ask(
            api.POST_HOLD_END, body, lambda: self.oracle.end_hold(hold_id, cents), lambda a: (a.amount_cents, a.parts)
        )

    def correct(self, line: Line, cents: int | None, finance: As) -> None:
        """Finance reverses one line of the book."""
        body = api.PostCorrection(transfer_id=self._transfer_of(line), reason="booked twice", amount_cents=cents)
        client = self.town.client("ledger").as_(finance.token)
        wanted = line.cents if cents is None else cents
        self.ask(api.POST_CORRECTION, body, lambda: self.oracle.correct(line, cents) or wanted,
                 lambda answer: sum(t.amount_cents for t in answer.transfers), client)  # fmt: skip

    def _transfer_of(self, line: Line) -> UUID:
        code_of = {account: code for account, code, _, _ in self.accounts()}
        with self.ctx.engine.connect() as conn:
            found: UUID | None = conn.scalar(
                text(
                    "SELECT t.id FROM transfers t JOIN accounts d ON d.id = debit_account JOIN accounts c ON c.id = credit_account"
                    " WHERE kind = :kind AND d.code = :giver AND c.code = :taker AND amount_cents = :cents AND posted_at = :booked"
                    " AND :back = (SELECT coalesce(sum(amount_cents), 0) FROM transfers r WHERE r.reversal_of = t.id) LIMIT 1"
                ),
                {"kind": line.kind, "giver": code_of[line.giver], "taker": code_of[line.taker], "cents": line.cents,
                 "booked": line.booked, "back": line.taken_back},
            )  # fmt: skip
        assert found, line
        return found

    def ask(
        self, endpoint: Any, body: Any, wanted: Callable[[], Any], read: Callable[[Any], Any], client: Any = None
    ) -> Any:
        """Ask the real ledger and compare with the oracle's answer; the real answer, or None for a no."""
        try:
            right: Any = wanted()
        except No as no:
            with self.unchanged():
                self._refused(endpoint, body, no, client)
            return None
        answer = self._call(endpoint, body, client)
        assert read(answer) == right
        self.compare()
        return answer

    def _call(self, endpoint: Any, body: Any, client: Any) -> Any:
        """A sale alone is asked for as one of one."""
        client = client or self.redemption
        return client.call(endpoint, body, key=self.town.ids()) if endpoint else post_sale(client, body)

    def _refused(self, endpoint: Any, body: Any, no: No, client: Any) -> None:
        with pytest.raises(Refused, match=no.code) as refused:
            self._call(endpoint, body, client)
        assert no.cents is None or refused.value.facts["payable_cents"] == no.cents

    @contextmanager
    def unchanged(self, but: set[str] = NOT_OF_THE_BOOKS) -> Any:
        """Byte for byte, but for the tables named."""
        before = self.dump(but)
        yield
        after = self.dump(but)
        assert after == before

    def dump(self, but: set[str]) -> dict[str, list[Any]]:
        """Every row. An account on which nothing ever moved is no part of the books: an award that waited and is told again once it is
        issued opens lots for the days it would have now."""
        moved = {"accounts": " WHERE version > 0"}
        with self.ctx.engine.connect() as conn:
            return {
                table: conn.scalars(text(f"SELECT t::text FROM {table} t{moved.get(table, '')} ORDER BY 1")).all()
                for table in TABLES
                if table not in but
            }

    # ---------- comparing ----------

    def compare(self) -> None:
        """Every balance, every held cent, the whole line."""
        balance, held = {}, {}
        for account, _, cents, held_cents in self.accounts():
            balance[account], held[account] = cents, held_cents
        assert _not_zero(balance) == _not_zero(self.oracle.balance)
        assert _not_zero(held) == _not_zero(self.oracle.held)
        with self.ctx.engine.connect() as conn:
            line = conn.execute(text("SELECT award_id, amount_cents, reason FROM waiting_awards ORDER BY turn")).all()
        assert [tuple(row) for row in line] == [(w.award.award_id, w.cents, w.reason) for w in self.oracle.line]

    def accounts(self) -> list[tuple[Account, str, int, int]]:
        with self.ctx.engine.connect() as conn:
            rows = conn.execute(
                text(
                    "SELECT code, person, fund, expires_on, credits_posted - debits_posted AS cents, debits_held FROM accounts"
                    " WHERE version > 0"
                )
            ).all()
        return [(_named(row), row.code, row.cents, row.debits_held) for row in rows]

    def compare_then(self, instant: datetime) -> None:
        """Every balance as it stood at that instant, by both clocks, as the auditor is told."""
        for account, code, _, _ in self.accounts():
            for by, clock in (("posted_at", "booked"), ("occurred_at", "happened")):
                query = api.AccountQuery(code=code, at=instant, by=by)  # type: ignore[arg-type]
                told = self.auditor.ask("ledger", api.GET_ACCOUNT, query=query).balance_cents
                assert told == self.oracle.at(account, instant, clock), (code, by)

    def compare_wallet(self, person: UUID) -> None:
        wallet = self.redemption.call(api.GET_WALLET, person_id=person)
        lots = [(lot[2], self.oracle.can_give(lot), lot[3]) for lot in self.oracle.lots(person)]
        assert [(lot.fund_id, lot.amount_cents, lot.expires_on) for lot in wallet.lots] == lots
        waiting = [(w.award.award_id, w.cents) for w in self.oracle.line if w.award.person_id == person]
        assert [(w.award_id, w.amount_cents) for w in wallet.waiting] == waiting

    def compare_fund(self, fund: UUID) -> None:
        """The fund in figures, as finance reads it."""
        told = self.auditor.ask("ledger", fund_api.GET_FUND, fund_id=fund)
        right = self.oracle.figures(fund)
        assert {name: getattr(told, name) for name in right} == right

    def compare_transfers(self) -> None:
        """Every line of the book, in no order: kind, both sides, cents, both clocks."""
        named = {code: account for account, code, _, _ in self.accounts()}
        with self.ctx.engine.connect() as conn:
            rows = conn.execute(
                text(
                    "SELECT kind, d.code, c.code, amount_cents, occurred_at, posted_at FROM transfers"
                    " JOIN accounts d ON d.id = debit_account JOIN accounts c ON c.id = credit_account"
                )
            ).all()
        real = sorted((kind, named[d], named[c], *rest) for kind, d, c, *rest in rows)
        right = sorted((x.kind, x.giver, x.taker, x.cents, x.happened, x.booked) for x in self.oracle.lines)
        assert list(map(repr, real)) == list(map(repr, right))


def _named(row: Any) -> Account:
    word, *ids = row.code.split("/")
    return ("coins", row.person, row.fund, row.expires_on) if word == "coins" else (word, *map(UUID, ids))


def _not_zero(balances: Any) -> dict[Account, int]:
    return {account: cents for account, cents in balances.items() if cents}
