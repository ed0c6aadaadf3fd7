"""Which funds an award may draw on, what becomes of it in the ledger, and new plans when funds change. On the real town."""

import threading
from datetime import timedelta
from typing import Any

from infra.wiring import Town
from services.apis import awards as api
from services.apis.endpoint import Page
from services.awards.handlers import HANDLERS
from services.events import Envelope, contract_of
from services.events.attendance import AttendanceConfirmed
from services.events.awards import AwardReplanned, CoinsAwarded
from services.events.funding import Earmark, FundClosed, FundOpened, TopUpSettled
from services.events.ledger import AwardWaiting, CoinsIssued
from services.kit.ids import new_id
from tests.builders import As, a_volunteer, tell
from tests.builders_awards import MORNING, a_confirmed, a_rejected, an_open_fund, published


def state_of(volunteer: As) -> tuple[str, str | None]:
    [award] = volunteer.ask("awards", api.GET_MY_AWARDS, query=Page()).awards
    return award.state, award.waiting_for


def said_of(town: Town, volunteer: As) -> CoinsAwarded:
    return next(e for e in published(town, "awards", CoinsAwarded) if e.person_id == volunteer.person_id)


def money_for(fund: FundOpened, amount_cents: int) -> TopUpSettled:
    return TopUpSettled(topup_id=new_id(), fund_id=fund.fund_id, amount_cents=amount_cents, fee_cents=0, channel="bank")


def funds_in(plans: Any) -> list[list[Any]]:
    return [[source.fund_id for source in plan.sources] for plan in plans]


def test_an_award_names_the_funds_open_to_it_best_first(town: Town) -> None:
    city, sponsor = an_open_fund(rank=2), an_open_fund("sponsor", 1, earmark=Earmark(kinds=("bins",)))
    grant = an_open_fund("grant", 3, share_permille=750, co_fund_id=city.fund_id, ends_on=MORNING.date())
    tell(town, city, sponsor, grant)
    today, tomorrow = a_volunteer(town), a_volunteer(town)
    tell(town, a_confirmed(today.person_id), a_confirmed(tomorrow.person_id, started_at=MORNING + timedelta(days=1)))
    assert funds_in(said_of(town, today).plans) == [[grant.fund_id, city.fund_id], [city.fund_id]]
    assert funds_in(said_of(town, tomorrow).plans) == [[city.fund_id]]
    assert town.check() == []


def test_people_see_why_an_award_waits_and_when_it_arrived(town: Town) -> None:
    volunteer, fund = a_volunteer(town), an_open_fund()
    seen = []
    for news in (a_confirmed(volunteer.person_id), fund, money_for(fund, 499), money_for(fund, 1)):
        tell(town, news)
        seen.append(state_of(volunteer))
    short = ("waiting", "not_enough_money")
    assert seen == [("waiting", "no_fund"), short, short, ("issued", None)]
    assert town.check() == []


def test_a_fund_that_closes_leaves_its_waiting_award_without_one(town: Town) -> None:
    volunteer, fund = a_volunteer(town), an_open_fund()
    tell(town, a_confirmed(volunteer.person_id))
    tell(town, fund)
    tell(town, FundClosed(fund_id=fund.fund_id))
    assert state_of(volunteer) == ("waiting", "no_fund")
    assert published(town, "awards", AwardReplanned)[-1].plans == ()
    assert town.check() == []


def test_an_award_withdrawn_stays_so_whatever_the_ledger_did_meanwhile(town: Town) -> None:
    volunteer = a_volunteer(town)
    one = a_confirmed(volunteer.person_id)
    tell(town, one)
    award = said_of(town, volunteer)
    tell(town, a_rejected(one))
    ids = {"award_id": award.award_id, "person_id": award.person_id, "amount_cents": award.amount_cents}
    tell(town, CoinsIssued(**ids, neighbourhood_id="le-querce", lots=()), AwardWaiting(**ids, reason="no_fund"))
    assert state_of(volunteer) == ("withdrawn", None)
    assert town.check() == []


