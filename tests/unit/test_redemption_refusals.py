"""What a till is told when a sale or void cannot be, with every fact it needs to do better."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

import pytest

from services.apis.city import SaleLimits
from services.apis.redemption import Opening
from services.redemption import domain
from tests.unit.refusals import refusal_of, said_by

NOW = datetime(2026, 5, 4, 10, tzinfo=UTC)
DAY, BEFORE, AFTER = date(2026, 5, 4), date(2026, 5, 3), date(2026, 5, 5)
LIMITS = SaleLimits(per_sale_cents=2000, per_person_day_cents=3000)


def test_euros_are_written_with_two_digits_of_cents() -> None:
    assert [domain.euros(c) for c in (0, 5, 99, 100, 1205)] == ["0.00", "0.05", "0.99", "1.00", "12.05"]


def test_an_agreement_ends_no_earlier_than_it_is_signed() -> None:
    facts = {"signed_on": "2026-05-04", "ends_on": "2026-05-03"}
    assert refusal_of(domain.check_agreement_days, DAY, BEFORE) == ("agreement_days_wrong", 422, facts)
    for fine in (None, DAY, AFTER):
        domain.check_agreement_days(DAY, fine)


def test_a_shop_closes_later_than_it_opens() -> None:
    for closes in (time(8), time(7)):
        wrong = [Opening(weekday=1, opens=time(7), closes=time(9)), Opening(weekday=2, opens=time(8), closes=closes)]
        facts = {"weekday": 2, "opens": "08:00:00", "closes": str(closes)}
        assert refusal_of(domain.check_opening, wrong) == ("opening_wrong", 422, facts)


def test_a_shop_takes_coins_on_the_days_of_its_agreement_both_included() -> None:
    signed = domain.Agreement(DAY, AFTER, closed=False)
    for day in (DAY, AFTER):
        domain.check_agreement(signed, day)
    assert refusal_of(domain.check_agreement, signed, BEFORE) == ("shop_closed", 409, {"signed_on": "2026-05-04"})
    assert refusal_of(domain.check_agreement, signed, AFTER + timedelta(days=1)) == (
        "shop_closed",
        409,
        {"ends_on": "2026-05-05"},
    )
    assert refusal_of(domain.check_agreement, domain.Agreement(DAY, None, closed=True), DAY) == ("shop_closed", 409, {})
    domain.check_agreement(domain.Agreement(DAY, None, closed=False), date(2099, 1, 1))


@pytest.mark.parametrize(
    ("text", "card", "code", "kind"),
    [
        ("pay.x", True, "foreign_code", "card"), ("https://town/in/" + "a" * 40, False, "foreign_code", "check_in"),
        (" " + "A_-9" * 10 + " ", False, "foreign_code", "check_in"), ("a" * 41, False, "foreign_code", "other"),
        ("pay.unknown", False, "unknown_code", None),
    ],
)  # fmt: skip
def test_a_code_that_is_no_payment_code_is_named(text: str, card: bool, code: str, kind: str | None) -> None:
    refused = domain.not_a_payment_code(text, card=card)
    assert said_by(refused) == (code, 409, {"kind": kind} if kind else {})
    says = {
        "card": "a printed card",
        "check_in": "a code for checking in at a shift",
        "other": "some other code",
        None: "not known",
    }
    assert says[kind] in refused.message


def test_a_code_pays_once_within_its_time_unless_a_newer_one_is_there() -> None:
    good = domain.Code(NOW + timedelta(microseconds=1), used=False, replaced=False)
    domain.check_code(good, now=NOW)
    assert refusal_of(domain.check_code, domain.Code(NOW, used=True, replaced=True), now=NOW) == ("code_used", 409, {})
    assert refusal_of(domain.check_code, domain.Code(NOW, used=False, replaced=True), now=NOW) == (
        "code_replaced",
        409,
        {},
    )
    late = refusal_of(domain.check_code, domain.Code(NOW, used=False, replaced=False), now=NOW)
    assert late == ("code_expired", 409, {"expired_at": NOW.isoformat()})
    assert said_by(domain.code_spoilt()) == ("code_expired", 409, {})


@pytest.mark.parametrize(
    ("amount", "spent", "code", "facts", "says"),
    [
        (2001, 0, "over_sale_limit", {"limit_cents": 2000}, "20.00"),
        (1001, 2000, "day_limit", {"limit_cents": 3000, "left_cents": 1000}, "10.00"),
        (1, 3000, "day_limit", {"limit_cents": 3000, "left_cents": 0}, "Tomorrow"),
        (1, 4000, "day_limit", {"limit_cents": 3000, "left_cents": 0}, "Tomorrow"),
    ],
)
def test_the_ceilings_of_a_sale_and_of_a_day(
    amount: int, spent: int, code: str, facts: dict[str, int], says: str
) -> None:
    with pytest.raises(domain.Refused, match=says):
        domain.check_amount(amount, spent, LIMITS)
    assert refusal_of(domain.check_amount, amount, spent, LIMITS) == (code, 409, facts)
    domain.check_amount(2000, 1000, LIMITS)


def test_coins_work_where_the_person_has_taken_part_and_the_till_hears_where() -> None:
    names = {"a": "Arco", "b": "Borgo", "c": "Centro"}
    assert domain.meeting_place(("c", "a", "b"), frozenset({"b", "c"}), names) == ("c", "b")
    nowhere = refusal_of(domain.meeting_place, ("a",), frozenset({"x"}), names)
    assert nowhere == ("other_neighbourhood", 409, {"works_in": []})
    works_in = [{"neighbourhood_id": "b", "name": "Borgo"}, {"neighbourhood_id": "c", "name": "Centro"}]
    elsewhere = refusal_of(domain.meeting_place, ("a",), frozenset({"c", "b", "x"}), names)
    assert elsewhere == ("other_neighbourhood", 409, {"works_in": works_in})
    with pytest.raises(domain.Refused, match="Borgo and Centro"):
        domain.meeting_place(("a",), frozenset({"c", "b"}), names)


def test_what_the_coins_cover_and_what_is_left_to_pay_in_cash() -> None:
    some = domain.too_few_coins(450, 105)
    assert (some.code, some.status, some.facts, some.keep) == (
        "not_enough_coins",
        409,
        {"payable_cents": 105, "rest_cents": 345},
        True,
    )
    assert some.message == "1.05 in coins, 3.45 in cash."
    assert said_by(domain.too_few_coins(450, 0))[2] == {"payable_cents": 0, "rest_cents": 450}
    assert "4.50" in domain.too_few_coins(450, 0).message


def test_a_sale_is_voided_at_its_till_once_while_no_statement_has_it() -> None:
    here, there = UUID(int=1), UUID(int=2)
    usual = {
        "till_id": here,
        "sold_at_till": here,
        "day": DAY,
        "voided": False,
        "settled": [(AFTER, AFTER), (BEFORE, BEFORE)],
    }
    domain.check_void(**usual)  # type: ignore[arg-type]
    assert refusal_of(domain.check_void, **{**usual, "sold_at_till": there}) == (
        "other_till",
        409,
        {"till_id": str(there)},
    )
    assert refusal_of(domain.check_void, **{**usual, "voided": True}) == ("already_voided", 409, {})
    for period in ((DAY, AFTER), (BEFORE, DAY)):
        assert refusal_of(domain.check_void, **{**usual, "settled": [period]}) == (
            "void_too_late",
            409,
            {"day": "2026-05-04"},
        )
