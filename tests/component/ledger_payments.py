"""The steps of the ledger's state machine in which shops are paid."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from services.events.ledger import Part
from tests.builders_ledger import released, returned, settled
from tests.component.ledger_draws import FUNDS, SHOPS, one_of, pick, shop, twice
from tests.component.ledger_side_by_side import SideBySide
from tests.oracle_shops import Oracle


class Payments(RuleBasedStateMachine):
    """Released, settled, sent back; told twice; sent back in a way that cannot be."""

    both: SideBySide
    oracle: Oracle
    payments: list[Any]

    @rule(shop=shop, permille=st.sampled_from([1000, 500, 500, 1, None]), again=twice)
    def a_payment_is_released(self, shop: int, permille: int | None, again: bool) -> None:
        """A part of what the shop is owed; or (None) what it was owed before sales were undone, for the order is older."""
        owed = [(f, self.oracle.can_give(("shop", SHOPS[shop], f)) * (permille or 0) // 1000) for f in sorted(FUNDS)]
        if permille is None:
            owed = [(f, self.oracle.payable_at_most(SHOPS[shop], f)) for f in sorted(FUNDS)]
        parts = [Part(fund_id=f, amount_cents=c) for f, c in owed if c]
        if parts:
            self.payments.append(released(SHOPS[shop], *parts))
            self.both.tell(self.payments[-1], again=again)

    @precondition(lambda self: self.payments)
    @rule(which=pick, again=twice)
    def the_bank_pays(self, which: int, again: bool) -> None:
        payment = one_of(self.payments, which)
        if "payment_returned" not in self.oracle.payments[payment.payment_id]:
            self.both.tell(settled(payment), again=again)

    @precondition(lambda self: self.payments)
    @rule(which=pick, honest=st.sampled_from([True, True, False]))
    def the_bank_sends_back(self, which: int, honest: bool) -> None:
        payment = one_of(self.payments, which)
        done = self.oracle.payments[payment.payment_id]
        back = returned(payment, was_settled=("payment_settled" in done) == honest)
        if honest or "payment_returned" in done:
            if "payment_returned" not in done:
                self.both.tell(back, again=which % 3 == 0)
        else:
            self.both.tell_what_cannot_be(back)
