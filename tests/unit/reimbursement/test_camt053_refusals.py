"""A file that is broken, hostile, foreign or wrong is refused, and nothing of it is believed."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.apis.errors import Refused
from services.reimbursement.camt053 import (
    MAX_BYTES,
    MAX_TRANSACTIONS,
    BankStatement,
    read_camt053,
)
from services.reimbursement.pain001 import write_pain001
from tests.unit.reimbursement.bank_files import CITY_IBAN, SHOP_IBAN, a_batch, a_transfer
from tests.unit.reimbursement.test_camt053 import read, refusal_of, the_bank_answers

GOOD = the_bank_answers(batch=a_batch(a_transfer("A"), a_transfer("B"), batch_booking=True))
BODY = GOOD.split(b"?>", 1)[1]
LAUGHS = b"".join(b'<!ENTITY l%d "%s">' % (level, b"&l%d;" % (level - 1) * 10) for level in range(1, 10))


@pytest.mark.parametrize(
    "prologue",
    [
        b'<!DOCTYPE Document [<!ENTITY l0 "lol">' + LAUGHS + b"]>",
        b'<!DOCTYPE Document [<!ENTITY secret SYSTEM "file:///etc/passwd">]>',
        b'<!DOCTYPE Document [<!ENTITY % more SYSTEM "http://example.org/x.dtd"> %more;]>',
        b'<!DOCTYPE Document SYSTEM "http://example.org/camt.dtd">',
        b"<!DOCTYPE Document>",
    ],
)
def test_entities_and_dtds_are_never_opened(prologue: bytes) -> None:
    hostile = BODY.replace(b"Top-up VALD-7K2M", b"&l9;&secret;")
    assert refusal_of(prologue + hostile) == "bank_statement_unsafe"


def test_a_bomb_in_another_encoding_is_not_opened_either() -> None:
    bomb = '<?xml version="1.0" encoding="UTF-16"?><!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'
    assert refusal_of(bomb.encode("utf-16")) == "bank_statement_unsafe"


@pytest.mark.parametrize(
    "data",
    [
        GOOD + b" " * MAX_BYTES,
        b"<a>" * 600_000,
        b"<a>" + b"<b/>" * 500_000 + b"</a>",
        GOOD.replace(b"</Stmt>", b"<Ntry></Ntry>" * (MAX_TRANSACTIONS + 1) + b"</Stmt>"),
        GOOD.replace(b"</NtryDtls>", b"<TxDtls/>" * MAX_TRANSACTIONS + b"</NtryDtls>", 1),
    ],
)
def test_a_file_larger_than_any_day_of_a_city_is_refused(data: bytes) -> None:
    assert refusal_of(data) == "bank_statement_too_large"


def test_tags_nested_beyond_any_statement_are_refused_like_any_other_file() -> None:
    assert refusal_of(b"<a>" * 200_000 + b"</a>" * 200_000) == "bank_statement_malformed"


@given(st.integers(1, len(GOOD.rstrip()) - 1))
def test_a_file_cut_off_anywhere_is_refused(length: int) -> None:
    assert refusal_of(GOOD[:length]) == "bank_statement_malformed"


@settings(max_examples=300)
@given(st.data())
def test_a_damaged_file_is_read_or_refused_but_never_crashes(data: st.DataObject) -> None:
    damaged = bytearray(GOOD)
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(damaged) - 1))
        end = data.draw(st.integers(start, min(len(damaged), start + 30)))
        damaged[start:end] = data.draw(st.binary(max_size=12))
    outcome = _statement_or_code(bytes(damaged))
    if isinstance(outcome, str):
        assert outcome.startswith("bank_statement_")
    else:
        moved = sum(entry.signed_cents for entry in outcome.entries)
        assert outcome.opening_cents + moved == outcome.closing_cents


def _statement_or_code(data: bytes) -> BankStatement | str:
    try:
        return read(data)
    except Refused as refused:
        return refused.code


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"Data;Importo;Causale\n06/05/2026;120,50;Claim",
        b'<?xml version="1.0" encoding="klingon"?><Document/>',
        b"<Document><BkToCstmrAcctRpt/></Document>",
        b"<BkToCstmrStmt/>",
        b"<Document><BkToCstmrStmt/></Document>",
        write_pain001(a_batch(), "pain.001.001.09"),
        GOOD.replace(b"<Id>STMT-2026-00007</Id>", b""),
        GOOD.replace(b"<Cd>OPBD</Cd>", b"<Cd>ITAV</Cd>"),
        GOOD.replace(b"<Cd>CLBD</Cd>", b"<Cd>CLAV</Cd>"),
        GOOD.replace(b">500.00<", b">500,00<"),
        GOOD.replace(b">500.00<", b">500.001<"),
        GOOD.replace(b">500.00<", b">-500.00<"),
        GOOD.replace(b">500.00<", b">5e2<"),
        GOOD.replace(b">CRDT<", b">SIDEWAYS<"),
        GOOD.replace(b">2026-05-06T18:00:00Z<", b">6 May<"),
        GOOD.replace(b">2026-05-06T18:00:00Z<", b">0001-01-01T00:00:00+14:00<"),
        GOOD.replace(b"<Dt>2026-05-06</Dt>", b"<Dt>2026-02-30</Dt>"),
        GOOD.replace(b"00007-00001", b"7" * 501),
    ],
)
def test_what_is_not_a_statement_is_malformed(data: bytes) -> None:
    assert refusal_of(data) == "bank_statement_malformed"


def test_a_statement_of_another_account_is_foreign() -> None:
    with pytest.raises(Refused, match="another account") as refused:
        read_camt053(GOOD, our_iban=SHOP_IBAN)
    assert refused.value.code == "bank_statement_foreign"
    unnamed = GOOD.replace(f"<IBAN>{CITY_IBAN}</IBAN>".encode(), b"<Othr><Id>123</Id></Othr>")
    assert refusal_of(unnamed) == "bank_statement_foreign"


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [(b"<Ccy>EUR</Ccy>", b"<Ccy>CHF</Ccy>"), (b'Ccy="EUR"', b'Ccy="CHF"'), (b' Ccy="EUR"', b"")],
)
def test_only_euro_can_be_matched(ours: bytes, theirs: bytes) -> None:
    assert refusal_of(GOOD.replace(ours, theirs)) == "bank_statement_currency"


def test_several_statements_in_one_file_are_refused() -> None:
    start, end = GOOD.index(b"<Stmt>"), GOOD.index(b"</Stmt>") + len(b"</Stmt>")
    assert refusal_of(GOOD[:end] + GOOD[start:end] + GOOD[end:]) == "bank_statement_several"


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (b">10000.00<", b">10000.01<"),  # the opening balance
        (b">10259.00<", b">10258.99<"),  # the closing balance
        (b">241.00<", b">241.01<"),  # a booking: neither balance nor details fit
        (b">120.50<", b">120.51<"),  # the details inside a booking
    ],
)
def test_sums_that_do_not_add_up_are_refused(ours: bytes, theirs: bytes) -> None:
    assert ours in GOOD
    assert refusal_of(GOOD.replace(ours, theirs)) == "bank_statement_does_not_add_up"


def test_a_booking_that_mixes_credits_and_debits_is_refused() -> None:
    start = GOOD.index(b"<TxDtls>")
    mixed = GOOD[:start] + GOOD[start:].replace(b"DBIT", b"CRDT", 1)
    assert refusal_of(mixed) == "bank_statement_malformed"
