"""Awards as people see them, and what the ledger says became of them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, bindparam, case, func, select, update
from sqlalchemy.orm import aliased

from services.apis import awards as api
from services.apis.city import City, cap_on
from services.apis.endpoint import Page
from services.apis.errors import not_found
from services.awards.handlers_cap import city_of
from services.awards.models import Award
from services.events import Envelope
from services.events.ledger import AwardWaiting, CoinsIssued, CoinsWithdrawn
from services.kit.bulk import is_one_of
from services.kit.cursor import after, next_cursor
from services.kit.db import Tx
from services.kit.views import view_of

_EARLIER = aliased(Award)
_KEPT = (
    select(func.coalesce(func.sum(_EARLIER.kept_cents), 0))
    .where(_EARLIER.attendance_id == Award.attendance_id, _EARLIER.kept_cents > 0)
    .scalar_subquery()
)
GIVEN: ColumnElement[int] = case(
    (Award.state == "withdrawn", Award.kept_cents), else_=func.greatest(Award.amount_cents - _KEPT, 0)
)
"""What an award counts for the ceilings: after a withdrawal, what had been spent and stays with the person; else what it gives beside
what earlier awards of its attendance kept, as the ledger reckons."""

UNISSUED = Award.state.in_(("awarded", "waiting"))


def my_awards(tx: Tx, query: Page) -> api.Awards:
    return _page(tx, query, select(Award).where(Award.person_id == tx.who.person_id))


def list_awards(tx: Tx, query: api.AwardQuery) -> api.Awards:
    wanted = select(Award)
    for column, value in (
        (Award.person_id, query.person_id),
        (Award.programme_id, query.programme_id),
        (Award.neighbourhood_id, query.neighbourhood_id),
        (Award.state, query.state),
    ):
        if value is not None:
            wanted = wanted.where(column == value)
    if query.capped is not None:
        wanted = wanted.where(Award.cut_by.is_not(None) if query.capped else Award.cut_by.is_(None))
    if query.from_day:
        wanted = wanted.where(Award.day >= query.from_day)
    if query.to_day:
        wanted = wanted.where(Award.day <= query.to_day)
    return _page(tx, query, wanted)


def get_award(tx: Tx, award_id: UUID) -> api.Award:
    award = tx.session.get(Award, award_id)
    if award is None:
        raise not_found("award", award_id)
    return _view(award, city_of(tx))


def post_grounds(tx: Tx, body: api.AskGrounds) -> api.Grounds:
    wanted = select(Award).where(Award.award_id.in_(body.award_ids)).order_by(Award.decided_at, Award.award_id)
    return api.Grounds(grounds=tuple(view_of(api.Ground, row) for row in tx.session.scalars(wanted)))


def _page(tx: Tx, query: Page, wanted: Select[Award]) -> api.Awards:
    behind = after(query, Award.decided_at, Award.award_id, newest_first=True)
    ordered = wanted.where(behind).order_by(Award.decided_at.desc(), Award.award_id.desc())
    rows, city = list(tx.session.scalars(ordered.limit(query.limit + 1))), city_of(tx)
    return api.Awards(
        awards=tuple(_view(row, city) for row in rows[: query.limit]),
        next_cursor=next_cursor(query, rows, lambda row: (row.decided_at, row.award_id)),
    )


def _view(row: Award, city: City) -> api.Award:
    copied: dict[str, Any] = {f: getattr(row, f) for f in api.Award.__struct_fields__ if f != "capped_by"}
    return api.Award(**copied, capped_by=_capped_by(row, city))


def _capped_by(row: Award, city: City) -> api.Ceiling | None:
    """The ceiling that cut the award, with the amount it was decided by."""
    kind: api.CapKind = "day" if row.cut_by == "day" else "month"
    caps, cents = (city.caps.day, row.day_cap_cents) if kind == "day" else (city.caps.month, row.month_cap_cents)
    cap = cap_on(caps, row.day)
    if row.cut_by is None or cap is None or cents is None:
        return None
    return api.Ceiling(cap=kind, amount_cents=cents, since=cap.since, legal_basis=cap.legal_basis)


def on_award_waiting(tx: Tx, events: list[Envelope[AwardWaiting]]) -> None:
    reasons = {event.data.award_id: event.data.reason for event in events}
    for reason in set(reasons.values()):
        tx.session.execute(
            update(Award)
            .where(Award.award_id.in_([id_ for id_, why in reasons.items() if why == reason]), UNISSUED)
            .values(state="waiting", waiting_for=reason)
        )


def on_coins_issued(tx: Tx, events: list[Envelope[CoinsIssued]]) -> None:
    """The coins are in the wallet. An award withdrawn meanwhile stays so: the ledger hears of that next and takes them back."""
    tx.session.execute(
        update(Award)
        .where(is_one_of(Award.award_id, [event.data.award_id for event in events]), UNISSUED)
        .values(state="issued", waiting_for=None)
    )


def on_coins_withdrawn(tx: Tx, events: list[Envelope[CoinsWithdrawn]]) -> None:
    kept = [{"award": e.data.award_id, "cents": e.data.kept_cents} for e in events if e.data.kept_cents]
    if kept:
        tx.session.execute(_KEEP, kept)


_KEEP = (
    update(Award.metadata.tables["awards"])
    .where(Award.award_id == bindparam("award"))
    .values(kept_cents=bindparam("cents"))
)
