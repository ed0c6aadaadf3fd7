"""Sales and voids become one statement for each shop and month."""

import csv
import io
from datetime import UTC, datetime
from threading import Thread

import pytest

from infra.wiring import Town
from services.apis import reimbursement as api
from services.apis.errors import Refused
from tests.builders import As
from tests.builders_redemption import a_customer, a_paired_till, a_payment_code, a_shop
from tests.builders_reimbursement import (
    MAY,
    OWN,
    a_finance_officer,
    a_till_with_sales,
    confirm_everything,
    go_to,
    issue_statements,
    the_owner,
    the_statement,
)

LAST_EVENING = datetime(2026, 5, 31, 21, 50, tzinfo=UTC)  # ten to midnight in Valdarco


def test_a_shop_is_owed_its_sales_without_the_voided_ones(town: Town) -> None:
    till = a_till_with_sales(town, 450, 800)
    undone = till.sell(a_payment_code(town, a_customer(town, 300)), 300)
    till.void(undone.sale_id)
    town.settle()

    issued = issue_statements(town)

    assert (issued.statements, issued.issued_now, issued.amount_cents) == (1, 1, 1250)
    full = the_statement(town, till.shop_id)
    statement = full.statement
    assert (statement.amount_cents, statement.sale_count, statement.void_count) == (1250, 3, 1)
    assert [line.amount_cents for line in full.lines if line.kind == "void"] == [-300]
    assert sorted(part.amount_cents for part in statement.parts) == [450, 800]
    assert town.check() == []


def test_a_shop_without_sales_gets_no_statement(town: Town) -> None:
    a_shop(town)
    town.settle()
    assert issue_statements(town).statements == 0


def test_issuing_twice_issues_once(town: Town) -> None:
    till = a_till_with_sales(town, 450)
    issue_statements(town)
    again = issue_statements(town)
    assert (again.statements, again.issued_now, again.amount_cents) == (1, 0, 450)
    assert the_statement(town, till.shop_id).statement.sale_count == 1


def test_a_sale_that_is_heard_late_is_on_the_next_statement(town: Town) -> None:
    till = a_till_with_sales(town, 450)
    customer = a_customer(town, 900)
    town.clock.move_to(LAST_EVENING)  # type: ignore[attr-defined]
    late = till.sell(a_payment_code(town, customer), 900)  # and nobody carries its event before the month is closed
    go_to(town, MAY)
    a_finance_officer(town).ask(OWN, api.POST_STATEMENTS, period=MAY)
    town.settle()

    assert the_statement(town, till.shop_id, MAY).statement.amount_cents == 450
    a_till_with_sales(town, 200, till=till)
    issue_statements(town, "2026-06")
    june = the_statement(town, till.shop_id, "2026-06")
    assert june.statement.amount_cents == 1100
    assert late.sale_id in {line.sale_id for line in june.lines}
    assert town.check() == []


def test_a_void_that_crosses_its_statement_on_the_way_lessens_it_while_it_is_open(town: Town) -> None:
    till, customer = a_till_with_sales(town), a_customer(town, 900)
    first = till.sell(a_payment_code(town, customer), 500)
    till.sell(a_payment_code(town, customer), 400)
    town.settle()
    town.clock.move_to(LAST_EVENING)  # type: ignore[attr-defined]
    till.void(first.sale_id)
    go_to(town, MAY)
    a_finance_officer(town).ask(OWN, api.POST_STATEMENTS, period=MAY)
    assert the_statement(town, till.shop_id, MAY).statement.amount_cents == 900
    town.settle()
    stated = the_statement(town, till.shop_id, MAY).statement
    assert (stated.amount_cents, stated.sale_count, stated.void_count) == (400, 2, 1)
    assert town.check() == []


def test_a_month_ends_by_the_citys_clocks(town: Town) -> None:
    a_till_with_sales(town, 450)
    finance = a_finance_officer(town)
    town.clock.move_to(LAST_EVENING)  # type: ignore[attr-defined]
    with pytest.raises(Refused, match="period_not_over") as refusal:
        finance.ask(OWN, api.POST_STATEMENTS, period=MAY)
    assert refusal.value.facts == {"from": "2026-06-01"}
    town.clock.move_to(datetime(2026, 5, 31, 22, 0, tzinfo=UTC))  # type: ignore[attr-defined]
    assert finance.ask(OWN, api.POST_STATEMENTS, period=MAY).issued_now == 1


