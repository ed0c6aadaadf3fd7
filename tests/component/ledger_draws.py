"""What the state machine of the ledger draws from, and the small makers it needs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar
from uuid import UUID

from hypothesis import strategies as st

from services.events.awards import FundSource, Plan
from services.events.funding import TopUpSettled
from services.kit.ids import new_id

T = TypeVar("T")

pick = st.integers(0, 1000)
twice = st.sampled_from([False, False, True])
fund, person, shop = st.integers(0, 3), st.integers(0, 2), st.integers(0, 1)
cents = st.integers(1, 1500)
channel = st.sampled_from(["bank", "stripe"])
SHARES = ([1000], [750, 250], [333, 333, 334], [0, 1000], [999, 1], [500, 500])


@st.composite
def plans(draw: st.DrawFn) -> list[list[tuple[int, int | None]]]:
    """Up to two plans: funds by number, in order or with shares."""
    made: list[list[tuple[int, int | None]]] = []
    for _ in range(draw(st.integers(0, 2))):
        funds = draw(st.permutations(range(4)))
        shares: list[Any] = draw(st.sampled_from(SHARES)) if draw(st.booleans()) else [None] * draw(st.integers(1, 3))
        made.append(list(zip(funds, shares, strict=False)))
    return made


FUNDS = tuple(UUID(int=n << 100 | 0x4000_8000 << 60) for n in (3, 1, 4, 2))  # their order is not that of their numbers
PEOPLE = tuple(UUID(int=n << 90) for n in (11, 12, 13))
SHOPS = tuple(UUID(int=n << 90) for n in (21, 22))
Plans = list[list[tuple[int, int | None]]]


def as_plans(numbers: Plans) -> tuple[Plan, ...]:
    return tuple(
        Plan(sources=tuple(FundSource(fund_id=FUNDS[n], share_permille=share) for n, share in plan)) for plan in numbers
    )


def a_topup(fund: int, cents: int, fee: int = 0, channel: Any = "bank") -> TopUpSettled:
    fee_cents = cents * fee // 100
    return TopUpSettled(
        topup_id=new_id(), fund_id=FUNDS[fund], amount_cents=cents, fee_cents=fee_cents, channel=channel
    )


def one_of(known: Sequence[T], which: int) -> T:
    return known[which % len(known)]


def changed(body: Any, more: int) -> Any:
    fields = {f: getattr(body, f) for f in body.__struct_fields__}
    return type(body)(**fields | {"amount_cents": body.amount_cents + more})
