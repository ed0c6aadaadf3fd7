"""Funds: opening, closing, and what became of each one's money."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from msgspec import convert, to_builtins
from sqlalchemy import func, select

from services.apis import funding as api
from services.apis.endpoint import Page
from services.apis.errors import Refused, not_found
from services.events.funding import Earmark, FundClosed, FundOpened
from services.funding import domain
from services.funding.models import Flow, Fund, Settlement, Sponsor, TopUp
from services.kit.cursor import after, next_cursor
from services.kit.db import Tx
from services.kit.views import view_of


def open_fund(tx: Tx, body: api.OpenFund) -> api.Fund:
    earmark = domain.check_earmark(body.earmark, tx.city)
    domain.check_terms(body, _co_fund(tx, body))
    if body.sponsor_id is not None:
        # Locked, so that two requests cannot both open the sponsor's fund for one purpose.
        if tx.session.get(Sponsor, body.sponsor_id, with_for_update=True) is None:
            raise not_found("sponsor", body.sponsor_id)
        if fund_for(tx, body.sponsor_id, earmark):
            raise Refused("fund_exists", "This sponsor has an open fund for just that. Use it, or close it first.")
    fund = add_fund(
        tx, kind=body.kind, name=body.name, rank=body.rank, earmark=earmark, sponsor_id=body.sponsor_id, act=body.act,
        share_permille=body.share_permille, max_share_permille=body.max_share_permille if body.share_permille else None,
        co_fund_id=body.co_fund_id, opens_on=body.opens_on, ends_on=body.ends_on,
        opened_by=tx.who.person_id,
    )  # fmt: skip
    return _views(tx, [fund])[0]


def add_fund(tx: Tx, *, earmark: Earmark, **terms: Any) -> Fund:
    fund = Fund(fund_id=tx.new_id(), earmark=to_builtins(earmark), opened_at=tx.now, **terms)
    tx.session.add(fund)
    tx.session.flush()
    tx.put(view_of(FundOpened, fund, earmark=earmark))
    return fund


def fund_for(tx: Tx, sponsor_id: UUID, earmark: Earmark) -> Fund | None:
    """The sponsor's open fund with just that earmark, locked. The caller holds the sponsor's row."""
    same = select(Fund).where(
        Fund.sponsor_id == sponsor_id, Fund.earmark == to_builtins(earmark), Fund.closed_at.is_(None)
    )
    return tx.session.scalar(same.with_for_update())


def locked_fund(tx: Tx, fund_id: UUID) -> Fund:
    """Locked, so that no money is promised to a fund that is being closed."""
    fund = tx.session.get(Fund, fund_id, with_for_update=True)
    if fund is None:
        raise not_found("fund", fund_id)
    return fund


def facts_of(fund: Fund, **more: int) -> domain.FundFacts:
    return domain.FundFacts(kind=fund.kind, open=fund.closed_at is None, **more)  # type: ignore[arg-type]


def close_fund(tx: Tx, fund_id: UUID) -> api.Fund:
    fund = locked_fund(tx, fund_id)
    if fund.closed_at is None:
        domain.check_close(facts_of(fund, grants=_grants(tx, fund_id), on_their_way=_on_their_way(tx, fund_id)))
        fund.closed_at, fund.closed_by = tx.now, tx.who.person_id
        tx.put(FundClosed(fund_id=fund_id))
    return _views(tx, [fund])[0]


def list_funds(tx: Tx, query: Page) -> api.Funds:
    wanted = select(Fund).where(after(query, Fund.opened_at, Fund.fund_id)).order_by(Fund.opened_at, Fund.fund_id)
    rows = list(tx.session.scalars(wanted.limit(query.limit + 1)))
    return api.Funds(
        funds=_views(tx, rows[: query.limit]),
        next_cursor=next_cursor(query, rows, lambda row: (row.opened_at, row.fund_id)),
    )


def _co_fund(tx: Tx, body: api.OpenFund) -> domain.FundFacts | None:
    """The co-fund, locked: it cannot be closed while a grant is opened on it."""
    fund = tx.session.get(Fund, body.co_fund_id, with_for_update=True) if body.co_fund_id else None
    return facts_of(fund) if fund else None


def _grants(tx: Tx, fund_id: UUID) -> int:
    backed = select(func.count()).select_from(Fund).where(Fund.co_fund_id == fund_id, Fund.closed_at.is_(None))
    return tx.session.scalar(backed) or 0


def _on_their_way(tx: Tx, fund_id: UUID) -> int:
    undecided = TopUp.session_id.is_not(None), TopUp.state.in_(("open", "processing"))
    return tx.session.scalar(select(func.count()).select_from(TopUp).where(TopUp.fund_id == fund_id, *undecided)) or 0


def _views(tx: Tx, funds: Iterable[Fund]) -> tuple[api.Fund, ...]:
    funds = list(funds)
    names: dict[UUID | None, str] = {
        row.sponsor_id: row.name
        for row in tx.session.execute(
            select(Sponsor.sponsor_id, Sponsor.name).where(Sponsor.sponsor_id.in_({f.sponsor_id for f in funds}))
        )
    }
    figures = _figures(tx, [f.fund_id for f in funds]) if tx.who.has("finance") or tx.who.has("auditor") else {}
    inside = any(map(tx.who.has, ("finance", "auditor", "admin")))
    return tuple(
        view_of(
            api.Fund, fund, sponsor=names.get(fund.sponsor_id), earmark=convert(fund.earmark, Earmark),
            open=fund.closed_at is None, figures=figures.get(fund.fund_id),
            hands=view_of(api.Hands, fund) if inside else None,
        )
        for fund in funds
    )  # fmt: skip


def _figures(tx: Tx, fund_ids: list[UUID]) -> dict[UUID, api.Figures]:
    taken_back: dict[UUID, int] = {
        row.fund_id: int(row.cents)
        for row in tx.session.execute(
            select(Settlement.fund_id, func.sum(Settlement.taken_back_cents).label("cents"))
            .where(Settlement.fund_id.in_(fund_ids))
            .group_by(Settlement.fund_id)
        )
    }
    flows = {flow.fund_id: flow for flow in tx.session.scalars(select(Flow).where(Flow.fund_id.in_(fund_ids)))}
    return {id_: _figures_of(flows[id_], taken_back.get(id_, 0)) if id_ in flows else api.Figures() for id_ in fund_ids}


def _figures_of(flow: Flow, taken_back_cents: int) -> api.Figures:
    free_cents = flow.in_cents - taken_back_cents - flow.issued_cents + flow.expired_cents
    return view_of(
        api.Figures, flow, taken_back_cents=taken_back_cents, free_cents=max(0, free_cents), receivable_cents=max(0, -free_cents),
        outstanding_cents=flow.issued_cents - flow.spent_cents - flow.expired_cents,
    )  # fmt: skip
