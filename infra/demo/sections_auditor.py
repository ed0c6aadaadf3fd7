"""What the auditor sees in the demo: one coin's way with the ids of every step, and whether the books agree."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy import text

from infra.demo import shoes
from infra.demo.shoes import Step
from infra.demo.trail import Ask, CoinsWay, follow_a_coin
from infra.demo.view import Section
from infra.town import Town
from services.kit.i18n import cents, euros, number


class AuditorView:
    """`ask`: ask a service in the auditor's name."""

    def __init__(self, town: Town, ask: Ask) -> None:
        self._town, self._ask = town, ask

    def sections(self) -> list[Section]:
        way = follow_a_coin(self._ask)
        return [*([self._followed(way)] if way else []), self._books()]

    def _books(self) -> Section:
        broken = self._town.check()
        checks = [
            (
                _("%(service)s: %(count)s rules", service=name, count=number(len(ctx.room.checks))),
                sum(b.startswith(f"{name}:") for b in broken),
            )
            for name, ctx in self._town.rooms.items()
        ]
        with self._town.rooms["ledger"].engine.connect() as conn:
            transfers = conn.scalar(text("SELECT count(*) FROM transfers")) or 0
        return shoes.do_the_books_agree(transfers, checks, "/docs/ledger.json")

    def _followed(self, way: CoinsWay) -> Section:
        payment_id = way.paid.payment.payment_id
        steps = (*self._earned(way), *self._spent(way), *self._hands(way), *self._booked(way))
        return shoes.one_coins_way(steps, f"/api/reimbursement/payments/{payment_id}/trail")

    def _earned(self, way: CoinsWay) -> list[Step]:
        minutes = way.attendance.minutes or 0
        there = ngettext(
            "%(count)s minute there, confirmed", "%(count)s minutes there, confirmed", minutes, count=number(minutes)
        )
        money = (
            _("The city sets money aside: %(act)s", act=way.decision.act)
            if way.decision
            else _("A sponsor’s money arrives")
        )
        return [
            self._step(money, way.topup.occurred_at, way.topup.journal, euros(way.topup.amount_cents)),
            self._step(_("A shift"), way.shift.starts_at, way.shift.shift_id),
            self._step(there, way.attendance.checked_in_at or way.shift.starts_at, way.attendance.attendance_id),
            self._step(_("What the shift is thanked with"), way.award.decided_at, way.award.award_id, cents(way.award.amount_cents)),
            self._step(_("This fund’s coins in the wallet"), way.coins.occurred_at, way.coins.transfer_id, cents(way.coins.amount_cents)),
        ]  # fmt: skip

    def _spent(self, way: CoinsWay) -> list[Step]:
        sales = way.statement.sale_count
        stated = ngettext("Statement of %(period)s, %(count)s sale", "Statement of %(period)s, %(count)s sales", sales,
                          period=way.statement.period, count=number(sales))  # fmt: skip
        claimed = _("Claim %(number)s of the shop", number=way.paid.claim_number)
        return [
            self._step(
                _("Of these coins, spent in a sale"),
                way.sale.occurred_at,
                way.sale.journal,
                cents(way.sale.amount_cents),
            ),
            self._step(stated, way.statement.issued_at, way.statement.statement_id, euros(way.statement.amount_cents)),
            self._step(claimed, way.claim.made_at, way.claim.claim_id, euros(way.claim.amount_cents)),
        ]

    def _hands(self, way: CoinsWay) -> list[Step]:
        """Each hand with the id of the person whose it was: three different ones."""
        batch, amount = way.paid.batch, euros(way.paid.payment.amount_cents)
        hands = [
            (_("Payment prepared by one person"), batch.prepared_at, batch.prepared_by),
            (_("Payment approved by another"), batch.approved_at, batch.approved_by),
            (_("Payment released by a third"), batch.released_at, batch.released_by),
        ]
        return [self._step(hand, at, by, amount) for hand, at, by in hands if at]

    def _booked(self, way: CoinsWay) -> list[Step]:
        words = _("On the bank’s statement")
        return [Step(words, line.booked_on, str(line.entry_id), euros(line.amount_cents)) for line in way.paid.entries]

    def _step(self, words: str, at: datetime, id_: Any, amount: str = "") -> Step:
        return Step(words, self._town.city.day_of(at), str(id_), amount)
