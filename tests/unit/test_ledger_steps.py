"""The decision step by step: what one leg, one request leaves for the next, and every field of what is written."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from ledger.domain import decide
from ledger.domain_values import Account, Answer, Because, Book, Decision, Hold, Leg, Plan, Request, Sweep, Transfer
from tests.unit.test_ledger_domain import FUNDS, NOW, WHY, a_move, a_reversal, books, only, run

LOT = (Leg("lot/1", "shop/1"),)


def said(answer: Answer) -> tuple[str, str | None, int, int]:
    """State, code, cents posted, cents that would have worked."""
    outcome = answer.outcome
    return outcome.state, outcome.code, outcome.amount_cents, (outcome.facts or {}).get("available_cents", -1)


def answers(balances: dict[str, int], *requests: Request, **known: Any) -> list[tuple[str, str | None, int, int]]:
    return [said(answer) for answer in run(books(balances), requests, **known).answers]


def sold(cents: int = 100) -> Transfer:
    (transfer,) = run(books({"lot/1": cents}), [a_move(cents, LOT)]).transfers
    return transfer


def test_every_field_of_a_transfer_comes_from_its_request_and_its_accounts() -> None:
    because = Because(UUID(int=55), NOW - timedelta(days=1))
    (made,) = run(books({"lot/2": 10}), [a_move(10, (Leg("lot/2", "shop/2"),), because=because, kind="sale")]).transfers
    fields: dict[str, Any] = {
        "fund_id": FUNDS[1],
        "cause": UUID(int=55),
        "occurred_at": because.occurred_at,
        "posted_at": NOW,
    }
    first = Transfer(UUID(int=7), UUID(int=7), "sale", "lot/2", "shop/2", 10, **fields)
    assert made == first
    (back,) = run(books({"shop/2": 10}), [a_reversal((made, 10))]).transfers
    assert (back.debit, back.credit, back.reversal_of, back.journal) == ("shop/2", "lot/2", UUID(int=7), UUID(int=8))


@pytest.mark.parametrize(
    ("hours", "counts_at"), [(-1, NOW), (0, NOW - timedelta(days=2)), (1, NOW - timedelta(days=2) + timedelta(hours=1))]
)
def test_what_happened_in_a_closed_period_counts_now(hours: int, counts_at: object) -> None:
    sealed = NOW - timedelta(days=2)
    book = Book(accounts=books({"lot/1": 10}), outcomes={}, reversed_cents={}, sealed_until=sealed)
    move = a_move(10, LOT, because=Because(UUID(int=55), sealed + timedelta(hours=hours)))
    (made,) = decide(book, [move], now=NOW).transfers
    assert (made.occurred_at, made.posted_at) == (counts_at, NOW)


def test_the_ids_of_a_requests_transfers_count_up_from_its_own() -> None:
    two: Plan = (Leg("lot/1", "shop/1"), Leg("fund/1", "shop/1"))
    made = run(books({"lot/1": 4, "fund/1": 9}), [a_move(10, two)]).transfers
    assert [(t.transfer_id.int, t.journal.int, t.amount_cents) for t in made] == [(7, 7, 4), (8, 7, 6)]


def test_a_request_takes_a_thousand_transfers_at_most() -> None:
    def in_cents(count: int) -> Plan:
        return tuple(Leg("fund/1", "shop/1", 1) for _ in range(count))

    assert len(run(books({"fund/1": 1001}), [a_move(1000, in_cents(1000))]).transfers) == 1000
    with pytest.raises(ValueError, match="would take 1001 transfers"):
        run(books({"fund/1": 1001}), [a_move(1001, in_cents(1001))])


def test_the_legs_of_one_plan_see_what_those_before_them_gave_and_took() -> None:
    twice: Plan = (Leg("lot/1", "shop/1", 60), Leg("lot/1", "shop/1"))
    assert answers({"lot/1": 100}, a_move(100, twice)) == [("posted", None, 100, -1)]
    assert answers({"lot/1": 100}, a_move(101, twice)) == [("refused", "insufficient", 0, 100)]
    thrice: Plan = (Leg("lot/1", "shop/1", 30), Leg("lot/1", "shop/1", 30), Leg("lot/1", "shop/1"))
    assert answers({"lot/1": 100}, a_move(101, thrice)) == [("refused", "insufficient", 0, 100)]
    through: Plan = (Leg("fund/1", "lot/1", 20), Leg("fund/1", "lot/1", 20), Leg("lot/1", "shop/1"))
    assert answers({"fund/1": 40}, a_move(80, through)) == [("posted", None, 80, -1)]
    assert answers({"fund/1": 40}, a_move(81, through)) == [("refused", "insufficient", 0, 80)]


def test_what_is_not_floored_gives_without_limit() -> None:
    assert answers({}, a_move(500, (Leg("bank/1", "fund/1"),))) == [("posted", None, 500, -1)]


def test_each_request_sees_what_those_before_it_left() -> None:
    moves = [
        a_move(60, LOT),
        a_move(41, LOT, id_=20),
        a_move(40, LOT, id_=21),
        a_move(101, (Leg("shop/1", "bank/1"),), id_=22),
    ]
    assert answers({"lot/1": 100}, *moves, a_move(100, (Leg("shop/1", "lot/1"),), id_=23), a_move(100, LOT, id_=24)) == [
        ("posted", None, 60, -1), ("refused", "insufficient", 0, 40), ("posted", None, 40, -1), ("refused", "insufficient", 0, 100),
        ("posted", None, 100, -1), ("posted", None, 100, -1),
    ]  # fmt: skip


def test_the_facts_of_a_request_are_remembered_with_it() -> None:
    decision = run(books({"lot/1": 9}), [a_move(9, LOT, facts={"reason": "booked twice"})])
    assert [outcome.facts for outcome in decision.outcomes] == [{"reason": "booked twice"}]


def test_holds_add_up() -> None:
    def hold(cents: int, id_: int) -> Hold:
        return Hold(
            request_id=UUID(int=id_), kind="h", payload=b"p", because=WHY, amount_cents=cents, plans=(LOT,), seconds=9
        )

    decision = run(books({"lot/1": 100}), [hold(30, 30), hold(40, 31), hold(31, 32), a_move(30, LOT)])
    assert [said(a)[:3] for a in decision.answers] == [
        ("posted", None, 30), ("posted", None, 40), ("refused", "insufficient", 0), ("posted", None, 30),
    ]  # fmt: skip
    assert decision.changes["shop/1"].credits_held == 70


def test_of_several_reasons_the_one_that_money_would_mend_is_told_and_the_last_of_those() -> None:
    closed, short, shorter = (Leg("fund/1", "shop/1"),), LOT, (Leg("shop/1", "bank/1"),)
    accounts = books({"lot/1": 30, "shop/1": 20, "fund/1": 9}, frozenset({"fund/1"}))
    for plans, available in (
        ((closed, short), 30),
        ((short, closed), 30),
        ((short, shorter), 20),
        ((shorter, short), 30),
    ):
        assert said(only(run(accounts, [a_move(100, *plans)]))) == ("refused", "insufficient", 0, available)


def test_a_plan_across_funds_is_a_fault_even_where_the_next_would_do() -> None:
    across = (Leg("lot/1", "shop/2"),)
    assert answers({"lot/1": 100}, a_move(10, across, LOT, or_wait=True)) == [("refused", "fund_mismatch", 0, 0)]


def test_a_conflict_is_worth_nothing() -> None:
    assert answers({"lot/1": 100}, a_move(10, LOT), a_move(20, LOT, payload=b"q"))[1] == ("refused", "conflict", 0, -1)


def test_reversals_of_one_transfer_add_up_in_one_request_and_over_several() -> None:
    one = sold()
    several = [a_reversal((one, 30), (one, 30), id_=n) for n in (30, 31)]
    assert answers({"shop/1": 500}, *several, a_reversal((one, 40), id_=32), a_reversal((one, 1), id_=33)) == [
        ("posted", None, 60, -1), ("refused", "over_original", 0, 10), ("posted", None, 40, -1), ("refused", "over_original", 0, 0),
    ]  # fmt: skip
    thrice = a_reversal((one, 40), (one, 40), (one, 40))
    assert answers({"shop/1": 500}, thrice) == [("refused", "over_original", 0, 20)]
    known = {one.transfer_id: 70}
    assert answers({"shop/1": 500}, a_reversal((one, 20)), a_reversal((one, 11), id_=31), reversed_cents=known) == [
        ("posted", None, 20, -1), ("refused", "over_original", 0, 10),
    ]  # fmt: skip


def test_a_reversal_takes_what_is_asked_and_no_more_than_there_is() -> None:
    one = sold()
    assert answers({"shop/1": 500}, a_reversal((one, 30))) == [("posted", None, 30, -1)]
    assert answers({}, a_reversal((one, 30), at_most=True)) == [("posted", None, 0, -1)]
    assert answers({"shop/1": 12}, a_reversal((one, 30))) == [("refused", "insufficient", 0, 12)]


def test_a_sweep_to_zero_leaves_what_is_not_below_zero_alone() -> None:
    lift = Sweep(
        request_id=UUID(int=4), kind="s", payload=b"", because=WHY, debit="lot/1", credit="bank/1", to_zero=True
    )
    for bank in (0, 5):
        accounts = {**books({"lot/1": 50}), "bank/1": Account(9, "bank/1", FUNDS[0], False, credits_posted=bank)}
        decision: Decision = run(accounts, [lift])
        assert (decision.transfers, decision.outcomes) == ((), ())
