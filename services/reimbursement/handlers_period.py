"""The month's end: issuing the statements of all shops, closing the month."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, Subquery, and_, func, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import aliased

from services.apis import reimbursement as api
from services.apis.errors import Refused
from services.events.ledger import Part
from services.events.reimbursement import PeriodClosed, StatementIssued
from services.kit.db import Tx
from services.kit.views import view_of
from services.reimbursement import domain
from services.reimbursement.handlers_statement import open_line
from services.reimbursement.models import Line, LinePart, Period, Statement, StatementPart


def issue_statements(tx: Tx, period: str) -> api.Period:
    """One statement for every shop with something to receive; a shop that has its statement of this month keeps it as it is."""
    month = domain.period_of(period)
    domain.check_over(month, tx.city.day_of(tx.now))
    began = {"period": period, "issued_at": tx.now, "issued_by": tx.who.person_id}
    tx.session.execute(insert(Period).values(began).on_conflict_do_nothing())
    row = tx.session.get_one(Period, period, with_for_update=True)
    if row.closed_at:
        raise Refused("period_closed", "This month is closed. What came later is on the next month's statements.")
    # Sales go on arriving. A line that came between the sums and the update below would be on a statement that does not count it.
    tx.session.execute(text("LOCK TABLE lines IN SHARE ROW EXCLUSIVE MODE"))
    statements = _write_statements(tx, month)
    return _period_view(tx, row, issued_now=len(statements))


def _write_statements(tx: Tx, month: domain.Period) -> list[Statement]:
    lines = _open_lines(month)
    counts = {
        row.shop_id: row
        for row in tx.session.execute(
            select(
                lines.c.shop_id,
                func.count().filter(lines.c.kind == "sale").label("sales"),
                func.count().filter(lines.c.kind == "void").label("voids"),
                func.count().filter(lines.c.alone).label("alone"),
            ).group_by(lines.c.shop_id)
        )
    }
    statements, without_alone = [], set()
    for shop_id, tallies in sorted(_tallies(tx, lines).items()):
        stated = domain.to_state(tallies)
        if stated is None:
            continue
        count = counts[shop_id]
        statement = Statement(
            statement_id=tx.new_id(), shop_id=shop_id, period=month.name, period_from=month.first, period_to=month.last,
            amount_cents=stated.amount_cents, sale_count=count.sales,
            void_count=count.voids if stated.with_alone else count.voids - count.alone, state="open", issued_at=tx.now,
        )  # fmt: skip
        parts = tuple(Part(fund_id=fund_id, amount_cents=cents) for fund_id, cents in stated.parts)
        statements.append(statement)
        if not stated.with_alone:
            without_alone.add(statement.statement_id)
        tx.session.add(statement)
        tx.session.add_all(
            StatementPart(statement_id=statement.statement_id, fund_id=part.fund_id, amount_cents=part.amount_cents)
            for part in parts
        )
        tx.put(view_of(StatementIssued, statement, parts=parts))
    tx.session.flush()
    new = {statement.statement_id for statement in statements}
    tx.session.execute(
        update(Line)
        .where(
            open_line(),
            Line.day <= month.last,
            Line.shop_id == Statement.shop_id,
            Statement.statement_id.in_(new),
            or_(Statement.statement_id.not_in(without_alone), ~_alone(month)),
        )
        .values(statement_id=Statement.statement_id)
        .execution_options(synchronize_session=False)
    )
    return statements


def _open_lines(month: domain.Period) -> Subquery:
    """The lines up to the month's end that are on no statement, of shops that have none for the month."""
    has_one = select(Statement.shop_id).where(Statement.period == month.name)
    return (
        select(Line.line_id, Line.shop_id, Line.kind, _alone(month).label("alone"))
        .where(open_line(), Line.day <= month.last, Line.shop_id.not_in(has_one))
        .subquery()
    )


def _alone(month: domain.Period) -> ColumnElement[bool]:
    """Whether a line is a void whose sale is not among the open ones up to the month's end."""
    sale = aliased(Line)
    together = select(sale.line_id).where(
        sale.sale_id == Line.sale_id, sale.kind == "sale", sale.statement_id.is_(None), sale.day <= month.last
    )
    return and_(Line.kind == "void", ~together.exists())


def _tallies(tx: Tx, lines: Subquery) -> dict[UUID, list[domain.Tally]]:
    """The open lines summed: shop -> one tally for each fund."""
    amount = func.sum(LinePart.amount_cents)
    sums = (
        select(
            lines.c.shop_id,
            LinePart.fund_id,
            func.coalesce(amount.filter(~lines.c.alone), 0).label("cents"),
            func.coalesce(amount.filter(lines.c.alone), 0).label("alone_cents"),
        )
        .join(LinePart, LinePart.line_id == lines.c.line_id)
        .group_by(lines.c.shop_id, LinePart.fund_id)
    )
    tallies: dict[UUID, list[domain.Tally]] = defaultdict(list)
    for row in tx.session.execute(sums):
        tallies[row.shop_id].append(domain.Tally(row.fund_id, int(row.cents), int(row.alone_cents)))
    return tallies


def close_period(tx: Tx, period: str) -> api.Period:
    """No statement is issued in the month any more: whatever comes later is on the next one's."""
    domain.period_of(period)
    row = tx.session.get(Period, period, with_for_update=True)
    if row is None:
        raise Refused("period_not_issued", "The statements of this month are not issued. Issue them first.")
    queried = select(func.count()).where(Statement.period == period, Statement.state == "queried")
    if open_queries := tx.session.scalar(queried):
        raise Refused(
            "queries_open",
            "Shops wait for an answer about this month. Settle their queries first.",
            {"statements": open_queries},
        )
    if row.closed_at is None:
        row.closed_at, row.closed_by = tx.now, tx.who.person_id
        tx.put(PeriodClosed(period=period))
    return _period_view(tx, row)


def list_periods(tx: Tx) -> api.Periods:
    rows = tx.session.scalars(select(Period).order_by(Period.period.desc()).limit(120)).all()
    return api.Periods(periods=tuple(_views(tx, rows)))


def _period_view(tx: Tx, row: Period, *, issued_now: int = 0) -> api.Period:
    [view] = _views(tx, [row], issued_now=issued_now)
    return view


def _views(tx: Tx, rows: Sequence[Period], *, issued_now: int = 0) -> Iterator[api.Period]:
    sums = (
        select(Statement.period, func.count(), func.sum(Statement.amount_cents))
        .where(Statement.period.in_([row.period for row in rows]))
        .group_by(Statement.period)
    )
    found = {period: (statements, int(cents)) for period, statements, cents in tx.session.execute(sums)}
    for row in rows:
        statements, amount_cents = found.get(row.period, (0, 0))
        yield view_of(api.Period, row, statements=statements, amount_cents=amount_cents, issued_now=issued_now)
