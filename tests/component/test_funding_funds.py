"""Funds: opened with terms that fit, filled by two people, closed when nobody relies on them."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest

from infra.wiring import Town
from services.apis import funding as api
from services.apis.endpoint import Page
from services.apis.errors import Refused
from services.events.funding import Earmark, FundClosed, FundOpened, TopUpSettled
from services.kit.ids import new_id
from tests.builders import As, an_admin
from tests.builders_funding import (
    a_city_fund,
    a_finance_person,
    a_fund,
    a_grant,
    a_paid_topup,
    a_sponsor,
    money_set_aside,
    told,
)


def funds(town: Town, who: As | None = None) -> dict[Any, api.Fund]:
    if who is None:
        return {f.fund_id: f for f in town.client("funding").call(api.GET_FUNDS, query=Page(limit=200)).funds}
    return {f.fund_id: f for f in who.ask("funding", api.GET_FUNDS, query=Page(limit=200)).funds}


def close(town: Town, fund_id: Any) -> api.Fund:
    return an_admin(town).ask("funding", api.POST_FUND_CLOSE, fund_id=fund_id)


def test_a_fund_is_opened_with_its_earmark_and_everybody_may_see_it_but_not_its_money(town: Town) -> None:
    earmark = Earmark(neighbourhood_ids=("stazione", "le-querce"), kinds=("green",))
    fund = a_fund(town, name="City budget", rank=900, earmark=earmark, opens_on=date(2026, 1, 1))
    [event] = told(town, FundOpened)
    assert (event.fund_id, event.rank, event.opens_on) == (fund.fund_id, 900, date(2026, 1, 1))
    assert event.earmark == fund.earmark == Earmark(neighbourhood_ids=("le-querce", "stazione"), kinds=("green",))

    assert funds(town)[fund.fund_id].figures is None
    assert funds(town, a_finance_person(town))[fund.fund_id].figures == api.Figures()
    assert funds(town, As(town, ("auditor", None)))[fund.fund_id].figures == api.Figures()
    assert town.check() == []


def test_money_set_aside_needs_a_second_pair_of_eyes_and_comes_once(town: Town) -> None:
    fund, giulio, lucia = a_fund(town), a_finance_person(town), a_finance_person(town)
    body = api.PrepareSetAside(amount_cents=500_000, act="determina n. 123/2026")
    prepared = giulio.ask("funding", api.POST_SET_ASIDE, body, fund_id=fund.fund_id)
    assert (prepared.state, prepared.prepared_by) == ("prepared", giulio.person_id)
    assert told(town, TopUpSettled) == []

    approve = {"set_aside_id": prepared.set_aside_id}
    with pytest.raises(Refused, match="same_person"):
        giulio.ask("funding", api.POST_SET_ASIDE_APPROVE, **approve)
    approved = lucia.ask("funding", api.POST_SET_ASIDE_APPROVE, **approve)
    assert (approved.state, approved.decided_by) == ("settled", lucia.person_id)
    with pytest.raises(Refused, match="already_decided"):
        lucia.ask("funding", api.POST_SET_ASIDE_APPROVE, **approve)

    town.settle()
    [event] = told(town, TopUpSettled)
    assert (event.topup_id, event.amount_cents, event.fee_cents, event.channel) == (
        prepared.set_aside_id, 500_000, 0, "bank",
    )  # fmt: skip
    assert funds(town, lucia)[fund.fund_id].figures == api.Figures(in_cents=500_000, free_cents=500_000)
    assert town.check() == []


def test_what_was_prepared_wrongly_is_withdrawn_and_the_list_shows_all(town: Town) -> None:
    fund, finance = a_fund(town), a_finance_person(town)
    body = api.PrepareSetAside(amount_cents=5, act="determina n. 9/2026")
    prepared = finance.ask("funding", api.POST_SET_ASIDE, body, fund_id=fund.fund_id)
    finance.ask("funding", api.POST_SET_ASIDE_WITHDRAW, set_aside_id=prepared.set_aside_id)
    with pytest.raises(Refused, match="already_decided"):
        a_finance_person(town).ask("funding", api.POST_SET_ASIDE_APPROVE, set_aside_id=prepared.set_aside_id)
    assert [one.state for one in finance.ask("funding", api.GET_SET_ASIDES, query=Page()).set_asides] == ["withdrawn"]
    assert town.check() == []


def test_set_asides_are_told_of_one_fund_in_one_state_until_an_instant(town: Town) -> None:
    fund, other, finance = a_fund(town).fund_id, a_fund(town).fund_id, a_finance_person(town)
    early = money_set_aside(town, fund, 500)
    first_day = town.clock.now()
    town.clock.move_to(first_day + timedelta(days=1))  # type: ignore[attr-defined]
    late, elsewhere = money_set_aside(town, fund, 600), money_set_aside(town, other, 700)
    body = api.PrepareSetAside(amount_cents=5, act="determina n. 9/2026")
    waiting = finance.ask("funding", api.POST_SET_ASIDE, body, fund_id=fund).set_aside_id

    def found(**which: Any) -> set[UUID]:
        query = api.SetAsideQuery(**which)
        return {one.set_aside_id for one in finance.ask("funding", api.GET_SET_ASIDES, query=query).set_asides}

    assert found(fund_id=fund) == {early, late, waiting}
    assert found(fund_id=fund, decided_until=first_day) == {early}
    assert found(state="settled") == {early, late, elsewhere}
    assert found(state="prepared") == {waiting}


def test_set_asides_that_cannot_be(town: Town) -> None:
    finance, body = a_finance_person(town), api.PrepareSetAside(amount_cents=5, act="determina n. 9/2026")
    sponsors = a_paid_topup(town, a_sponsor(town)).fund_id
    open_fund = a_fund(town).fund_id
    prepared = finance.ask("funding", api.POST_SET_ASIDE, body, fund_id=open_fund)
    close(town, open_fund)
    for fund_id, code in ((new_id(), "unknown_fund"), (open_fund, "fund_closed"), (sponsors, "not_for_sponsors")):
        with pytest.raises(Refused, match=code):
            finance.ask("funding", api.POST_SET_ASIDE, body, fund_id=fund_id)
    with pytest.raises(Refused, match="fund_closed"):
        a_finance_person(town).ask("funding", api.POST_SET_ASIDE_APPROVE, set_aside_id=prepared.set_aside_id)
    for endpoint in (api.POST_SET_ASIDE_APPROVE, api.POST_SET_ASIDE_WITHDRAW):
        with pytest.raises(Refused, match="unknown_setaside"):
            finance.ask("funding", endpoint, set_aside_id=new_id())


def test_a_grant_pays_its_share_and_its_co_fund_cannot_be_closed_under_it(town: Town) -> None:
    city = a_city_fund(town)
    grant = a_grant(town, city, opens_on=date(2026, 1, 1), ends_on=date(2026, 12, 31))
    opened = told(town, FundOpened)[-1]
    assert (opened.kind, opened.share_permille, opened.co_fund_id) == ("grant", 750, city)
    with pytest.raises(Refused, match="backs_a_grant"):
        close(town, city)
    assert not close(town, grant).open
    assert not close(town, city).open
    close(town, city)
    assert [event.fund_id for event in told(town, FundClosed)] == [grant, city]
    assert town.check() == []


def test_a_fund_into_which_somebody_is_paying_stays_open_until_that_is_decided(town: Town) -> None:
    sponsor = a_sponsor(town)
    topup = sponsor.tops_up()
    with pytest.raises(Refused, match="payment_under_way"):
        close(town, topup.fund_id)
    town.stripe_standin.expire(topup.checkout_url.rpartition("/")[2])  # type: ignore[union-attr]
    town.tick()
    assert not close(town, topup.fund_id).open
    assert sponsor.tops_up().fund_id != topup.fund_id
    with pytest.raises(Refused, match="unknown_fund"):
        close(town, new_id())


@pytest.mark.parametrize(
    ("terms", "code"),
    [
        ({"earmark": Earmark(neighbourhood_ids=("atlantis",))}, "unknown_neighbourhood"),
        ({"kind": "sponsor"}, "sponsor_terms_wrong"),
        ({"kind": "sponsor", "sponsor_id": new_id()}, "unknown_sponsor"),
        ({"kind": "grant"}, "grant_terms_wrong"),
        ({"kind": "grant", "share_permille": 751, "co_fund_id": new_id()}, "share_too_high"),
        ({"kind": "grant", "share_permille": 750, "co_fund_id": new_id()}, "co_fund_wrong"),
        ({"opens_on": date(2026, 5, 4), "ends_on": date(2026, 5, 3)}, "window_wrong"),
    ],
)
def test_terms_that_cannot_be(town: Town, terms: dict[str, Any], code: str) -> None:
    with pytest.raises(Refused, match=code):
        a_fund(town, **terms)


def test_a_sponsor_has_one_open_fund_for_a_purpose(town: Town) -> None:
    sponsor = a_sponsor(town)
    fund_id = a_paid_topup(town, sponsor).fund_id
    with pytest.raises(Refused, match="fund_exists"):
        a_fund(town, "sponsor", sponsor_id=sponsor.sponsor_id)
    assert funds(town)[fund_id].sponsor == "Torrefazione Arco"


def test_many_funds_come_in_pages(town: Town) -> None:
    ids = [a_fund(town).fund_id for _ in range(3)]
    first = town.client("funding").call(api.GET_FUNDS, query=Page(limit=2))
    second = town.client("funding").call(api.GET_FUNDS, query=Page(limit=2, cursor=first.next_cursor))
    assert [f.fund_id for page in (first, second) for f in page.funds] == ids
    assert second.next_cursor is None


@pytest.mark.parametrize("role", ["volunteer", "coordinator", "sponsor", "auditor", "shop_owner", "cashier"])
def test_only_administration_and_finance_open_funds(town: Town, role: str) -> None:
    with pytest.raises(Refused, match="not_allowed"):
        As(town, (role, None)).ask("funding", api.POST_FUND, api.OpenFund(kind="city", name="Mine"))


def test_whose_hands_opened_and_closed_a_fund_is_kept_and_no_matter_of_the_public(town: Town) -> None:
    giulio = a_finance_person(town)
    fund = giulio.ask("funding", api.POST_FUND, api.OpenFund(kind="city", name="City budget"))
    assert fund.hands == api.Hands(
        opened_at=town.clock.now(), opened_by=giulio.person_id, closed_at=None, closed_by=None
    )
    closing = an_admin(town)
    closed = closing.ask("funding", api.POST_FUND_CLOSE, fund_id=fund.fund_id)
    assert (closed.hands.opened_by, closed.hands.closed_by) == (giulio.person_id, closing.person_id)
    assert funds(town)[fund.fund_id].hands is None
