"""What goes on a statement, who may be the next hand, and the rules of the month's end – decided without a database."""

from datetime import date, timedelta
from itertools import product
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.apis.city import ClaimForm
from services.apis.errors import Refused
from services.reimbursement import domain
from services.reimbursement.domain import Hands, Tally

FORM = ClaimForm(form="nota_di_debito", stamp_duty_cents=200, stamp_threshold_cents=7747, stamp_borne_by="city")
people = st.sampled_from([UUID(int=number) for number in range(1, 5)])
tallies = st.lists(
    st.builds(Tally, st.uuids(), st.integers(0, 10_000), st.integers(-10_000, 0)),
    max_size=5,
    unique_by=lambda t: t.fund_id,
)


@given(tallies)
def test_a_shop_never_gets_more_than_its_sales_nor_a_fund_less_than_nothing(lines: list[Tally]) -> None:
    stated = domain.to_state(lines)
    if stated is not None:
        parts = dict(stated.parts)
        assert all(cents > 0 for cents in parts.values())
        assert all(parts.get(line.fund_id, 0) <= line.cents for line in lines)
        assert 0 < stated.amount_cents <= sum(line.cents for line in lines)


@given(tallies)
def test_late_voids_are_all_taken_or_all_wait(lines: list[Tally]) -> None:
    stated = domain.to_state(lines)
    net = sum(line.cents + line.alone_cents for line in lines)
    if stated is None:
        assert net <= 0
    else:
        assert stated.amount_cents == (net if stated.with_alone else sum(line.cents for line in lines))


@given(prepares=people, approves=people, releases=people)
def test_a_batch_passes_three_different_people_or_none(prepares: UUID, approves: UUID, releases: UUID) -> None:
    refused = None
    try:
        domain.check_hands(Hands("prepared", prepares, None), approves, to="approve")
        domain.check_hands(Hands("approved", prepares, approves), releases, to="release")
    except Refused as refusal:
        refused = refusal
    if len({prepares, approves, releases}) == 3:
        assert refused is None
    else:
        assert refused is not None
        assert refused.code == "same_person"
        assert refused.facts["hand"] in ("prepared", "approved")


@pytest.mark.parametrize(
    ("state", "to"), [pair for pair in product(["prepared", "approved", "released", "cancelled"], ["approve", "release"])
                      if pair not in (("prepared", "approve"), ("approved", "release"))]
)  # fmt: skip
def test_a_hand_out_of_turn_is_told_whose_turn_it_is(state: str, to: domain.Hand) -> None:
    with pytest.raises(Refused, match="batch_state") as refusal:
        domain.check_hands(Hands(state, UUID(int=1), UUID(int=2)), UUID(int=3), to=to)
    assert refusal.value.facts["state"] == state


@pytest.mark.parametrize(("amount_cents", "stamp_cents"), [(1, 0), (7747, 0), (7748, 200), (1_000_000, 200)])
def test_stamp_duty_is_due_above_the_threshold_only(amount_cents: int, stamp_cents: int) -> None:
    assert domain.stamp_cents(amount_cents, FORM) == stamp_cents


@given(st.dates(date(2000, 1, 1), date(2099, 12, 31)))
def test_every_day_lies_in_the_month_it_names(day: date) -> None:
    period = domain.period_of(f"{day:%Y-%m}")
    assert period.first <= day <= period.last
    assert period.last + timedelta(days=1) == domain.next_month(day)
    with pytest.raises(Refused, match="period_not_over"):
        domain.check_over(period, day)
    domain.check_over(period, domain.next_month(day))


@given(st.dates(date(2000, 1, 1), date(2099, 12, 31)))
def test_a_bank_is_asked_to_pay_on_the_next_working_day(day: date) -> None:
    pays = domain.execution_day(day)
    assert pays.weekday() < 5
    assert day < pays <= day + timedelta(days=3)
    assert all((day + timedelta(days=d)).weekday() >= 5 for d in range(1, (pays - day).days))


def test_a_shop_is_paid_only_to_an_account_somebody_else_has_approved() -> None:
    account = UUID(int=7)
    assert domain.blocked(domain.Account(None, waiting=False)) == "no_iban"
    assert domain.blocked(domain.Account(None, waiting=True)) == "iban_not_approved"
    assert domain.blocked(domain.Account(account, waiting=True)) == "iban_not_approved"
    assert domain.blocked(domain.Account(account, waiting=False)) is None


def test_a_shop_whose_sale_was_undone_is_not_paid_before_a_statement_bears_it() -> None:
    account = UUID(int=7)
    assert domain.blocked(domain.Account(account, waiting=False), void_waits=True) == "void_waits"
    assert domain.blocked(domain.Account(None, waiting=False), void_waits=True) == "no_iban"


def test_what_goes_off_one_fund_is_never_taken_from_another() -> None:
    f, g = UUID(int=1), UUID(int=2)
    assert domain.less({f: 300, g: 50}, {f: 300, g: 20}) == {f: 0, g: 30}
    assert domain.less({f: 300}, {}) == {f: 300}
    assert domain.less({f: 300, g: 50}, {g: 51}) is None
    assert domain.less({f: 300}, {g: 1}) is None
