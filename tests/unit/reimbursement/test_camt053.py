"""The bank's statement is read to the cent, or refused with the reason; what it says is matched."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infra.standins.bank import IncomingTransfer, StandinBank, answer
from services.apis.errors import Refused
from services.reimbursement.bank_values import Account, CreditTransferBatch
from services.reimbursement.camt053 import BankStatement, BankTransaction, read_camt053
from services.reimbursement.pain001 import write_pain001
from tests.unit.reimbursement.bank_files import (
    CITY_IBAN,
    PAY_DAY,
    SHOP_IBAN,
    a_batch,
    a_transfer,
    batches,
)

SPONSOR_IBAN = "DE44500105175407324931"
TOP_UP = IncomingTransfer(50_000, "Top-up VALD-7K2M", "Ferramenta Rossi SRL", SPONSOR_IBAN)
camt_versions = pytest.mark.parametrize("version", ["camt.053.001.08", "camt.053.001.02"])
pain_versions = st.sampled_from(["pain.001.001.09", "pain.001.001.03"])


def the_bank_answers(
    outcome: Callable[[str], str] = lambda reference: "paid",
    batch: CreditTransferBatch | None = None,
    version: str = "camt.053.001.08",
) -> bytes:
    return answer(
        write_pain001(batch or a_batch(a_transfer("A"), a_transfer("B")), "pain.001.001.09"),
        opening_cents=1_000_000,
        booked_on=PAY_DAY,
        statement_number=7,
        outcome=outcome,
        incoming=[TOP_UP],
        version=version,
    )


def read(data: bytes) -> BankStatement:
    return read_camt053(data, our_iban=CITY_IBAN)


def refusal_of(data: bytes) -> str:
    with pytest.raises(Refused) as refused:
        read(data)
    return refused.value.code


@camt_versions
@settings(max_examples=40)
@given(batch=batches, pain_version=pain_versions, opening=st.integers(-(10**9), 10**12))
def test_every_payment_and_cent_comes_back_from_the_bank(
    version: str, batch: CreditTransferBatch, pain_version: str, opening: int
) -> None:
    data = answer(
        write_pain001(batch, pain_version),
        opening_cents=opening,
        booked_on=PAY_DAY,
        statement_number=1,
        version=version,
    )
    statement = read_camt053(data, our_iban=batch.debtor.iban)
    back = [part for entry in statement.entries for part in entry.transactions]
    assert [(part.end_to_end_id, part.amount_cents, part.counterparty_iban) for part in back] == [
        (sent.end_to_end_id, sent.amount_cents, _counterparty(sent.creditor, batch.debtor)) for sent in batch.transfers
    ]
    assert statement.closing_cents == opening - batch.total_cents
    assert len(statement.entries) == (1 if batch.batch_booking else len(batch.transfers))


def _counterparty(creditor: Account, debtor: Account) -> str | None:
    return None if creditor.iban == debtor.iban else creditor.iban


@camt_versions
def test_a_statement_says_when_where_and_how_much_but_never_who(version: str) -> None:
    statement = read(the_bank_answers(version=version))
    assert (statement.statement_id, statement.iban) == ("STMT-2026-00007", CITY_IBAN)
    assert statement.created_at == datetime(2026, 5, 6, 18, tzinfo=UTC)
    assert (statement.from_date, statement.to_date) == (PAY_DAY, PAY_DAY)
    assert (statement.opening_cents, statement.closing_cents) == (1_000_000, 1_025_900)
    top_up = statement.entries[-1]
    assert (top_up.direction, top_up.signed_cents, top_up.booked_on) == ("credit", 50_000, PAY_DAY)
    assert top_up.transactions == (BankTransaction(None, 50_000, "Top-up VALD-7K2M", None, SPONSOR_IBAN),)
    assert "Rossi" not in repr(statement)
    assert "Brambilla" not in repr(statement)


@camt_versions
def test_a_returned_payment_is_a_debit_and_a_credit_with_the_reason(version: str) -> None:
    statement = read(the_bank_answers({"A": "paid", "B": "returned:AC04"}.__getitem__, version=version))
    paid, debited, returned, _ = statement.entries
    assert (paid.end_to_end_ids, debited.end_to_end_ids) == (("A",), ("B",))
    assert (returned.direction, returned.reversal, debited.reversal) == ("credit", True, False)
    [part] = returned.transactions
    assert (part.end_to_end_id, part.return_reason) == ("B", "AC04")
    assert part.counterparty_iban == SHOP_IBAN


def test_a_partly_executed_file_shows_only_what_was_paid() -> None:
    statement = read(the_bank_answers({"A": "unpaid", "B": "paid"}.__getitem__))
    assert [entry.end_to_end_ids for entry in statement.entries] == [("B",), ()]


def test_a_late_payment_is_on_the_next_statement() -> None:
    bank = StandinBank(CITY_IBAN, balance_cents=30_000)
    bank.submit(write_pain001(a_batch(a_transfer("A"), a_transfer("B")), "pain.001.001.03"))
    bank.receive(TOP_UP)
    first = read(bank.close_day(PAY_DAY, {"A": "paid", "B": "late"}.__getitem__))
    second = read(bank.close_day(date(2026, 5, 7), lambda reference: "late"))
    assert [entry.end_to_end_ids for entry in first.entries] == [("A",), ()]
    assert [entry.end_to_end_ids for entry in second.entries] == [("B",)]
    assert first.closing_cents == second.opening_cents
    assert second.closing_cents == 30_000 + 50_000 - 2 * 12_050
    assert read(bank.close_day(date(2026, 5, 8), lambda reference: "paid")).entries == ()


def test_the_bank_takes_only_files_of_its_customer_with_right_totals() -> None:
    bank = StandinBank(SHOP_IBAN, balance_cents=0)
    file = write_pain001(a_batch(), "pain.001.001.09")
    with pytest.raises(ValueError, match="another account"):
        bank.submit(file)
    with pytest.raises(ValueError, match="control sum"):
        bank.submit(file.replace(b"<CtrlSum>120.50<", b"<CtrlSum>120.51<"))


def test_a_file_uploaded_twice_is_recognised_by_its_hash() -> None:
    assert read(the_bank_answers()).sha256 == read(the_bank_answers()).sha256
    assert read(the_bank_answers({"A": "paid", "B": "late"}.__getitem__)).sha256 != (read(the_bank_answers()).sha256)


# What banks write differently; each must read as the same statement.
@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (b' xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"', b""),
        (b"<Cd>OPBD</Cd>", b"<Cd>PRCD</Cd>"),
        (b"T18:00:00Z</CreDtTm>", b"T20:00:00+02:00</CreDtTm>"),
        (b"T18:00:00Z</CreDtTm>", b"T18:00:00</CreDtTm>"),
        (b"<BookgDt><Dt>2026-05-06</Dt>", b"<BookgDt><DtTm>2026-05-06T10:11:12.5Z</DtTm>"),
        (b"<Cd>BOOK</Cd>", b"BOOK"),
        (b">120.50<", b">120.50000<"),
        (b">120.50<", b">120.5<"),
        (b"IT60X0542811101000000123456", b"IT60 X054 2811 1010 0000 0123 456"),
    ],
)
def test_banks_may_write_the_same_statement_differently(ours: bytes, theirs: bytes) -> None:
    data = _on_one_line(the_bank_answers())
    assert ours in data
    other = read(data.replace(ours, theirs))
    assert other == replace(read(data), sha256=other.sha256)


def _on_one_line(data: bytes) -> bytes:
    return b"".join(line.strip() for line in data.splitlines())


def test_what_is_not_booked_yet_is_left_out() -> None:
    data = _on_one_line(the_bank_answers())
    start, end = data.index(b"<Ntry>"), data.index(b"</Ntry>") + len(b"</Ntry>")
    pending = data[start:end].replace(b"<Cd>BOOK</Cd>", b"<Cd>PDNG</Cd>")
    assert read(data[:start] + pending + data[start:]).entries == read(data).entries


def test_an_entry_without_details_or_reference_is_still_an_entry() -> None:
    data = _on_one_line(the_bank_answers())
    start, end = data.index(b"<AcctSvcrRef>"), data.index(b"</Ntry>")
    first = read(data[:start] + b"<AddtlNtryInf>ROSSI</AddtlNtryInf>" + data[end:]).entries[0]
    assert (first.entry_ref, first.signed_cents) == ("1", -12_050)
    assert first.transactions == (BankTransaction(None, 12_050, "", None, None),)


def test_a_lone_payment_made_in_another_currency_counts_as_it_was_booked() -> None:
    data = _on_one_line(the_bank_answers(version="camt.053.001.02"))
    abroad = data.replace(b'<TxAmt><Amt Ccy="EUR">500.00</Amt>', b'<TxAmt><Amt Ccy="USD">540.10</Amt>')
    assert abroad != data
    assert read(abroad).entries == read(data).entries
