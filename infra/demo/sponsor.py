"""The sponsor's gifts: one by card on the payment page, one by bank transfer that the bank's statement brings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infra.demo import cast
from infra.demo.actors import Actors
from infra.demo.memory import Memory
from infra.standins.bank import IncomingTransfer, StandinBank
from infra.town import Town
from services.apis import funding_sponsor as api

if TYPE_CHECKING:
    from infra.demo.history import Day

CARD_DAY, TRANSFER_DAY = 9, 25
BALANCE_CENTS = 50_000_000


class SponsorDay:
    def __init__(self, town: Town, memory: Memory, actors: Actors) -> None:
        self.town, self.memory, self.actors = town, memory, actors

    def morning(self, day: Day) -> bytes | None:
        """The day's gift, if there is one; answers the bank's statement that brings a transfer."""
        if day.number == CARD_DAY:
            self._by_card(day)
        if day.number == TRANSFER_DAY:
            return self._by_transfer(day)
        return None

    def _by_card(self, day: Day) -> None:
        purpose = api.InNeighbourhood(neighbourhood_id="arco-vecchio")
        topup = self._topup(api.MakeTopUp(amount_cents=cast.CARD_CENTS, purpose=purpose, method="card"))
        account = self.town.stripe_standin
        if topup.checkout_url is not None and account is not None:
            account.card_pays(topup.checkout_url.rpartition("/")[2])
            self.town.tick()

    def _by_transfer(self, day: Day) -> bytes:
        topup = self._topup(
            api.MakeTopUp(amount_cents=cast.TRANSFER_CENTS, purpose=api.Anywhere(), method="bank_transfer")
        )
        if topup.transfer is None:
            raise ValueError("a top-up by transfer says where to send the money")
        bank = StandinBank(self.town.city.account.iban, BALANCE_CENTS, statements=day.number)
        bank.receive(
            IncomingTransfer(
                cast.TRANSFER_CENTS, f"Merit coins {topup.transfer.reference}", cast.SPONSOR, cast.SPARE_IBAN
            )
        )
        return bank.close_day(day.date, lambda reference: "paid")

    def _topup(self, body: api.MakeTopUp) -> api.TopUp:
        sponsor_id = self.memory.ids[cast.SPONSOR]
        topup: api.TopUp = self.actors.ask(
            "arco", "funding", api.POST_TOPUP, body, key=f"gift {body.method}", sponsor_id=sponsor_id
        )
        return topup