def test_a_new_fund_gives_waiting_awards_new_plans_where_its_earmark_fits(town: Town) -> None:
    old = an_open_fund(rank=9, earmark=Earmark(kinds=("green",)))
    here, there, done = (a_volunteer(town) for _ in range(3))
    tell(town, old)
    tell(town, money_for(old, 500))
    tell(town, a_confirmed(done.person_id))
    tell(town, a_confirmed(here.person_id, kind="bins"), a_confirmed(there.person_id, neighbourhood_id="stazione"))

    fund = an_open_fund("sponsor", earmark=Earmark(neighbourhood_ids=("le-querce",)))
    tell(town, fund)
    tell(town, fund)

    [replanned] = published(town, "awards", AwardReplanned)
    assert (replanned.award_id, funds_in(replanned.plans)) == (said_of(town, here).award_id, [[fund.fund_id]])
    assert state_of(done) == ("issued", None)
    assert town.check() == []


def test_a_co_fund_opened_after_its_grant_completes_the_plan(town: Town) -> None:
    city = an_open_fund()
    grant = an_open_fund("grant", share_permille=750, co_fund_id=city.fund_id)
    volunteer = a_volunteer(town)
    tell(town, a_confirmed(volunteer.person_id))
    tell(town, grant)
    assert published(town, "awards", AwardReplanned) == []
    tell(town, city)
    plans = published(town, "awards", AwardReplanned)[-1].plans
    assert [(s.fund_id, s.share_permille) for s in plans[0].sources] == [(grant.fund_id, 750), (city.fund_id, 250)]


def test_a_closed_fund_backs_no_award_any_more(town: Town) -> None:
    city, sponsor = an_open_fund(rank=2), an_open_fund("sponsor", rank=1)
    tell(town, city, sponsor)
    before, after = a_volunteer(town), a_volunteer(town)
    tell(town, a_confirmed(before.person_id))
    tell(town, FundClosed(fund_id=sponsor.fund_id))
    tell(town, a_confirmed(after.person_id))
    assert funds_in(published(town, "awards", AwardReplanned)[0].plans) == [[city.fund_id]]
    assert funds_in(said_of(town, after).plans) == [[city.fund_id]]
    assert town.check() == []


def in_two_batches(town: Town, first: Any, second: Any) -> None:
    """Two batches of awards at once: the second begins before the first is committed, and may have to wait for it."""
    ctx = town.rooms["awards"]

    def handle(event: Any) -> None:
        with ctx.transaction() as tx:
            HANDLERS[type(event)](tx, [wrapped(town, event)])  # type: ignore[operator]

    late = threading.Thread(target=handle, args=(second,))
    with ctx.transaction() as tx:
        HANDLERS[type(first)](tx, [wrapped(town, first)])  # type: ignore[operator]
        late.start()
        late.join(timeout=0.5)
    late.join(timeout=10)
    assert not late.is_alive()


def wrapped(town: Town, event: Any) -> Envelope[Any]:
    contract = contract_of(type(event))
    return Envelope(
        id=new_id(), type=contract.type, occurred_at=town.clock.now(), key="", correlation_id=new_id(), data=event
    )


def test_two_batches_at_once_cannot_both_give_the_rest_of_a_ceiling(town: Town) -> None:
    volunteer = a_volunteer(town)
    tell(town, a_confirmed(volunteer.person_id))
    in_two_batches(town, a_confirmed(volunteer.person_id), a_confirmed(volunteer.person_id))
    assert sum(e.amount_cents for e in published(town, "awards", CoinsAwarded)) == 1000
    assert town.check() == []


def test_a_fund_and_an_award_at_the_same_moment_find_each_other(town: Town) -> None:
    fund, other = an_open_fund(), an_open_fund(rank=2)
    one, two = a_confirmed(), a_confirmed()
    pairs: list[tuple[FundOpened | AttendanceConfirmed, FundOpened | AttendanceConfirmed]] = [(one, fund), (other, two)]
    for first, second in pairs:
        in_two_batches(town, first, second)
    town.settle()
    newest = {e.award_id: e.plans for kind in (CoinsAwarded, AwardReplanned) for e in published(town, "awards", kind)}
    assert [funds_in(plans) for plans in newest.values()] == [[[fund.fund_id, other.fund_id]]] * 2
    assert town.check() == []
