"""Coins set aside for a shop: nobody else is paid with them until they are paid, let go, or their time is up by the database's clock."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from infra.wiring import Town
from services.apis import ledger as api
from services.apis.errors import Refused
from services.kit.ids import new_id
from tests.builders_ledger import a_fund, balance, figures, give_coins, lot_code, sell, the_owner, wallet

# The append-only triggers would refuse it: only so can a test make time pass for the database.
TIME_IS_UP = "UPDATE holds SET until = clock_timestamp() - interval '1 second'"


class Scene:
    """A person with 10.00 in one lot, and a shop."""

    def __init__(self, town: Town) -> None:
        self.town, self.person, self.shop, self.fund = town, new_id(), new_id(), a_fund(town, 10_00)
        give_coins(town, self.person, 10_00, self.fund)

    def hold(self, cents: int, *, hold_id: UUID | None = None, **more: Any) -> UUID:
        fields = {
            "hold_id": hold_id or new_id(),
            "person_id": self.person,
            "shop_id": self.shop,
            "seconds": 600,
            **more,
        }
        body = api.PostHold(**fields, amount_cents=cents)
        self.ledger.call(api.POST_HOLD, body, key=new_id())
        return body.hold_id

    def end(self, hold_id: UUID, cents: int | None = None) -> api.HoldEnded:
        return self.ledger.call(api.POST_HOLD_END, api.PostHoldEnd(hold_id=hold_id, amount_cents=cents), key=new_id())

    @property
    def ledger(self) -> object:
        return self.town.client("ledger", speaking_as="redemption")

    @property
    def coins(self) -> int:
        return wallet(self.town, self.person).balance_cents

    @property
    def owed(self) -> int:
        return balance(self.town, f"shop/{self.shop}/{self.fund}")

    def let_time_pass(self) -> None:
        with the_owner(self.town, unhindered=True) as conn:
            conn.exec_driver_sql(TIME_IS_UP)


def test_held_coins_are_not_there_for_anybody_else(town: Town) -> None:
    scene = Scene(town)
    scene.hold(7_00)
    assert scene.coins == 3_00
    assert balance(town, lot_code(town, scene.person, scene.fund)) == 10_00
    with pytest.raises(Refused, match="not_enough_coins") as refusal:
        sell(town, scene.person, 3_01)
    assert refusal.value.facts == {"payable_cents": 3_00}
    with pytest.raises(Refused, match="not_enough_coins"):
        scene.hold(3_01)
    sell(town, scene.person, 3_00)
    assert town.check() == []


@pytest.mark.parametrize(("paid", "owed", "left"), [(None, 7_00, 3_00), (5_00, 5_00, 5_00), (0, 0, 10_00)])
def test_a_hold_is_paid_wholly_or_in_part_or_let_go_and_the_rest_is_free(
    town: Town, paid: int | None, owed: int, left: int
) -> None:
    scene = Scene(town)
    hold = scene.hold(7_00)
    ended = scene.end(hold, paid)
    assert (ended.amount_cents, len(ended.transfer_ids)) == (owed, 1 if owed else 0)
    assert (scene.coins, scene.owed) == (left, owed)
    assert scene.end(hold, paid) == ended
    assert town.check() == []


def test_what_was_paid_of_a_hold_is_in_the_fund_s_figures_and_what_is_held_is_not(town: Town) -> None:
    scene = Scene(town)
    hold = scene.hold(4_00)
    assert figures(town, scene.fund).spent_cents == 0
    scene.end(hold, 3_00)
    assert (figures(town, scene.fund).spent_cents, figures(town, scene.fund).outstanding_cents) == (3_00, 7_00)
    assert town.check() == []


def test_a_hold_ends_once(town: Town) -> None:
    scene = Scene(town)
    hold = scene.hold(7_00)
    scene.end(hold, 5_00)
    for other in (7_00, 0, None):
        with pytest.raises(Refused, match="hold_ended"):
            scene.end(hold, other)
    assert (scene.coins, scene.owed) == (5_00, 5_00)


def test_no_more_than_is_held_is_paid_and_the_hold_stays_open(town: Town) -> None:
    scene = Scene(town)
    hold = scene.hold(7_00)
    with pytest.raises(Refused, match="over_hold") as refusal:
        scene.end(hold, 7_01)
    assert refusal.value.facts == {"available_cents": 7_00}
    assert scene.end(hold).amount_cents == 7_00
    with pytest.raises(Refused, match="unknown_hold"):
        scene.end(new_id())


def test_a_hold_whose_time_is_up_is_free_again_and_can_no_longer_be_paid(town: Town) -> None:
    scene = Scene(town)
    hold = scene.hold(7_00)
    scene.let_time_pass()
    with pytest.raises(Refused, match="hold_over"):
        scene.end(hold)
    assert scene.coins == 3_00
    town.tick()
    assert (scene.coins, scene.owed) == (10_00, 0)
    with pytest.raises(Refused, match="hold_ended"):
        scene.end(hold)
    assert town.check() == []


def test_coins_that_expire_while_held_go_back_when_the_hold_is_over(town: Town) -> None:
    scene = Scene(town)
    hold = scene.hold(7_00)
    lot = lot_code(town, scene.person, scene.fund)
    town.clock.move_to(town.clock.now().replace(month=11, day=2))  # type: ignore[attr-defined]
    town.tick()
    assert balance(town, lot) == 7_00
    assert scene.end(hold, 4_00).amount_cents == 4_00
    town.tick()
    assert (balance(town, lot), balance(town, f"fund/{scene.fund}"), scene.owed) == (0, 6_00, 4_00)
    assert town.check() == []


def test_the_same_hold_asked_twice_is_one_and_another_under_its_id_is_refused(town: Town) -> None:
    scene = Scene(town)
    hold = scene.hold(6_00)
    scene.hold(6_00, hold_id=hold)
    assert scene.coins == 4_00
    with pytest.raises(Refused, match="id_reused"):
        scene.hold(3_00, hold_id=hold)


def test_a_hold_from_other_funds_is_another_hold(town: Town) -> None:
    scene = Scene(town)
    hold = scene.hold(4_00)
    with pytest.raises(Refused, match="id_reused"):
        scene.hold(4_00, hold_id=hold, fund_ids=(scene.fund,))
