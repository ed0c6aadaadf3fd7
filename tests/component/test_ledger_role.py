"""The role the ledger runs as: it can post, and can do nothing else to the books – whatever statement reaches its connection."""

from __future__ import annotations

import psycopg.errors
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError

from infra.embedded import drop_databases, ensure_databases
from infra.wiring import Town, folder_of
from services.apis import ledger as api
from services.apis.errors import Refused
from services.kit.db import engine_for
from services.kit.ids import new_id
from services.kit.migrate import migrate
from services.kit.roles import service_role
from tests.builders import tell
from tests.builders_ledger import (
    a_fund,
    an_award,
    give_coins,
    in_order,
    released,
    returned,
    sell,
    settled,
    the_owner,
    top_up,
    void,
)

APPEND_ONLY = (
    "transfers", "outcomes", "holds", "hold_ends", "closed_periods", "withdrawn_awards", "inbox", "account_sums",
)  # fmt: skip


@pytest.fixture
def busy_books(town: Town) -> Town:
    person = new_id()
    give_coins(town, person, 5_00)
    sell(town, person, 2_00)
    return town


def refused(town: Town, statement: str) -> type[BaseException]:
    """As what the database refuses a statement of the ledger's own engine."""
    with town.rooms["ledger"].engine.begin() as conn, pytest.raises(DBAPIError) as refusal:
        conn.execute(text(statement))
    return type(refusal.value.orig)


def column_of(town: Town, table: str) -> str:
    return list(town.rooms["ledger"].room.metadata.tables[table].columns)[1].name


def test_every_session_of_the_ledger_acts_as_the_role_of_its_database(town: Town) -> None:
    with town.rooms["ledger"].engine.connect() as conn:
        row = conn.execute(
            text(
                "SELECT current_database(), current_user, rolsuper, rolcanlogin FROM pg_roles WHERE rolname = current_user"
            )
        ).one()
    assert tuple(row) == ("ledger", "ledger_service", False, False)


@pytest.mark.parametrize("table", APPEND_ONLY)
@pytest.mark.parametrize(
    "statement", ["UPDATE {table} SET {column} = {column}", "DELETE FROM {table}", "TRUNCATE {table}"]
)
def test_the_role_may_not_change_or_remove_a_row_of_the_books(busy_books: Town, table: str, statement: str) -> None:
    said = statement.format(table=table, column=column_of(busy_books, table))
    assert refused(busy_books, said) is psycopg.errors.InsufficientPrivilege


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE transfers DISABLE TRIGGER append_only",
        "ALTER TABLE transfers DROP CONSTRAINT ck_transfers_amount",
        "DROP TABLE outcomes",
        "DROP TRIGGER append_only ON transfers",
        "CREATE TABLE mine (id int)",
        "CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
        "SET session_replication_role = replica",
        "ALTER ROLE ledger_service SUPERUSER",
        "UPDATE accounts SET floored = false",
        "UPDATE accounts SET code = 'fund/x'",
        "UPDATE accounts SET fund = gen_random_uuid()",
        "DELETE FROM accounts",
        "DELETE FROM outbox",
        "UPDATE outbox SET value = ''",
        "UPDATE alembic_version SET version_num = '0001'",
    ],
)
def test_the_role_may_not_undo_what_protects_the_books(busy_books: Town, statement: str) -> None:
    assert refused(busy_books, statement) is psycopg.errors.InsufficientPrivilege


_COLUMNS = "debit_account, credit_account, amount_cents, occurred_at, posted_at, id, journal, cause, fund, kind, leaf"
_SAME = "occurred_at, posted_at, gen_random_uuid(), journal, cause, fund, kind, leaf FROM transfers"


