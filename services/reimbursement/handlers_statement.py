"""Statements as shops and finance see them, and the queries a shop raises about a line."""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Iterable
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, select, true

from services.apis import reimbursement as api
from services.apis.errors import Refused, not_found
from services.events.ledger import Part
from services.events.reimbursement import StatementQueried
from services.kit.auth import Grant
from services.kit.cursor import after, next_cursor
from services.kit.db import Tx
from services.kit.routes import File
from services.kit.views import view_of
from services.reimbursement import domain
from services.reimbursement.models import Line, Query, Statement, StatementPart


def seen_by(tx: Tx, shop_id: Any) -> ColumnElement[bool]:
    """The condition for rows the caller may see: finance and auditors those of every shop, an owner those of their own."""
    if tx.who.has("finance") or tx.who.has("auditor") or Grant("shop_owner") in tx.who.grants:
        return true()
    return shop_id.in_(tx.who.scopes("shop_owner"))  # type: ignore[no-any-return]


def open_line() -> ColumnElement[bool]:
    """The condition for lines that will be on a statement: on none yet, and no void that a claim has settled."""
    return and_(Line.statement_id.is_(None), Line.claim_id.is_(None))


def parts_of(tx: Tx, statement_ids: Iterable[UUID]) -> dict[UUID, tuple[Part, ...]]:
    """Which fund stands behind how much of each statement."""
    rows = tx.session.scalars(
        select(StatementPart)
        .where(StatementPart.statement_id.in_(list(statement_ids)))
        .order_by(StatementPart.statement_id, StatementPart.fund_id)
    )
    parts: dict[UUID, tuple[Part, ...]] = defaultdict(tuple)
    for row in rows:
        parts[row.statement_id] += (view_of(Part, row),)
    return parts


def list_statements(tx: Tx, query: api.StatementQuery) -> api.StatementList:
    wanted = select(Statement).where(seen_by(tx, Statement.shop_id))
    for column, value in (
        (Statement.period, query.period),
        (Statement.shop_id, query.shop_id),
        (Statement.state, query.state),
    ):
        if value is not None:
            wanted = wanted.where(column == value)
    wanted = wanted.where(after(query, Statement.issued_at, Statement.statement_id, newest_first=True)).order_by(
        Statement.issued_at.desc(), Statement.statement_id.desc()
    )
    rows = tx.session.scalars(wanted.limit(query.limit + 1)).all()
    parts = parts_of(tx, [row.statement_id for row in rows])
    return api.StatementList(
        statements=tuple(view_of(api.Statement, row, parts=parts[row.statement_id]) for row in rows[: query.limit]),
        next_cursor=next_cursor(query, rows, lambda row: (row.issued_at, row.statement_id)),
    )


def get_statement(tx: Tx, statement_id: UUID) -> api.FullStatement:
    statement = seen_statement(tx, statement_id)
    queries = tx.session.scalars(select(Query).where(Query.statement_id == statement_id).order_by(Query.asked_at))
    return api.FullStatement(
        statement=view_of(api.Statement, statement, parts=parts_of(tx, [statement_id])[statement_id]),
        lines=tuple(view_of(api.Line, row) for row in lines_of(tx, statement_id)),
        queries=tuple(view_of(api.Query, row) for row in queries),
    )


def get_csv(tx: Tx, statement_id: UUID) -> File:
    """The lines as CSV (RFC 4180): ids, instants in UTC and cents only, so that no cell can be read as a formula."""
    statement = seen_statement(tx, statement_id)
    table = io.StringIO()
    writer = csv.writer(table)
    writer.writerow(api.Line.__struct_fields__)
    for line in lines_of(tx, statement_id):
        cells = view_of(api.Line, line, happened_at=line.happened_at.isoformat())
        writer.writerow(getattr(cells, field) for field in api.Line.__struct_fields__)
    name = f"statement-{statement.period}-{statement_id}.csv"
    return File(content=table.getvalue().encode(), media="text/csv", name=name)


def seen_statement(tx: Tx, statement_id: UUID, *, lock: bool = False) -> Statement:
    """The statement, if the caller may see it; locked where it is about to change."""
    wanted = select(Statement).where(Statement.statement_id == statement_id, seen_by(tx, Statement.shop_id))
    statement = tx.session.scalar(wanted.with_for_update() if lock else wanted)
    if statement is None:
        raise not_found("statement", statement_id)
    return statement


def lines_of(tx: Tx, statement_id: UUID) -> Iterable[Line]:
    return tx.session.scalars(
        select(Line).where(Line.statement_id == statement_id).order_by(Line.happened_at, Line.line_id)
    )


def ask_query(tx: Tx, body: api.AskQuery, statement_id: UUID) -> api.Query:
    """The shop does not agree with a line: the statement cannot be confirmed until the city has answered."""
    statement = seen_statement(tx, statement_id, lock=True)
    tx.who.must("shop_owner", statement.shop_id)
    domain.check_unclaimed(statement.state)
    line = tx.session.get(Line, body.line_id)
    if line is None or line.statement_id != statement_id:
        raise not_found("line", body.line_id)
    if tx.session.scalar(select(Query).where(Query.line_id == body.line_id, Query.answer.is_(None))):
        raise Refused("already_queried", "This line is being looked at already. The answer will stand beside it.")
    query = Query(
        query_id=tx.new_id(), statement_id=statement_id, line_id=body.line_id, reason=body.reason,
        asked_by=tx.who.person_id, asked_at=tx.now,
    )  # fmt: skip
    tx.session.add(query)
    statement.state = "queried"
    tx.put(StatementQueried(statement_id=statement_id, shop_id=statement.shop_id))
    return view_of(api.Query, query)


def settle_query(tx: Tx, body: api.SettleQuery, query_id: UUID) -> api.Query:
    """The city's answer. When it was the last open query, the statement can be confirmed again."""
    query = tx.session.get(Query, query_id)
    if query is None:
        raise not_found("query", query_id)
    statement = tx.session.get_one(Statement, query.statement_id, with_for_update=True)
    tx.session.refresh(query)  # as it stands under the statement's lock: two officers may answer at once
    if query.answer is not None:
        raise Refused("query_settled", "This query is answered already. See the answer beside its line.")
    query.answer, query.answered_by, query.answered_at = body.answer, tx.who.person_id, tx.now
    tx.session.flush()
    left = select(func.count()).where(Query.statement_id == statement.statement_id, Query.answer.is_(None))
    if not tx.session.scalar(left):
        statement.state = "open"
    return view_of(api.Query, query)
