"""What a sponsor's money became: hours, places and shops – in numbers that give nobody away."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import UTC, date, datetime
from itertools import groupby
from typing import Any
from uuid import UUID

from infra.wiring import Town
from services.apis import funding_sponsor as api
from services.events import Envelope, contract_of
from services.events.attendance import AttendanceConfirmed, AttendanceRejected
from services.events.awards import CoinsAwarded
from services.events.ledger import CoinsIssued, CoinsSpent, CoinsUnspent, CoinsWithdrawn, Lot, Part
from services.kit.handle import handle
from services.kit.ids import new_id
from tests.builders import tell
from tests.builders_funding import a_grant, a_paid_topup, a_sponsor

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
        self.kept = 0
        self.events: list[Any] = []
        self.confirm(minutes)

    def confirm(self, minutes: int) -> None:
        """Confirmed – again, with other minutes and another award, when it is a correction: what was kept is not issued again."""
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
                award_id=self.award_id, person_id=self.person_id, neighbourhood_id=self.place,
                amount_cents=cents - self.kept * len(self.backed),
                lots=tuple(Lot(fund_id=f, amount_cents=c - self.kept, expires_on=OCTOBER) for f, c in self.backed.items() if c > self.kept),
            ),
        ]  # fmt: skip

    def withdraw(self, kept: int = 0) -> None:
        """Of each fund's part, so much is kept."""
        self.kept = kept
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


def hear(town: Town, events: Sequence[Any]) -> None:
    """Let funding alone hear of it, as if the rooms that publish it had said so; batch by batch of any size."""
    ctx = town.rooms["funding"]
    envelopes = [
        Envelope(
            id=new_id(), type=contract_of(type(e)).type, occurred_at=town.clock.now(), key=str(getattr(e, contract_of(type(e)).key)),
            correlation_id=new_id(), data=e,
        )
        for e in events
    ]  # fmt: skip
    with ctx.transaction() as tx:
        handle(ctx, tx, envelopes)


def shuffled(thanks: Sequence[Thanks], seed: int) -> list[Any]:
    """All that is told, in any order that keeps what one publisher says of one person in order."""
    draw, events = random.Random(seed), []
    queues = [list(queue) for one in thanks for _, queue in groupby(sorted(one.events, key=_topic), key=_topic)]
    while queues:
        queue = draw.choice(queues)
        events.append(queue.pop(0))
        queues = [queue for queue in queues if queue]
    return events


def _topic(event: Any) -> str:
    return contract_of(type(event)).topic


def heard(town: Town, *thanks: Thanks, seed: int = 0) -> None:
    hear(town, shuffled(thanks, seed))


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
    mine = a_paid_topup(town, sponsor).fund_id
    heard(town, *(Thanks({mine: 100, new_id(): 300}) for _ in range(10)))
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
        corrected, partly_kept, all_kept, rejected, spent_and_rejected, too_short = (
            Thanks({fund: 500}) for _ in range(6)
        )
        for one, kept in ((corrected, 0), (partly_kept, 200), (all_kept, 500)):
            one.withdraw(kept)
            one.confirm(60)
        for one, kept in ((rejected, 0), (spent_and_rejected, 500)):
            one.withdraw(kept)
            one.reject()
        too_short.withdraw()
        too_short.confirm(5)
        del too_short.events[-2:]  # so short a time earns no award
        heard(town, *plain, corrected, partly_kept, all_kept, rejected, spent_and_rejected, too_short, seed=seed)
        [line] = sponsor.impact().hours
        assert (line.people, line.minutes, line.issued_cents) == (13, 10 * 120 + 3 * 60, 13 * 500)


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
    hear(town, [*sales, undone])
    impact = sponsor.impact()
    assert {(line.shop_id, line.sales, line.spent_cents) for line in impact.purchases} == {
        (bakery, 30, 6_000),
        (grocer, 10, 2_000),
    }
    assert impact.spent_cents == 8_000
    hear(town, [bought(new_id())])
    assert {(line.shop_id, line.sales) for line in sponsor.impact().purchases} == {(bakery, 30), (None, 11)}


def test_what_the_whole_town_makes_of_a_gift_is_told_to_its_giver(town: Town) -> None:
    """A sponsor pays a quarter of what a grant pays three quarters of; awards and the ledger do the rest."""
    sponsor = a_sponsor(town)
    gift = a_paid_topup(town, sponsor, 50_000).fund_id
    a_grant(town, gift)
    took_part = [
        event for n in range(10) for event in Thanks({gift: 500}).events if isinstance(event, AttendanceConfirmed)
    ]
    tell(town, *took_part)
    [line] = sponsor.impact().hours
    assert (line.people, line.minutes, line.issued_cents) == (10, 10 * 120 // 4, 10 * 500 // 4)

    gone = took_part[0]
    tell(
        town,
        AttendanceRejected(
            attendance_id=gone.attendance_id,
            person_id=gone.person_id,
            shift_id=gone.shift_id,
            reason="absent",
            revision=2,
        ),
    )
    assert sponsor.impact().hours == ()
    assert town.check() == []
