"""What the rule cannot match, two people may: one proposes with a reason, another accepts."""

import pytest

from infra.wiring import Town
from services.apis import reimbursement_payment as api
from services.apis.errors import Refused
from services.events.reimbursement import PaymentReturned, PaymentSettled
from services.kit.ids import new_id
from tests.builders import As
from tests.builders_reimbursement import (
    OWN,
    a_booking,
    a_claim,
    a_file,
    a_finance_officer,
    a_released_batch,
    an_order,
    pay_everything,
    the_batch,
    the_lines,
    told,
    upload,
)

WHY = "Same day and amount; the bank lost the reference"


def propose(who: As, line: api.Entry, payment: api.Payment) -> api.Entry:
    body = api.ProposeMatch(payment_id=payment.payment_id, reason=WHY)
    return who.ask(OWN, api.POST_MATCH, body, entry_id=line.entry_id)


def accept(who: As, line: api.Entry) -> api.Entry:
    return who.ask(OWN, api.POST_MATCH_ACCEPT, entry_id=line.entry_id)


def a_lost_reference(town: Town, cents: int, **more: object) -> api.Entry:
    """A line of the bank without the payment's end-to-end id."""
    booking = a_booking(an_order("NOTPROVIDED", cents), **more)  # type: ignore[arg-type]
    return the_lines(town, upload(town, a_file(town, booking)))[0]


def test_a_debit_without_reference_is_matched_by_two_people(town: Town) -> None:
    a_claim(town, 1000)
    batch = a_released_batch(town)
    line = a_lost_reference(town, 1000)
    assert (line.state, line.why) == ("unmatched", "unknown_payment")
    lucia, franca = a_finance_officer(town), a_finance_officer(town)

    proposed = propose(lucia, line, batch.payments[0])
    assert (proposed.state, proposed.match_reason) == ("proposed", WHY)
    assert the_batch(town, batch.batch_id).payments[0].state == "released"
    with pytest.raises(Refused, match="same_person"):
        accept(lucia, line)

    assert accept(franca, line).state == "matched"
    assert the_batch(town, batch.batch_id).payments[0].state == "settled"
    assert [event.booked_on for event in told(town, PaymentSettled)] == [line.booked_on]
    town.settle()
    assert town.check() == []


def test_a_return_without_reference_is_matched_by_two_people_and_opens_the_claim_again(town: Town) -> None:
    claim = a_claim(town, 1000)
    [payment] = pay_everything(town).payments
    line = a_lost_reference(town, 1000, credit=True, reason="AC04")
    propose(a_finance_officer(town), line, payment)
    accept(a_finance_officer(town), line)
    assert [(event.reason, event.was_settled) for event in told(town, PaymentReturned)] == [("AC04", True)]
    town.settle()  # events of two payments have no order of their own: the books hear of the return before the next order
    assert [p.claim_id for p in pay_everything(town).payments] == [claim.claim_id]
    assert town.check() == []


def test_a_later_proposal_replaces_an_earlier_one(town: Town) -> None:
    wrong, right = a_claim(town, 1000), a_claim(town, 1000)
    batch = a_released_batch(town)
    payments = {payment.claim_id: payment for payment in batch.payments}
    line = a_lost_reference(town, 1000)
    lucia, franca = a_finance_officer(town), a_finance_officer(town)
    propose(lucia, line, payments[wrong.claim_id])
    propose(franca, line, payments[right.claim_id])
    accept(lucia, line)
    states = {payment.claim_id: payment.state for payment in the_batch(town, batch.batch_id).payments}
    assert states == {wrong.claim_id: "released", right.claim_id: "settled"}
    town.settle()
    assert town.check() == []


def test_only_what_fits_can_be_proposed(town: Town) -> None:
    a_claim(town, 1000)
    batch = a_released_batch(town)
    finance, [payment] = a_finance_officer(town), batch.payments
    line = a_lost_reference(town, 999)
    with pytest.raises(Refused, match="match_amount_differs") as refusal:
        propose(finance, line, payment)
    assert refusal.value.facts == {"line_cents": 999, "payment_cents": 1000}
    nobodys = api.Payment(
        payment_id=new_id(), claim_id=new_id(), shop_id=new_id(), amount_cents=999, state="released", return_reason=None
    )
    with pytest.raises(Refused, match="unknown_payment"):
        propose(finance, line, nobodys)
    with pytest.raises(Refused, match="match_not_proposed"):
        accept(finance, line)
    for call in (lambda: finance.ask(OWN, api.POST_MATCH_ACCEPT, entry_id=new_id()),
                 lambda: finance.ask(OWN, api.POST_MATCH, api.ProposeMatch(payment_id=payment.payment_id, reason=WHY),
                                     entry_id=new_id())):  # fmt: skip
        with pytest.raises(Refused, match="unknown_entry"):
            call()


def test_a_payment_the_bank_has_answered_for_takes_no_other_line(town: Town) -> None:
    a_claim(town, 1000)
    batch = a_released_batch(town)
    finance, [payment] = a_finance_officer(town), batch.payments
    line = a_lost_reference(town, 1000)
    propose(finance, line, payment)
    answer = upload(town, a_file(town, a_booking(an_order(payment.payment_id.hex, 1000)), number=2))
    with pytest.raises(Refused, match="payment_ended"):
        accept(a_finance_officer(town), line)
    with pytest.raises(Refused, match="payment_ended"):
        propose(finance, line, payment)
    with pytest.raises(Refused, match="entry_matched"):
        propose(finance, the_lines(town, answer)[0], payment)
    assert town.check() == []


def test_a_proposed_match_that_is_refused_leaves_the_line_as_the_bank_wrote_it(town: Town) -> None:
    a_claim(town, 1000)
    batch = a_released_batch(town)
    line = a_lost_reference(town, 1000)
    finance = a_finance_officer(town)
    assert propose(finance, line, batch.payments[0]).proposed_by == finance.person_id
    refused = finance.ask(OWN, api.POST_MATCH_REFUSE, entry_id=line.entry_id)
    assert refused == line
    with pytest.raises(Refused, match="match_not_proposed"):
        finance.ask(OWN, api.POST_MATCH_REFUSE, entry_id=line.entry_id)
