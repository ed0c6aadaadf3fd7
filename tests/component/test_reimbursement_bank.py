"""The bank's statement closes payments, sends some back, and brings other money: with the stand-in bank's real files."""

import pytest

from infra.standins.bank import IncomingTransfer, StandinBank
from infra.wiring import Town
from services.apis import redemption as redemption_api
from services.apis import reimbursement as owed_api
from services.apis import reimbursement_payment as api
from services.apis import reimbursement_trail as trail_api
from services.apis.errors import Refused
from services.events.reimbursement import BankCredited, PaymentReturned, PaymentSettled
from services.kit.ids import new_id
from tests.builders import As
from tests.builders_reimbursement import (
    DAY,
    OWN,
    a_bank,
    a_booking,
    a_claim,
    a_file,
    a_finance_officer,
    a_released_batch,
    a_till_with_sales,
    an_approved_account,
    an_order,
    confirm_everything,
    iban_for,
    issue_statements,
    pay_everything,
    the_bank_answers,
    the_batch,
    the_lines,
    the_order,
    the_owner,
    told,
    upload,
)


def test_the_banks_statement_closes_every_payment(town: Town) -> None:
    for cents in (450, 800):
        a_till_with_sales(town, cents)
    issue_statements(town)
    batch = pay_everything(town)
    assert {payment.state for payment in batch.payments} == {"settled"}
    assert sorted(event.amount_cents for event in told(town, PaymentSettled)) == [450, 800]
    assert town.check() == []


def test_late_and_partly_executed_files_settle_what_was_paid_and_the_rest_when_it_comes(town: Town) -> None:
    for cents in (450, 800, 300):
        a_till_with_sales(town, cents)
    issue_statements(town)
    confirm_everything(town)
    batch, bank = a_released_batch(town), a_bank(town)
    outcomes = dict(zip((p.payment_id.hex for p in batch.payments), ("paid", "late", "unpaid"), strict=True))
    the_bank_answers(town, bank, batch.batch_id, outcomes.__getitem__)
    assert [p.state for p in the_batch(town, batch.batch_id).payments] == ["settled", "released", "released"]
    upload(town, bank.close_day(DAY, lambda reference: "paid"))
    assert [p.state for p in the_batch(town, batch.batch_id).payments] == ["settled", "settled", "released"]
    assert town.check() == []


def test_a_returned_payment_opens_its_claim_again_and_is_paid_to_the_corrected_account(town: Town) -> None:
    claim, bank = a_claim(town), a_bank(town)
    first = a_released_batch(town)
    the_bank_answers(town, bank, first.batch_id, lambda reference: "returned:AC04")
    [returned] = the_batch(town, first.batch_id).payments
    assert (returned.state, returned.return_reason) == ("returned", "AC04")
    [event] = told(town, PaymentReturned)
    assert (event.reason, event.was_settled) == ("AC04", True)
    owed = the_owner(town, claim.shop_id).ask(OWN, owed_api.GET_OWED, shop_id=claim.shop_id)
    assert [c.state for c in owed.claims] == ["payable"]
    assert owed.payments[0].return_reason == "AC04"

    an_approved_account(town, claim.shop_id, iban_for(99))
    second = pay_everything(town, bank=bank)
    [paid] = second.payments
    assert (paid.claim_id, paid.state) == (claim.claim_id, "settled")
    assert paid.payment_id != returned.payment_id
    trail = As(town, ("finance", None)).ask(OWN, trail_api.GET_CLAIM_TRAIL, claim_id=paid.claim_id)
    assert [one.payment.payment_id for one in trail.payments] == [returned.payment_id, paid.payment_id]
    assert [len(one.entries) for one in trail.payments] == [2, 1]  # it went out and came back, then it went out
    assert (trail.claim.state, sum(part.amount_cents for part in trail.parts)) == ("paid", paid.amount_cents)
    assert iban_for(99).encode() in the_order(town, second.batch_id)
    assert town.check() == []


def test_a_payment_can_come_back_days_after_it_left(town: Town) -> None:
    a_claim(town)
    batch = pay_everything(town)
    [payment] = batch.payments
    back = a_booking(an_order(payment.payment_id.hex.upper(), payment.amount_cents), credit=True, reason="MD06")
    upload(town, a_file(town, back, number=7))
    assert the_batch(town, batch.batch_id).payments[0].return_reason == "MD06"
    assert told(town, PaymentReturned)[0].was_settled
    assert town.check() == []


def test_a_return_can_be_read_before_the_debit_it_belongs_to(town: Town) -> None:
    a_claim(town)
    batch = a_released_batch(town)
    order = an_order(batch.payments[0].payment_id.hex, batch.amount_cents)
    upload(town, a_file(town, a_booking(order, credit=True, reason="AC01"), number=2))
    assert [event.was_settled for event in told(town, PaymentReturned)] == [False]
    earlier = upload(town, a_file(town, a_booking(order), number=1))
    assert earlier.matched == 1
    assert told(town, PaymentSettled) == []
    assert town.check() == []


