"""Holds: coins set aside for a shop count as spent when it is paid with them, and as nothing else."""

from __future__ import annotations

from uuid import UUID

import pytest

from infra.wiring import Town
from services.apis import ledger as api
from services.apis.errors import Refused
from services.kit.ids import new_id
from tests.builders_ledger import a_fund, figures, give_coins, sell


def hold(town: Town, person: UUID, cents: int, **more: object) -> api.PostHold:
    body = api.PostHold(
        **{"hold_id": new_id(), "person_id": person, "shop_id": new_id(), "amount_cents": cents, "seconds": 60, **more}
    )
    ask(town, api.POST_HOLD, body)
    return body


def ask(town: Town, endpoint: object, body: object) -> object:
    return town.client("ledger", speaking_as="redemption").call(endpoint, body, key=new_id())  # type: ignore[arg-type]


def test_a_paid_hold_is_in_the_fund_s_figures_and_the_books_stay_true(town: Town) -> None:
    person, fund = new_id(), a_fund(town, 10_00)
    give_coins(town, person, 6_00, fund)
    held = hold(town, person, 4_00)
    assert figures(town, fund).spent_cents == 0
    ask(town, api.POST_HOLD_END, api.PostHoldEnd(hold_id=held.hold_id, amount_cents=3_00))
    assert (figures(town, fund).spent_cents, figures(town, fund).outstanding_cents) == (3_00, 3_00)
    assert town.check() == []


def test_what_is_held_cannot_be_spent_and_a_hold_from_other_funds_is_another_hold(town: Town) -> None:
    person, fund = new_id(), a_fund(town, 10_00)
    give_coins(town, person, 6_00, fund)
    held = hold(town, person, 4_00)
    with pytest.raises(Refused, match="not_enough_coins") as refused:
        sell(town, person, 2_01)
    assert refused.value.facts == {"payable_cents": 2_00}
    fields = {f: getattr(held, f) for f in held.__struct_fields__}
    with pytest.raises(Refused, match="id_reused"):
        hold(town, person, 4_00, **fields | {"fund_ids": (fund,)})
