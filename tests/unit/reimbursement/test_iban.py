"""An IBAN is taken only if country, length and check digits hold; the refusal says which not."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.apis.errors import Refused
from services.reimbursement.bank_values import IBAN_LENGTH_OF_COUNTRY, normalise_iban
from tests.unit.reimbursement.bank_files import CITY_IBAN, iban_of, ibans

# The example each country publishes in the ISO 13616 registry.
PUBLISHED = """
AD1200012030200359100100 AL47212110090000000235698741 AT611904300234573201 BE68539007547034
BG80BNBG96611020345678 CH9300762011623852957 CY17002001280000001200527600
CZ6508000000192000145399 DE89370400440532013000 DK5000400440116243 EE382200221020145685
ES9121000418450200051332 FI2112345600000785 FR1420041010050500013M02606
GB29NWBK60161331926819 GI75NWBK000000007099453 GR1601101250000000012300695
HR1210010051863000160 HU42117730161111101800000000 IE29AIBK93115212345678
IS140159260076545510730339 IT60X0542811101000000123456 LI21088100002324013AA
LT121000011101001000 LU280019400644750000 LV80BANK0000435195001
MC5811222000010123456789030 MD24AG000225100013104168 ME25505000012345678951
MK07250120000058984 MT84MALT011000012345MTLCAST001S NL91ABNA0417164300 NO9386011117947
PL61109010140000071219812874 PT50000201231234567890154 RO49AAAA1B31007593840000
RS35260005601001611379 SE4550000000058398257466 SI56263300012039086
SK3112000000198742637541 SM86U0322509800000000270100 VA59001123000012345678
""".split()  # noqa: SIM905 - a table reads better


def test_the_published_example_of_every_sepa_country_is_taken() -> None:
    assert [normalise_iban(iban) for iban in PUBLISHED] == PUBLISHED
    assert {iban[:2] for iban in PUBLISHED} == set(IBAN_LENGTH_OF_COUNTRY)


def test_an_iban_is_taken_as_people_write_it() -> None:
    assert normalise_iban(" it60 x054 2811 1010 0000 0123 456\n") == CITY_IBAN


@given(ibans, st.data())
def test_any_single_mistyped_digit_is_refused(iban: str, data: st.DataObject) -> None:
    places = [place for place, character in enumerate(iban) if character.isdigit()]
    place = data.draw(st.sampled_from(places))
    other = data.draw(st.sampled_from([d for d in "0123456789" if d != iban[place]]))
    assert normalise_iban(iban) == iban
    with pytest.raises(Refused, match="check digits"):
        normalise_iban(iban[:place] + other + iban[place + 1 :])


@given(st.text(max_size=40))
def test_any_other_text_is_refused_politely(text: str) -> None:
    with pytest.raises(Refused) as refused:
        normalise_iban(text)
    assert refused.value.code == "iban_wrong"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (CITY_IBAN[:-1], "An IBAN of IT has 27 characters and this one has 26"),
        (CITY_IBAN + "7", "this one has 28"),
        ("US64SVBKUS6S3300958879", "US is not a country of the SEPA area"),
        ("60X0542811101000000123456", "two letters, two digits"),
        ("IT60X05428111010000001234५6", "letters and digits only"),
        ("IT61X0542811101000000123456", "The check digits do not match"),
        ("", "two letters"),
    ],
)
def test_the_refusal_says_what_is_wrong_and_never_repeats_the_account(text: str, why: str) -> None:
    with pytest.raises(Refused, match=why) as refused:
        normalise_iban(text)
    assert refused.value.code == "iban_wrong"
    assert not text or text not in f"{refused.value.message} {refused.value.facts}"


def test_check_digits_no_bank_issues_are_refused_though_they_leave_the_right_remainder() -> None:
    # 00 and 97 (like 01 and 98, 02 and 99) leave the same remainder; only 02 to 98 are ever issued.
    candidates = (iban_of("IT", f"X{account:022}") for account in itertools.count())
    issued = next(iban for iban in candidates if iban[2:4] == "97")
    with pytest.raises(Refused, match="check digits"):
        normalise_iban("IT00" + issued[4:])
