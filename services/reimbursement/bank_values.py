"""The values every bank file is written from, and what a bank accepts in them.

Rules come from the SEPA Credit Transfer customer-to-bank guidelines (EPC132-08), the SEPA character
set (EPC217-08) and the IBAN standard (ISO 13616, with the check of ISO/IEC 7064 MOD 97-10).
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import date, datetime

from services.apis.errors import Refused

# Every country of the SEPA schemes and the length of its IBANs (EPC409-09, ISO 13616 registry).
IBAN_LENGTH_OF_COUNTRY = {
    "AD": 24, "AL": 28, "AT": 20, "BE": 16, "BG": 22, "CH": 21, "CY": 28, "CZ": 24, "DE": 22,
    "DK": 18, "EE": 20, "ES": 24, "FI": 18, "FR": 27, "GB": 22, "GI": 23, "GR": 27, "HR": 21,
    "HU": 28, "IE": 22, "IS": 26, "IT": 27, "LI": 21, "LT": 20, "LU": 20, "LV": 21, "MC": 27,
    "MD": 24, "ME": 22, "MK": 19, "MT": 31, "NL": 18, "NO": 15, "PL": 28, "PT": 25, "RO": 24,
    "RS": 22, "SE": 24, "SI": 19, "SK": 24, "SM": 27, "VA": 22,
}  # fmt: skip

MAX_NAME = 70
MAX_REMITTANCE = 140
MAX_REFERENCE = 35
MAX_TRANSFERS = 2_000  # the bank's answer to so many stays well below what read_camt053 accepts
MAX_AMOUNT_CENTS = 99_999_999_999  # 999,999,999.99 EUR, the scheme's ceiling for one transfer

# What Unicode cannot take apart into a plain letter and an accent.
_PLAIN_LETTERS = str.maketrans(
    {
        "ß": "ss", "ẞ": "SS", "æ": "ae", "Æ": "AE", "œ": "oe", "Œ": "OE", "ø": "o", "Ø": "O",
        "đ": "d", "Đ": "D", "ð": "d", "Ð": "D", "þ": "th", "Þ": "Th", "ł": "l", "Ł": "L",
        "ħ": "h", "Ħ": "H", "€": "EUR", "&": "+", "_": "-", "`": "'", '"': "'",
        "\u0131": "i",  # Turkish dotless i
        "\u2013": "-", "\u2014": "-",  # dashes
        "\u2018": "'", "\u2019": "'", "\u201c": "'", "\u201d": "'",  # curly quotation marks
    }
)  # fmt: skip
_NOT_SEPA = re.compile(r"[^A-Za-z0-9/\-?:().,'+ ]")
_REFERENCE = re.compile(r"[A-Za-z0-9\-?:().,'+](?:/?[A-Za-z0-9\-?:().,'+])*")
_BIC = re.compile(r"[A-Z]{6}[A-Z0-9]{2}(?:[A-Z0-9]{3})?")


@dataclass(frozen=True)
class Account:
    """A bank account. `name`: its holder; `bic`: only where a bank still asks for one."""

    name: str
    iban: str
    bic: str | None = None


@dataclass(frozen=True)
class FundShare:
    """How much of one payment a fund bears. `fund`: the fund's reference in the accounts."""

    fund: str
    amount_cents: int


@dataclass(frozen=True)
class CreditTransfer:
    """One payment. `end_to_end_id` comes back on the bank's statement and is what matches it.

    `fund_shares` and `creditor_vat_number` go only into the payment orders of a municipality.
    """

    end_to_end_id: str
    amount_cents: int
    creditor: Account
    remittance: str
    fund_shares: tuple[FundShare, ...] = ()
    creditor_vat_number: str | None = None


@dataclass(frozen=True)
class CreditTransferBatch:
    """Payments released together. `created_at` is aware; `batch_booking`: one debit for all."""

    message_id: str
    created_at: datetime
    debtor: Account
    execution_on: date
    transfers: tuple[CreditTransfer, ...]
    batch_booking: bool = False

    @property
    def total_cents(self) -> int:
        return sum(transfer.amount_cents for transfer in self.transfers)


