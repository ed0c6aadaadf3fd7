"""What finance and shops are told when a step of the month's end cannot be, with every fact they need."""

from __future__ import annotations

from datetime import date
from uuid import UUID

import pytest

from services.reimbursement import domain
from services.reimbursement.domain import Account, Hands, Tally
from tests.unit.refusals import refusal_of

A, B, C = (UUID(int=n) for n in range(1, 4))


@pytest.mark.parametrize("text", ["2026-13", "2026-00", "1926-04", "2026-4", "2026-04 ", "x2026-04", "", "2026/04"])
def test_a_month_is_written_as_year_and_month(text: str) -> None:
    assert refusal_of(domain.period_of, text) == ("period_wrong", 422, {})


def test_a_month_goes_from_its_first_to_its_last_day() -> None:
    assert domain.period_of("2028-02") == domain.Period("2028-02", date(2028, 2, 1), date(2028, 2, 29))
    assert domain.period_of("2099-12").last == date(2099, 12, 31)
    assert [domain.next_month(date(2026, 1, day)) for day in (1, 31)] == [date(2026, 2, 1)] * 2


def test_a_month_that_is_not_over_says_from_when_on() -> None:
    may = domain.period_of("2026-05")
    assert refusal_of(domain.check_over, may, date(2026, 5, 31)) == ("period_not_over", 409, {"from": "2026-06-01"})
    with pytest.raises(domain.Refused, match="from 2026-06-01 on"):
        domain.check_over(may, date(2026, 5, 1))
    domain.check_over(may, date(2026, 6, 1))


def test_a_void_of_an_earlier_statement_s_sale_lessens_the_next_or_waits() -> None:
    assert domain.to_state([Tally(B, 300, 0), Tally(A, 100, -40)]) == domain.ToState(((A, 60), (B, 300)), True)
    assert domain.to_state([Tally(A, 100, -100), Tally(B, 1, 0)]) == domain.ToState(((B, 1),), True)
    assert domain.to_state([Tally(A, 10, -40), Tally(B, 300, 0)]) == domain.ToState(((A, 10), (B, 300)), False)
    assert domain.to_state([Tally(A, 10, -40), Tally(B, 30, 0)]) is None
    assert domain.to_state([Tally(A, 10, -40), Tally(B, 31, 0)]) == domain.ToState(((A, 10), (B, 31)), False)


def test_a_statement_is_confirmed_once_and_not_while_a_line_is_looked_at() -> None:
    domain.check_confirmable("open")
    domain.check_unclaimed("queried")
    assert refusal_of(domain.check_confirmable, "queried") == ("statement_queried", 409, {})
    for check in (domain.check_confirmable, domain.check_unclaimed):
        assert refusal_of(check, "claimed") == ("already_claimed", 409, {})


def test_a_batch_pays_only_accounts_that_are_approved_and_those_it_was_prepared_with() -> None:
    good, waits, none = Account(A, waiting=False), Account(A, waiting=True), Account(None, waiting=False)
    domain.check_accounts({B: good, C: good}, {B: A})
    bad = refusal_of(domain.check_accounts, {C: waits, B: none, A: good}, {})
    assert bad == ("iban_not_approved", 409, {"shop_ids": [str(B), str(C)]})
    assert refusal_of(domain.check_approved, {C: waits}) == ("iban_not_approved", 409, {"shop_ids": [str(C)]})
    changed = refusal_of(domain.check_accounts, {B: good, C: good, A: good}, {C: B, B: C, A: A})
    assert changed == ("iban_changed", 409, {"shop_ids": [str(B), str(C)]})


@pytest.mark.parametrize(
    ("state", "to", "needs", "says"),
    [
        ("prepared", "release", "approved", "Another person approves this batch first"),
        ("approved", "approve", "prepared", "approved already"),
        ("released", "release", "approved", "released already"), ("cancelled", "approve", "prepared", "was cancelled"),
    ],
)  # fmt: skip
def test_a_hand_out_of_turn_hears_what_comes_first(state: str, to: domain.Hand, needs: str, says: str) -> None:
    hands = Hands(state, A, None)
    assert refusal_of(domain.check_hands, hands, C, to=to) == ("batch_state", 409, {"state": state, "needs": needs})
    with pytest.raises(domain.Refused, match=says):
        domain.check_hands(hands, C, to=to)


@pytest.mark.parametrize(
    ("hands", "to", "hand"),
    [(Hands("prepared", C, None), "approve", "prepared"), (Hands("approved", C, B), "release", "prepared"),
     (Hands("approved", A, C), "release", "approved")],
)  # fmt: skip
def test_nobody_s_hand_is_on_a_batch_twice(hands: Hands, to: domain.Hand, hand: str) -> None:
    assert refusal_of(domain.check_hands, hands, C, to=to) == ("same_person", 409, {"hand": hand})
    with pytest.raises(domain.Refused, match=f"You {hand} this yourself. Another person must {to} it"):
        domain.check_hands(hands, C, to=to)
    domain.check_second_person(A, B, did="prepared", to="approve")


def test_a_batch_is_cancelled_only_before_its_order_is_out() -> None:
    for state, says in (("released", "the bank has its order"), ("cancelled", "cancelled already")):
        assert refusal_of(domain.check_cancellable, state) == ("batch_state", 409, {"state": state})
        with pytest.raises(domain.Refused, match=says):
            domain.check_cancellable(state)
    for fine in ("prepared", "approved"):
        domain.check_cancellable(fine)


def test_a_claim_is_numbered_within_its_year() -> None:
    assert domain.number_of(3, 2026) == "3/2026"


def test_a_claim_that_an_undone_sale_touches_is_left_out_or_prepared_again() -> None:
    domain.check_something_due(1, A)
    domain.check_no_void_waits([])
    domain.check_unlessened([])
    nothing_due = {"claim_id": str(A), "state": "closed"}
    assert refusal_of(domain.check_something_due, 0, A) == ("claim_not_payable", 409, nothing_due)
    waits = {"claim_ids": [str(A), str(B)], "blocked": "void_waits"}
    assert refusal_of(domain.check_no_void_waits, [B, A]) == ("claim_not_payable", 409, waits)
    assert refusal_of(domain.check_unlessened, [B, A]) == ("claim_lessened", 409, {"claim_ids": [str(A), str(B)]})
