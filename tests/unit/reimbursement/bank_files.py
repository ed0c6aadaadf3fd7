"""Builders and strategies for the bank-file tests. Every name and account here is invented."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from services.reimbursement.bank_values import (
    MAX_AMOUNT_CENTS,
    Account,
    CreditTransfer,
    CreditTransferBatch,
    FundShare,
)

CITY_IBAN = "IT60X0542811101000000123456"
SHOP_IBAN = "IT07X0542811101000000654321"
PAY_DAY = date(2026, 5, 6)


def a_transfer(reference: str = "2026-04-0001", **changes: Any) -> CreditTransfer:
    values: dict[str, Any] = {
        "end_to_end_id": reference,
        "amount_cents": 12_050,
        "creditor": Account("Panetteria Brambilla", SHOP_IBAN),
        "remittance": f"Claim {reference}",
        "fund_shares": (FundShare("city", 3_050), FundShare("grant", 9_000)),
    }
    return CreditTransfer(**(values | changes))


def a_batch(*transfers: CreditTransfer, **changes: Any) -> CreditTransferBatch:
    values: dict[str, Any] = {
        "message_id": "BATCH-2026-04",
        "created_at": datetime(2026, 5, 4, 11, 30, tzinfo=ZoneInfo("Europe/Rome")),
        "debtor": Account("Comune di Valdarco", CITY_IBAN),
        "execution_on": PAY_DAY,
        "transfers": transfers or (a_transfer(),),
    }
    return CreditTransferBatch(**(values | changes))


def iban_of(country: str, bban: str) -> str:
    """The IBAN of an account, its check digits found by trying them all."""
    rearranged = [f"{bban}{country}{digits:02}" for digits in range(2, 99)]
    [right] = [text for text in rearranged if _number(text) % 97 == 1]
    return country + right[-2:] + bban


def _number(text: str) -> int:
    return int("".join(str(int(character, 36)) for character in text))


ibans = st.one_of(
    st.from_regex(r"[A-Z][0-9]{10}[A-Z0-9]{12}", fullmatch=True).map(lambda b: iban_of("IT", b)),
    st.from_regex(r"[0-9]{18}", fullmatch=True).map(lambda b: iban_of("DE", b)),
    st.from_regex(r"[0-9]{23}", fullmatch=True).map(lambda b: iban_of("PT", b[:21])),
)
_references = st.from_regex(r"[A-Za-z0-9+(:?][A-Za-z0-9.,' -]{0,33}[A-Za-z0-9)?]", fullmatch=True)
references = _references.map(lambda text: text.replace(" ", "/").replace("//", "-")).filter(
    lambda text: "//" not in text
)
# The first letter keeps a text readable; the rest may be anything a person can paste. Half the
# limit, because a letter such as ß or ﬃ becomes several.
texts = st.builds(
    str.__add__,
    st.sampled_from("aZàÈçšŁß7"),
    st.text(st.characters(exclude_categories=("Cs",)), max_size=15),
)
amounts = st.integers(1, MAX_AMOUNT_CENTS)
accounts = st.builds(Account, texts, ibans, st.sampled_from([None, "UNCRITMM", "DEUTDEFF500"]))
batches = st.builds(
    a_batch,
    st.builds(a_transfer),
    transfers=st.lists(
        st.builds(a_transfer, references, amount_cents=amounts, creditor=accounts, remittance=texts),
        min_size=1,
        max_size=6,
        unique_by=lambda transfer: transfer.end_to_end_id,
    ).map(tuple),
    message_id=references,
    debtor=accounts,
    batch_booking=st.booleans(),
)
