"""What a sponsor's money became: remembered from events, told in sums that give nobody away."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from uuid import UUID

from sqlalchemy import Text, cast, delete, func, select, text, update
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.orm import aliased

from services.apis import funding_sponsor as api
from services.events import Envelope
from services.events.attendance import AttendanceConfirmed, AttendanceRejected
from services.events.awards import CoinsAwarded
from services.events.ledger import CoinsSpent, CoinsUnspent
from services.funding import domain_impact
from services.funding.domain_impact import Sum
from services.funding.handlers_sponsor import seen_sponsor
from services.funding.models import Attendance, Award, Backing, Fund, Purchase
from services.kit.db import Tx

PLANNED_FOR_EACH = text("SET LOCAL plan_cache_mode = force_custom_plan")
"""One plan for every sponsor, which PostgreSQL would keep after some askings, goes through the hours of the whole town for each."""


def get_impact(tx: Tx, sponsor_id: UUID) -> api.Impact:
    seen_sponsor(tx, sponsor_id)
    # Asked for first, and told: PostgreSQL knows how much stands behind a fund it is told, not behind one it has to look up.
    tx.session.execute(PLANNED_FOR_EACH)
    funds = tx.session.scalars(select(Fund.fund_id).where(Fund.sponsor_id == sponsor_id)).all()
    hours = domain_impact.lines(_hours(tx, funds))
    purchases = domain_impact.lines(_purchases(tx, funds))
    all_hours, all_purchases = domain_impact.total(hours.values()), domain_impact.total(purchases.values())
    return api.Impact(
        sponsor_id=sponsor_id,
        minutes=all_hours.minutes if hours else None,
        issued_cents=all_hours.amount_cents if hours else None,
        spent_cents=all_purchases.amount_cents if purchases else None,
        hours=tuple(
            api.Hours(
                neighbourhood_id=place, month=month, people=len(cell.members), minutes=cell.minutes, issued_cents=cell.amount_cents
            )
            for (place, month), cell in hours.items()
        ),
        purchases=tuple(
            api.Purchases(
                neighbourhood_id=place, shop_id=UUID(shop) if shop else None, sales=cell.purchases, spent_cents=cell.amount_cents
            )
            for (place, shop), cell in purchases.items()
        ),
    )  # fmt: skip


def _hours(tx: Tx, funds: Sequence[UUID]) -> dict[tuple[str, str], Sum]:
    """(neighbourhood, month) -> time: of each attendance the share that the sponsor's coins are of all that were given for it. After a
    correction those are what was kept of the first award and what the next one gave beside it."""
    where = Attendance.neighbourhood_id, Attendance.month
    award, backing = aliased(Award), aliased(Backing)
    whole = (
        select(func.sum(backing.amount_cents) * 1.0)
        .join(award, award.award_id == backing.award_id)
        .where(award.attendance_id == Attendance.attendance_id)
        .scalar_subquery()
    )
    backed = (
        select(
            *where,
            # All of them as text: what is there twice is found sooner by a set than by sorting.
            cast(func.array_agg(Backing.person_id), ARRAY(Text)).label("people"),
            func.round(func.sum(Attendance.minutes * Backing.amount_cents / whole)).label("minutes"),
            func.sum(Backing.amount_cents).label("cents"),
        )
        .join(Award, Award.award_id == Backing.award_id)
        .join(Attendance, Attendance.attendance_id == Award.attendance_id)
        .where(Backing.fund_id.in_(funds), Backing.amount_cents > 0, Attendance.minutes > 0)
        .group_by(*where)
    )  # fmt: skip
    return {
        (row.neighbourhood_id, row.month): Sum(frozenset(row.people), int(row.minutes), int(row.cents))
        for row in tx.session.execute(backed)
    }


def _purchases(tx: Tx, funds: Sequence[UUID]) -> dict[tuple[str, str], Sum]:
    """(neighbourhood, shop) -> what was paid with the sponsor's coins."""
    where = Purchase.neighbourhood_id, Purchase.shop_id
    sales = (  # a sale that several of the funds paid for is one
        select(*where, func.sum(Purchase.amount_cents).label("cents"))
        .where(Purchase.fund_id.in_(funds))
        .group_by(*where, Purchase.sale_id)
        .subquery()
    )
    of_sales = sales.c.neighbourhood_id, sales.c.shop_id
    told = select(*of_sales, func.count().label("sales"), func.sum(sales.c.cents).label("cents")).group_by(*of_sales)
    return {
        (row.neighbourhood_id, str(row.shop_id)): Sum(amount_cents=int(row.cents), purchases=row.sales)
        for row in tx.session.execute(told)
    }


def back_awards(tx: Tx, changes: Iterable[tuple[UUID, UUID, UUID, int]]) -> None:
    """Add to what funds stand behind: (award, person, fund, cents), less than zero for what was withdrawn."""
    sums: Counter[tuple[UUID, UUID, UUID]] = Counter()
    for award_id, person_id, fund_id, cents in changes:
        sums[award_id, fund_id, person_id] += cents
    if not sums:
        return
    rows = insert(Backing).values(
        [
            {"award_id": award_id, "fund_id": fund_id, "person_id": person_id, "amount_cents": cents}
            for (award_id, fund_id, person_id), cents in sorted(sums.items())
        ]
    )
    more = {"amount_cents": Backing.amount_cents + rows.excluded.amount_cents}
    tx.session.execute(rows.on_conflict_do_update(index_elements=[Backing.award_id, Backing.fund_id], set_=more))


def on_coins_awarded(tx: Tx, events: list[Envelope[CoinsAwarded]]) -> None:
    rows = [{"award_id": e.data.award_id, "attendance_id": e.data.attendance_id} for e in events]
    tx.session.execute(insert(Award).values(rows).on_conflict_do_nothing())


def on_attendance_confirmed(tx: Tx, events: list[Envelope[AttendanceConfirmed]]) -> None:
    """The newest word counts. One person's attendances, and so all words about one, come in order."""
    newest = {e.data.attendance_id: e.data for e in events}
    rows = insert(Attendance).values(
        [
            {
                "attendance_id": id_, "neighbourhood_id": attendance.neighbourhood_id, "minutes": attendance.minutes,
                "month": f"{tx.city.day_of(attendance.started_at):%Y-%m}",
            }
            for id_, attendance in sorted(newest.items())
        ]
    )  # fmt: skip
    newer = {name: rows.excluded[name] for name in ("neighbourhood_id", "minutes", "month")}
    tx.session.execute(rows.on_conflict_do_update(index_elements=[Attendance.attendance_id], set_=newer))


def on_attendance_rejected(tx: Tx, events: list[Envelope[AttendanceRejected]]) -> None:
    """One that was never confirmed is not known here, and need not be: no coins follow from it."""
    rejected = [e.data.attendance_id for e in events]
    tx.session.execute(update(Attendance).where(Attendance.attendance_id.in_(rejected)).values(minutes=0))


def remember_purchases(tx: Tx, events: list[Envelope[CoinsSpent]]) -> None:
    rows = [
        {
            "sale_id": e.data.sale_id, "fund_id": part.fund_id, "shop_id": e.data.shop_id,
            "neighbourhood_id": e.data.neighbourhood_id, "amount_cents": part.amount_cents,
        }
        for e in events
        for part in e.data.parts
    ]  # fmt: skip
    if rows:
        tx.session.execute(insert(Purchase).values(rows).on_conflict_do_nothing())


def forget_purchases(tx: Tx, events: list[Envelope[CoinsUnspent]]) -> None:
    tx.session.execute(delete(Purchase).where(Purchase.sale_id.in_([e.data.sale_id for e in events])))
