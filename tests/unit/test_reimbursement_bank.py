"""What the lines of a bank's statement mean for the payments ordered – decided without a database."""

from datetime import date
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.apis.errors import Refused
from services.reimbursement.domain_bank import (
    Movement,
    Ordered,
    Returned,
    Settled,
    Verdict,
    decide_match,
    payment_named,
    read_movements,
    reference_in,
)

DAY = date(2026, 6, 2)
PAYMENT = UUID(int=900)


def a_line(number: int, cents: int = 1000, **changes: Any) -> Movement:
    values: dict[str, Any] = {
        "entry_id": UUID(int=number), "direction": "debit", "amount_cents": cents, "booked_on": DAY,
        "payment_id": PAYMENT, "return_reason": None, "remittance": "",
    }  # fmt: skip
    return Movement(**(values | changes))


def a_return(number: int, cents: int = 1000, reason: str | None = "AC04", **changes: Any) -> Movement:
    return a_line(number, cents, direction="credit", return_reason=reason, **changes)


def an_order(**changes: Any) -> dict[UUID, Ordered]:
    values: dict[str, Any] = {"payment_id": PAYMENT, "amount_cents": 1000, "state": "released"}
    return {PAYMENT: Ordered(**(values | changes))}


@given(st.lists(st.integers(1, 500), min_size=1, max_size=6), st.integers(0, 5))
def test_parts_of_a_payment_settle_it_exactly_when_they_make_its_amount(parts: list[int], earlier: int) -> None:
    lines = [a_line(number, cents) for number, cents in enumerate(parts, start=1)]
    waiting, now = lines[:earlier], lines[earlier:]
    if not now:
        waiting, now = waiting[:-1], waiting[-1:]
    reading = read_movements(now, an_order(amount_cents=sum(parts), waiting=tuple(waiting)))
    assert reading.settled == (Settled(PAYMENT, DAY),)
    assert reading.verdicts == {line.entry_id: Verdict("matched") for line in lines}
    short = read_movements(now, an_order(amount_cents=sum(parts) + 1, waiting=tuple(waiting)))
    assert short.settled == ()
    assert {verdict.why for verdict in short.verdicts.values()} == {"paid_in_part"}


@given(
    st.lists(
        st.builds(
            a_line, st.integers(1, 10**6), st.integers(0, 2000), direction=st.sampled_from(["debit", "credit"]),
            payment_id=st.sampled_from([PAYMENT, UUID(int=901), None]), return_reason=st.sampled_from([None, "AC04"]),
        ),
        max_size=8, unique_by=lambda line: line.entry_id,
    ),
    st.sampled_from(["released", "settled", "returned"]),
)  # fmt: skip
def test_every_line_gets_one_meaning_and_a_payment_settles_and_returns_once(lines: list[Movement], state: Any) -> None:
    reading = read_movements(lines, an_order(state=state))
    assert reading.verdicts.keys() == {line.entry_id for line in lines}
    assert len(reading.settled) <= (state == "released")
    assert len(reading.returned) <= (state != "returned")
    for line in lines:
        verdict = reading.verdicts[line.entry_id]
        assert (verdict.why is None) == (verdict.state != "unmatched")
        assert verdict.state != "matched" or line.payment_id == PAYMENT
        assert verdict.state != "credited" or (line.direction == "credit" and line.payment_id != PAYMENT)


def test_a_payment_can_leave_and_come_back_on_one_statement_whatever_the_order_of_its_lines() -> None:
    reading = read_movements([a_return(1), a_line(2)], an_order())
    assert reading.settled == (Settled(PAYMENT, DAY),)
    assert reading.returned == (Returned(PAYMENT, DAY, "AC04", was_settled=True),)


def test_a_payment_that_comes_back_without_having_left_was_not_settled() -> None:
    assert read_movements([a_return(1)], an_order()).returned == (Returned(PAYMENT, DAY, "AC04", was_settled=False),)


def test_a_debit_read_after_its_return_belongs_to_it_and_changes_nothing() -> None:
    order = an_order(state="returned", debit_unseen=True)
    reading = read_movements([a_line(1)], order)
    assert (reading.verdicts[UUID(int=1)], reading.settled) == (Verdict("matched"), ())
    assert read_movements([a_line(1)], an_order(state="returned")).verdicts[UUID(int=1)].why == "payment_ended"


@pytest.mark.parametrize(
    ("line", "state", "why"),
    [
        (a_line(1, payment_id=None), "released", "unknown_payment"),
        (a_line(1, 999), "released", "paid_in_part"),
        (a_line(1, 1001), "released", "amount_differs"),
        (a_line(1), "settled", "payment_ended"),
        (a_return(1, 999), "settled", "amount_differs"),
        (a_return(1, reason=None), "settled", "no_reason_given"),
        (a_return(1), "returned", "payment_ended"),
        (a_return(1, payment_id=None), "released", "unknown_payment"),
    ],
)
def test_what_does_not_fit_stays_visible_with_its_reason(line: Movement, state: str, why: str) -> None:
    reading = read_movements([line], an_order(state=state))
    assert reading.verdicts[line.entry_id] == Verdict("unmatched", why)  # type: ignore[arg-type]
    assert (reading.settled, reading.returned) == ((), ())


def test_money_of_somebody_else_is_told_with_its_reference() -> None:
    line = a_return(1, 25_000, None, payment_id=None, remittance="Grazie! mc 7k2p 9wqx Torrefazione")
    assert read_movements([line], {}).verdicts[line.entry_id] == Verdict("credited", reference="MC-7K2P-9WQX")


@pytest.mark.parametrize(
    ("text", "reference"),
    [
        ("MC-7K2P-9WQX", "MC-7K2P-9WQX"),
        ("MC7K2P9WQX MC-7K2P-9WQX", "MC-7K2P-9WQX"),
        ("MC-7K2P-9WQX and MC-AAAA-BBBB", None),
        ("XMC-7K2P-9WQX", None),
        ("Rent of June", None),
    ],
)
def test_a_reference_counts_when_there_is_exactly_one(text: str, reference: str | None) -> None:
    assert reference_in(text) == reference


@given(st.uuids(), st.booleans())
def test_an_end_to_end_id_names_its_payment_also_in_capitals(payment_id: UUID, capitals: bool) -> None:
    assert payment_named(payment_id.hex.upper() if capitals else payment_id.hex) == payment_id


@pytest.mark.parametrize("other", [None, "", "2026-04-0001", str(PAYMENT), "{" + "0" * 32 + "}"])
def test_an_end_to_end_id_of_somebody_else_names_none(other: str | None) -> None:
    assert payment_named(other) is None


def test_people_may_match_only_what_fits() -> None:
    order, settled = an_order()[PAYMENT], an_order(state="settled")[PAYMENT]
    assert decide_match(a_line(1), order) == Settled(PAYMENT, DAY)
    assert decide_match(a_return(1, reason=None), settled) == Returned(PAYMENT, DAY, "NARR", was_settled=True)
    for line, one, code in (
        (a_line(1, 999), order, "match_amount_differs"),
        (a_line(1), settled, "payment_ended"),
        (a_return(1), an_order(state="returned")[PAYMENT], "payment_ended"),
    ):
        with pytest.raises(Refused, match=code):
            decide_match(line, one)
