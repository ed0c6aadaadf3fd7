"""What each event and command asks of the books, to the last field; and which accounts there are."""

from __future__ import annotations

from datetime import UTC, date, datetime
from hashlib import sha256
from typing import Any
from uuid import UUID, uuid5

import pytest
from msgspec import structs

from ledger import rules
from ledger.domain_values import Because, EndHold, Hold, Leg, Move, Reversal, Sweep, Transfer
from services.apis.ledger import PostHold, PostHoldEnd, PostSale
from services.events import Envelope
from services.events import ledger as said
from services.events.awards import CoinsAwarded, FundSource, Plan

NOW = datetime(2026, 5, 4, 10, tzinfo=UTC)
WHY = Because(UUID(int=99), NOW)
F, G, PERSON, SHOP, ID = (UUID(int=n) for n in range(1, 6))
MAY, OCTOBER = date(2026, 5, 31), date(2026, 10, 31)
LOT_F = f"coins/{UUID(int=71)}/{F}/2026-05"
LOT_G = f"coins/{UUID(int=72)}/{G}/2026-10"


def a_transfer(debit: str, credit: str, cents: int, **more: Any) -> Transfer:
    fields = {
        "transfer_id": UUID(int=80),
        "journal": ID,
        "kind": "sale",
        "fund_id": F,
        "cause": ID,
        "occurred_at": NOW,
        "posted_at": NOW,
    }
    return Transfer(**{**fields, **more}, debit=debit, credit=credit, amount_cents=cents)


def an_award(cents: int, *plans: Plan, **more: Any) -> CoinsAwarded:
    fields: dict[str, Any] = {
        "award_id": ID, "person_id": PERSON, "attendance_id": UUID(int=31), "programme_id": UUID(int=32), "neighbourhood_id": "le-querce",
        "amount_cents": cents, "plans": plans, "expires_on": MAY, "rule_id": UUID(int=33), "earned_at": NOW, **more,
    }  # fmt: skip
    return CoinsAwarded(**fields)


def ordered(*funds: UUID) -> Plan:
    return Plan(sources=tuple(FundSource(fund_id=fund) for fund in funds))


@pytest.mark.parametrize(
    ("code", "fund", "floored", "expires_on"),
    [
        (f"fund/{F}", F, True, None), (f"shop/{SHOP}/{F}", F, True, None), (f"paying/{ID}/{G}", G, True, None),
        (f"fees/{F}", F, True, None), (f"bank/{F}", F, False, None), (f"stripe/{F}", F, False, None), (f"receivable/{F}", F, False, None),
        (f"coins/{ID}/{F}/2028-02", F, True, date(2028, 2, 29)),
    ],
)  # fmt: skip
def test_an_account_s_code_says_its_fund_its_floor_and_its_last_day(
    code: str, fund: UUID, floored: bool, expires_on: date
) -> None:
    assert rules.terms_of(code) == rules.Terms(fund, floored, expires_on)
    assert rules.class_of(code) == code.split("/")[0]


def test_accounts_are_named_by_whose_they_are_but_lots_by_an_id_of_their_own() -> None:
    assert rules.fund(F) == f"fund/{F}"
    assert rules.receivable(F) == f"receivable/{F}"
    assert rules.coins(ID, rules.Lot(PERSON, F, MAY)) == f"coins/{ID}/{F}/2026-05"
    assert rules.coins(ID, rules.Lot(PERSON, F, date(987, 10, 31))) == f"coins/{ID}/{F}/0987-10"
    assert rules.shop(SHOP, F) == f"shop/{SHOP}/{F}"
    assert rules.paying(ID, F) == f"paying/{ID}/{F}"
    assert rules.owner_of(f"shop/{SHOP}/{F}") == SHOP


def test_what_is_heard_is_because_of_its_event_when_that_happened() -> None:
    told = Envelope(id=F, type="t", occurred_at=NOW, key="k", correlation_id=ID, data=None)
    assert rules.heard(told) == Because(F, NOW)


def test_a_derived_id_and_a_fingerprint_are_the_same_every_time_and_other_for_other_content() -> None:
    assert rules.derived(ID, "void") == uuid5(ID, "void")
    assert rules.fingerprint(1, "a") == sha256(b'[1,"a"]').digest()
    assert rules.fingerprint({"b": 1, "a": 2}) == rules.fingerprint({"a": 2, "b": 1})


