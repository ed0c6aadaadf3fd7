"""The rules at the till, without a till."""

from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.apis.city import SaleLimits
from services.apis.errors import Refused
from services.apis.redemption import Opening
from services.redemption import domain

NOW = datetime(2026, 5, 4, 10, 0, tzinfo=UTC)
TODAY = date(2026, 5, 4)
NAMES = {"le-querce": "Le Querce", "stazione": "Stazione", "porta-fiume": "Porta Fiume"}
LIMITS = SaleLimits(per_sale_cents=2000, per_person_day_cents=3000)

places = st.sampled_from(sorted(NAMES))
place_sets = st.frozensets(places)
shop_places = st.lists(places, min_size=1, unique=True).map(tuple)
funds = st.lists(
    st.builds(domain.Fund, st.uuids(), place_sets), max_size=5, unique_by=lambda fund: fund.fund_id
)  # fmt: skip


def facts(**more: object) -> domain.SaleFacts:
    usual: dict = {
        "amount_cents": 450, "now": NOW, "day": TODAY, "code": domain.Code(NOW + timedelta(seconds=60), False, False),
        "agreement": domain.Agreement(date(2026, 1, 7), None, closed=False), "shop_neighbourhoods": ("le-querce",),
        "took_part": frozenset({"le-querce"}), "spent_today_cents": 0,
    }  # fmt: skip
    return domain.SaleFacts(**{**usual, **more})


def decide(*known: domain.Fund, **more: object) -> domain.SaleTerms:
    return domain.decide_sale(facts(**more), limits=LIMITS, funds=known, names=NAMES)


def refusal(**more: object) -> Refused:
    with pytest.raises(Refused) as caught:
        decide(**more)
    return caught.value


def test_a_plain_sale_counts_for_the_neighbourhood_where_the_person_works() -> None:
    terms = decide(shop_neighbourhoods=("stazione", "le-querce"))
    assert terms == domain.SaleTerms("le-querce", None)


@given(shop_places, place_sets, funds)
def test_coins_move_only_where_shop_person_and_earmark_meet(
    shop: tuple[str, ...], took_part: frozenset[str], known: list[domain.Fund]
) -> None:
    common = set(shop) & took_part
    if not common:
        assert refusal(shop_neighbourhoods=shop, took_part=took_part).code == "other_neighbourhood"
        return
    terms = decide(*known, shop_neighbourhoods=shop, took_part=took_part)
    assert terms.neighbourhood_id in common
    allowed = {f.fund_id for f in known} if terms.fund_ids is None else set(terms.fund_ids)
    assert allowed == {f.fund_id for f in known if not f.neighbourhood_ids or f.neighbourhood_ids & common}


@given(st.integers(1, 4000), st.integers(0, 4000))
def test_no_day_and_no_sale_passes_the_citys_ceilings(amount: int, spent: int) -> None:
    within = amount <= LIMITS.per_sale_cents and spent + amount <= LIMITS.per_person_day_cents
    if within:
        assert decide(amount_cents=amount, spent_today_cents=spent).neighbourhood_id == "le-querce"
    else:
        no = refusal(amount_cents=amount, spent_today_cents=spent)
        assert no.code == ("over_sale_limit" if amount > LIMITS.per_sale_cents else "day_limit")


@given(st.integers(2501, 2999), st.integers(501, 2000))
def test_what_is_left_of_the_day_can_be_taken(spent: int, amount: int) -> None:
    left = refusal(amount_cents=amount, spent_today_cents=spent).facts["left_cents"]
    assert decide(amount_cents=left, spent_today_cents=spent)
    assert refusal(amount_cents=left + 1, spent_today_cents=spent).code == "day_limit"


@given(st.integers(1, 10_000), st.integers(0, 12_000))
def test_the_payable_part_and_the_rest_make_the_whole(amount: int, coins: int) -> None:
    no = domain.too_few_coins(amount, coins)
    assert no.facts["payable_cents"] + no.facts["rest_cents"] == amount
    assert 0 <= no.facts["payable_cents"] <= coins


def test_a_refusal_for_too_few_coins_says_what_to_do() -> None:
    assert domain.too_few_coins(450, 300).message == "3.00 in coins, 1.50 in cash."
    assert "The whole 4.50 in cash" in domain.too_few_coins(450, 0).message


@pytest.mark.parametrize(
    ("code", "says"),
    [
        (domain.Code(NOW + timedelta(seconds=1), used=True, replaced=False), "code_used"),
        (domain.Code(NOW - timedelta(seconds=1), used=True, replaced=False), "code_used"),
        (domain.Code(NOW + timedelta(seconds=1), used=False, replaced=True), "code_replaced"),
        (domain.Code(NOW, used=False, replaced=False), "code_expired"),
    ],
)
def test_a_code_is_good_once_and_for_its_time(code: domain.Code, says: str) -> None:
    assert refusal(code=code).code == says


@given(st.dates(date(2025, 12, 1), date(2026, 12, 31)))
def test_no_sale_outside_the_signed_days(day: date) -> None:
    signed, ends = date(2026, 2, 1), date(2026, 10, 31)
    agreement = domain.Agreement(signed, ends, closed=False)
    if signed <= day <= ends:
        assert decide(agreement=agreement, day=day)
    else:
        no = refusal(agreement=agreement, day=day)
        assert (no.code, set(no.facts)) == ("shop_closed", {"signed_on"} if day < signed else {"ends_on"})


def test_other_neighbourhood_names_where_the_coins_work() -> None:
    no = refusal(took_part=frozenset({"stazione", "porta-fiume"}))
    assert [w["name"] for w in no.facts["works_in"]] == ["Porta Fiume", "Stazione"]
    assert no.message == "These coins work in shops of Porta Fiume and Stazione."


@pytest.mark.parametrize(
    ("text", "card", "says", "kind"),
    [
        ("anything", True, "foreign_code", "card"),
        ("https://valdarco.example/in/" + "aB3_" * 10, False, "foreign_code", "check_in"),
        ("https://shop.example", False, "foreign_code", "other"),
        ("pay.neverissued", False, "unknown_code", None),
    ],
)
def test_a_code_of_another_kind_is_called_what_it_is(text: str, card: bool, says: str, kind: str | None) -> None:
    no = domain.not_a_payment_code(text, card=card)
    assert (no.code, no.facts.get("kind")) == (says, kind)


def test_a_shop_closes_later_than_it_opens() -> None:
    domain.check_opening([Opening(weekday=1, opens=time(8), closes=time(13))])
    with pytest.raises(Refused, match="opening_wrong"):
        domain.check_opening([Opening(weekday=1, opens=time(20), closes=time(2))])


def test_a_pairing_code_may_be_typed_as_people_type() -> None:
    assert domain.typed(" abcd-23 45") == "ABCD2345"


TILL, OTHER = UUID(int=1), UUID(int=2)


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"till_id": OTHER}, "other_till"),
        ({"voided": True}, "already_voided"),
        ({"settled": [(date(2026, 4, 1), date(2026, 4, 30)), (TODAY, TODAY)]}, "void_too_late"),
    ],
)
def test_only_the_same_till_voids_once_while_the_statement_is_open(more: dict, says: str) -> None:
    usual = {"till_id": TILL, "sold_at_till": TILL, "day": TODAY, "voided": False, "settled": []}
    domain.check_void(**usual)
    with pytest.raises(Refused, match=says):
        domain.check_void(**{**usual, **more})
