"""The books: readable at any past instant by both clocks, for those who may; append-only for everybody."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import psycopg.errors
import pytest
from msgspec import structs
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError

from infra.wiring import Town
from services.apis import ledger as api
from services.apis import ledger_fund as fund_api
from services.apis.errors import Refused
from services.events import encode
from services.kit.bus import Message
from services.kit.ids import new_id
from tests.builders import a_volunteer, tell
from tests.builders_ledger import (
    a_finance_officer,
    a_fund,
    an_auditor,
    an_award,
    balance,
    envelope_of,
    give_coins,
    in_order,
    lot_code,
    sell,
    the_owner,
    top_up,
)

NOON = datetime(2026, 5, 4, 10, tzinfo=UTC)
HOUR = timedelta(hours=1)


def at(town: Town, hours: int) -> None:
    town.clock.move_to(NOON + hours * HOUR)  # type: ignore[attr-defined]


def test_a_balance_can_be_read_at_any_past_instant(town: Town) -> None:
    fund = a_fund(town, 10_00)
    at(town, 1)
    give_coins(town, new_id(), 4_00, fund)
    at(town, 2)
    top_up(town, fund, 1_00)
    instants = [NOON - HOUR, NOON, NOON + HOUR, NOON + 3 * HOUR]
    assert [balance(town, f"fund/{fund}", at=instant) for instant in instants] == [0, 10_00, 6_00, 7_00]
    assert balance(town, f"fund/{fund}") == 7_00


def test_the_two_clocks_differ_when_the_news_came_late(town: Town) -> None:
    fund = a_fund(town, 10_00)
    at(town, 1)
    late = envelope_of(town, an_award(4_00, in_order(fund)))
    at(town, 5)
    town.bus.publish([Message(topic="awards", key=late.key, value=encode(late))])
    town.settle()
    at_three = {"code": f"fund/{fund}", "at": NOON + 3 * HOUR}
    assert balance(town, **at_three, by="occurred_at") == 6_00
    assert balance(town, **at_three, by="posted_at") == 10_00


def test_a_history_lists_what_moved_newest_first_page_by_page(town: Town) -> None:
    fund, auditor = a_fund(town, 10_00), an_auditor(town)
    for hour in range(1, 5):
        at(town, hour)
        give_coins(town, new_id(), hour * 100, fund)
    seen, cursor = [], None
    while True:
        query = api.HistoryQuery(code=f"fund/{fund}", cursor=cursor, limit=2, at=NOON + 3 * HOUR)
        page = auditor.ask("ledger", api.GET_HISTORY, query=query)
        seen += [(t.kind, t.amount_cents) for t in page.transfers]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert seen == [("award", 3_00), ("award", 2_00), ("award", 1_00), ("topup", 10_00)]


@pytest.mark.parametrize("by", ["posted_at", "occurred_at"])
def test_what_moved_at_one_instant_is_listed_in_the_order_it_was_written(town: Town, by: api.By) -> None:
    """Whatever the ids say, which are their makers': the clock stands still, and the awards come with the larger ids first."""
    fund, person = a_fund(town, 10_00), new_id()
    ids = sorted((new_id() for _ in range(5)), reverse=True)
    for cents, award_id in enumerate(ids, 1):
        tell(town, an_award(cents, in_order(fund), award_id=award_id, person_id=person))
    seen, mine = [], []
    query, page = api.HistoryQuery(code=f"fund/{fund}", limit=2, by=by), api.Page(limit=2)
    while True:
        answer = an_auditor(town).ask("ledger", api.GET_HISTORY, query=query)
        seen += [t.amount_cents for t in answer.transfers]
        if answer.next_cursor is None:
            break
        query = structs.replace(query, cursor=answer.next_cursor)
    while True:
        lines = a_volunteer(town, person_id=person).ask("ledger", api.GET_MOVEMENTS, query=page, person_id=person)
        mine += [line.amount_cents for line in lines.movements]
        if lines.next_cursor is None:
            break
        page = structs.replace(page, cursor=lines.next_cursor)
    assert seen == [5, 4, 3, 2, 1, 10_00]
    assert mine == [5, 4, 3, 2, 1]


def test_an_auditor_follows_an_award_from_its_event_to_its_transfers(town: Town) -> None:
    fund, auditor = a_fund(town, 10_00), an_auditor(town)
    award = give_coins(town, new_id(), 4_00, fund)
    journal = auditor.ask("ledger", api.GET_JOURNAL, journal=award)
    (transfer,) = journal.transfers
    assert (journal.kind, journal.state, transfer.debit, transfer.amount_cents) == (
        "award", "posted", f"fund/{fund}", 4_00,
    )  # fmt: skip
    assert auditor.ask("ledger", api.GET_TRANSFER, transfer_id=transfer.transfer_id) == transfer
    with pytest.raises(Refused, match="unknown_transfer"):
        auditor.ask("ledger", api.GET_TRANSFER, transfer_id=new_id())
    with pytest.raises(Refused, match="unknown_journal"):
        auditor.ask("ledger", api.GET_JOURNAL, journal=new_id())
    with pytest.raises(Refused, match="unknown_account"):
        balance(town, "fund/unknown")


