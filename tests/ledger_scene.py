"""A ledger in which everything there is has happened at least once."""

from __future__ import annotations

from datetime import UTC, date, datetime
from uuid import UUID

import pytest
from sqlalchemy import text

from infra.wiring import Town
from services.apis import ledger as api
from services.apis.errors import Refused
from services.events.awards import AwardWithdrawn
from services.events.funding import FundClosed, TopUpReversed
from services.kit.ids import new_id
from tests.builders import tell
from tests.builders_ledger import (
    a_finance_officer,
    a_fund,
    an_auditor,
    an_award,
    give_coins,
    in_order,
    in_shares,
    released,
    returned,
    sell,
    settled,
    the_owner,
    top_up,
    void,
)

JULY = date(2026, 7, 31)


def hold(town: Town, person_id: UUID, cents: int) -> UUID:
    client = town.client("ledger", speaking_as="redemption")
    body = api.PostHold(hold_id=new_id(), person_id=person_id, shop_id=new_id(), amount_cents=cents, seconds=3600)
    client.call(api.POST_HOLD, body, key=new_id())
    return body.hold_id


def end_hold(town: Town, hold_id: UUID, cents: int | None) -> None:
    client = town.client("ledger", speaking_as="redemption")
    client.call(api.POST_HOLD_END, api.PostHoldEnd(hold_id=hold_id, amount_cents=cents), key=new_id())


def a_year_of_everything(town: Town) -> None:
    """Awards issued, waiting, withdrawn, dropped, corrected; sales, voids, holds; money in, back, out, returned; expiry; refusals."""
    fund, grant, poor, shut = a_fund(town, 500_00), a_fund(town, 100_00), a_fund(town, 2_00), a_fund(town, 1_00)
    person, other, shop = new_id(), new_id(), new_id()
    give_coins(town, person, 40_00, fund, expires_on=JULY)
    give_coins(town, person, 20_00, grant)
    tell(town, an_award(9_99, in_shares({grant: 750, fund: 250}), person_id=other))
    _withdraw(town, person, other, fund)
    for cents in (5_00, 3_00):
        tell(town, an_award(cents, in_order(poor), person_id=other))
    tell(town, an_award(1_00, person_id=other))
    tell(town, FundClosed(fund_id=shut))
    sale = sell(town, person, 15_00, shop_id=shop)
    void(town, sell(town, person, 2_00, shop_id=shop).sale_id)
    _too_much(town, other)
    for cents in (0, 1_00, None):
        end_hold(town, hold(town, person, 2_00), cents)
    hold(town, person, 3_00)
    _run_out(town, hold(town, person, 1_00))
    payment = released(shop, *sale.parts)
    tell(town, payment, settled(payment), returned(payment, was_settled=True))
    topup = top_up(town, grant, 10_00, fee_cents=30, channel="stripe")
    tell(town, TopUpReversed(reversal_id=new_id(), topup_id=topup, fund_id=poor, amount_cents=5_00, channel="stripe"))
    top_up(town, poor, 4_00)
    _correct(town, fund)
    town.clock.move_to(datetime(2026, 8, 1, 10, tzinfo=UTC))  # type: ignore[attr-defined]
    town.tick()
    town.settle()


def _withdraw(town: Town, person: UUID, other: UUID, fund: UUID) -> None:
    """One award taken back half spent and corrected, one dropped while it waits."""
    award = an_award(8_00, in_order(fund), person_id=other)
    tell(town, award)
    sell(town, other, 6_00)
    gone = {"person_id": other, "attendance_id": award.attendance_id}
    tell(town, AwardWithdrawn(award_id=award.award_id, **gone))
    tell(town, an_award(20_00, in_order(fund), revision=2, **gone))
    dropped = an_award(5_00, person_id=person)
    tell(
        town, dropped, AwardWithdrawn(award_id=dropped.award_id, person_id=person, attendance_id=dropped.attendance_id)
    )


def _correct(town: Town, fund: UUID) -> None:
    history = an_auditor(town).ask("ledger", api.GET_HISTORY, query=api.HistoryQuery(code=f"bank/{fund}"))
    topup = next(transfer for transfer in history.transfers if transfer.kind == "topup")
    wrong = api.PostCorrection(transfer_id=topup.transfer_id, reason='„booked“ "twice" \\ è', amount_cents=1_00)
    a_finance_officer(town).ask("ledger", api.POST_CORRECTION, wrong)


def _run_out(town: Town, hold_id: UUID) -> None:
    """A hold's time is by the database's clock, which no test moves: its end is set back instead."""
    with the_owner(town) as conn:
        conn.exec_driver_sql("ALTER TABLE holds DISABLE TRIGGER append_only")
        conn.execute(text("UPDATE holds SET until = now() - interval '1 second' WHERE hold_id = :id"), {"id": hold_id})
        conn.exec_driver_sql("ALTER TABLE holds ENABLE TRIGGER append_only")
    town.tick()


def _too_much(town: Town, person: UUID) -> None:
    with pytest.raises(Refused, match="not_enough_coins"):
        sell(town, person, 900_00)
