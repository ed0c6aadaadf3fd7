"""Hearing what happened, and answering with figures that give nobody away."""

from __future__ import annotations

import csv
import io
from datetime import datetime

from sqlalchemy import bindparam, update
from sqlalchemy.dialects.postgresql import insert

from services.events import Envelope
from services.events.attendance import AttendanceConfirmed, AttendanceRejected
from services.events.ledger import CoinsIssued, CoinsWithdrawn
from services.events.redemption import SaleAccepted, SaleVoided
from services.impact.figures import forget, get_figures, running_month
from services.impact.models import Base, Issued, Participation, Sale
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
    words = [
        {
            "attendance_id": e.data.attendance_id, "revision": e.data.revision, "counts": True, "person_id": e.data.person_id,
            "shift_id": e.data.shift_id, "neighbourhood_id": e.data.neighbourhood_id, "month": _month(tx, e.data.started_at),
            "place": e.data.place, "minutes": e.data.minutes,
        }
        for e in events
    ]  # fmt: skip
    tx.session.execute(_LATEST_WORD, words)
    _heard_of(tx, {_month(tx, e.data.started_at) for e in events})


def on_attendance_rejected(tx: Tx, events: list[Envelope[AttendanceRejected]]) -> None:
    nothing = dict.fromkeys(_SAID) | {"counts": False, "minutes": 0}
    words = [nothing | {"attendance_id": e.data.attendance_id, "revision": e.data.revision} for e in events]
    tx.session.execute(_LATEST_WORD, words)
    forget(tx)


def on_coins_issued(tx: Tx, events: list[Envelope[CoinsIssued]]) -> None:
    rows = [
        {
            "award_id": e.data.award_id, "neighbourhood_id": e.data.neighbourhood_id, "month": _month(tx, e.occurred_at),
            "amount_cents": e.data.amount_cents, "withdrawn_cents": 0,
        }
        for e in events
    ]  # fmt: skip
    tx.session.execute(insert(Issued).on_conflict_do_nothing(), rows)
    _heard_of(tx, {_month(tx, e.occurred_at) for e in events})


def on_coins_withdrawn(tx: Tx, events: list[Envelope[CoinsWithdrawn]]) -> None:
    back = [{"award": e.data.award_id, "cents": sum(part.amount_cents for part in e.data.parts)} for e in events]
    tx.session.execute(_GIVEN_BACK, back)
    forget(tx)


def on_sale_accepted(tx: Tx, events: list[Envelope[SaleAccepted]]) -> None:
    rows = [
        {
            "sale_id": e.data.sale_id, "shop_id": e.data.shop_id, "neighbourhood_id": e.data.neighbourhood_id,
            "month": _month(tx, e.data.sold_at), "amount_cents": e.data.amount_cents, "voided": False,
        }
        for e in events
    ]  # fmt: skip
    tx.session.execute(insert(Sale).on_conflict_do_nothing(), rows)
    _heard_of(tx, {_month(tx, e.data.sold_at) for e in events})


def on_sale_voided(tx: Tx, events: list[Envelope[SaleVoided]]) -> None:
    ids = [e.data.sale_id for e in events]
    tx.session.execute(update(Sale).where(Sale.sale_id.in_(ids)).values(voided=True))
    _heard_of(tx, {_month(tx, e.data.sold_at) for e in events})


def _heard_of(tx: Tx, months: set[str]) -> None:
    """The month at hand is not in the figures, so that nothing of it changes them."""
    if min(months) < running_month(tx):
        forget(tx)


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


def _month(tx: Tx, instant: datetime) -> str:
    return f"{tx.city.day_of(instant):%Y-%m}"


def _euros(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02d}"


_SAID = ("counts", "person_id", "shift_id", "neighbourhood_id", "month", "place", "minutes")
_TABLES = Base.metadata.tables  # a thousand rows at a time go past the objects
_WORD = insert(_TABLES["participations"])
_LATEST_WORD = _WORD.on_conflict_do_update(
    index_elements=["attendance_id"],
    set_={name: _WORD.excluded[name] for name in ("revision", *_SAID)},
    where=Participation.revision < _WORD.excluded.revision,
)
"""Keeps the latest revision of an attendance, in whatever order its words arrive."""
_GIVEN_BACK = (
    update(_TABLES["issued"]).where(Issued.award_id == bindparam("award")).values(withdrawn_cents=bindparam("cents"))
)

HANDLERS = {
    AttendanceConfirmed: on_attendance_confirmed,
    AttendanceRejected: on_attendance_rejected,
    CoinsIssued: on_coins_issued,
    CoinsWithdrawn: on_coins_withdrawn,
    SaleAccepted: on_sale_accepted,
    SaleVoided: on_sale_voided,
}