def test_several_debits_of_one_payment_settle_it_by_their_sum(town: Town) -> None:
    a_claim(town, 1000)
    [payment] = a_released_batch(town).payments
    parts = [a_booking(an_order(payment.payment_id.hex, cents)) for cents in (300, 450, 250)]
    first = upload(town, a_file(town, *parts[:2]))
    assert (first.matched, first.unmatched) == (0, 2)
    assert {line.why for line in the_lines(town, first)} == {"paid_in_part"}
    assert upload(town, a_file(town, parts[2], number=2)).matched == 1
    assert {line.state for line in the_lines(town, first)} == {"matched"}
    assert len(told(town, PaymentSettled)) == 1
    assert town.check() == []


def test_what_the_bank_paid_wrongly_stays_visible(town: Town) -> None:
    a_claim(town, 1000)
    batch = a_released_batch(town)
    order = an_order(batch.payments[0].payment_id.hex, 1001)
    unknown = an_order(new_id().hex, 500)
    read = upload(town, a_file(town, a_booking(order), a_booking(unknown)))
    assert [(line.state, line.why) for line in the_lines(town, read)] == [
        ("unmatched", "amount_differs"),
        ("unmatched", "unknown_payment"),
    ]
    assert the_batch(town, batch.batch_id).payments[0].state == "released"
    assert town.check() == []


def test_other_money_that_comes_in_is_told_with_the_schemes_reference(town: Town) -> None:
    bank = StandinBank(town.city.account.iban, 1_000_000)
    for text in ("Top-up mc-7k2p-9wqx", "Rent of the hall"):
        bank.receive(IncomingTransfer(25_000, text, "Torrefazione Arco", iban_for(5)))
    read = upload(town, bank.close_day(DAY, lambda reference: "paid"))
    assert (read.credited, read.unmatched) == (2, 0)
    assert [(event.amount_cents, event.reference) for event in told(town, BankCredited)] == [
        (25_000, "MC-7K2P-9WQX"),
        (25_000, None),
    ]
    assert town.check() == []


def test_a_statement_is_read_once_also_when_the_bank_writes_it_anew(town: Town) -> None:
    bank = StandinBank(town.city.account.iban, 1_000_000)
    bank.receive(IncomingTransfer(25_000, "MC-7K2P-9WQX", "Torrefazione Arco", iban_for(5)))
    file = bank.close_day(DAY, lambda reference: "paid")
    first = upload(town, file)
    for again in (file, file.replace(b"?>\n", b"?>\n<!-- a copy -->", 1)):
        with pytest.raises(Refused, match="bank_statement_known") as refusal:
            upload(town, again)
        assert refusal.value.facts["bank_statement_id"] == str(first.bank_statement_id)
    assert len(told(town, BankCredited)) == 1
    with pytest.raises(Refused, match="unknown_bank_statement"):
        a_finance_officer(town).ask(OWN, api.GET_BANK_STATEMENT, bank_statement_id=new_id())


BOMB = b"""<?xml version="1.0"?><!DOCTYPE lol [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">
<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]><Document>&c;</Document>"""


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (lambda file: BOMB, "bank_statement_unsafe"),
        (lambda file: file[: len(file) // 2], "bank_statement_malformed"),
        (lambda file: b"<Document/>" + b"<" * 500_001, "bank_statement_too_large"),
        (lambda file: file.replace(b"IT60X0542811101000000123456", iban_for(3).encode()), "bank_statement_foreign"),
        (lambda file: file.replace(b"<Ccy>EUR", b"<Ccy>CHF"), "bank_statement_currency"),
        (lambda file: file.replace(b"10000.00", b"10000.01", 1), "bank_statement_does_not_add_up"),
        (
            lambda file: file.replace(b"</BkToCstmrStmt>", b"<Stmt/></BkToCstmrStmt>"),
            "bank_statement_several",
        ),
        (lambda file: file + b" " * (5 * 1024 * 1024), "too_large"),
    ],
)
def test_a_file_that_is_no_statement_of_ours_is_refused_and_leaves_no_trace(
    town: Town, spoil: object, code: str
) -> None:
    bank = StandinBank(town.city.account.iban, 1_000_000)
    bank.receive(IncomingTransfer(25_000, "MC-7K2P-9WQX", "Torrefazione Arco", iban_for(5)))
    file = bank.close_day(DAY, lambda reference: "paid")
    with pytest.raises(Refused) as refusal:
        upload(town, spoil(file))  # type: ignore[operator]
    assert refusal.value.code == code
    assert (told(town, BankCredited), a_bank(town).statements) == ([], 0)
    assert upload(town, file).credited == 1


def test_the_trail_leads_from_the_sales_to_the_banks_line(town: Town) -> None:
    till = a_till_with_sales(town, 450, 800)
    issue_statements(town)
    batch = pay_everything(town)
    [payment] = batch.payments
    auditor = As(town, ("auditor", None))
    trail = auditor.ask(OWN, api.GET_TRAIL, payment_id=payment.payment_id)
    sold = till.ask("redemption", redemption_api.GET_SALES)
    assert set(trail.sale_ids) == {sale.sale_id for sale in sold.sales}
    assert sum(part.amount_cents for part in trail.parts) == trail.payment.amount_cents == 1250
    assert len({trail.batch.prepared_by, trail.batch.approved_by, trail.batch.released_by}) == 3
    assert [(line.amount_cents, line.end_to_end_id) for line in trail.entries] == [(1250, payment.payment_id.hex)]
    assert trail.claim_number == "1/2026"
    with pytest.raises(Refused, match="unknown_payment"):
        auditor.ask(OWN, api.GET_TRAIL, payment_id=new_id())
