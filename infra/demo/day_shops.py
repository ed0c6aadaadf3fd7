"""An afternoon in the shops: volunteers show a code, tills say yes or what would work."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from infra.demo import cast
from infra.demo.actors import Actors
from infra.demo.memory import Memory
from infra.town import Town
from services.apis import ledger as ledger_api
from services.apis import redemption as redemption_api
from services.apis.errors import Refused
from services.kit.clock import MovedClock

if TYPE_CHECKING:
    from infra.demo.history import Day

# What ends a visit without a sale, as in any week: nothing of this is an error of the town.
ENDS_WELL = {"not_enough_coins", "day_limit", "over_sale_limit", "key_reused", "already_voided", "other_neighbourhood"}


class ShopDay:
    def __init__(self, town: Town, clock: MovedClock, memory: Memory, actors: Actors) -> None:
        self.town, self.clock, self.memory, self.actors = town, clock, memory, actors

    def afternoon(self, day: Day) -> None:
        """About a third of those who have coins buy something, on every day but Sunday."""
        self.clock.move_to(day.at(18, 30))
        if day.date.weekday() == 6:
            return
        for nickname, _, neighbourhood in cast.VOLUNTEERS:
            draw = random.Random(f"{self.memory.seed} buy {nickname} {day.date}")  # noqa: S311 - a made-up town
            if draw.random() > 0.3:
                continue
            person = nickname.lower()
            wallet = self.actors.ask(
                person, "ledger", ledger_api.GET_WALLET, person_id=self.memory.people[person].person_id
            )
            if wallet.balance_cents >= 100:
                shop = draw.choice([s for s in cast.SHOPS if neighbourhood in s.neighbourhoods])
                self._buy(person, shop, draw, day)

    def _buy(self, person: str, shop: cast.Shop, draw: random.Random, day: Day) -> None:
        low, high = shop.usual_cents
        amount_cents = draw.randrange(low, high, 10)
        key = f"sale {person} {day.date}"
        try:
            code = self.actors.ask(person, "redemption", redemption_api.POST_PAYMENT_CODE).code
            sale = self._sell(shop, code, amount_cents, key)
            if draw.random() < 0.03:
                self.actors.at_till(shop.name, redemption_api.POST_VOID, key=f"void {key}", sale_id=sale.sale_id)
        except Refused as refusal:
            if refusal.code not in ENDS_WELL:
                raise

    def _sell(self, shop: cast.Shop, code: str, amount_cents: int, key: str) -> redemption_api.Sale:
        """Sell; when coins are short, take the part they cover – the rest is paid in cash."""
        body = redemption_api.MakeSale(code=code, amount_cents=amount_cents)
        try:
            sale: redemption_api.Sale = self.actors.at_till(shop.name, redemption_api.POST_SALE, body, key=key)
        except Refused as refusal:
            payable = refusal.facts.get("payable_cents", 0)
            if refusal.code != "not_enough_coins" or not payable:
                raise
            part = redemption_api.MakeSale(code=code, amount_cents=payable)
            sale = self.actors.at_till(shop.name, redemption_api.POST_SALE, part, key=f"part of {key}")
        return sale
