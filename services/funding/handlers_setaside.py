"""Money set aside for a fund: one person of finance prepares it, another approves."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select

from services.apis import funding as api
from services.apis.errors import Refused, not_found
from services.funding import domain
from services.funding.handlers_fund import facts_of, locked_fund
from services.funding.handlers_settlement import settle
from services.funding.models import SetAside
from services.kit.cursor import after, next_cursor
from services.kit.db import Tx
from services.kit.views import view_of


def prepare_set_aside(tx: Tx, body: api.PrepareSetAside, fund_id: UUID) -> api.SetAside:
    domain.check_set_aside(facts_of(locked_fund(tx, fund_id)))
    set_aside = SetAside(
        set_aside_id=tx.new_id(), fund_id=fund_id, amount_cents=body.amount_cents, act=body.act, state="prepared",
        prepared_by=tx.who.person_id, prepared_at=tx.now,
    )  # fmt: skip
    tx.session.add(set_aside)
    return view_of(api.SetAside, set_aside)


def approve_set_aside(tx: Tx, set_aside_id: UUID) -> api.SetAside:
    set_aside = _prepared(tx, set_aside_id)
    domain.check_second_person(set_aside.prepared_by, tx.who.person_id)
    domain.check_open(facts_of(locked_fund(tx, set_aside.fund_id)))
    settle(tx, set_aside_id, set_aside.fund_id, amount_cents=set_aside.amount_cents, channel="bank")
    return _decide(tx, set_aside, "settled")


def withdraw_set_aside(tx: Tx, set_aside_id: UUID) -> api.SetAside:
    return _decide(tx, _prepared(tx, set_aside_id), "withdrawn")


def list_set_asides(tx: Tx, query: api.SetAsideQuery) -> api.SetAsides:
    spot = SetAside.prepared_at, SetAside.set_aside_id
    wanted = select(SetAside).where(after(query, *spot, newest_first=True)).order_by(*(c.desc() for c in spot))
    if query.fund_id is not None:
        wanted = wanted.where(SetAside.fund_id == query.fund_id)
    if query.state is not None:
        wanted = wanted.where(SetAside.state == query.state)
    if query.decided_until is not None:
        wanted = wanted.where(SetAside.decided_at <= query.decided_until)
    rows = list(tx.session.scalars(wanted.limit(query.limit + 1)))
    return api.SetAsides(
        set_asides=tuple(view_of(api.SetAside, row) for row in rows[: query.limit]),
        next_cursor=next_cursor(query, rows, lambda row: (row.prepared_at, row.set_aside_id)),
    )


def _prepared(tx: Tx, set_aside_id: UUID) -> SetAside:
    """Locked, so that it is decided once."""
    set_aside = tx.session.get(SetAside, set_aside_id, with_for_update=True)
    if set_aside is None:
        raise not_found("set-aside", set_aside_id)
    if set_aside.state != "prepared":
        raise Refused(
            "already_decided",
            "This was decided already. Prepare a new one if more is needed.",
            {"state": set_aside.state},
        )
    return set_aside


def _decide(tx: Tx, set_aside: SetAside, state: str) -> api.SetAside:
    set_aside.state, set_aside.decided_by, set_aside.decided_at = state, tx.who.person_id, tx.now
    return view_of(api.SetAside, set_aside)