def normalise_iban(text: str) -> str:
    """The IBAN in capitals without spaces.

    Raises Refused("iban_wrong"), saying whether country, length or check digits are the trouble.
    """
    iban = re.sub(r"[\s-]", "", text).upper()
    country = iban[:2]
    if not re.fullmatch(r"[A-Z]{2}[0-9]{2}[A-Z0-9]+", iban, re.ASCII):
        raise _iban_wrong("An IBAN is two letters, two digits, then letters and digits only")
    expected = IBAN_LENGTH_OF_COUNTRY.get(country)
    if expected is None:
        raise _iban_wrong(f"{country} is not a country of the SEPA area", country=country)
    if len(iban) != expected:
        raise _iban_wrong(
            f"An IBAN of {country} has {expected} characters and this one has {len(iban)}",
            country=country,
            length=len(iban),
            expected_length=expected,
        )
    # Recomputed rather than only checked to leave 1: that refuses 00, 01 and 99 too.
    if iban[2:4] != f"{98 - _as_number(iban[4:] + country + '00') % 97:02}":
        raise _iban_wrong("The check digits do not match: a character is mistyped", country=country)
    return iban


def _as_number(text: str) -> int:
    return int("".join(str(int(character, 36)) for character in text))


def _iban_wrong(why: str, **facts: object) -> Refused:
    return Refused("iban_wrong", f"{why}. Copy the IBAN from a bank document.", facts, status=422)


def normalise_bic(text: str) -> str:
    """The BIC in capitals without spaces. Raises Refused("bic_wrong")."""
    bic = re.sub(r"\s", "", text).upper()
    if not _BIC.fullmatch(bic):
        message = "A BIC has 8 or 11 characters, the first 6 of them letters. It may be left out."
        raise Refused("bic_wrong", message, status=422)
    return bic


def sepa_text(text: str, limit: int, what: str) -> str:
    """The text in the SEPA character set: accents dropped (à→a), a full stop for the unknown.

    Raises Refused("payment_text_wrong") when nothing readable is left or it exceeds `limit`.
    """
    apart = unicodedata.normalize("NFKD", text.translate(_PLAIN_LETTERS))
    plain = "".join(character for character in apart if not unicodedata.combining(character))
    latin = _NOT_SEPA.sub(".", " ".join(plain.split()))
    if not re.search(r"[A-Za-z0-9]", latin):
        message = f"Banks read Latin letters only: write the {what} with them."
        raise Refused("payment_text_wrong", message, {"what": what}, status=422)
    if len(latin) > limit:
        message = f"The {what} has {len(latin)} characters where banks take {limit}: shorten it."
        facts = {"what": what, "length": len(latin), "limit": limit}
        raise Refused("payment_text_wrong", message, facts, status=422)
    return latin


def check_batch(batch: CreditTransferBatch) -> None:
    """What must hold before any file is written.

    References are refused, never rewritten: the bank's answer is matched by them. Raises Refused
    with payment_batch_empty, payment_batch_too_large, payment_reference_wrong,
    payment_reference_twice or payment_amount_wrong; ValueError when `created_at` is naive.
    """
    if batch.created_at.tzinfo is None:
        raise ValueError("created_at needs a time zone")
    if not batch.transfers:
        raise Refused("payment_batch_empty", "The batch holds no payment. Add a claim to it first.")
    if len(batch.transfers) > MAX_TRANSFERS:
        message = f"A payment file holds at most {MAX_TRANSFERS} payments: make several batches."
        raise Refused("payment_batch_too_large", message, {"payments": len(batch.transfers)})
    _check_reference(batch.message_id)
    seen: set[str] = set()
    for transfer in batch.transfers:
        _check_reference(transfer.end_to_end_id)
        if transfer.end_to_end_id in seen:
            message = "Two payments of the batch have the same reference; each needs its own."
            raise Refused("payment_reference_twice", message, {"reference": transfer.end_to_end_id})
        seen.add(transfer.end_to_end_id)
        if not 1 <= transfer.amount_cents <= MAX_AMOUNT_CENTS:
            message = "A payment is between 0.01 and 999,999,999.99 EUR."
            facts = {"reference": transfer.end_to_end_id, "amount_cents": transfer.amount_cents}
            raise Refused("payment_amount_wrong", message, facts, status=422)


def _check_reference(reference: str) -> None:
    if len(reference) > MAX_REFERENCE or not _REFERENCE.fullmatch(reference):
        message = (
            f"A payment reference has 1 to {MAX_REFERENCE} letters, digits or - ? : ( ) . , ' + "
            "and single slashes inside."
        )
        raise Refused("payment_reference_wrong", message, {"reference": reference}, status=422)


def euros(amount_cents: int) -> str:
    """Cents as the decimal text bank files carry: 1205 → "12.05"."""
    return f"{amount_cents // 100}.{amount_cents % 100:02}"
