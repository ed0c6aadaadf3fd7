"""Working the figures out, and keeping them: the same for everybody until a month ends or something of a month before is heard."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import msgspec
from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert

from services.apis import impact as api
from services.impact import domain
from services.impact.models import Issued, Kept, Participation, Sale
from services.kit.db import Tx


def get_figures(tx: Tx) -> api.Impact:
    """The figures kept, where they are still right; else as worked out now, and kept. Whoever hears something of a month before waits
    for that; while somebody does, nothing is kept."""
    kept = tx.session.scalar(select(Kept.figures).where(Kept.until == running_month(tx)))
    if kept:
        return msgspec.json.decode(kept, type=api.Impact)
    tx.session.execute(insert(Kept).values(one=True).on_conflict_do_nothing())
    ours = tx.session.scalar(select(Kept.one).with_for_update(skip_locked=True))
    figures = worked_out(tx)
    if ours:
        tx.session.execute(update(Kept).values(until=running_month(tx), figures=msgspec.json.encode(figures)))
    return figures


def forget(tx: Tx) -> None:
    """What is kept is no longer right."""
    unknown = {"until": None, "figures": None}
    tx.session.execute(insert(Kept).values(one=True).on_conflict_do_update(index_elements=["one"], set_=unknown))


def running_month(tx: Tx) -> str:
    return f"{tx.city.day_of(tx.now):%Y-%m}"


def worked_out(tx: Tx) -> api.Impact:
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


def _published(tx: Tx) -> domain.Grid | None:
    """Figures up to the last full month: a month still running would be told apart from yesterday's download."""
    cells: dict[tuple[str, str], domain.Cell] = defaultdict(domain.Cell)
    this_month = running_month(tx)

    each = func.array_agg
    took_part = (
        select(
            Participation.neighbourhood_id, Participation.month, func.sum(Participation.minutes), each(Participation.person_id.distinct()),
            each(Participation.shift_id.distinct()), each(Participation.place.distinct()),
        )
        .where(Participation.counts, Participation.month < this_month)
        .group_by(Participation.neighbourhood_id, Participation.month)
    )  # fmt: skip
    rows: Any = tx.session.execute(took_part)  # one that counts has all of these (`checks.py`)
    for area, month, minutes, people, shifts, places in rows:
        cells[area, month] += domain.Cell(
            people=frozenset(people), shifts=frozenset(shifts), places=frozenset(places), minutes=minutes
        )
    given = (
        select(Issued.neighbourhood_id, Issued.month, func.sum(Issued.amount_cents - Issued.withdrawn_cents))
        .where(Issued.month < this_month)
        .group_by(Issued.neighbourhood_id, Issued.month)
    )
    for area, month, issued in tx.session.execute(given):
        cells[area, month] += domain.Cell(issued_cents=issued)
    sold = (
        select(
            Sale.neighbourhood_id, Sale.month, func.count(), func.sum(Sale.amount_cents), each(Sale.shop_id.distinct())
        )
        .where(~Sale.voided, Sale.month < this_month)
        .group_by(Sale.neighbourhood_id, Sale.month)
    )
    for area, month, sales, spent, shops in tx.session.execute(sold):
        cells[area, month] += domain.Cell(shops=frozenset(shops), sales=sales, spent_cents=spent)
    if not cells:
        return None
    months = [month for _, month in cells]
    areas = [n.id for n in tx.city.neighbourhoods]
    return domain.publishable(cells, areas, domain.months_between(min(months), max(months)))


def _line(area: domain.Group, span: domain.Group, cell: domain.Cell) -> api.Line:
    return api.Line(neighbourhood_ids=area, months=span, figures=_figures(cell))


def _figures(cell: domain.Cell) -> api.Figures:
    return api.Figures(
        hours=cell.minutes // 60, people=len(cell.people), shifts=len(cell.shifts), places=len(cell.places),
        shops=len(cell.shops), issued_cents=cell.issued_cents, spent_cents=cell.spent_cents,
    )  # fmt: skip
