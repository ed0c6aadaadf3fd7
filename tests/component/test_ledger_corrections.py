"""An attendance corrected after its coins were spent: what was spent counts, and is not given twice."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.wiring import Town
from ledger import rules
from ledger.domain_values import Because
from services.events.awards import AwardWithdrawn, CoinsAwarded, Plan
from services.events.ledger import AwardWaiting, CoinsIssued, CoinsWithdrawn
from services.kit.ids import new_id
from tests.builders import tell
from tests.builders_ledger import (
    OCTOBER,
    a_fund,
    an_award,
    balance,
    figures,
    in_order,
    in_shares,
    said,
    sell,
    tell_together,
    top_up,
    wallet,
)

NOW = datetime(2026, 5, 4, 10, tzinfo=UTC)


class Attended:
    """One attendance: each award replaces the one before, as awards tells it."""

    def __init__(self, town: Town, *plans: Plan) -> None:
        self.town, self.plans, self.person_id, self.attendance_id = town, plans, new_id(), new_id()
        self.awards: list[CoinsAwarded] = []

    def award(self, cents: int) -> CoinsAwarded:
        of = {"person_id": self.person_id, "attendance_id": self.attendance_id, "revision": len(self.awards) + 1}
        self.awards.append(an_award(cents, *self.plans, **of))
        return self.awards[-1]

    def withdraw(self) -> AwardWithdrawn:
        return AwardWithdrawn(
            award_id=self.awards[-1].award_id, person_id=self.person_id, attendance_id=self.attendance_id
        )

    def correct(self, cents: int) -> None:
        tell(self.town, self.withdraw(), self.award(cents))

    @property
    def coins(self) -> int:
        return wallet(self.town, self.person_id).balance_cents


def issued(town: Town) -> list[tuple[int, int]]:
    """Of each award issued, its amount and how many lots it came in."""
    return [(event.amount_cents, len(event.lots)) for event in said(town, CoinsIssued)]


@given(st.integers(1, 2000), st.integers(0, 2000))
def test_of_an_award_only_what_was_not_kept_before_is_asked(cents: int, kept: int) -> None:
    fund = UUID(int=1)
    data, plans = an_award(cents, in_order(fund)), [in_shares({fund: 1000})]
    codes = [rules.coins(new_id(), lot) for lot in rules.lots_of_award(data, plans, OCTOBER)]
    move = rules.award(data, plans, Because(fund, NOW), kept, codes)
    assert move.amount_cents + min(kept, cents) == cents
    assert [leg.amount_cents for plan in move.plans for leg in plan] == ([move.amount_cents] if cents > kept else [])


def test_over_many_corrections_a_person_has_the_most_that_was_spent_or_earned(town: Town) -> None:
    fund = a_fund(town, 100_00)
    attended = Attended(town, in_order(fund))
    tell(town, attended.award(10_00))
    sell(town, attended.person_id, 10_00)
    for cents, has in ((5_00, 0), (10_00, 0), (15_00, 5_00), (12_00, 2_00)):
        attended.correct(cents)
        assert attended.coins == has
    sell(town, attended.person_id, 1_00)
    attended.correct(5_00)
    assert attended.coins == 0
    attended.correct(12_00)
    assert attended.coins == 1_00

    assert issued(town) == [(10_00, 1), (0, 0), (0, 0), (5_00, 1), (2_00, 1), (0, 0), (1_00, 1)]
    assert [event.kept_cents for event in said(town, CoinsWithdrawn)] == [10_00, 0, 0, 0, 1_00, 0]
    assert balance(town, f"fund/{fund}") == 100_00 - 12_00
    assert town.check() == []


def test_what_is_spent_counts_for_its_own_attendance_alone_also_after_a_rejection(town: Town) -> None:
    fund = a_fund(town, 100_00)
    attended, other = Attended(town, in_order(fund)), Attended(town, in_order(fund))
    other.person_id = attended.person_id
    tell(town, attended.award(5_00))
    sell(town, attended.person_id, 2_00)
    tell(town, attended.withdraw())
    tell(town, other.award(5_00))
    assert attended.coins == 5_00
    tell(town, attended.award(5_00))
    assert attended.coins == 8_00
    assert town.check() == []


def test_an_award_that_waits_waits_for_what_is_still_to_be_given(town: Town) -> None:
    fund = a_fund(town, 5_00)
    attended = Attended(town, in_order(fund))
    tell(town, attended.award(5_00))
    sell(town, attended.person_id, 5_00)
    attended.correct(8_00)
    assert [waits.amount_cents for waits in wallet(town, attended.person_id).waiting] == [3_00]
    assert [event.amount_cents for event in said(town, AwardWaiting)] == [3_00]
    assert figures(town, fund).waiting_cents == 3_00
    top_up(town, fund, 2_99)
    assert attended.coins == 0
    top_up(town, fund, 1)
    assert (attended.coins, balance(town, f"fund/{fund}")) == (3_00, 0)
    assert town.check() == []


def test_a_grant_pays_its_share_of_what_is_still_to_be_given(town: Town) -> None:
    grant, city = a_fund(town, 100_00), a_fund(town, 100_00)
    attended = Attended(town, in_shares({grant: 750, city: 250}))
    tell(town, attended.award(4_00))
    sell(town, attended.person_id, 4_00)
    attended.correct(8_00)
    assert (balance(town, f"fund/{grant}"), balance(town, f"fund/{city}")) == (100_00 - 6_00, 100_00 - 2_00)
    assert town.check() == []


@pytest.mark.parametrize("free", [20_00, 0])
def test_in_one_batch_told_twice_and_told_again_nothing_is_given_twice(town: Town, free: int) -> None:
    fund = a_fund(town, 10_00)
    attended = Attended(town, in_order(fund))
    tell(town, attended.award(10_00))
    sell(town, attended.person_id, 10_00)
    if free:
        top_up(town, fund, free)
    first = attended.awards[0]
    events = [first]
    for cents in (5_00, 15_00, 12_00):
        events += [attended.withdraw(), attended.award(cents)]  # type: ignore[list-item]
    tell_together(town, [event for event in events for _ in range(2)])
    tell_together(town, events)
    top_up(town, fund, 20_00)
    assert attended.coins == 2_00
    assert balance(town, f"fund/{fund}") == free + 18_00
    assert [(e.award_id, e.kept_cents) for e in said(town, CoinsWithdrawn)] == [
        (award.award_id, kept) for award, kept in zip(attended.awards, (10_00, 0, 0), strict=False)
    ]
    assert town.check() == []
