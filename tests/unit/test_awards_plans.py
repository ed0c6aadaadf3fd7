"""Which funds may stand behind an award, and in which shares."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from services.awards.domain import Purpose, plans_for
from services.events.funding import Earmark, FundOpened

DAY = date(2026, 5, 4)
BELLA, OTHER = UUID(int=1), UUID(int=2)
PURPOSE = Purpose(neighbourhood_id="le-querce", kind="green", programme_id=BELLA)
CITY, SPONSOR, GRANT = (UUID(int=n) for n in (21, 22, 23))


def a_fund(fund_id: UUID = CITY, kind: str = "city", rank: int = 1, **more: Any) -> FundOpened:
    return FundOpened(fund_id=fund_id, kind=kind, name=kind, rank=rank, **{"earmark": Earmark(), **more})  # type: ignore[arg-type]


def a_grant(**more: Any) -> FundOpened:
    return a_fund(**{"fund_id": GRANT, "kind": "grant", "share_permille": 750, "co_fund_id": CITY, **more})


def named(funds: list[FundOpened], day: date = DAY) -> list[list[tuple[UUID, int | None]]]:
    return [[(s.fund_id, s.share_permille) for s in plan.sources] for plan in plans_for(funds, PURPOSE, day)]


def test_without_a_fund_there_is_no_plan() -> None:
    assert named([]) == []


def test_city_and_sponsor_funds_are_drawn_on_in_order_of_rank() -> None:
    assert named([a_fund(rank=2), a_fund(SPONSOR, "sponsor", 1)]) == [[(SPONSOR, None), (CITY, None)]]


def test_a_grant_gives_its_share_and_the_city_the_rest_then_the_city_alone() -> None:
    assert named([a_fund(), a_grant(rank=9)]) == [[(GRANT, 750), (CITY, 250)], [(CITY, None)]]


def test_a_grant_is_not_named_outside_its_window() -> None:
    funds = [a_fund(), a_grant(opens_on=DAY, ends_on=DAY)]
    assert len(named(funds)) == 2
    for day in (DAY - timedelta(days=1), DAY + timedelta(days=1)):
        assert named(funds, day) == [[(CITY, None)]]


def test_a_grant_is_not_named_where_its_co_fund_may_not_be_used() -> None:
    elsewhere = Earmark(neighbourhood_ids=("stazione",))
    assert named([a_fund(earmark=elsewhere), a_grant(), a_fund(SPONSOR, "sponsor")]) == [[(SPONSOR, None)]]


def test_a_grant_is_no_co_fund_of_another() -> None:
    assert named([a_grant(fund_id=CITY, co_fund_id=SPONSOR), a_grant()]) == []


def test_a_grant_that_gives_all_needs_no_co_fund_and_one_without_a_share_gives_nothing() -> None:
    assert named([a_grant(share_permille=1000, co_fund_id=None)]) == [[(GRANT, 1000)]]
    assert named([a_fund(), a_grant(share_permille=None)]) == [[(CITY, None)]]


def test_an_earmark_asks_for_neighbourhood_kind_and_programme_together() -> None:
    fits = Earmark(neighbourhood_ids=("le-querce", "stazione"), kinds=("green",), programme_ids=(BELLA,))
    assert named([a_fund(earmark=fits)]) == [[(CITY, None)]]
    for wrong in (
        Earmark(neighbourhood_ids=("stazione",), kinds=("green",)),
        Earmark(neighbourhood_ids=("le-querce",), kinds=("bins",)),
        Earmark(programme_ids=(OTHER,)),
    ):
        assert named([a_fund(earmark=wrong)]) == []


ids = st.integers(1, 6).map(lambda n: UUID(int=n))
earmarks = st.builds(
    Earmark,
    neighbourhood_ids=st.sampled_from([(), ("le-querce",), ("stazione",), ("le-querce", "stazione")]),
    kinds=st.sampled_from([(), ("green",), ("bins",)]),
    programme_ids=st.sampled_from([(), (BELLA,), (OTHER,)]),
)
days = st.none() | st.integers(-2, 2).map(lambda n: DAY + timedelta(days=n))
funds = st.builds(
    FundOpened,
    fund_id=ids,
    kind=st.sampled_from(["city", "sponsor", "grant"]),
    name=st.just("fund"),
    rank=st.integers(0, 3),
    earmark=earmarks,
    share_permille=st.none() | st.integers(-1, 1100),
    co_fund_id=st.none() | ids,
    opens_on=days,
    ends_on=days,
)


def fits(fund: FundOpened) -> bool:
    """The rule said another way than the code says it."""
    earmark = fund.earmark
    wanted = [(earmark.neighbourhood_ids, "le-querce"), (earmark.kinds, "green"), (earmark.programme_ids, BELLA)]
    open_ = (fund.opens_on or DAY) <= DAY <= (fund.ends_on or DAY)
    return open_ and all(mine in allowed for allowed, mine in wanted if allowed)


@given(st.lists(funds, max_size=6, unique_by=lambda fund: fund.fund_id))
def test_shares_are_whole_no_fund_that_may_not_is_named_and_no_grant_gives_more_than_its_share(
    opened: list[FundOpened],
) -> None:
    by_id = {fund.fund_id: fund for fund in opened}
    plans = plans_for(opened, PURPOSE, DAY)
    for plan in plans:
        shares = [source.share_permille for source in plan.sources]
        assert shares == [None] * len(shares) or sum(share or 0 for share in shares) == 1000
        for source in plan.sources:
            fund = by_id[source.fund_id]
            assert fits(fund)
            assert fund.kind != "grant" or source.share_permille == fund.share_permille
    own = {fund.fund_id for fund in opened if fund.kind != "grant" and fits(fund)}
    assert ({s.fund_id for s in plans[-1].sources} if plans else set()) >= own
