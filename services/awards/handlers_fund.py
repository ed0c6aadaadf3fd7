"""The funds, heard from funding, and which of them may stand behind an award."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from functools import cache

from msgspec import convert, to_builtins
from sqlalchemy import case, select, update
from sqlalchemy.dialects.postgresql import insert

from services.awards import domain
from services.awards.handlers_award import UNISSUED
from services.awards.models import Award, Fund
from services.events import Envelope
from services.events.awards import AwardReplanned, Plan
from services.events.funding import FundClosed, FundOpened
from services.kit.db import Tx

Planner = Callable[[domain.Purpose, date], tuple[Plan, ...]]


def planner(tx: Tx) -> Planner:
    """The plans for a purpose and a day from the funds open now; shifts share theirs, so each is made once."""
    funds = [convert(terms, FundOpened) for terms in tx.session.scalars(select(Fund.terms).where(Fund.open))]
    return cache(lambda purpose, day: domain.plans_for(funds, purpose, day))


def on_fund_opened(tx: Tx, events: list[Envelope[FundOpened]]) -> None:
    for event in events:
        row = {"fund_id": event.data.fund_id, "terms": to_builtins(event.data), "open": True}
        tx.session.execute(insert(Fund).values(row).on_conflict_do_update(index_elements=[Fund.fund_id], set_=row))
    _replan(tx, because=events[-1])


def on_fund_closed(tx: Tx, events: list[Envelope[FundClosed]]) -> None:
    closed = [event.data.fund_id for event in events]
    tx.session.execute(update(Fund).where(Fund.fund_id.in_(closed)).values(open=False))
    _replan(tx, because=events[-1])


def _replan(tx: Tx, *, because: Envelope[FundOpened] | Envelope[FundClosed]) -> None:
    """Plan anew what is not issued yet. The awards of a shift have the same plans: one update for all of them."""
    plans = planner(tx)
    same = (Award.neighbourhood_id, Award.kind, Award.programme_id, Award.day, Award.plans)
    for neighbourhood_id, kind, programme_id, day, planned in tx.session.execute(
        select(*same).where(UNISSUED).distinct().order_by(Award.day, Award.programme_id)
    ).all():
        now = plans(domain.Purpose(neighbourhood_id=neighbourhood_id, kind=kind, programme_id=programme_id), day)
        if now == convert(planned, tuple[Plan, ...]):
            continue
        reason = "not_enough_money" if now else "no_fund"  # so it is unless the ledger can issue it now, and says so
        alike = zip(same, (neighbourhood_id, kind, programme_id, day, planned), strict=True)
        replanned = tx.session.execute(
            update(Award)
            .where(UNISSUED, *(column == value for column, value in alike))
            .values(plans=to_builtins(now), waiting_for=case((Award.state == "waiting", reason)))
            .returning(Award.award_id, Award.person_id)
        )
        for award_id, person_id in replanned:
            tx.put(AwardReplanned(award_id=award_id, person_id=person_id, plans=now), because=because)