def test_a_wallet_in_the_books_is_open_to_the_auditor_only(town: Town) -> None:
    person, fund = new_id(), a_fund(town, 5_00)
    give_coins(town, person, 5_00, fund)
    code = lot_code(town, person, fund)
    assert str(person) not in code
    assert balance(town, code) == 5_00
    for who in (a_finance_officer(town), a_volunteer(town, person_id=person)):
        with pytest.raises(Refused, match="not_allowed"):
            who.ask("ledger", api.GET_ACCOUNT, query=api.AccountQuery(code=code))
    with pytest.raises(Refused, match="not_allowed"):
        a_finance_officer(town).ask("ledger", api.GET_JOURNAL, journal=new_id())


def test_a_fund_without_money_shows_zeros(town: Town) -> None:
    shown = an_auditor(town).ask("ledger", fund_api.GET_FUND, fund_id=new_id())
    assert {getattr(shown, f) for f in shown.__struct_fields__ if f != "fund_id"} == {0}


@pytest.fixture
def busy_books(town: Town) -> Town:
    person = new_id()
    give_coins(town, person, 5_00)
    sell(town, person, 2_00)
    return town


@pytest.mark.parametrize("table", ["transfers", "outcomes"])
@pytest.mark.parametrize("statement", ["UPDATE {} SET kind = kind", "DELETE FROM {}", "TRUNCATE {}"])
def test_nothing_in_the_books_is_changed_or_removed(busy_books: Town, table: str, statement: str) -> None:
    with (
        the_owner(busy_books) as conn,
        pytest.raises(DBAPIError, match="append-only") as refused,
    ):
        conn.execute(text(statement.format(table)))
    assert isinstance(refused.value.orig, psycopg.errors.RestrictViolation)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE accounts SET debits_posted = debits_posted + 1000000 WHERE floored",
        "UPDATE accounts SET debits_posted = -1",
        "INSERT INTO transfers SELECT debit_account, credit_account, 0, occurred_at, posted_at, gen_random_uuid(), journal, cause, fund,"
        " NULL, kind, leaf FROM transfers",
        "INSERT INTO transfers SELECT debit_account, debit_account, 1, occurred_at, posted_at, gen_random_uuid(), journal, cause, fund,"
        " NULL, kind, leaf FROM transfers",
        "INSERT INTO outcomes SELECT gen_random_uuid(), kind, payload, 'refused', 5, 'x', facts, decided_at, leaf FROM outcomes",
    ],
)
def test_the_database_itself_refuses_what_no_posting_would_write(busy_books: Town, statement: str) -> None:
    with the_owner(busy_books) as conn, pytest.raises(IntegrityError, match="check constraint"):
        conn.execute(text(statement))


@pytest.mark.parametrize(
    ("harm", "sentence"),
    [
        ("UPDATE accounts SET credits_posted = credits_posted + 1 WHERE code LIKE 'shop/%'", "sum to zero"),
        ("UPDATE accounts SET credits_posted = credits_posted + 1 WHERE code LIKE 'shop/%'", "counters are the sums"),
        ("UPDATE accounts SET floored = false WHERE code LIKE 'fund/%'", "is below zero"),
        ("UPDATE transfers SET fund = gen_random_uuid() WHERE kind = 'sale'", "are of its fund"),
        ("UPDATE transfers SET occurred_at = occurred_at + interval '1 microsecond'", "hash of its row"),
        ("UPDATE transfers SET amount_cents = amount_cents + 1 WHERE kind = 'sale'", "sums to its amount"),
        ("DELETE FROM outcomes WHERE kind = 'sale'", "belongs to a posted request"),
        ("UPDATE transfers SET kind = 'expiry', reversal_of = id WHERE kind = 'sale'", "goes the other way"),
        ("UPDATE transfers SET kind = 'gift' WHERE kind = 'sale'", "in wallets, spent or expired"),
    ],
)
def test_an_invariant_names_what_was_done_behind_the_ledger_s_back(busy_books: Town, harm: str, sentence: str) -> None:
    assert busy_books.check() == []
    with the_owner(busy_books, unhindered=True) as conn:
        conn.execute(text(harm))
    assert any(sentence in wrong for wrong in busy_books.check())


def test_a_funds_trend_is_what_its_account_stood_at_week_by_week(town: Town) -> None:
    fund, empty_one = a_fund(town, 50_00), a_fund(town)
    for cents in (5_00, 3_00, 0, 7_00):
        town.clock.move_to(town.clock.now() + timedelta(weeks=1))  # type: ignore[attr-defined]
        if cents:
            give_coins(town, new_id(), cents, fund)
    told = a_finance_officer(town).ask("ledger", fund_api.GET_TRENDS, query=fund_api.TrendQuery(points=6))
    assert told.moments[-1] == town.clock.now()
    trends = {one.fund_id: one.free_cents for one in told.funds}
    assert trends[fund] == tuple(balance(town, f"fund/{fund}", at=at) for at in told.moments)
    assert trends[fund] == (0, 50_00, 45_00, 42_00, 42_00, 35_00)
    assert set(trends.get(empty_one, (0,))) == {0}
