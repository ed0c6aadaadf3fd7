"""What happens in the simulated town: shifts, hours, coins, purchases; `months.py`, `gifts.py` and `holds.py` have the rest. Drawn from
the seed, asked of the real services.

Of identity only the news that people joined is told: signing in costs time and moves no coin.
"""

from __future__ import annotations

import random
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from infra.demo import cast
from infra.simulate.gifts import Gifts
from infra.simulate.holds import Holds
from infra.simulate.months import Months
from infra.simulate.people import Somebody, Ways
from services.apis import attendance, awards, funding, redemption, shifts
from services.apis import reimbursement_payment as payment
from services.events.identity import PersonJoined

PEOPLE = 12
SHOPS = cast.SHOPS[:5]
ACTIVITIES = (cast.ACTIVITIES[0], cast.ACTIVITIES[1])


class Life:
    """The town's people and what they do. `sold`: every sale a till was told of, with its amount; `put_in`: cents set aside or given."""

    def __init__(self, ways: Ways, first_day: date) -> None:
        self.ways, self.first_day = ways, first_day
        self.draw = random.Random(f"life {ways.seed}")  # noqa: S311 - must replay exactly
        self.sold: dict[UUID, int] = {}
        self._set_aside_cents = 0
        self.decided: list[attendance.Attendance] = []
        self.holds = Holds(ways)
        self.gifts = Gifts(ways)

    # ---------- founding ----------

    def found(self) -> None:
        town = self.ways.town
        self.admin = self.ways.somebody("admin")
        self.finance = [self.ways.somebody("finance") for _ in range(3)]
        self.people = [self.ways.somebody("volunteer") for _ in range(PEOPLE)]
        with town.rooms["identity"].transaction() as tx:
            for person in self.people:
                tx.put(PersonJoined(person_id=person.id, role="volunteer", adult=True))
        named = shifts.RegisterOrganisation(name="Mani in Comune")
        self.organisation_id = self.admin.ask("shifts", shifts.POST_ORGANISATION, named).organisation_id
        self.coordinator = self.ways.somebody("coordinator", self.organisation_id)
        opened = shifts.OpenProgramme(name=cast.PROGRAMME, opens_on=self.first_day)
        self.programme_id = self.admin.ask("shifts", shifts.POST_PROGRAMME, opened).programme_id
        town.settle()
        self.activities = [self._activity(activity) for activity in ACTIVITIES]
        rule = awards.SetRule(
            programme_id=self.programme_id, form="per_hour", coins=2, most_hours=3, least_minutes=45, valid_from=self.first_day,
            legal_basis="an invented act",
        )  # fmt: skip
        self.admin.ask("awards", awards.POST_RULE, rule)
        city = funding.OpenFund(kind="city", name="City budget", rank=900)
        self.funds = [self.admin.ask("funding", funding.POST_FUND, city).fund_id]
        grant = funding.OpenFund(
            kind="grant", name="Grant", rank=100, share_permille=667, co_fund_id=self.funds[0], opens_on=self.first_day
        )
        self.funds.append(self.admin.ask("funding", funding.POST_FUND, grant).fund_id)
        for fund_id in self.funds:
            self._set_aside(fund_id, 60_00)
        town.settle()
        self.tills = [self._shop(shop) for shop in SHOPS]
        self.gifts.found(self.admin)
        self.months = Months(self.ways, self.finance, [owner for _, owner, _ in self.tills])
        town.settle()

    def _activity(self, activity: cast.Activity) -> UUID:
        body = shifts.AddActivity(
            programme_id=self.programme_id, organisation_id=self.organisation_id, name=activity.name, place=activity.place,
            kind=activity.kind, neighbourhood_id=activity.neighbourhood, minutes=180, capacity=10,
        )  # fmt: skip
        activity_id: UUID = self.coordinator.ask("shifts", shifts.POST_ACTIVITY, body).activity_id
        return activity_id

    def _set_aside(self, fund_id: UUID, cents: int) -> None:
        body = funding.PrepareSetAside(amount_cents=cents, act=f"Act {self.put_in}")
        prepared = self.finance[0].ask("funding", funding.POST_SET_ASIDE, body, fund_id=fund_id)
        self.finance[1].ask("funding", funding.POST_SET_ASIDE_APPROVE, set_aside_id=prepared.set_aside_id)
        self._set_aside_cents += cents

    @property
    def put_in(self) -> int:
        return self._set_aside_cents + self.gifts.paid_cents

    def _shop(self, shop: cast.Shop) -> tuple[UUID, Somebody, Somebody]:
        """A shop, its owner, its till."""
        body = redemption.RegisterShop(
            name=shop.name,
            neighbourhood_ids=shop.neighbourhoods,
            signed_on=self.first_day,
            agreement_reference="Conv. 1/2026",
        )
        shop_id = self.admin.ask("redemption", redemption.POST_SHOP, body).shop_id
        owner = self.ways.somebody("shop_owner", shop_id)
        self.ways.town.settle()
        code = owner.ask("redemption", redemption.POST_PAIRING_CODE, shop_id=shop_id).pairing_code
        paired = self.ways.town.client("redemption").call(
            redemption.POST_TILL, redemption.PairTill(pairing_code=code, name="till")
        )
        named = payment.ProposeAccount(iban=shop.iban, holder=shop.name)
        account = owner.ask("reimbursement", payment.POST_ACCOUNT, named, shop_id=shop_id)
        self.finance[1].ask("reimbursement", payment.POST_ACCOUNT_APPROVE, account_id=account.account_id)
        return shop_id, owner, Somebody(self.ways, paired.till_id, "cashier", shop_id, token=paired.token)

    # ---------- a day ----------

    def live(self, day: date) -> None:
        self._at(day, 6)
        self._money(day)
        self.gifts.live((day - self.first_day).days)
        self.months.live(day)
        shift = self._publish(day) if self.draw.random() < 0.6 else None
        self.ways.carry(8)
        if shift:
            self._come(shift)
            self.ways.clock.move_to(shift.ends_at + timedelta(minutes=5))
            self.ways.do_the_jobs()
            self._confirm(shift)
        self._second_thoughts()
        self._at(day, 17)
        self.holds.live(self.people)
        self._go_shopping()
        self._at(day, 22)
        self.ways.do_the_jobs()
        self.ways.carry(4)

    def live_on(self, day: date) -> None:
        """Half a year and more goes by with little in it: links are cut, coins expire, what expired pays for awards that waited."""
        for days in (100, 230):
            self._at(day + timedelta(days=days), 6)
            for _ in range(3):
                self.ways.do_the_jobs()
                self.ways.carry(8)
            self._go_shopping()

    def _at(self, day: date, hour: int) -> None:
        self.ways.clock.move_to(datetime.combine(day, time(hour), ZoneInfo(self.ways.town.city.zone)))

    def _publish(self, day: date) -> shifts.Shift | None:
        starts_at = datetime.combine(day, time(9), ZoneInfo(self.ways.town.city.zone))
        body = shifts.PublishShift(activity_id=self.draw.choice(self.activities), starts_at=starts_at)
        shift: shifts.Shift | None = self.coordinator.try_("shifts", shifts.POST_SHIFT, body)
        return shift

    def _come(self, shift: shifts.Shift) -> None:
        coming = self.draw.sample(self.people, self.draw.randint(2, 6))
        for person in coming:
            person.try_("shifts", shifts.POST_SIGNUP, shifts.MakeSignUp(), shift_id=shift.shift_id)
        self.ways.carry(4)
        self.ways.clock.move_to(shift.starts_at)
        for person in coming:
            tap = attendance.Tap(person_id=person.id)
            self.coordinator.try_("attendance", attendance.POST_TAP, tap, shift_id=shift.shift_id)

    def _confirm(self, shift: shifts.Shift) -> None:
        done = self.coordinator.try_(
            "attendance", attendance.POST_CONFIRM_ALL, attendance.ConfirmAll(), shift_id=shift.shift_id
        )
        self.decided += done.confirmed if done else ()
        self.ways.carry(self.draw.randint(0, 4))

    def _second_thoughts(self) -> None:
        """Now and then a confirmed attendance gets other minutes, or is rejected, or what was rejected is confirmed after all."""
        for one in self.draw.sample(self.decided, min(len(self.decided), self.draw.choice([0, 0, 1, 2]))):
            about = {"attendance_id": one.attendance_id}
            if self.draw.random() < 0.7:
                body: Any = attendance.Confirm(minutes=self.draw.choice([30, 60, 120, 180]))
                self.coordinator.try_("attendance", attendance.POST_CONFIRM, body, **about)
            else:
                self.coordinator.try_(
                    "attendance", attendance.POST_REJECT, attendance.Reject(reason="not_there"), **about
                )

    def _go_shopping(self) -> None:
        for person in self.draw.sample(self.people, 5):
            self._buy(person)

    def _money(self, day: date) -> None:
        """Money is set aside a little at a time, so that awards wait."""
        if day.weekday() in (1, 4):
            self._set_aside(self.draw.choice(self.funds), self.draw.randrange(5_00, 60_00))

    def _buy(self, person: Somebody) -> None:
        _, _, till = self.draw.choice(self.tills)
        cents, undone, patient = self.draw.randrange(100, 900, 10), self.draw.random() < 0.15, self.draw.random() < 0.7
        code = person.try_("redemption", redemption.POST_PAYMENT_CODE)
        if code is None:
            return
        ask = till.try_ if patient else till.ask_once
        sale = ask("redemption", redemption.POST_SALE, redemption.MakeSale(code=code.code, amount_cents=cents))
        if sale is not None:
            self.sold[sale.sale_id] = sale.amount_cents
            self.ways.carry(self.draw.randint(0, 2))
            if undone:
                till.try_("redemption", redemption.POST_VOID, sale_id=sale.sale_id)
