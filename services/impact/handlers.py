"""Hearing what happened, and answering with figures that give nobody away."""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert

from services.apis import impact as api
from services.events import Envelope
from services.events.attendance import AttendanceConfirmed, AttendanceRejected
from services.events.ledger import CoinsIssued, CoinsWithdrawn
from services.events.redemption import SaleAccepted, SaleVoided
from services.impact import domain
from services.impact.models import Issued, Participation, Sale
from services.kit.db import Tx
from services.kit.routes import File

CSV_COLUMNS = (
    "neighbourhoods",
    "months",
    "hours",
    "people",
    "shifts",
    "places",
    "shops",
    "coins_given_eur",
    "coins_spent_eur",
)


def on_attendance_confirmed(tx: Tx, events: list[Envelope[AttendanceConfirmed]]) -> None:
    for e in events:
        _word_on(
            tx, e.data.attendance_id, e.data.revision, counts=True, person_id=e.data.person_id, shift_id=e.data.shift_id,
            neighbourhood_id=e.data.neighbourhood_id, month=_month(tx, e.data.started_at), place=e.data.place, minutes=e.data.minutes,
        )  # fmt: skip


def on_attendance_rejected(tx: Tx, events: list[Envelope[AttendanceRejected]]) -> None:
    for e in events:
        _word_on(tx, e.data.attendance_id, e.data.revision, counts=False, minutes=0)


def on_coins_issued(tx: Tx, events: list[Envelope[CoinsIssued]]) -> None:
    rows = [
        {
            "award_id": e.data.award_id, "neighbourhood_id": e.data.neighbourhood_id, "month": _month(tx, e.occurred_at),
            "amount_cents": e.data.amount_cents, "withdrawn_cents": 0,
        }
        for e in events
    ]  # fmt: skip
    tx.session.execute(insert(Issued).on_conflict_do_nothing(), rows)


def on_coins_withdrawn(tx: Tx, events: list[Envelope[CoinsWithdrawn]]) -> None:
    for e in events:
        back = sum(part.amount_cents for part in e.data.parts)
        tx.session.execute(update(Issued).where(Issued.award_id == e.data.award_id).values(withdrawn_cents=back))


def on_sale_accepted(tx: Tx, events: list[Envelope[SaleAccepted]]) -> None:
    rows = [
        {
            "sale_id": e.data.sale_id, "shop_id": e.data.shop_id, "neighbourhood_id": e.data.neighbourhood_id,
            "month": _month(tx, e.data.sold_at), "amount_cents": e.data.amount_cents, "voided": False,
        }
        for e in events
    ]  # fmt: skip
    tx.session.execute(insert(Sale).on_conflict_do_nothing(), rows)


def on_sale_voided(tx: Tx, events: list[Envelope[SaleVoided]]) -> None:
    ids = [e.data.sale_id for e in events]
    tx.session.execute(update(Sale).where(Sale.sale_id.in_(ids)).values(voided=True))


def get_figures(tx: Tx) -> api.Impact:
    grid = _published(tx)
    if grid is None:
        return api.Impact(
            published=False, least_people=domain.LEAST, until_month=None, total=None, by_area=(), by_month=(), lines=()
        )
    everywhere = tuple(n for area in grid.areas for n in area)
    always = tuple(m for span in grid.spans for m in span)
    return api.Impact(
        published=True,
        least_people=domain.LEAST,
        until_month=always[-1],
        total=_figures(grid.whole),
        by_area=tuple(_line(area, always, grid.row(area)) for area in grid.areas),
        by_month=tuple(_line(everywhere, span, grid.column(span)) for span in grid.spans),
        lines=tuple(_line(area, span, cell) for (area, span), cell in grid.cells.items()),
    )


def get_figures_csv(tx: Tx) -> File:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(CSV_COLUMNS)
    for line in get_figures(tx).lines:
        f = line.figures
        writer.writerow(
            [" + ".join(line.neighbourhood_ids), " + ".join(line.months), f.hours, f.people, f.shifts, f.places, f.shops,
             _euros(f.issued_cents), _euros(f.spent_cents)]
        )  # fmt: skip
    return File(content=out.getvalue().encode(), media="text/csv", name="figures.csv")


def _published(tx: Tx) -> domain.Grid | None:
    """Figures up to the last full month: a month still running would be told apart from yesterday's download."""
    cells: dict[tuple[str, str], domain.Cell] = defaultdict(domain.Cell)
    this_month = _month(tx, tx.now)
    for p in tx.session.scalars(select(Participation).where(Participation.counts, Participation.month < this_month)):
        cells[p.neighbourhood_id, p.month] += domain.Cell(  # type: ignore[index]
            people=frozenset([p.person_id]) if p.person_id else frozenset(),
            shifts=frozenset([p.shift_id]) if p.shift_id else frozenset(),
            places=frozenset([p.place]) if p.place else frozenset(),
            minutes=p.minutes,
        )
    for i in tx.session.scalars(select(Issued).where(Issued.month < this_month)):
        cells[i.neighbourhood_id, i.month] += domain.Cell(issued_cents=i.amount_cents - i.withdrawn_cents)
    for s in tx.session.scalars(select(Sale).where(~Sale.voided, Sale.month < this_month)):
        cells[s.neighbourhood_id, s.month] += domain.Cell(
            shops=frozenset([s.shop_id]), sales=1, spent_cents=s.amount_cents
        )
    if not cells:
        return None
    months = [month for _, month in cells]
    areas = [n.id for n in tx.city.neighbourhoods]
    return domain.publishable(cells, areas, domain.months_between(min(months), max(months)))


def _word_on(tx: Tx, attendance_id: UUID, revision: int, **values: Any) -> None:
    """Keep the latest revision of an attendance, in whatever order its words arrive."""
    empty = dict.fromkeys(("person_id", "shift_id", "neighbourhood_id", "month", "place"))
    row = {**empty, **values, "attendance_id": attendance_id, "revision": revision}
    said = insert(Participation).values(row)
    tx.session.execute(
        said.on_conflict_do_update(
            index_elements=["attendance_id"],
            set_={k: v for k, v in row.items() if k != "attendance_id"},
            where=Participation.revision < revision,
        )
    )


def _month(tx: Tx, instant: datetime) -> str:
    return f"{tx.city.day_of(instant):%Y-%m}"


def _line(area: domain.Group, span: domain.Group, cell: domain.Cell) -> api.Line:
    return api.Line(neighbourhood_ids=area, months=span, figures=_figures(cell))


def _figures(cell: domain.Cell) -> api.Figures:
    return api.Figures(
        hours=cell.minutes // 60, people=len(cell.people), shifts=len(cell.shifts), places=len(cell.places),
        shops=len(cell.shops), issued_cents=cell.issued_cents, spent_cents=cell.spent_cents,
    )  # fmt: skip


def _euros(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02d}"


HANDLERS = {
    AttendanceConfirmed: on_attendance_confirmed,
    AttendanceRejected: on_attendance_rejected,
    CoinsIssued: on_coins_issued,
    CoinsWithdrawn: on_coins_withdrawn,
    SaleAccepted: on_sale_accepted,
    SaleVoided: on_sale_voided,
}
