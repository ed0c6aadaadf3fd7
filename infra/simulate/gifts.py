"""A sponsor of the simulated town gives by card and debit at the stand-in for Stripe. One debit bounces; one payment is taken back."""

from __future__ import annotations

import random

from infra.simulate.people import Somebody, Ways
from infra.standins.stripe_account import StripeAccount
from services.apis import funding_sponsor as api


class Gifts:
    """`paid_cents`: what was given, and is or will be there; what a bank takes back later was there."""

    def __init__(self, ways: Ways) -> None:
        self.ways, self.paid_cents = ways, 0
        self.draw = random.Random(f"gifts {ways.seed}")  # noqa: S311 - must replay exactly
        self.days = dict(
            zip(
                self.draw.sample(range(1, 7), 3),
                (self._by_card, self._by_debit, self._by_debit_that_bounces),
                strict=True,
            )
        )
        self.days[self.draw.randint(8, 14)] = self._the_bank_takes_back

    def found(self, admin: Somebody) -> None:
        named = api.RegisterSponsor(kind="organisation", name="Ferramenta Riva")
        self.sponsor_id = admin.ask("funding", api.POST_SPONSOR, named).sponsor_id
        self.sponsor = self.ways.somebody("sponsor", self.sponsor_id)
        self.session_id: str | None = None

    def live(self, day: int) -> None:
        """`day`: of the town's life, the first is 0. The stand-in has no faults of its own; its news meets those of the town."""
        if day in self.days:
            self.days[day]()

    def _pledge(self, method: api.Method) -> tuple[str, int]:
        """The page to pay on, and how much."""
        cents = self.draw.randrange(10_00, 30_00)
        body = api.MakeTopUp(amount_cents=cents, purpose=api.Anywhere(), method=method)
        topup = self.sponsor.ask("funding", api.POST_TOPUP, body, sponsor_id=self.sponsor_id)
        return topup.checkout_url.rpartition("/")[2], cents

    def _by_card(self) -> None:
        self.session_id, cents = self._pledge("card")
        self._stripe.card_pays(self.session_id)
        self.paid_cents += cents

    def _by_debit(self) -> None:
        session_id, cents = self._pledge("sepa_debit")
        self._stripe.sepa_debit(session_id)
        self.paid_cents += cents

    def _by_debit_that_bounces(self) -> None:
        session_id, _ = self._pledge("sepa_debit")
        self._stripe.sepa_debit(session_id, will_pay=False)

    def _the_bank_takes_back(self) -> None:
        """The card's payment, by when coins may have been issued on it."""
        session = self._stripe.memory.get("checkout.session", self.session_id or "")
        self._stripe.dispute(session["payment_intent"])

    @property
    def _stripe(self) -> StripeAccount:
        account = self.ways.town.stripe_standin
        if account is None:
            raise ValueError("the simulated town calls no real Stripe")
        return account
