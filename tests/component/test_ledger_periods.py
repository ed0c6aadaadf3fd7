"""Closed months: what comes late counts in the open one, their balances are sealed, and in time the ledger forgets who spent."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import text

from infra.wiring import Town
from ledger import merkle, sealing
from ledger.handlers_period import cut_links
from ledger.models import ClosedPeriod
from services.apis import ledger as api
from services.apis.endpoint import Page
from services.apis.errors import Refused
from services.events import encode
from services.events.reimbursement import PeriodClosed
from services.kit.bus import Message
from services.kit.ids import new_id
from tests.builders import a_volunteer, tell
from tests.builders_ledger import (
    OCTOBER,
    a_fund,
    an_award,
    balance,
    envelope_of,
    figures,
    give_coins,
    in_order,
    lot_code,
    sell,
    top_up,
    wallet,
)
from tests.builders_sealing import a_transaction, harm, posted, read, receipt, run, seal, top_up_within

MAY, JUNE = PeriodClosed(period="2026-05"), PeriodClosed(period="2026-06")
JUNE_BEGINS = datetime(2026, 5, 31, 22, tzinfo=UTC)  # midnight in Valdarco


def move_to(town: Town, month: int, day: int) -> None:
    town.clock.move_to(datetime(2026, month, day, 10, tzinfo=UTC))  # type: ignore[attr-defined]


def close(town: Town, period: PeriodClosed = MAY) -> None:
    tell(town, period)
    town.settle()


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
    """May with money, coins, a sale and an expiry; closed in June."""
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
    body = sealing.period_body(signer.origin, "2026-05", sealing.verify.Checkpoint(size, bytes(root)), bytes(balances))
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
            tx.session.execute(text("SET LOCAL session_replication_role = replica"))
            tx.session.execute(text(change), {"id": transfer_id})
            assert sealing.balances_root(tx, JUNE_BEGINS) != sealed
            tx.session.rollback()
    assert root_of_may(town) == sealed


def links(town: Town, person: UUID) -> int:
    return int(read(town, "SELECT count(*) FROM accounts WHERE person = :person", person=person)[0][0])


def test_ninety_days_after_the_month_is_closed_the_ledger_forgets_who_spent(closed_may: Town) -> None:
    """Who spent all forgets with the ledger: neither a list nor a receipt tells their sale any more. Other months stay."""
    town, person, fund = closed_may, new_id(), a_fund(closed_may, 20_00)
    move_to(town, 6, 10)
    give_coins(town, person, 5_00, fund)
    (sale,) = sell(town, person, 5_00).transfer_ids
    seal(town)
    move_to(town, 7, 3)
    close(town, JUNE)
    owner = a_volunteer(town, person_id=person)

    def mine() -> list[str]:
        return [line.kind for line in owner.ask("ledger", api.GET_MOVEMENTS, query=Page(), person_id=person).movements]

    town.clock.move_to(town.clock.now() + timedelta(days=90, seconds=-1))  # type: ignore[attr-defined]
    town.tick()
    assert (links(town, person), sorted(mine())) == (1, ["award", "sale"])
    assert owner.ask("ledger", api.GET_RECEIPT, transfer_id=sale) == receipt(town, sale)
    town.clock.move_to(town.clock.now() + timedelta(seconds=2))  # type: ignore[attr-defined]
    town.tick()
    assert (links(town, person), mine()) == (0, [])
    with pytest.raises(Refused, match="unknown_transfer"):
        owner.ask("ledger", api.GET_RECEIPT, transfer_id=sale)
    assert receipt(town, sale).transfer.kind == "sale"
    assert figures(town, fund).spent_cents == 5_00
    assert read(town, "SELECT period FROM links_cut ORDER BY period") == [("2026-05",), ("2026-06",)]
    assert town.check() == []


def an_emptied_lot(town: Town, *, spent_cents: int = 5_00) -> UUID:
    """Somebody who was given 5.00 in May and spent so much; answers the person."""
    person = new_id()
    give_coins(town, person, 5_00, a_fund(town, 10_00))
    if spent_cents:
        sell(town, person, spent_cents)
    return person


def test_a_lot_with_coins_keeps_its_owner_until_a_later_month_s_turn(town: Town) -> None:
    person = an_emptied_lot(town, spent_cents=4_00)
    move_to(town, 6, 3)
    close(town)
    move_to(town, 9, 3)
    assert run(town, cut_links) == 1  # the month is done: nothing to cut
    sell(town, person, 1_00)
    move_to(town, 10, 3)
    close(town, PeriodClosed(period="2026-09"))
    move_to(town, 12, 31)
    assert links(town, person) == 1
    town.tick()
    town.tick()
    assert links(town, person) == 1  # 89 days
    town.clock.move_to(datetime(2027, 1, 2, 10, tzinfo=UTC))  # type: ignore[attr-defined]
    town.tick()
    assert links(town, person) == 0


def test_a_lot_used_again_after_the_month_keeps_its_owner(town: Town) -> None:
    person = an_emptied_lot(town)
    move_to(town, 6, 3)
    close(town)
    fund = read(town, "SELECT fund FROM accounts WHERE person = :person", person=person)[0][0]
    give_coins(town, person, 2_00, fund)
    sell(town, person, 2_00)
    move_to(town, 9, 3)
    town.tick()
    assert links(town, person) == 1


def test_coins_given_after_the_cut_stand_in_a_new_lot(town: Town) -> None:
    person = an_emptied_lot(town)
    fund = read(town, "SELECT fund FROM accounts WHERE person = :person", person=person)[0][0]
    before = lot_code(town, person, fund)
    move_to(town, 6, 3)
    close(town)
    move_to(town, 9, 3)
    town.tick()
    give_coins(town, person, 2_00, fund, expires_on=OCTOBER)
    assert lot_code(town, person, fund) != before
    assert wallet(town, person).balance_cents == 2_00
    assert town.check() == []


def test_many_links_are_cut_a_part_at_a_time(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    people = [an_emptied_lot(town) for _ in range(5)]
    monkeypatch.setattr("ledger.handlers_period.MOST_CUT", 2)
    move_to(town, 6, 3)
    close(town)
    move_to(town, 9, 3)
    assert [run(town, cut_links) for _ in range(4)] == [2, 2, 1, 0]
    assert [links(town, person) for person in people] == [0] * 5


def test_no_award_slips_into_a_lot_whose_link_is_being_cut(town: Town) -> None:
    """The cut holds the line: an award that found the lot by its owner has put its coins there, or looks for it afterwards."""
    person = an_emptied_lot(town)
    fund = read(town, "SELECT fund FROM accounts WHERE person = :person", person=person)[0][0]
    move_to(town, 6, 3)
    close(town)
    move_to(town, 9, 3)
    giving = threading.Thread(target=give_coins, args=(town, person, 2_00, fund))
    with town.rooms["ledger"].transaction() as tx:
        assert cut_links(tx) == 1
        giving.start()
        while not read(town, "SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"):
            assert giving.is_alive()
    giving.join()
    assert wallet(town, person).balance_cents == 2_00
    assert town.check() == []


def test_after_the_cut_only_the_events_of_awards_name_the_person(town: Town) -> None:
    """Every column of every table is looked through. What the events still tell is said in decision 0007."""
    person = an_emptied_lot(town)
    move_to(town, 6, 3)
    close(town)
    move_to(town, 9, 3)
    town.tick()
    tables = [name for (name,) in read(town, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'")]
    naming = {
        name
        for name in tables
        for (row,) in read(town, f"SELECT CAST(t AS text) FROM {name} t")
        if str(person) in row or str(person).encode().hex() in row
    }
    assert naming == {"outbox"}
    kinds = read(
        town, "SELECT DISTINCT type FROM outbox WHERE position(CAST(:p AS bytea) IN value) > 0", p=str(person).encode()
    )
    assert kinds == [("coins.issued.v1",)]


def test_an_invariant_names_what_was_booked_in_a_closed_month(closed_may: Town) -> None:
    posted(closed_may)
    assert closed_may.check() == []
    harm(
        closed_may,
        "UPDATE transfers SET occurred_at = :may WHERE seq = (SELECT max(seq) FROM transfers)",
        may=JUNE_BEGINS - timedelta(1),
    )
    assert any("closed by then" in wrong for wrong in closed_may.check())
