"""A released batch becomes a payment file any SEPA bank takes, or is refused before."""

from datetime import datetime
from importlib.resources import files
from typing import Any

import pytest
from hypothesis import given, settings
from lxml import etree

from services.apis.errors import Refused
from services.reimbursement.bank_values import Account, CreditTransferBatch, sepa_text
from services.reimbursement.pain001 import Version, write_pain001
from tests.unit.reimbursement.bank_files import (
    CITY_IBAN,
    SHOP_IBAN,
    a_batch,
    a_transfer,
    batches,
    texts,
)

VERSIONS: tuple[Version, ...] = ("pain.001.001.09", "pain.001.001.03")
SCHEMAS = {
    version: etree.XMLSchema(etree.fromstring((files("sepaxml") / "schemas" / f"{version}.xsd").read_bytes()))
    for version in VERSIONS
}
both_versions = pytest.mark.parametrize("version", VERSIONS)


def written(batch: CreditTransferBatch, version: Version) -> etree._Element:
    document = etree.fromstring(write_pain001(batch, version))
    SCHEMAS[version].assertValid(document)
    return document


def texts_of(document: etree._Element, tag: str) -> list[str]:
    return [element.text for element in document.iterfind(f".//{{*}}{tag}")]


@both_versions
@settings(max_examples=40)
@given(batch=batches)
def test_any_batch_within_limits_is_valid_against_the_iso_schema(version: Version, batch: CreditTransferBatch) -> None:
    document = written(batch, version)
    assert texts_of(document, "EndToEndId") == [t.end_to_end_id for t in batch.transfers]
    amounts = [int(text.replace(".", "")) for text in texts_of(document, "InstdAmt")]
    assert amounts == [t.amount_cents for t in batch.transfers]
    assert {int(text.replace(".", "")) for text in texts_of(document, "CtrlSum")} == {sum(amounts)}
    assert set(texts_of(document, "NbOfTxs")) == {str(len(amounts))}


@both_versions
def test_a_batch_is_written_as_one_sepa_payment_instruction(version: Version) -> None:
    bakery = a_transfer("2026-04-0001", amount_cents=7)
    florist = a_transfer("2026-04-0002", amount_cents=100_000)
    document = written(a_batch(bakery, florist), version)
    assert texts_of(document, "MsgId") == ["BATCH-2026-04"]
    assert texts_of(document, "CreDtTm") == ["2026-05-04T09:30:00Z"]
    assert texts_of(document, "CtrlSum") == ["1000.07", "1000.07"]
    assert texts_of(document, "InstdAmt") == ["0.07", "1000.00"]
    assert texts_of(document, "IBAN") == [CITY_IBAN, SHOP_IBAN, SHOP_IBAN]
    assert texts_of(document, "Ustrd") == ["Claim 2026-04-0001", "Claim 2026-04-0002"]
    assert (texts_of(document, "ChrgBr"), texts_of(document, "BtchBookg")) == (["SLEV"], ["false"])
    date_tag = "ReqdExctnDt" if version.endswith(".03") else "ReqdExctnDt/{*}Dt"
    assert document.findtext(f".//{{*}}{date_tag}") == "2026-05-06"


@both_versions
def test_a_bic_is_written_only_where_one_is_known(version: Version) -> None:
    tag = "BIC" if version.endswith(".03") else "BICFI"
    with_bic = a_batch(a_transfer(creditor=Account("Fioraio", SHOP_IBAN, "uncr it mm")))
    assert texts_of(written(with_bic, version), tag) == ["UNCRITMM"]
    document = written(a_batch(), version)
    assert document.find(".//{*}CdtrAgt") is None
    assert document.findtext(".//{*}DbtrAgt//{*}Id") == "NOTPROVIDED"


@pytest.mark.parametrize(
    ("name", "at_the_bank"),
    [
        ("Caffè Però & Figli", "Caffe Pero + Figli"),
        ("Łódź Straße 5 “Œuvre”", "Lodz Strasse 5 'OEuvre'"),
        ("I\u015f\u0131k Kebap", "Isik Kebap"),
        ("  Bar\n Sport_1 ", "Bar Sport-1"),
        ("Café 咖啡", "Cafe .."),
    ],
)
def test_names_are_brought_into_the_character_set_of_banks(name: str, at_the_bank: str) -> None:
    document = written(a_batch(a_transfer(creditor=Account(name, SHOP_IBAN))), "pain.001.001.09")
    assert document.findtext(".//{*}Cdtr/{*}Nm") == at_the_bank


@given(texts)
def test_a_text_brought_into_the_character_set_stays_as_it_is(text: str) -> None:
    once = sepa_text(text, 1_000, "name")
    assert sepa_text(once, 1_000, "name") == once


@pytest.mark.parametrize(
    ("changes", "code", "says"),
    [
        ({"creditor": Account("خباز الحي", SHOP_IBAN)}, "payment_text_wrong", "Latin letters"),
        ({"creditor": Account("x" * 71, SHOP_IBAN)}, "payment_text_wrong", "71 .* banks take 70"),
        ({"remittance": "ß" * 71}, "payment_text_wrong", "142 .* banks take 140"),
        ({"remittance": " "}, "payment_text_wrong", "payment text"),
        ({"creditor": Account("Bar", SHOP_IBAN[:-1])}, "iban_wrong", "27 characters"),
        ({"creditor": Account("Bar", SHOP_IBAN, "UNCR")}, "bic_wrong", "8 or 11"),
        ({"amount_cents": 0}, "payment_amount_wrong", "0.01"),
        ({"amount_cents": 100_000_000_000}, "payment_amount_wrong", "999,999,999.99"),
        ({"reference": ""}, "payment_reference_wrong", "1 to 35"),
        ({"reference": "x" * 36}, "payment_reference_wrong", "1 to 35"),
        ({"reference": "città-1"}, "payment_reference_wrong", "letters, digits"),
        ({"reference": "a//b"}, "payment_reference_wrong", "single slashes"),
        ({"reference": "a/"}, "payment_reference_wrong", "single slashes inside"),
    ],
)
def test_what_a_bank_would_reject_is_refused_before_it_is_written(
    changes: dict[str, Any], code: str, says: str
) -> None:
    with pytest.raises(Refused, match=says) as refused:
        write_pain001(a_batch(a_transfer(**changes)), "pain.001.001.09")
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("batch", "code"),
    [
        (a_batch(transfers=()), "payment_batch_empty"),
        (a_batch(a_transfer("same"), a_transfer("same")), "payment_reference_twice"),
        (a_batch(*[a_transfer(f"r{n}") for n in range(2_001)]), "payment_batch_too_large"),
        (a_batch(message_id="/1"), "payment_reference_wrong"),
        (a_batch(debtor=Account("Comune", "IT00")), "iban_wrong"),
    ],
)
def test_a_batch_no_bank_could_book_is_refused(batch: CreditTransferBatch, code: str) -> None:
    with pytest.raises(Refused) as refused:
        write_pain001(batch, "pain.001.001.03")
    assert refused.value.code == code


def test_a_creation_time_without_zone_is_a_programming_error() -> None:
    with pytest.raises(ValueError, match="time zone"):
        write_pain001(a_batch(created_at=datetime(2026, 5, 4)), "pain.001.001.09")  # noqa: DTZ001
