"""What each person of the demo sees now: read from the services' own JSON in that person's name, worded by `shoes.py`.

The volunteer's parts come through their app, as their phone would ask.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING

from infra.demo import cast, shoes
from infra.demo.people import PEOPLE
from infra.demo.sections_city import CityView
from infra.demo.setup import owner_of
from infra.demo.view import Document, History, Person, Section
from infra.town import Town
from services.apis import redemption
from services.apis.errors import Refused
from services.kit.gathering import gather
from services.kit.parallel import Parts, ask_all
from services.kit.screens import visit
from volunteer_app.home import home

if TYPE_CHECKING:
    from infra.demo.history import Life

SHOP = cast.SHOPS[0]
TILL_SECONDS = 400 * 24 * 3600
ACTORS = {
    "volunteer": "amal", "coordinator": "nadia", "finance": "lucia", "sponsor": "arco", "admin": "rita", "auditor": "ettore",
}  # fmt: skip


class TownView:
    """The demo town for its pages (`DemoView`)."""

    def __init__(self, town: Town, life: Life) -> None:
        self._town, self._life = town, life
        self._city = CityView(town, life)
        self.town = town.city.name
        self.population = town.city.population or 0
        self.people: Sequence[Person] = PEOPLE
        self.documents: Sequence[Document] = (
            Document("events", "/docs/asyncapi.json"),
            *(Document(name, f"/docs/{name}.json") for name in town.rooms),
        )
        self._shown: dict[str, Callable[[], list[Section]]] = {
            "volunteer": self._volunteer,
            "cashier": self._cashier,
            "coordinator": self._city.coordinator,
            "finance": self._city.finance,
            "sponsor": self._city.sponsor,
            "admin": self._city.admin,
            "auditor": self._city.auditor,
            "everyone": self._city.everyone,
        }

    def history(self) -> History:
        return self._life.progress()

    def sections(self, key: str) -> Sequence[Section]:
        """What the person sees now; while the town is being founded, nothing yet."""
        if not self._life.memory.set_up:
            return []
        try:
            return self._shown[key]()
        except Refused:
            return [shoes.away("")]

    def enter(self, key: str) -> str | None:
        if not self._life.memory.set_up:
            return None
        if key == "cashier":
            visit().cookies["till"] = (self._life.memory.tills[SHOP.name], TILL_SECONDS)
            visit().enter(self._life.actors.session(owner_of(SHOP)))  # who has the shop is one tap away
            return "/till/"
        if actor := ACTORS.get(key):
            visit().enter(self._life.actors.session(actor))
            return "/staff/"
        return "/impact/"

    # ---------- the two apps ----------

    def _volunteer(self) -> list[Section]:
        who = self._town.tokens.read(self._life.actors.token("amal"), now=self._town.clock.now())
        clients = {name: self._town.client(name).as_(self._life.actors.token("amal")) for name in self._town.rooms}
        parts = gather(home, clients, who)
        return [
            self._part(parts, "wallet", "/api/ledger", self._coins),
            self._part(parts, "attendances", "/api/attendance/me/attendances", self._thanks),
            self._part(parts, "shifts", "/api/shifts/shifts", self._shifts),
        ]

    def _cashier(self) -> list[Section]:
        till = self._town.client("redemption").as_(self._life.memory.tills[SHOP.name])
        parts = ask_all({"sales": lambda: till.call(redemption.GET_SALES, query=redemption.SaleQuery(limit=20))})
        return [self._part(parts, "sales", "/api/redemption/sales", self._sales), *self._city.owed(SHOP)]

    def _part(self, parts: Parts, name: str, link: str, word: Callable[[Parts, str], Section]) -> Section:
        return shoes.away(link) if name in parts.away else word(parts, link)

    def _coins(self, parts: Parts, link: str) -> Section:
        wallet = parts["wallet"]
        lots = [(lot.amount_cents, lot.expires_on) for lot in wallet.lots]
        return shoes.coins_to_spend(wallet.balance_cents, lots, f"{link}/wallets/{wallet.person_id}")

    def _thanks(self, parts: Parts, link: str) -> Section:
        awards = {a.attendance_id: a for a in parts["awards"].awards} if "awards" in parts else {}
        rows = []
        for attendance in parts["attendances"].attendances:
            award = awards.get(attendance.attendance_id)
            state = award.state if award and award.state in ("waiting", "issued") else attendance.state
            rows.append((attendance.place, self._day(attendance.starts_at), award.amount_cents if award else 0, state))
        return shoes.hours_and_thanks(rows, link)

    def _shifts(self, parts: Parts, link: str) -> Section:
        rows = [
            (s.name, self._day(s.starts_at), f"{self._town.city.local(s.starts_at):%H:%M}", s.going, s.capacity)
            for s in parts["shifts"].shifts
            if s.state == "open"
        ]
        return shoes.next_shifts(rows, link)

    def _sales(self, parts: Parts, link: str) -> Section:
        """The last day with sales of this till."""
        sales = parts["sales"].sales
        last = [s for s in sales if self._day(s.sold_at) == self._day(sales[0].sold_at)]
        total = sum(s.amount_cents for s in last if s.voided_at is None)
        rows = [
            (f"{self._town.city.local(s.sold_at):%H:%M}", s.amount_cents, "voided" if s.voided_at else "accepted")
            for s in last
        ]
        return shoes.sales_of_the_day(total, rows, link)

    def _day(self, instant: datetime) -> date:
        return self._town.city.day_of(instant)
