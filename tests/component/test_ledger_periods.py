"""Closed months: what comes late counts in the open one, their balances are sealed, and in time the ledger forgets who spent."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from infra.wiring import Town
from ledger import merkle, sealing
from ledger.models import ClosedPeriod
from services.events import encode
from services.kit.bus import Message
from services.kit.ids import new_id
from tests.builders_ledger import (
    a_fund,
    an_award,
    balance,
    envelope_of,
    give_coins,
    in_order,
    sell,
    top_up,
)
from tests.builders_sealing import a_transaction, close, harm, move_to, posted, read, run, seal, top_up_within

JUNE_BEGINS = datetime(2026, 5, 31, 22, tzinfo=UTC)  # midnight in Valdarco


def parked(town: Town) -> list[str]:
    return [reason for (reason,) in read(town, "SELECT reason FROM parked WHERE ended_at IS NULL")]


def test_a_month_ends_at_midnight_in_the_city_and_is_closed_once(town: Town) -> None:
    move_to(town, 6, 3)
    close(town)
    move_to(town, 6, 4)
    close(town)
    ((period, ends_at, closed_at),) = read(town, "SELECT period, ends_at, closed_at FROM closed_periods")
    assert (period, ends_at, closed_at) == ("2026-05", JUNE_BEGINS, datetime(2026, 6, 3, 10, tzinfo=UTC))
    assert parked(town) == []


def test_a_month_that_is_not_over_is_not_closed(town: Town) -> None:
    close(town)
    assert read(town, "SELECT * FROM closed_periods") == []
    assert [reason for reason in parked(town) if "not over yet" in reason]


def test_what_is_heard_late_counts_in_the_open_month(town: Town) -> None:
    fund = a_fund(town, 10_00)
    late = envelope_of(town, an_award(4_00, in_order(fund)))
    move_to(town, 6, 3)
    close(town)
    town.bus.publish([Message(topic="awards", key=late.key, value=encode(late))])
    town.settle()
    code = f"fund/{fund}"
    assert balance(town, code, at=JUNE_BEGINS, by="occurred_at") == 10_00
    assert balance(town, code, at=town.clock.now(), by="occurred_at") == 6_00
    assert town.check() == []


def test_closing_waits_for_who_is_posting_and_whoever_comes_after_sees_it(town: Town) -> None:
    """A posting that began before the close, and is written in the closed month, is part of it."""
    move_to(town, 6, 3)
    closing = threading.Thread(target=close, args=(town,))
    with a_transaction(town) as slow:
        early = top_up_within(town, slow)
        closing.start()
        while not read(
            town, "SELECT FROM pg_locks WHERE locktype = 'advisory' AND mode = 'ExclusiveLock' AND NOT granted"
        ):
            assert closing.is_alive()
    closing.join()
    ((last_seq,),) = read(town, "SELECT last_seq FROM closed_periods")
    assert [(last_seq,)] == read(town, "SELECT seq FROM transfers WHERE id = :id", id=early)


def root_of_may(town: Town) -> bytes:
    with town.rooms["ledger"].transaction() as tx:
        return sealing.balances_root(tx, tx.session.get_one(ClosedPeriod, "2026-05").ends_at)


def seals(town: Town) -> list[tuple[str, int, bytes, bytes]]:
    return [
        tuple(row) for row in read(town, "SELECT period, size, root, balances_root FROM period_seals ORDER BY period")
    ]


@pytest.fixture
def closed_may(town: Town) -> Town:
    """May with money, coins, a sale and a fee; closed in June."""
    fund, person = a_fund(town, 20_00), new_id()
    give_coins(town, person, 5_00, fund)
    sell(town, person, 2_00)
    top_up(town, fund, 10_00, fee_cents=30, channel="stripe")
    move_to(town, 6, 3)
    close(town)
    return town


def test_a_closed_month_is_sealed_once_the_log_holds_all_of_it(closed_may: Town) -> None:
    town = closed_may
    assert run(town, sealing.seal_periods) == 0
    seal(town)
    assert run(town, sealing.seal_periods) == 1
    assert run(town, sealing.seal_periods) == 0
    ((period, size, root, balances),) = seals(town)
    ((newest_size, newest_root),) = read(town, "SELECT size, root FROM checkpoints ORDER BY size DESC LIMIT 1")
    assert (period, size, root) == ("2026-05", newest_size, newest_root)
    lines = read(
        town,
        "SELECT code, credits_posted - debits_posted FROM accounts WHERE credits_posted <> debits_posted ORDER BY code",
    )
    assert balances == merkle.root([f"{code} {cents}".encode() for code, cents in lines])


def test_a_month_is_not_sealed_before_a_transfer_of_it_that_was_late_is(town: Town) -> None:
    with a_transaction(town) as slow:
        top_up_within(town, slow)
        posted(town)
        seal(town)
    move_to(town, 6, 3)
    close(town)
    assert run(town, sealing.seal_periods) == 0
    seal(town)
    assert run(town, sealing.seal_periods) == 1


def test_the_seal_of_a_month_is_signed(closed_may: Town) -> None:
    closed_may.tick()
    ((size, root, balances, signature),) = read(
        closed_may, "SELECT size, root, balances_root, signature FROM period_seals"
    )
    ctx = closed_may.rooms["ledger"]
    signer = sealing.Signer(ctx.extras["seal_key"], ctx.city)
    body = sealing.verify.period_body(
        signer.origin, "2026-05", sealing.verify.Checkpoint(size, bytes(root)), bytes(balances)
    )
    assert signer.sign(body) == bytes(signature)  # Ed25519 is deterministic
    assert not body.startswith(f"{signer.origin}\n")


def test_what_is_posted_later_does_not_change_it(closed_may: Town) -> None:
    closed_may.tick()
    ((_, _, _, sealed),) = seals(closed_may)
    give_coins(closed_may, new_id(), 3_00)
    late = envelope_of(closed_may, an_award(1_00, in_order(a_fund(closed_may, 5_00))))
    closed_may.bus.publish([Message(topic="awards", key=late.key, value=encode(late))])
    closed_may.settle()
    closed_may.tick()
    assert root_of_may(closed_may) == sealed
    assert len(seals(closed_may)) == 1
    assert closed_may.check() == []


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE transfers SET amount_cents = amount_cents + 1 WHERE id = :id",
        "DELETE FROM transfers WHERE id = :id",
        "UPDATE transfers SET occurred_at = occurred_at + interval '2 months' WHERE id = :id",
        "UPDATE transfers SET debit_account = credit_account, credit_account = debit_account WHERE id = :id",
        "UPDATE transfers SET credit_account = (SELECT max(id) FROM accounts WHERE id NOT IN (debit_account, credit_account))"
        " WHERE id = :id",
    ],
)
def test_changing_any_one_transfer_of_the_month_changes_it(closed_may: Town, change: str) -> None:
    town = closed_may
    town.tick()
    ((_, _, _, sealed),) = seals(town)
    for (transfer_id,) in read(town, "SELECT id FROM transfers"):
        with town.rooms["ledger"].transaction() as tx:
            tx.session.execute(text("SET LOCAL ROLE NONE; SET LOCAL session_replication_role = replica"))
            tx.session.execute(text(change), {"id": transfer_id})
            assert sealing.balances_root(tx, JUNE_BEGINS) != sealed
            tx.session.rollback()
    assert root_of_may(town) == sealed


def test_an_invariant_names_what_was_booked_in_a_closed_month(closed_may: Town) -> None:
    posted(closed_may)
    assert closed_may.check() == []
    harm(
        closed_may,
        "UPDATE transfers SET occurred_at = :may WHERE seq = (SELECT max(seq) FROM transfers)",
        may=JUNE_BEGINS - timedelta(1),
    )
    assert any("closed by then" in wrong for wrong in closed_may.check())
