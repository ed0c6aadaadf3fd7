"""90 days after a month is closed the ledger forgets whose coins were spent in it; no coin is lost by that."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from infra.wiring import Town
from ledger.handlers_period import cut_links
from services.apis import ledger as api
from services.apis import ledger_log
from services.apis.endpoint import Page
from services.apis.errors import Refused
from services.events.reimbursement import PeriodClosed
from services.kit.ids import new_id
from tests.builders import a_volunteer
from tests.builders_ledger import OCTOBER, a_fund, figures, give_coins, lot_code, sell, wallet
from tests.builders_sealing import close, move_to, read, receipt, run, seal


def linked_lots(town: Town, person: UUID) -> int:
    return int(read(town, "SELECT count(*) FROM accounts WHERE person = :person", person=person)[0][0])


def test_ninety_days_after_the_month_is_closed_the_ledger_forgets_who_spent(town: Town) -> None:
    """Who spent all forgets with the ledger: neither a list nor a receipt tells their sale any more. Other months stay."""
    person, fund = new_id(), a_fund(town, 20_00)
    move_to(town, 6, 3)
    close(town)
    move_to(town, 6, 10)
    give_coins(town, person, 5_00, fund)
    (sale,) = sell(town, person, 5_00).transfer_ids
    seal(town)
    move_to(town, 7, 3)
    close(town, PeriodClosed(period="2026-06"))
    owner = a_volunteer(town, person_id=person)

    def mine() -> list[str]:
        return [line.kind for line in owner.ask("ledger", api.GET_MOVEMENTS, query=Page(), person_id=person).movements]

    town.clock.move_to(town.clock.now() + timedelta(days=90, seconds=-1))  # type: ignore[attr-defined]
    town.tick()
    assert (linked_lots(town, person), sorted(mine())) == (1, ["award", "sale"])
    assert owner.ask("ledger", ledger_log.GET_RECEIPT, transfer_id=sale) == receipt(town, sale)
    town.clock.move_to(town.clock.now() + timedelta(seconds=2))  # type: ignore[attr-defined]
    town.tick()
    assert (linked_lots(town, person), mine()) == (0, [])
    with pytest.raises(Refused, match="unknown_transfer"):
        owner.ask("ledger", ledger_log.GET_RECEIPT, transfer_id=sale)
    assert receipt(town, sale).transfer.kind == "sale"
    assert figures(town, fund).spent_cents == 5_00
    assert read(town, "SELECT period FROM links_cut ORDER BY period") == [("2026-05",), ("2026-06",)]
    assert town.check() == []


def fund_of(town: Town, person: UUID) -> UUID:
    """The fund of the person's one lot."""
    return read(town, "SELECT fund FROM accounts WHERE person = :person", person=person)[0][0]


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
    assert linked_lots(town, person) == 1
    town.tick()
    town.tick()
    assert linked_lots(town, person) == 1  # 89 days
    town.clock.move_to(datetime(2027, 1, 2, 10, tzinfo=UTC))  # type: ignore[attr-defined]
    town.tick()
    assert linked_lots(town, person) == 0


def test_a_lot_used_again_after_the_month_keeps_its_owner(town: Town) -> None:
    person = an_emptied_lot(town)
    move_to(town, 6, 3)
    close(town)
    fund = fund_of(town, person)
    give_coins(town, person, 2_00, fund)
    sell(town, person, 2_00)
    move_to(town, 9, 3)
    town.tick()
    assert linked_lots(town, person) == 1


def test_coins_given_after_the_cut_stand_in_a_new_lot(town: Town) -> None:
    person = an_emptied_lot(town)
    fund = fund_of(town, person)
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
    assert [linked_lots(town, person) for person in people] == [0] * 5


def test_no_award_slips_into_a_lot_whose_link_is_being_cut(town: Town) -> None:
    """The cut holds the line: an award that found the lot by its owner has put its coins there, or looks for it afterwards."""
    person = an_emptied_lot(town)
    fund = fund_of(town, person)
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
