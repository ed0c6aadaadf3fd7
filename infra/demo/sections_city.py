"""What coordinators, the city's offices, the sponsor, the auditor and everybody see in the demo."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from flask_babel import gettext as _

from infra.demo import cast, shoes
from infra.demo.sections_auditor import AuditorView
from infra.demo.setup import owner_of
from infra.demo.view import Section
from infra.town import Town
from services.apis import (
    attendance,
    awards,
    funding,
    funding_sponsor,
    identity_staff,
    impact,
    reimbursement,
    reimbursement_payment,
    shifts,
)
from services.apis.endpoint import Page
from services.kit.i18n import day

if TYPE_CHECKING:
    from infra.demo.history import Life


class CityView:
    def __init__(self, town: Town, life: Life) -> None:
        self._town, self._life = town, life

    def _ask(self, who: str, service: str, endpoint: Any, **more: Any) -> Any:
        return self._life.actors.ask(who, service, endpoint, **more)

    def _public(self, service: str, endpoint: Any, **more: Any) -> Any:
        return self._town.client(service).call(endpoint, **more)

    def coordinator(self) -> list[Section]:
        disputes = self._ask("nadia", "attendance", attendance.GET_DISPUTES, query=Page()).disputes
        rows = [(d.attendance.place, self._town.city.day_of(d.attendance.starts_at), "disputed") for d in disputes]
        query = shifts.ShiftQuery(organisation_id=self._life.memory.ids[cast.ORGANISATIONS[0]], limit=6)
        coming = self._public("shifts", shifts.GET_SHIFTS, query=query).shifts
        city = self._town.city
        lines = [
            (s.name, city.day_of(s.starts_at), f"{city.local(s.starts_at):%H:%M}", s.going, s.capacity) for s in coming
        ]
        return [
            shoes.hours_to_confirm(0, len(disputes), rows, "/api/attendance/disputes"),
            shoes.next_shifts(lines, "/api/shifts/shifts"),
        ]

    def finance(self) -> list[Section]:
        figures = [f.figures for f in self._ask("lucia", "funding", funding.GET_FUNDS, query=Page()).funds if f.figures]
        money = shoes.where_the_money_is(
            sum(f.in_cents for f in figures),
            sum(f.free_cents for f in figures),
            sum(f.outstanding_cents for f in figures),
            sum(f.spent_cents - f.paid_cents for f in figures),
            "/api/funding/funds",
        )
        batches = self._ask("lucia", "reimbursement", reimbursement_payment.GET_BATCHES, query=Page()).batches
        lines = [
            (day(self._town.city.day_of(b.prepared_at)), b.payment_count, b.amount_cents, _batch_state(b.state))
            for b in batches
        ]
        return [money, shoes.money_on_its_way(lines, "/api/reimbursement/batches")]

    def owed(self, shop: cast.Shop) -> list[Section]:
        """What the shop is owed, as its owner reads it."""
        shop_id = self._life.memory.ids[shop.name]
        owed = self._ask(owner_of(shop), "reimbursement", reimbursement.GET_OWED, shop_id=shop_id)
        rows = [(_("Not yet on a statement"), owed.open_cents, "open")] if owed.open_cents else []
        rows += [(_("Statement of %(period)s", period=s.period), s.amount_cents, "open") for s in owed.statements]
        rows += [(_("Claim %(number)s", number=c.number), c.amount_cents, "claimed") for c in owed.claims]
        rows += [
            (_("Payment of %(day)s", day=day(p.booked_on)) if p.booked_on else _("A payment"), p.amount_cents, p.state)
            for p in owed.payments
            if p.state in ("released", "settled", "returned")
        ]
        return [shoes.owed_to_the_shop(owed.owed_cents, rows, f"/api/reimbursement/shops/{shop_id}/owed")]

    def sponsor(self) -> list[Section]:
        sponsor_id = self._life.memory.ids[cast.SPONSOR]
        topups = self._ask("arco", "funding", funding_sponsor.GET_TOPUPS, query=Page(), sponsor_id=sponsor_id).topups
        became = self._ask("arco", "funding", funding_sponsor.GET_SPONSOR_IMPACT, sponsor_id=sponsor_id)
        given = sum(r.amount_cents for t in topups for r in t.receipts)
        places = {line.neighbourhood_id for line in became.hours if line.neighbourhood_id}
        shops = {line.shop_id for line in became.purchases if line.shop_id}
        link = f"/api/funding/sponsors/{sponsor_id}"
        rows = [
            (self._town.city.day_of(t.made_at), t.amount_cents, "settled" if t.state == "settled" else "open")
            for t in topups
        ]
        return [
            shoes.what_the_gift_became(given, (became.minutes or 0) // 60, len(places), len(shops), f"{link}/impact"),
            shoes.gifts(rows, f"{link}/topups"),
        ]

    def admin(self) -> list[Section]:
        rules = self._ask("rita", "awards", awards.GET_RULES)
        caps = {cap.cap: cap.amount_cents for cap in self._public("awards", awards.GET_CAPS).caps}
        programmes = [p.name for p in self._public("shifts", shifts.GET_PROGRAMMES).programmes]
        coins = rules.rules[-1].coins if rules.rules else rules.city.coins
        counts = [
            (role_words(c.role), c.people) for c in self._ask("rita", "identity", identity_staff.GET_ROLE_COUNTS).counts
        ]
        return [
            shoes.rules_of_today(coins * rules.coin_cents, caps["day"], caps["month"], programmes, "/api/awards/rules"),
            shoes.people_and_roles(counts, "/api/identity/roles"),
        ]

    def auditor(self) -> list[Section]:
        return AuditorView(self._town, partial(self._ask, "ettore")).sections()

    def everyone(self) -> list[Section]:
        figures = self._public("impact", impact.GET_FIGURES)
        names = {n.id: n.name for n in self._town.city.neighbourhoods}
        total = figures.total
        rows = [(" + ".join(names[n] for n in line.neighbourhood_ids), line.figures.hours) for line in figures.by_area]
        link = "/api/impact/figures"
        return [
            shoes.what_it_did(
                total.hours if total else 0, total.shifts if total else 0, total.spent_cents if total else 0, link
            ),
            shoes.street_by_street(rows, f"{link}.csv"),
        ]


def role_words(role: str) -> str:
    """Those who have a role, in the person's language."""
    words = {
        "volunteer": _("volunteers"), "coordinator": _("coordinators"), "shop_owner": _("shop owners"), "cashier": _("cashiers"),
        "finance": _("finance officers"), "sponsor": _("sponsors"), "admin": _("scheme administrators"), "auditor": _("auditors"),
    }  # fmt: skip
    return str(words[role])


def _batch_state(state: str) -> str:
    return state if state in ("prepared", "approved", "released", "settled", "cancelled") else "released"
