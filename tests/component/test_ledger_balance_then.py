"""A balance at a past instant is exact, however much of it comes from sums, whenever the job ran and whatever was committed late."""

from __future__ import annotations

from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from infra.wiring import Town
from ledger import rules_money
from ledger.audit import audit
from ledger.handlers_sums import sum_accounts, totals_at
from ledger.models import Account, AccountSum
from ledger.posting import post
from services.apis import ledger as api
from services.events import Envelope
from services.events.funding import TopUpSettled
from services.events.ledger import FundCredited
from services.kit.db import Tx
from services.kit.ids import new_id
from tests.builders_ledger import an_auditor, balance, the_owner
from tests.builders_sealing import a_transaction, top_up_within

NOON = datetime(2026, 5, 4, 10, tzinfo=UTC)
HOURS = st.integers(-12, 0)
POST = st.tuples(st.just("post"), st.integers(0, 1), st.integers(1, 900), HOURS, HOURS)
LATE = st.tuples(st.just("late"), st.just(2), st.integers(1, 900), HOURS, HOURS)
ENDS = st.tuples(st.sampled_from(["commit", "fail"]))
SUM = st.just(("sum",))
ACTS = st.sampled_from([POST, POST, LATE, SUM, SUM, ENDS]).flatmap(lambda act: act)
A_POST, A_LATE = ("post", 0, 100, -4, -5), ("late", 2, 50, -6, -7)


def hours(count: int) -> datetime:
    return NOON + timedelta(hours=count)


def money_in(tx: Tx, fund: UUID, cents: int, posted: int, occurred: int) -> None:
    tx.now = hours(posted)
    topup = TopUpSettled(topup_id=new_id(), fund_id=fund, amount_cents=cents, fee_cents=cents // 10, channel="bank")
    heard = Envelope(
        id=new_id(), type="topup.settled.v1", occurred_at=hours(occurred), key="", correlation_id=new_id(), data=topup
    )
    post(tx, rules_money.topup_settled(heard))
    tx.put(FundCredited(fund_id=fund, topup_id=topup.topup_id, amount_cents=cents - cents // 10, free_cents=0))


def run_the_job(town: Town) -> None:
    while True:
        with town.rooms["ledger"].transaction() as tx:
            if not sum_accounts(tx, step=3, most=2):
                return


def play(town: Town, acts: list[Any], funds: list[UUID]) -> None:
    """One transaction at a time may be late: it has drawn its numbers, and commits or fails after others."""
    ledger, late = town.rooms["ledger"], ExitStack()
    for what, *said in acts:
        if what == "sum":
            run_the_job(town)
        elif what in ("commit", "fail"):
            tx, late_now, late = late, late, ExitStack()
            if what == "commit":
                late_now.close()
            else:
                late_now.__exit__(KeyboardInterrupt, KeyboardInterrupt(), None)
        elif what == "post":
            with ledger.transaction() as tx:
                money_in(tx, funds[said[0]], *said[1:])
        else:
            late.close()
            late = ExitStack()
            money_in(late.enter_context(ledger.transaction()), funds[2], *said[1:])
    late.close()


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(acts=st.lists(ACTS, min_size=5, max_size=20))
@example(acts=[A_LATE, A_POST, A_POST, ("sum",)])
@example(acts=[A_LATE, A_POST, A_POST, ("sum",), ("commit",), A_POST, A_POST, ("sum",)])
@example(acts=[A_LATE, A_POST, A_POST, ("sum",), ("fail",), A_POST, A_POST, ("sum",)])
def test_sums_and_plain_additions_agree_at_every_instant(town: Town, acts: list[Any]) -> None:
    funds = [new_id() for _ in range(3)]
    play(town, acts, funds)
    with town.rooms["ledger"].transaction() as tx:
        accounts = tx.session.query(Account).where(Account.fund.in_(funds)).all()
        plain = text(
            "SELECT coalesce(sum(amount_cents) FILTER (WHERE debit_account = :a), 0)::bigint,"
            " coalesce(sum(amount_cents) FILTER (WHERE credit_account = :a), 0)::bigint"
            " FROM transfers WHERE CASE :by WHEN 'posted_at' THEN posted_at ELSE occurred_at END <= :at"
        )
        for account in accounts:
            for by in ("posted_at", "occurred_at"):
                for at in map(hours, range(-13, 2)):
                    expected = tx.session.execute(plain, {"a": account.id, "by": by, "at": at}).one()
                    assert totals_at(tx, account, by, at) == tuple(expected)


def test_the_sums_are_used_and_the_audit_proves_them(town: Town) -> None:
    fund = new_id()
    play(town, [("post", 0, 100 * n, -n, -2 * n) for n in range(1, 30)], [fund])
    run_the_job(town)
    with town.rooms["ledger"].transaction() as tx:
        assert tx.session.query(AccountSum).count() > 20
    assert audit(town.rooms["ledger"].engine)[0].findings == []


@pytest.mark.parametrize(
    "harm",
    [
        "UPDATE account_sums SET debits = debits + 1",
        "UPDATE account_sums SET credits = credits + 1",
        "UPDATE account_sums SET last = last + interval '1 hour'",
        "UPDATE account_sums SET first = first - interval '1 hour'",
        "UPDATE account_sums SET amounts[1] = amounts[1] - 7, debits = debits + 7 WHERE amounts[1] < 0",
        "UPDATE account_sums SET account = account + 1000000 WHERE part = 0",
        "DELETE FROM account_sums WHERE clock = 'occurred_at'",
        "UPDATE summed SET upto = upto - 3",
    ],
)
def test_a_sum_that_was_changed_is_named(town: Town, harm: str) -> None:
    play(town, [("post", 0, 100 * n, -n, -2 * n) for n in range(1, 12)], [new_id()])
    run_the_job(town)
    with the_owner(town, unhindered=True) as conn:
        assert conn.execute(text(harm)).rowcount
    findings = audit(town.rooms["ledger"].engine)[0].findings
    assert {finding.table for finding in findings} == {"account_sums"}


def test_a_number_is_waited_for_while_its_holder_lives_however_young_the_holder_is(town: Town) -> None:
    """The holder's transaction id may lie beyond all that have ended, and so beyond the xmax of the job's snapshot."""
    ctx = town.rooms["ledger"]
    with a_transaction(town) as slow, a_transaction(town) as between, a_transaction(town) as holder:
        late = top_up_within(town, holder)
        top_up_within(town, slow)
        slow.session.commit()
        for ended in (None, between):
            if ended:
                ended.session.commit()
            with ctx.transaction() as tx:
                assert sum_accounts(tx, step=1)
    fund = an_auditor(town).ask("ledger", api.GET_TRANSFER, transfer_id=late).credit
    assert balance(town, fund, at=town.clock.now()) == 5_00
