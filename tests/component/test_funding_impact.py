"""What a sponsor's money became: hours, places and shops – in numbers that give nobody away."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from infra.wiring import Town
from services.apis import funding_sponsor as api
from services.events.attendance import AttendanceConfirmed, AttendanceRejected
from services.events.awards import CoinsAwarded
from services.events.ledger import CoinsIssued, CoinsSpent, CoinsUnspent, CoinsWithdrawn, Lot, Part
from services.kit.ids import new_id
from tests.builders import tell
from tests.builders_funding import a_city_fund, a_paid_topup, a_sponsor

OCTOBER = date(2026, 10, 31)


class Thanks:
    """Somebody took part and got coins, of which `backed` are paid by the given funds: all that is told about it."""

    def __init__(
        self,
        backed: dict[UUID, int],
        *,
        person: UUID | None = None,
        place: str = "le-querce",
        month: int = 4,
        minutes: int = 120,
    ) -> None:
        self.person_id, self.attendance_id = person or new_id(), new_id()
        self.backed, self.place, self.month, self.minutes, self.revision = backed, place, month, minutes, 0
        self.events: list[Any] = []
        self.confirm(minutes)

    def confirm(self, minutes: int) -> None:
        """Confirmed – again, with other minutes and another award, when it is a correction."""
        self.revision += 1
        self.award_id = new_id()
        of = {
            "attendance_id": self.attendance_id,
            "person_id": self.person_id,
            "programme_id": new_id(),
            "neighbourhood_id": self.place,
        }
        cents = sum(self.backed.values())
        self.events += [
            AttendanceConfirmed(
                **of, shift_id=new_id(), organisation_id=new_id(), kind="green", place="Parco delle Querce",
                started_at=datetime(2026, self.month, 8, 7, tzinfo=UTC), minutes=minutes, revision=self.revision,
            ),
            CoinsAwarded(
                **of, award_id=self.award_id, amount_cents=cents, plans=(), expires_on=OCTOBER, rule_id=new_id(),
                earned_at=datetime(2026, self.month, 8, 7, tzinfo=UTC), revision=self.revision,
            ),
            CoinsIssued(
                award_id=self.award_id, person_id=self.person_id, neighbourhood_id=self.place, amount_cents=cents,
                lots=tuple(Lot(fund_id=f, amount_cents=c, expires_on=OCTOBER) for f, c in self.backed.items()),
            ),
        ]  # fmt: skip

    def withdraw(self, kept: int = 0) -> None:
        parts = tuple(Part(fund_id=f, amount_cents=c - kept) for f, c in self.backed.items())
        self.events.append(
            CoinsWithdrawn(award_id=self.award_id, person_id=self.person_id, parts=parts, kept_cents=kept)
        )

    def reject(self) -> None:
        self.events.append(
            AttendanceRejected(
                attendance_id=self.attendance_id, person_id=self.person_id, shift_id=new_id(), reason="absent", revision=self.revision + 1
            )
        )  # fmt: skip


def heard(town: Town, *thanks: Thanks, seed: int | None = None) -> None:
    """Tell it all; with a seed, in any order that keeps what comes from one publisher about one person in order."""
    queues = [[e for e in one.events if type(e).__module__ == module] for one in thanks for module in MODULES]
    queues = [queue for queue in queues if queue]
    if seed is None:
        return tell(town, *(event for queue in queues for event in queue))
    draw, events = random.Random(seed), []
    while queues:
        queue = draw.choice(queues)
        events.append(queue.pop(0))
        queues = [queue for queue in queues if queue]
    return tell(town, *events)


MODULES = ("services.events.attendance", "services.events.awards", "services.events.ledger")


def test_hours_and_places_are_told_where_ten_people_or_more_stand_behind_them(town: Town) -> None:
    sponsor = a_sponsor(town)
    fund = a_paid_topup(town, sponsor).fund_id
    heard(
        town,
        *(Thanks({fund: 500}) for _ in range(12)),
        *(Thanks({fund: 500}, place="stazione", month=5) for _ in range(10)),
    )
    impact = sponsor.impact()
    assert impact.hours == (
        api.Hours(neighbourhood_id="le-querce", month="2026-04", people=12, minutes=1_440, issued_cents=6_000),
        api.Hours(neighbourhood_id="stazione", month="2026-05", people=10, minutes=1_200, issued_cents=5_000),
    )
    assert (impact.minutes, impact.issued_cents, impact.spent_cents) == (2_640, 11_000, None)


def test_few_people_are_shown_with_others_or_not_at_all(town: Town) -> None:
    sponsor = a_sponsor(town)
    fund = a_paid_topup(town, sponsor).fund_id
    heard(town, *(Thanks({fund: 500}) for _ in range(9)))
    assert sponsor.impact() == api.Impact(
        sponsor_id=sponsor.sponsor_id, minutes=None, issued_cents=None, spent_cents=None, hours=(), purchases=()
    )
    heard(town, Thanks({fund: 500}, place="stazione"))
    assert sponsor.impact().hours == (
        api.Hours(neighbourhood_id=None, month=None, people=10, minutes=1_200, issued_cents=5_000),
    )


def test_hours_are_shared_by_who_paid_for_the_coins(town: Town) -> None:
    sponsor = a_sponsor(town)
    mine, citys = a_paid_topup(town, sponsor).fund_id, a_city_fund(town)
    heard(town, *(Thanks({mine: 100, citys: 300}) for _ in range(10)))
    assert [(line.people, line.minutes, line.issued_cents) for line in sponsor.impact().hours] == [(10, 300, 1_000)]


def test_one_person_many_times_is_one_person(town: Town) -> None:
    sponsor, person = a_sponsor(town), new_id()
    fund = a_paid_topup(town, sponsor).fund_id
    heard(town, *(Thanks({fund: 500}, person=person, month=1 + n % 4) for n in range(20)))
    assert sponsor.impact().hours == ()


def test_a_correction_counts_its_newest_hours_once_and_a_rejection_none_in_any_order(town: Town) -> None:
    for seed in range(6):
        sponsor = a_sponsor(town, f"Sponsor {seed}")
        fund = a_paid_topup(town, sponsor).fund_id
        plain = [Thanks({fund: 500}) for _ in range(10)]
        corrected, partly_kept, rejected = Thanks({fund: 500}), Thanks({fund: 500}), Thanks({fund: 500})
        for one, kept in ((corrected, 0), (partly_kept, 200)):
            one.withdraw(kept)
            one.confirm(60)
        rejected.withdraw()
        rejected.reject()
        heard(town, *plain, corrected, partly_kept, rejected, seed=seed)
        [line] = sponsor.impact().hours
        assert (line.people, line.minutes, line.issued_cents) == (12, 10 * 120 + 2 * 60, 12 * 500)


def test_shops_are_told_where_ten_purchases_or_more_stand_behind_them(town: Town) -> None:
    sponsor, bakery, grocer = a_sponsor(town), new_id(), new_id()
    fund = a_paid_topup(town, sponsor).fund_id

    def bought(shop_id: UUID) -> CoinsSpent:
        return CoinsSpent(
            sale_id=new_id(), shop_id=shop_id, till_id=new_id(), payment_code_id=new_id(), neighbourhood_id="le-querce",
            amount_cents=300, parts=(Part(fund_id=fund, amount_cents=200), Part(fund_id=new_id(), amount_cents=100)),
        )  # fmt: skip

    sales = [bought(bakery) for _ in range(31)] + [bought(grocer) for _ in range(10)]
    undone = CoinsUnspent(
        sale_id=sales[0].sale_id, shop_id=bakery, amount_cents=300, parts=(Part(fund_id=fund, amount_cents=300),)
    )
    tell(town, *sales, undone)
    impact = sponsor.impact()
    assert {(line.shop_id, line.sales, line.spent_cents) for line in impact.purchases} == {
        (bakery, 30, 6_000),
        (grocer, 10, 2_000),
    }
    assert impact.spent_cents == 8_000
    tell(town, bought(new_id()))
    assert {(line.shop_id, line.sales) for line in sponsor.impact().purchases} == {(bakery, 30), (None, 11)}
