"""Holds in the decision: set aside, then paid wholly or partly, let go, or over – once, whatever is asked."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from msgspec import structs

from ledger.domain import decide
from ledger.domain_values import Account, Book, Decision, EndHold, Held, Hold, HoldState, Leg, Request
from tests.unit.test_ledger_domain import FUNDS, NOW, WHY, a_move, books, only

H = UUID(int=60)
LEGS = (Held(H, 0, "lot/1", "shop/1", 30, 0), Held(H, 1, "fund/1", "shop/1", 20, 0))


def holding(**state: Any) -> Book:
    """30 of the lot and 20 of the fund are held; both have 100."""
    accounts = {
        **books({}),
        "lot/1": Account(id=1, code="lot/1", fund_id=FUNDS[0], floored=True, credits_posted=100, debits_held=30),
        "fund/1": Account(id=0, code="fund/1", fund_id=FUNDS[0], floored=True, credits_posted=100, debits_held=20),
    }
    held = HoldState(LEGS, ended=None, over=False)
    return Book(accounts=accounts, outcomes={}, reversed_cents={}, holds={H: structs.replace(held, **state)})


def decided(book: Book, *requests: Request) -> Decision:
    return decide(book, requests, now=NOW)


def an_end(how: Any = "post", cents: int | None = None, *, id_: int = 9, hold_id: UUID = H) -> EndHold:
    return EndHold(
        request_id=UUID(int=id_), kind="end", payload=b"p", because=WHY, hold_id=hold_id, how=how, amount_cents=cents
    )


def counters(decision: Decision) -> dict[str, tuple[int, int, int, int]]:
    return {code: (c.debits, c.credits, c.debits_held, c.credits_held) for code, c in decision.changes.items()}


def test_a_hold_sets_aside_from_each_leg_and_moves_nothing() -> None:
    legs = (Leg("lot/1", "shop/1"), Leg("fund/1", "shop/1"))
    hold = Hold(request_id=H, kind="hold", payload=b"p", because=WHY, amount_cents=70, plans=(legs,), seconds=60)
    decision = decided(Book(accounts=books({"lot/1": 40, "fund/1": 100}), outcomes={}, reversed_cents={}), hold)
    assert decision.held == (Held(H, 0, "lot/1", "shop/1", 40, 60), Held(H, 1, "fund/1", "shop/1", 30, 60))
    assert counters(decision) == {"lot/1": (0, 0, 40, 0), "fund/1": (0, 0, 30, 0), "shop/1": (0, 0, 0, 70)}
    assert (decision.transfers, only(decision).outcome.state, only(decision).outcome.amount_cents) == ((), "posted", 70)


@pytest.mark.parametrize(
    ("how", "cents", "moved"),
    [
        ("post", None, [30, 20]),
        ("post", 50, [30, 20]),
        ("post", 35, [30, 5]),
        ("post", 30, [30]),
        ("post", 0, []),
        ("void", 0, []),
    ],
)
def test_what_is_paid_of_a_hold_comes_from_its_legs_in_order_and_all_of_it_is_let_go(
    how: str, cents: int, moved: list[int]
) -> None:
    decision = decided(holding(), an_end(how, cents))
    assert [(t.debit, t.credit, t.amount_cents) for t in decision.transfers] == [
        (leg.debit, leg.credit, amount) for leg, amount in zip(LEGS, moved, strict=False)
    ]
    held = {code: counters(decision)[code][2:] for code in ("lot/1", "fund/1", "shop/1")}
    assert held == {"lot/1": (-30, 0), "fund/1": (-20, 0), "shop/1": (0, -50)}
    assert sum(c.debits for c in decision.changes.values()) == sum(moved)
    assert (decision.ended, only(decision).outcome.amount_cents) == ({H: an_end(how, cents)}, sum(moved))


@pytest.mark.parametrize(
    ("state", "end", "code", "available"),
    [
        ({}, an_end(hold_id=UUID(int=61)), "unknown_hold", 0),
        ({"ended": "post"}, an_end(), "hold_ended", 0),
        ({"over": True}, an_end(), "hold_over", 0),
        ({"over": True}, an_end("void", 0), "hold_over", 0),
        ({}, an_end("expire"), "hold_not_over", 0),
        ({}, an_end("post", 51), "over_hold", 50),
    ],
)
def test_an_end_that_cannot_be_says_why_and_lets_nothing_go(
    state: dict[str, Any], end: EndHold, code: str, available: int
) -> None:
    decision = decided(holding(**state), end)
    assert (only(decision).outcome.state, only(decision).outcome.code) == ("refused", code)
    assert only(decision).outcome.facts == {"available_cents": available}
    assert (decision.transfers, dict(decision.changes), decision.ended) == ((), {}, {})


def test_when_its_time_is_up_a_hold_is_let_go_whole() -> None:
    decision = decided(holding(over=True), an_end("expire"))
    assert (decision.transfers, only(decision).outcome.state) == ((), "posted")
    assert {code: c.debits_held for code, c in decision.changes.items()} == {"lot/1": -30, "fund/1": -20, "shop/1": 0}


def test_of_two_ends_in_one_batch_the_first_counts_and_what_it_let_go_can_be_spent_by_the_next() -> None:
    lot = (Leg("lot/1", "shop/1"),)
    void, post = an_end("void", 0), an_end("post", 10, id_=10)
    decision = decided(holding(), a_move(100, lot, id_=20), void, post, a_move(100, lot, id_=21))
    assert [(a.outcome.state, a.outcome.code) for a in decision.answers] == [
        ("refused", "insufficient"), ("posted", None), ("refused", "hold_ended"), ("posted", None),
    ]  # fmt: skip