@pytest.mark.parametrize("period", ["2026-13", "May", "2026-5", "2026-05-01"])
def test_a_month_is_written_as_year_and_month(town: Town, period: str) -> None:
    for endpoint in (api.POST_STATEMENTS, api.POST_PERIOD_CLOSE):
        with pytest.raises(Refused, match="period_wrong"):
            a_finance_officer(town).ask(OWN, endpoint, period=period)


def test_no_statement_is_issued_in_a_closed_month(town: Town) -> None:
    finance = a_finance_officer(town)
    with pytest.raises(Refused, match="period_not_issued"):
        finance.ask(OWN, api.POST_PERIOD_CLOSE, period=MAY)
    issue_statements(town)
    closed = finance.ask(OWN, api.POST_PERIOD_CLOSE, period=MAY)
    assert closed.closed_at is not None
    assert finance.ask(OWN, api.POST_PERIOD_CLOSE, period=MAY) == closed
    with pytest.raises(Refused, match="period_closed"):
        finance.ask(OWN, api.POST_STATEMENTS, period=MAY)
    [period] = As(town, ("auditor", None)).ask(OWN, api.GET_PERIODS).periods
    assert (period.period, period.closed_at) == (MAY, closed.closed_at)


def test_statements_issued_by_two_people_at_once_are_issued_once(town: Town) -> None:
    tills = [a_till_with_sales(town, 450), a_till_with_sales(town, 300)]
    go_to(town, MAY)
    answers: list[api.Period] = []

    def issue() -> None:
        answers.append(a_finance_officer(town).ask(OWN, api.POST_STATEMENTS, period=MAY))

    people = [Thread(target=issue) for _ in range(4)]
    for person in people:
        person.start()
    for person in people:
        person.join()
    assert sorted(answer.issued_now for answer in answers) == [0, 0, 0, 2]
    assert {the_statement(town, till.shop_id).statement.amount_cents for till in tills} == {450, 300}
    assert town.check() == []


def test_an_owner_sees_only_their_own_shop(town: Town) -> None:
    ours, theirs = a_till_with_sales(town, 450), a_till_with_sales(town, 800)
    issue_statements(town)
    owner = the_owner(town, ours.shop_id)
    other = the_statement(town, theirs.shop_id).statement
    assert [s.shop_id for s in owner.ask(OWN, api.GET_STATEMENTS, query=api.StatementQuery()).statements] == [
        ours.shop_id
    ]
    for endpoint in (api.GET_STATEMENT, api.GET_STATEMENT_CSV, api.POST_CONFIRM):
        with pytest.raises(Refused, match="unknown_statement"):
            owner.ask(OWN, endpoint, statement_id=other.statement_id)
    with pytest.raises(Refused, match="unknown_shop"):
        owner.ask(OWN, api.GET_OWED, shop_id=theirs.shop_id)
    with pytest.raises(Refused, match="not_allowed"):
        ours.ask(OWN, api.GET_OWED, shop_id=ours.shop_id)  # the till is a cashier's
    everything = As(town, ("auditor", None)).ask(OWN, api.GET_STATEMENTS, query=api.StatementQuery(period=MAY))
    assert len(everything.statements) == 2


def test_statements_are_listed_page_by_page_without_a_gap(town: Town) -> None:
    shops = {a_till_with_sales(town, 100).shop_id for _ in range(3)}
    issue_statements(town)
    seen, cursor = [], None
    while True:
        query = api.StatementQuery(cursor=cursor, limit=1)
        page = a_finance_officer(town).ask(OWN, api.GET_STATEMENTS, query=query)
        seen += [statement.shop_id for statement in page.statements]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert len(seen) == 3
    assert set(seen) == shops


def test_the_lines_come_as_a_table(town: Town) -> None:
    till = a_till_with_sales(town, 450, 800)
    issue_statements(town)
    full = the_statement(town, till.shop_id)
    table = the_owner(town, till.shop_id).ask(OWN, api.GET_STATEMENT_CSV, statement_id=full.statement.statement_id)
    rows = list(csv.DictReader(io.StringIO(table.decode())))
    assert sorted(int(row["amount_cents"]) for row in rows) == [450, 800]  # both at the same moment of the town
    assert {row["sale_id"] for row in rows} == {str(line.sale_id) for line in full.lines}


def test_a_claimed_month_pays_every_fund_its_own_part(town: Town) -> None:
    till = a_paired_till(town, a_shop(town))
    a_till_with_sales(town, 450, 300, till=till)
    issue_statements(town)
    [claim] = confirm_everything(town)
    statement = the_statement(town, till.shop_id).statement
    assert claim.amount_cents == sum(part.amount_cents for part in statement.parts) == 750
    assert len(statement.parts) == 2
