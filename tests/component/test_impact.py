"""The public's figures, rebuilt from events alone."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select

from infra.wiring import Town
from services.apis import impact as api
from services.events.attendance import AttendanceConfirmed, AttendanceRejected
from services.events.ledger import CoinsIssued, CoinsWithdrawn, Lot, Part
from services.events.redemption import SaleAccepted, SaleVoided
from services.impact.models import Kept
from services.kit.ids import new_id
from tests.builders import tell

FUND = new_id()


def confirmed(town: Town, person_id: UUID, **more: Any) -> AttendanceConfirmed:
    values: dict[str, Any] = {
        "attendance_id": new_id(), "person_id": person_id, "shift_id": FUND, "programme_id": new_id(), "organisation_id": new_id(),
        "neighbourhood_id": "le-querce", "kind": "green", "place": "Parco", "started_at": town.clock.now(), "minutes": 120,
    }  # fmt: skip
    return AttendanceConfirmed(**values | more)


def sold(town: Town, amount_cents: int, **more: Any) -> dict[str, Any]:
    return {
        "sale_id": new_id(), "shop_id": FUND, "till_id": new_id(), "neighbourhood_id": "le-querce", "amount_cents": amount_cents,
        "parts": (Part(fund_id=FUND, amount_cents=amount_cents),), "sold_at": town.clock.now(), **more,
    }  # fmt: skip


def figures(town: Town) -> api.Impact:
    town.clock.move_to(town.clock.now() + timedelta(days=31))  # type: ignore[attr-defined]
    return town.client("impact").call(api.GET_FIGURES)


def test_hours_people_and_coins_of_a_month_are_counted(town: Town) -> None:
    people = [new_id() for _ in range(10)]
    sales = [SaleAccepted(**sold(town, 450)) for _ in range(12)]
    gone = sales[0]
    award = new_id()
    tell(
        town,
        *[confirmed(town, p) for p in people],
        *sales,
        SaleVoided(**{f: getattr(gone, f) for f in gone.__struct_fields__}, voided_at=town.clock.now()),
        CoinsIssued(
            award_id=award, person_id=people[0], neighbourhood_id="le-querce", amount_cents=500,
            lots=(Lot(fund_id=FUND, amount_cents=500, expires_on=town.clock.now().date()),),
        ),
        CoinsWithdrawn(award_id=award, person_id=people[0], parts=(Part(fund_id=FUND, amount_cents=200),), kept_cents=0),
    )  # fmt: skip
    seen = figures(town).total
    assert seen == api.Figures(hours=20, people=10, shifts=1, places=1, shops=1, issued_cents=300, spent_cents=11 * 450)
    assert [
        wrong for wrong in town.check() if wrong.startswith("impact")
    ] == []  # the other rooms heard of no such sale


def test_nine_people_are_not_shown_at_all(town: Town) -> None:
    tell(town, *[confirmed(town, new_id()) for _ in range(9)])
    seen = figures(town)
    assert (seen.published, seen.total, seen.lines) == (False, None, ())


def test_a_small_neighbourhood_is_shown_together_with_another(town: Town) -> None:
    many, few = [new_id() for _ in range(15)], [new_id() for _ in range(3)]
    tell(town, *[confirmed(town, p) for p in many], *[confirmed(town, p, neighbourhood_id="stazione") for p in few])
    seen = figures(town)
    together = next(line for line in seen.by_area if "stazione" in line.neighbourhood_ids)
    assert len(together.neighbourhood_ids) > 1
    assert together.figures.people == 18
    csv = town.client("impact").call(api.GET_FIGURES_CSV).decode()
    assert "\nstazione," not in csv


def test_the_running_month_is_not_shown_yet(town: Town) -> None:
    tell(town, *[confirmed(town, new_id()) for _ in range(20)])
    assert not town.client("impact").call(api.GET_FIGURES).published


def test_the_latest_word_on_an_attendance_counts_in_whatever_order_it_comes(town: Town) -> None:
    people = [new_id() for _ in range(11)]
    first = [confirmed(town, p) for p in people]
    out = AttendanceRejected(
        attendance_id=first[0].attendance_id, person_id=people[0], shift_id=FUND, reason="x", revision=2
    )
    tell(town, out, *first)
    total = figures(town).total
    assert total is not None
    assert total.people == 10


def test_figures_are_kept_until_something_of_a_month_before_is_heard(town: Town) -> None:
    def kept_until() -> str | None:
        with town.rooms["impact"].transaction() as tx:
            return tx.session.scalar(select(Kept.until))

    may = town.clock.now()
    tell(town, *[confirmed(town, new_id()) for _ in range(10)])
    worked_out = figures(town)
    assert kept_until() == "2026-06"
    assert town.client("impact").call(api.GET_FIGURES) == worked_out
    tell(town, *[confirmed(town, new_id()) for _ in range(10)])
    assert kept_until() == "2026-06"
    tell(town, confirmed(town, new_id(), started_at=may))
    assert kept_until() is None
    late = town.client("impact").call(api.GET_FIGURES)
    assert late.total is not None
    assert (late.total.hours, late.total.people) == (22, 11)
    assert figures(town).until_month == "2026-06"