@pytest.mark.parametrize(
    "statement",
    [
        f"INSERT INTO transfers ({_COLUMNS}) SELECT debit_account, credit_account, 0, {_SAME}",
        f"INSERT INTO transfers ({_COLUMNS}) SELECT debit_account, credit_account, -5, {_SAME}",
        f"INSERT INTO transfers ({_COLUMNS}) SELECT debit_account, debit_account, 1, {_SAME}",
        f"INSERT INTO transfers ({_COLUMNS}) SELECT debit_account, NULL, 1, {_SAME}",
        f"INSERT INTO transfers ({_COLUMNS}) SELECT {_COLUMNS} FROM transfers",
        "UPDATE accounts SET debits_posted = credits_posted + 1 WHERE floored",
        "UPDATE accounts SET debits_held = credits_posted + 1 WHERE floored",
        "UPDATE accounts SET credits_posted = -1",
        "INSERT INTO outcomes SELECT * FROM outcomes",
        "INSERT INTO hold_ends (hold_id, how, request_id, ended_at) VALUES (gen_random_uuid(), 'maybe', gen_random_uuid(), now())",
    ],
)
def test_a_one_sided_or_invalid_row_is_refused(busy_books: Town, statement: str) -> None:
    with busy_books.rooms["ledger"].engine.begin() as conn, pytest.raises(IntegrityError):
        conn.execute(text(statement))


def test_the_role_posts_all_there_is_to_post(town: Town) -> None:
    person, shop, fund = new_id(), new_id(), a_fund(town)
    tell(town, an_award(5_00, in_order(fund), person_id=person))
    top_up(town, fund, 10_00, fee_cents=10)
    sale = sell(town, person, 3_00, shop_id=shop)
    void(town, sell(town, person, 1_00, shop_id=shop).sale_id)
    payment = released(shop, *sale.parts)
    tell(town, payment, settled(payment), returned(payment, was_settled=True))
    client = town.client("ledger", speaking_as="redemption")
    hold = api.PostHold(hold_id=new_id(), person_id=person, shop_id=shop, amount_cents=1_00, seconds=60)
    client.call(api.POST_HOLD, hold, key=new_id())
    client.call(api.POST_HOLD_END, api.PostHoldEnd(hold_id=hold.hold_id), key=new_id())
    assert town.check() == []


def test_a_table_made_later_is_open_to_the_role_until_a_line_shuts_it(town: Town) -> None:
    with the_owner(town) as conn:
        conn.exec_driver_sql("CREATE TABLE later (id int)")
        conn.exec_driver_sql("SET LOCAL ROLE ledger_service")
        conn.exec_driver_sql("INSERT INTO later VALUES (1)")
        conn.exec_driver_sql("DELETE FROM later")
        conn.rollback()


def test_a_user_who_may_not_create_roles_is_told_what_to_have_run(postgres_url: str) -> None:
    """And what is told is enough."""
    ensure_databases(postgres_url, ["humble"])
    admin = engine_for(postgres_url.replace("{service}", "humble"))
    with admin.begin() as conn:
        conn.exec_driver_sql("DROP ROLE IF EXISTS humble_service")
        conn.exec_driver_sql("CREATE ROLE humble LOGIN")
        conn.exec_driver_sql("GRANT ALL ON SCHEMA public TO humble")
    engine = engine_for(postgres_url.replace("{service}", "humble"), role="humble")
    try:
        with pytest.raises(Refused) as told:
            migrate(engine, folder_of("ledger"))
        asked = told.value.message.partition("run: ")[2]
        assert asked == 'CREATE ROLE "humble_service" NOLOGIN; GRANT "humble_service" TO "humble";'
        with admin.begin() as conn:
            conn.exec_driver_sql(asked)
        assert migrate(engine, folder_of("ledger"))
    finally:
        engine.dispose()
        admin.dispose()
        drop_databases(postgres_url, "humble")


def test_a_name_too_long_for_a_role_is_refused_in_a_sentence() -> None:
    assert service_role("x" * 55) == "x" * 55 + "_service"
    with pytest.raises(Refused, match="at most 55 bytes"):
        service_role("x" * 56)
