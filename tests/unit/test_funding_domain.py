"""What a fund may be, who may say yes, and what a sponsor's purpose becomes."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.city import read_city
from services.apis.errors import Refused
from services.apis.funding import OpenFund
from services.apis.funding_sponsor import Anywhere, ForKind, InNeighbourhood
from services.events.funding import Earmark
from services.funding import domain
from services.funding.domain import FundFacts
from services.kit.settings import CITIES

CITY = read_city(Path(CITIES) / "valdarco.toml")
REST = FundFacts(kind="city", open=True)
ID = UUID(int=1)
PLACE = InNeighbourhood(neighbourhood_id="le-querce")


def terms(kind: Any = "grant", **more: Any) -> OpenFund:
    grant = {"share_permille": 750, "co_fund_id": ID} if kind == "grant" else {}
    return OpenFund(**{"kind": kind, "name": "AMIF 2026", **grant, **more})


def refusal(fund: OpenFund, co_fund: FundFacts | None = REST) -> str | None:
    try:
        domain.check_terms(fund, co_fund)
    except Refused as refused:
        return refused.code
    return None


@given(st.integers(1, 999), st.integers(1, 1000), st.booleans())
def test_a_grant_never_pays_more_than_its_act_allows_and_without_an_act_three_quarters(
    share: int, most: int, has_act: bool
) -> None:
    fund = terms(share_permille=share, max_share_permille=most, act="grant agreement 7" if has_act else None)
    allowed = most if has_act else min(most, 750)
    assert refusal(fund) == (None if share <= allowed else "share_too_high")


@pytest.mark.parametrize(
    ("fund", "co_fund", "code"),
    [
        (terms("city"), None, None),
        (terms("sponsor", sponsor_id=ID), None, None),
        (terms("sponsor"), None, "sponsor_terms_wrong"),
        (terms("city", sponsor_id=ID), None, "sponsor_terms_wrong"),
        (terms("city", share_permille=750), None, "grant_terms_wrong"),
        (terms("city", co_fund_id=ID), REST, "grant_terms_wrong"),
        (terms(share_permille=None), REST, "grant_terms_wrong"),
        (terms(co_fund_id=None), None, "grant_terms_wrong"),
        (terms(share_permille=1000, max_share_permille=1000, act="act 7"), REST, "grant_terms_wrong"),
        (terms(share_permille=1000, max_share_permille=1000, act="act 7", co_fund_id=None), None, None),
        (terms(), REST, None),
        (terms(), FundFacts(kind="sponsor", open=True), None),
        (terms(), None, "co_fund_wrong"),
        (terms(), FundFacts(kind="city", open=False), "co_fund_wrong"),
        (terms(), FundFacts(kind="grant", open=True), "co_fund_wrong"),
        (terms(opens_on=date(2026, 5, 4), ends_on=date(2026, 5, 4)), REST, None),
        (terms(opens_on=date(2026, 5, 4), ends_on=date(2026, 5, 3)), REST, "window_wrong"),
    ],
)
def test_the_terms_of_a_fund_fit_its_kind(fund: OpenFund, co_fund: FundFacts | None, code: str | None) -> None:
    assert refusal(fund, co_fund) == code


def test_equal_earmarks_have_one_form() -> None:
    mixed = Earmark(neighbourhood_ids=("stazione", "le-querce", "stazione"), kinds=("green", "bins"))
    assert domain.check_earmark(mixed, CITY) == Earmark(
        neighbourhood_ids=("le-querce", "stazione"), kinds=("bins", "green")
    )
    with pytest.raises(Refused, match="unknown_neighbourhood"):
        domain.check_earmark(Earmark(neighbourhood_ids=("atlantis",)), CITY)


def test_money_for_one_purpose_goes_before_money_for_any_and_before_the_citys() -> None:
    assert domain.rank_for(PLACE) == domain.rank_for(ForKind(kind="green")) < domain.rank_for(Anywhere())
    assert domain.rank_for(Anywhere()) < OpenFund(kind="city", name="City").rank


@pytest.mark.parametrize(
    ("purpose", "earmark", "company", "private"),
    [
        (Anywhere(), Earmark(), "Arco", "Private sponsor"),
        (PLACE, Earmark(neighbourhood_ids=("le-querce",)), "Arco: Le Querce", "Private sponsor: Le Querce"),
        (ForKind(kind="green"), Earmark(kinds=("green",)), "Arco: green", "Private sponsor: green"),
    ],
)  # fmt: skip
def test_a_purpose_is_an_earmark_and_a_fund_that_does_not_name_a_private_person(
    purpose: Any, earmark: Earmark, company: str, private: str
) -> None:
    assert domain.earmark_for(purpose) == earmark
    assert domain.fund_name("Arco", purpose, CITY) == company
    assert domain.fund_name(None, purpose, CITY) == private