@pytest.mark.parametrize(
    ("waited", "today", "lifetime_months", "last"),
    [
        (False, date(2026, 5, 31), 6, MAY),  # on the last day itself it is still good
        (False, date(2026, 6, 1), 6, date(2026, 12, 31)),
        (True, date(2026, 5, 4), 6, date(2026, 11, 30)),
        (True, date(2026, 5, 4), 7, date(2026, 12, 31)),
        (True, date(2026, 5, 4), 8, date(2027, 1, 31)),
        (True, date(2026, 12, 4), 14, date(2028, 2, 29)),
        (True, date(2025, 1, 4), 1, MAY),  # never earlier than what was promised
    ],
)
def test_waiting_costs_nobody_a_day_of_their_coins(waited: bool, today: date, lifetime_months: int, last: date) -> None:
    told = rules.last_day(an_award(100), waited=waited, today=today, lifetime_months=lifetime_months)
    assert told == last


def codes(*funds: UUID) -> dict[rules.Lot, str]:
    return {rules.Lot(PERSON, fund, MAY): f"coins/{UUID(int=70 + fund.int)}/{fund}/2026-05" for fund in funds}


def codes_for(award: CoinsAwarded, plans: list[Plan]) -> list[str]:
    """The accounts of the lots an award may need, in their order."""
    return [codes(F, G)[lot] for lot in rules.lots_of_award(award, plans, MAY)]


def test_an_award_asks_its_funds_in_order_for_what_is_needed() -> None:
    award, plans = an_award(500), [ordered(G, F), ordered(F)]
    assert rules.lots_of_award(award, plans, MAY) == [rules.Lot(PERSON, fund, MAY) for fund in (G, F, F)]
    legs = {fund: Leg(f"fund/{fund}", code) for (_, fund, _), code in codes(F, G).items()}
    assert rules.award(award, plans, WHY, 0, codes_for(award, plans)) == Move(
        request_id=ID, kind="award", payload=rules.award_payload(award), because=WHY, amount_cents=500,
        plans=((legs[G], legs[F]), (legs[F],)), or_wait=True, facts=None,
    )  # fmt: skip
    assert rules.funds_of(plans) == [F, G]


def test_an_award_in_shares_gives_each_fund_its_permille_and_the_last_the_rounding_cent() -> None:
    shares = Plan(sources=(FundSource(fund_id=F, share_permille=667), FundSource(fund_id=G, share_permille=333)))
    move = rules.award(an_award(101), [shares], WHY, 0, codes_for(an_award(101), [shares]))
    assert [leg.amount_cents for leg in move.plans[0]] == [67, 34]
    mixed = Plan(sources=(FundSource(fund_id=F, share_permille=1000), FundSource(fund_id=G)))
    assert [
        leg.amount_cents
        for leg in rules.award(an_award(101), [mixed], WHY, 0, codes_for(an_award(101), [mixed])).plans[0]
    ] == [
        101,
        0,
    ]


def test_what_an_attendance_kept_is_not_given_again() -> None:
    move = rules.award(an_award(500), [ordered(F)], WHY, 200, codes(F).values())
    assert (move.amount_cents, move.facts, len(move.plans)) == (300, {"kept_cents": 200}, 1)
    nothing = rules.award(an_award(500), [ordered(F)], WHY, 600, codes(F).values())
    assert (nothing.amount_cents, nothing.plans) == (0, ())
    assert rules.award(an_award(500), [ordered(F)], WHY, 499, codes(F).values()).plans != ()


@pytest.mark.parametrize("changed", [{"person_id": F}, {"amount_cents": 501}, {"expires_on": OCTOBER}, {"revision": 2}])
def test_an_award_with_other_content_is_another_request(changed: dict[str, Any]) -> None:
    award = an_award(500)
    assert rules.award_payload(structs.replace(award, **changed)) != rules.award_payload(award)
    assert rules.award_payload(structs.replace(award, plans=(ordered(F),))) == rules.award_payload(award)


