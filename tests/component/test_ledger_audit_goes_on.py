"""An audit goes on from where the last one stopped, misses nothing that was committed late, and trusts no state that was changed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from psycopg.errors import ReadOnlySqlTransaction
from sqlalchemy import text

from infra.wiring import Town
from ledger import rules_money
from ledger.audit import Report, audit
from ledger.audit.source import snapshot
from ledger.audit.state import State, StateUnusable, read_state, write_state
from ledger.posting import post
from services.events.funding import TopUpSettled
from services.events.ledger import FundCredited
from services.kit.ids import new_id
from tests.builders_ledger import a_fund, envelope_of, give_coins, sell, the_owner, top_up
from tests.builders_sealing import a_transaction, top_up_within
from tests.ledger_scene import a_year_of_everything


def of(town: Town, state: State | None = None) -> tuple[Report, State]:
    return audit(town.rooms["ledger"].engine, state)


def test_the_next_audit_reads_only_what_is_new_and_comes_to_the_same_balances(town: Town) -> None:
    a_year_of_everything(town)
    first, state = of(town)
    person = new_id()
    give_coins(town, person, 5_00)
    sell(town, person, 1_00)
    second, state = of(town, state)
    whole, fresh = of(town)
    assert (first.findings, second.findings, whole.findings) == ([], [], [])
    assert (second.transfers, second.since_seq) == (3, first.upto_seq)
    assert first.transfers + second.transfers == whole.transfers
    assert (state.counters, state.transfers, state.cents, state.upto_seq) == (
        fresh.counters, fresh.transfers, fresh.cents, fresh.upto_seq,
    )  # fmt: skip


def test_a_transfer_that_commits_late_is_added_by_the_next_audit(town: Town) -> None:
    """Its number was drawn before, so a high-water mark would never see it."""
    fund, late = a_fund(town, 10_00), a_fund(town, 10_00)
    _, state = of(town)
    told = TopUpSettled(topup_id=new_id(), fund_id=late, amount_cents=7_00, fee_cents=0, channel="bank")
    with town.rooms["ledger"].transaction() as tx:
        post(tx, rules_money.topup_settled(envelope_of(town, told)))
        tx.put(FundCredited(fund_id=late, topup_id=told.topup_id, amount_cents=7_00, free_cents=17_00))
        top_up(town, fund, 1_00)
        first, state = of(town, state)
        assert (first.findings, first.transfers, first.missing_seqs) == ([], 1, 1)
        again, state = of(town, state)
        assert (again.findings, again.transfers, again.missing_seqs) == ([], 0, 1)
    second, state = of(town, state)
    assert (second.findings, second.transfers, second.missing_seqs) == ([], 1, 0)
    assert state.counters == of(town)[1].counters


def test_a_number_that_will_never_come_is_waited_for_only_while_it_might(town: Town) -> None:
    a_fund(town, 1_00)
    _, state = of(town)
    with the_owner(town) as conn:
        conn.execute(text("SELECT nextval(pg_get_serial_sequence('transfers', 'seq')) FROM generate_series(1, 50)"))
        conn.execute(text("SELECT pg_current_xact_id()"))  # somebody is at work, and might have drawn them
        a_fund(town, 1_00)
        first, state = of(town, state)
        assert (first.findings, first.missing_seqs) == ([], 50)
    second, state = of(town, state)
    assert (second.findings, second.missing_seqs) == ([], 0)


@pytest.mark.parametrize(
    ("harm", "table"),
    [
        ("DELETE FROM transfers WHERE kind = 'fee'", "transfers"),
        ("UPDATE transfers SET amount_cents = amount_cents + 1 WHERE kind = 'fee'", "transfers"),
        ("DELETE FROM outcomes WHERE state = 'refused'", "outcomes"),
        ("UPDATE accounts SET credits_posted = credits_posted + 1 WHERE code LIKE 'bank/%'", "accounts"),
        ("DELETE FROM accounts WHERE code LIKE 'bank/%'", "accounts"),
    ],
)
def test_what_was_seen_must_still_be_there(town: Town, harm: str, table: str) -> None:
    a_year_of_everything(town)
    town.clock.move_to(town.clock.now().replace(hour=23))  # type: ignore[attr-defined]
    a_fund(town, 1_00)
    _, state = of(town)
    with the_owner(town, unhindered=True) as conn:
        assert conn.execute(text(harm)).rowcount
    assert table in {finding.table for finding in of(town, state)[0].findings}


def test_a_state_comes_back_as_it_was_written_and_a_changed_one_is_refused(town: Town, tmp_path: Path) -> None:
    a_fund(town, 10_00)
    path = tmp_path / "audit.json"
    _, state = of(town)
    write_state(path, state)
    assert read_state(path) == state
    said: dict[str, Any] = json.loads(path.read_text())
    said["state"]["counters"] = {account: [d + 100, c + 100] for account, (d, c) in said["state"]["counters"].items()}
    path.write_text(json.dumps(said))
    with pytest.raises(StateUnusable, match="hash is not right"):
        read_state(path)
    path.write_text("{")
    with pytest.raises(StateUnusable, match="Say --full"):
        read_state(path)


def test_the_audit_cannot_write(town: Town) -> None:
    with snapshot(town.rooms["ledger"].engine) as books, pytest.raises(ReadOnlySqlTransaction):
        books.one("INSERT INTO inbox VALUES (gen_random_uuid(), now()) RETURNING 1")


def test_a_number_is_waited_for_while_its_holder_lives_however_young_the_holder_is(town: Town) -> None:
    """The holder's transaction id may lie beyond all that have ended, and so beyond the xmax of the audit's snapshot."""
    a_fund(town, 1_00)
    _, state = of(town)
    with a_transaction(town) as slow, a_transaction(town) as between, a_transaction(town) as holder:
        top_up_within(town, holder)
        top_up_within(town, slow)
        slow.session.commit()
        first, state = of(town, state)
        assert first.missing_seqs == 1
        between.session.commit()
        second, state = of(town, state)
        assert second.missing_seqs == 1
    third, state = of(town, state)
    assert (third.transfers, third.missing_seqs) == (1, 0)
