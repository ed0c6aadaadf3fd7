"""Money that comes to a fund and leaves it, as it is asked of the books: to the last field."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID, uuid5

import pytest

from ledger import rules_money
from ledger.domain_values import Because, Leg, Move, Reversal, Sweep, Transfer
from ledger.rules import fingerprint
from services.apis.ledger import PostCorrection
from services.events import Envelope
from services.events.funding import FundClosed, TopUpReversed, TopUpSettled
from services.events.ledger import Part
from services.events.reimbursement import PaymentReleased, PaymentReturned, PaymentSettled

NOW = datetime(2026, 5, 4, 10, tzinfo=UTC)
EVENT, ID, F, G, SHOP, BATCH, CLAIM = (UUID(int=n) for n in range(1, 8))
WHY = Because(EVENT, NOW)
PARTS = (Part(fund_id=F, amount_cents=300), Part(fund_id=G, amount_cents=50))


def heard(data: Any) -> Envelope[Any]:
    return Envelope(id=EVENT, type="t", occurred_at=NOW, key="k", correlation_id=ID, data=data)


def a_topup(cents: int, fee: int, channel: Any = "stripe") -> Envelope[TopUpSettled]:
    return heard(TopUpSettled(topup_id=ID, fund_id=F, amount_cents=cents, fee_cents=fee, channel=channel))


def test_a_top_up_brings_the_net_to_the_fund_and_the_fee_passes_through() -> None:
    settled, fee = rules_money.topup_settled(a_topup(1000, 30))
    payload = fingerprint(F, 1000, 30, "stripe")
    legs = (Leg(f"stripe/{F}", f"fund/{F}", 970), Leg(f"stripe/{F}", f"fees/{F}", 30))
    assert settled == Move(request_id=ID, kind="topup", payload=payload, because=WHY, amount_cents=1000, plans=(legs,))
    assert fee == Move(
        request_id=uuid5(ID, "fee"),
        kind="fee",
        payload=payload,
        because=WHY,
        amount_cents=30,
        plans=((Leg(f"fees/{F}", f"stripe/{F}"),),),
    )


def test_without_a_fee_there_is_none_and_one_may_eat_all_but_no_more() -> None:
    (settled,) = rules_money.topup_settled(a_topup(1000, 0, "bank"))
    assert isinstance(settled, Move)
    assert [leg.debit for leg in settled.plans[0]] == [f"bank/{F}"] * 2
    assert len(rules_money.topup_settled(a_topup(1000, 1000))) == 2
    for wrong in (1001, -1):
        with pytest.raises(ValueError, match=f"top-up {ID}: fee {wrong} of 1000"):
            rules_money.topup_settled(a_topup(1000, wrong))


def test_money_taken_back_comes_from_what_is_free_then_from_a_receivable_even_of_a_closed_fund() -> None:
    told = heard(TopUpReversed(topup_id=SHOP, fund_id=F, reversal_id=ID, amount_cents=700, channel="stripe"))
    legs = (Leg(f"fund/{F}", f"stripe/{F}"), Leg(f"receivable/{F}", f"stripe/{F}"))
    assert rules_money.topup_reversed(told) == Move(
        request_id=ID, kind="topup_reversal", because=WHY, even_closed=True, payload=fingerprint(SHOP, F, 700, "stripe"), amount_cents=700,
        plans=(legs,),
    )  # fmt: skip


def test_a_receivable_is_filled_to_zero_and_what_filled_it_wrongly_is_freed() -> None:
    fund, receivable = f"fund/{F}", f"receivable/{F}"
    assert rules_money.fill_receivable(F, ID, WHY) == Sweep(
        request_id=ID,
        kind="receivable_filled",
        payload=fingerprint(F),
        because=WHY,
        debit=fund,
        credit=receivable,
        to_zero=True,
    )
    assert rules_money.free_receivable(F, ID, WHY) == Sweep(
        request_id=ID,
        kind="receivable_freed",
        payload=fingerprint(F),
        because=WHY,
        debit=receivable,
        credit=fund,
        to_zero=False,
    )


def test_a_payment_goes_from_the_shop_through_the_batch_to_the_bank() -> None:
    same: dict[str, Any] = {
        "payment_id": ID,
        "batch_id": BATCH,
        "claim_id": CLAIM,
        "shop_id": SHOP,
        "amount_cents": 350,
        "parts": PARTS,
    }
    payload = fingerprint(SHOP, BATCH, 350, PARTS)
    released = tuple(Leg(f"shop/{SHOP}/{p.fund_id}", f"paying/{BATCH}/{p.fund_id}", p.amount_cents) for p in PARTS)
    assert rules_money.payment_released(heard(PaymentReleased(**same))) == Move(
        request_id=uuid5(ID, "payment_released"),
        kind="payment_released",
        because=WHY,
        amount_cents=350,
        payload=payload,
        plans=(released,),
    )
    left = tuple(Leg(f"paying/{BATCH}/{p.fund_id}", f"bank/{p.fund_id}", p.amount_cents) for p in PARTS)
    assert rules_money.payment_settled(heard(PaymentSettled(**same, booked_on=date(2026, 5, 4)))) == Move(
        request_id=uuid5(ID, "payment_settled"),
        kind="payment_settled",
        because=WHY,
        amount_cents=350,
        payload=payload,
        plans=(left,),
    )
    assert rules_money.payment_journals(ID) == [uuid5(ID, "payment_released"), uuid5(ID, "payment_settled")]


def test_what_a_shop_is_not_owed_any_more_it_is_paid_all_the_same_and_owes_back() -> None:
    first, second = PARTS
    told = heard(
        PaymentReleased(payment_id=ID, batch_id=BATCH, claim_id=CLAIM, shop_id=SHOP, amount_cents=350, parts=PARTS)
    )
    moved = rules_money.payment_released(told, {first.fund_id: 20, second.fund_id: second.amount_cents})
    assert moved.plans == (
        (
            Leg(f"shop/{SHOP}/{first.fund_id}", f"paying/{BATCH}/{first.fund_id}", first.amount_cents - 20),
            Leg(f"overpaid/{SHOP}/{first.fund_id}", f"paying/{BATCH}/{first.fund_id}", 20),
            Leg(f"overpaid/{SHOP}/{second.fund_id}", f"paying/{BATCH}/{second.fund_id}", second.amount_cents),
        ),
    )
    assert moved.payload == rules_money.payment_released(told).payload
    assert rules_money.fill_overpaid(SHOP, F, ID, WHY) == Sweep(
        request_id=ID, kind="overpaid_filled", payload=fingerprint(SHOP, F), because=WHY, debit=f"shop/{SHOP}/{F}",
        credit=f"overpaid/{SHOP}/{F}", to_zero=True,
    )  # fmt: skip
    assert rules_money.free_overpaid(SHOP, F, ID, WHY) == Sweep(
        request_id=ID, kind="overpaid_freed", payload=fingerprint(SHOP, F), because=WHY, debit=f"overpaid/{SHOP}/{F}",
        credit=f"shop/{SHOP}/{F}",
    )  # fmt: skip


def test_a_payment_of_two_transfers_of_a_fund_comes_back_to_both() -> None:
    part = PARTS[0]
    one, other = (
        Transfer(UUID(int=n), ID, "payment_released", "from", "to", cents, part.fund_id, EVENT, NOW, NOW)
        for n, cents in ((60, part.amount_cents - 20), (61, 20))
    )
    told = PaymentReturned(
        payment_id=ID, batch_id=BATCH, claim_id=CLAIM, shop_id=SHOP, amount_cents=part.amount_cents, parts=(part,), reason="AC04",
        was_settled=False, booked_on=date(2026, 5, 4),
    )  # fmt: skip
    assert rules_money.payment_returned(heard(told), [one, other]).of == ((one, part.amount_cents - 20), (other, 20))


def booked(kind: str, part: Part) -> Transfer:
    return Transfer(
        UUID(int=50 + part.fund_id.int), ID, kind, "from", "to", part.amount_cents, part.fund_id, EVENT, NOW, NOW
    )


@pytest.mark.parametrize("was_settled", [True, False])
def test_a_payment_that_came_back_is_undone_from_the_bank_backwards(was_settled: bool) -> None:
    kinds = ["payment_settled", "payment_released"] if was_settled else ["payment_released"]
    told = PaymentReturned(
        payment_id=ID, batch_id=BATCH, claim_id=CLAIM, shop_id=SHOP, amount_cents=350, parts=PARTS, reason="AC04", was_settled=was_settled,
        booked_on=date(2026, 5, 4),
    )  # fmt: skip
    known = [booked(kind, part) for kind in ("payment_released", "payment_settled") for part in PARTS]
    of = tuple((booked(kind, part), part.amount_cents) for kind in kinds for part in PARTS)
    assert rules_money.payment_returned(heard(told), known) == Reversal(
        request_id=uuid5(ID, "payment_returned"),
        kind="payment_returned",
        because=WHY,
        payload=fingerprint(350, PARTS, was_settled),
        of=of,
    )
    with pytest.raises(ValueError, match=f"payment {ID} was never booked as .*payment_released.*{F}"):
        rules_money.payment_returned(heard(told), known[1:])


def test_a_correction_takes_back_all_or_what_is_asked_and_says_who_and_why() -> None:
    wrong, by = booked("topup", PARTS[0]), UUID(int=77)
    for asked, cents in ((None, 300), (120, 120)):
        body = PostCorrection(transfer_id=wrong.transfer_id, reason="booked twice", amount_cents=asked)
        assert rules_money.correction(body, wrong, ID, by, WHY) == Reversal(
            request_id=ID, kind="correction", payload=fingerprint(wrong.transfer_id, cents), because=WHY, of=((wrong, cents),),
            facts={"reason": "booked twice", "by": str(by)},
        )  # fmt: skip


def test_that_a_fund_is_closed_is_remembered_and_moves_nothing() -> None:
    assert rules_money.fund_closed(heard(FundClosed(fund_id=F))) == Move(
        request_id=uuid5(F, "closed"), kind="fund_closed", payload=fingerprint(F), because=WHY, amount_cents=0, plans=()
    )