def test_a_withdrawal_takes_back_what_is_there_and_a_void_all_of_it() -> None:
    issued = a_transfer(f"fund/{F}", LOT_F, 300)
    assert rules.withdrawal(ID, [issued], WHY) == Reversal(
        request_id=uuid5(ID, "withdrawal"),
        kind="withdrawal",
        payload=rules.fingerprint(ID),
        because=WHY,
        of=((issued, 300),),
        at_most=True,
    )
    assert rules.void(ID, [issued], WHY) == Reversal(
        request_id=uuid5(ID, "void"),
        kind="void",
        payload=rules.fingerprint(ID),
        because=WHY,
        of=((issued, 300),),
        at_most=False,
    )


def test_expired_coins_go_back_to_the_fund_they_came_from() -> None:
    assert rules.expiry(LOT_G, ID, WHY) == Sweep(
        request_id=ID, kind="expiry", payload=rules.fingerprint(LOT_G), because=WHY, debit=LOT_G, credit=f"fund/{G}"
    )


def test_a_sale_takes_from_the_lots_in_order_and_each_keeps_its_fund() -> None:
    sale = PostSale(
        sale_id=ID, person_id=PERSON, shop_id=SHOP, till_id=UUID(int=41), payment_code_id=UUID(int=42), neighbourhood_id="le-querce",
        amount_cents=450, fund_ids=(F,), correlation_id=UUID(int=43),
    )  # fmt: skip
    legs = (Leg(LOT_F, f"shop/{SHOP}/{F}"), Leg(LOT_G, f"shop/{SHOP}/{G}"))
    assert rules.sale(sale, [LOT_F, LOT_G], WHY) == Move(
        request_id=ID, kind="sale", because=WHY, amount_cents=450, plans=(legs,),
        payload=rules.fingerprint(PERSON, SHOP, UUID(int=41), 450, (F,)),
    )  # fmt: skip


def test_a_hold_sets_aside_what_a_sale_would_take_and_ends_one_way() -> None:
    hold = PostHold(hold_id=ID, person_id=PERSON, shop_id=SHOP, amount_cents=450, seconds=60, fund_ids=(F,))
    assert rules.hold(hold, [LOT_F], WHY) == Hold(
        request_id=ID, kind="hold", because=WHY, amount_cents=450, seconds=60, plans=((Leg(LOT_F, f"shop/{SHOP}/{F}"),),),
        payload=rules.fingerprint(PERSON, SHOP, 450, 60, (F,)),
    )  # fmt: skip
    for cents, how in ((None, "post"), (450, "post"), (1, "post"), (0, "void")):
        assert rules.hold_end(PostHoldEnd(hold_id=ID, amount_cents=cents), WHY) == EndHold(
            request_id=uuid5(ID, "end"), kind=f"hold_{how}", because=WHY, hold_id=ID, how=how, amount_cents=cents,  # type: ignore[arg-type]
            payload=rules.fingerprint(ID, cents),
        )  # fmt: skip
    assert rules.hold_expiry(ID, WHY) == EndHold(
        request_id=uuid5(ID, "expiry"),
        kind="hold_expire",
        because=WHY,
        hold_id=ID,
        how="expire",
        payload=rules.fingerprint(ID),
    )


def test_parts_are_summed_by_fund_in_order_and_a_lot_is_told_with_its_last_day() -> None:
    moved = [a_transfer(LOT_G, "x", 1, fund_id=G), a_transfer(LOT_F, "x", 2), a_transfer(LOT_F, "x", 40)]
    assert rules.parts_of(moved) == (said.Part(fund_id=F, amount_cents=42), said.Part(fund_id=G, amount_cents=1))
    assert rules.lot_of(LOT_G, 7) == said.Lot(fund_id=G, amount_cents=7, expires_on=OCTOBER)


def test_a_month_ends_on_its_last_day() -> None:
    ends = [
        rules.month_end(date(year, month, 7))
        for year, month in ((2026, 1), (2026, 2), (2028, 2), (2026, 4), (2026, 12))
    ]
    assert ends == [date(2026, 1, 31), date(2026, 2, 28), date(2028, 2, 29), date(2026, 4, 30), date(2026, 12, 31)]
