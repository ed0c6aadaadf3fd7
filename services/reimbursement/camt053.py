"""Reads the bank's account statement (ISO 20022 camt.053, versions .001.02 and .001.08).

The file comes from outside, so nothing in it is trusted: no DTD, entity or external reference is
followed, its size and number of movements are limited, and its sums must add up before anyone sees
a line of it. Names of counterparties are never read: references and IBANs are enough to match.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Literal
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException, ElementTree

from services.apis.errors import Refused
from services.reimbursement.bank_values import normalise_iban

MAX_BYTES = 5 * 1024 * 1024
MAX_TAGS = 500_000  # what a parsed file takes in memory follows its tags, not its bytes
MAX_TRANSACTIONS = 10_000
MAX_TEXT = 500

_AMOUNT = re.compile(r"([0-9]{1,13})(?:\.([0-9]{1,2})0*)?")  # the format allows five decimals
_ANY_IBAN = re.compile(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{1,30}")  # counterparties may be outside SEPA
_DIRECTIONS: dict[str, Literal["credit", "debit"]] = {"CRDT": "credit", "DBIT": "debit"}


@dataclass(frozen=True)
class BankTransaction:
    """One payment inside a booking. `return_reason`: why it came back (ISO 20022 code: AC04…)."""

    end_to_end_id: str | None
    amount_cents: int
    remittance: str
    return_reason: str | None
    counterparty_iban: str | None


@dataclass(frozen=True)
class BankEntry:
    """One booking on our account. `amount_cents` is positive; `direction` says which way it went.

    `entry_ref`: the bank's reference, or the entry's number on the statement where it gives none.
    """

    entry_ref: str
    amount_cents: int
    direction: Literal["credit", "debit"]
    booked_on: date
    reversal: bool
    transactions: tuple[BankTransaction, ...]

    @property
    def signed_cents(self) -> int:
        return self.amount_cents if self.direction == "credit" else -self.amount_cents

    @property
    def end_to_end_ids(self) -> tuple[str, ...]:
        return tuple(part.end_to_end_id for part in self.transactions if part.end_to_end_id)


@dataclass(frozen=True)
class BankStatement:
    """A statement whose sums add up. `sha256` of the file: the same file twice has the same one."""

    statement_id: str
    iban: str
    created_at: datetime
    from_date: date | None
    to_date: date | None
    opening_cents: int
    closing_cents: int
    entries: tuple[BankEntry, ...]
    sha256: str


def read_camt053(data: bytes, *, our_iban: str) -> BankStatement:
    """The one statement in the file, which must be of our account, in euro, and add up.

    A time without offset is taken as UTC; entries not booked yet are left out. Raises Refused:
    bank_statement_too_large, _unsafe (DTD or entities), _malformed (also: another kind of file),
    _several, _foreign (another account), _currency or _does_not_add_up.
    """
    message = _parse(data)
    statement = _only_statement(message)
    our_iban = normalise_iban(our_iban)
    _check_account(statement, our_iban)
    entries = tuple(
        _entry(element, number, our_iban)
        for number, element in enumerate(statement.findall("Ntry"), start=1)
        if "BOOK" in (_text(element, "Sts"), _text(element, "Sts/Cd"))
    )
    read = BankStatement(
        statement_id=_required(statement, "Id"),
        iban=our_iban,
        created_at=_moment(_text(statement, "CreDtTm") or _required(message, "GrpHdr/CreDtTm")),
        from_date=_date_or_none(_text(statement, "FrToDt/FrDtTm")),
        to_date=_date_or_none(_text(statement, "FrToDt/ToDtTm")),
        opening_cents=_balance_cents(statement, "OPBD", "PRCD"),
        closing_cents=_balance_cents(statement, "CLBD"),
        entries=entries,
        sha256=hashlib.sha256(data).hexdigest(),
    )
    entries_cents = sum(entry.signed_cents for entry in entries)
    if read.opening_cents + entries_cents != read.closing_cents:
        raise _does_not_add_up(
            "opening balance and entries do not make the closing balance",
            opening_cents=read.opening_cents,
            entries_cents=entries_cents,
            closing_cents=read.closing_cents,
        )
    return read


def _parse(data: bytes) -> Element:
    if len(data) > MAX_BYTES or data.count(b"<") > MAX_TAGS:
        raise _too_large()
    try:
        root: Element = ElementTree.fromstring(data, forbid_dtd=True)
    except DefusedXmlException:
        text = "The file holds a DTD or entities, which no bank statement needs: it was not opened."
        raise Refused("bank_statement_unsafe", text, status=422) from None
    except (ParseError, ValueError, LookupError):
        raise _malformed("it is not complete XML") from None
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]  # both versions name what we read alike
    message = root.find("BkToCstmrStmt") if root.tag == "Document" else None
    if message is None:
        raise _malformed("it is another kind of file")
    return message


def _only_statement(message: Element) -> Element:
    statements = message.findall("Stmt")
    if len(statements) > 1:
        text = "The file holds several statements: ask the bank for one file per statement."
        facts = {"statements": len(statements)}
        raise Refused("bank_statement_several", text, facts, status=422)
    if not statements:
        raise _malformed("it holds no statement")
    [statement] = statements
    bookings = len(statement.findall("Ntry")), len(statement.findall("Ntry/NtryDtls/TxDtls"))
    if max(bookings) > MAX_TRANSACTIONS:
        raise _too_large()
    return statement


def _check_account(statement: Element, our_iban: str) -> None:
    if "".join(_text(statement, "Acct/Id/IBAN").split()).upper() != our_iban:
        message = "The statement is of another account: choose the one of the scheme's account."
        raise Refused("bank_statement_foreign", message, {"our_iban": our_iban}, status=422)
    _check_currency(_text(statement, "Acct/Ccy") or "EUR")


def _check_currency(currency: str) -> None:
    if currency != "EUR":
        message = "The statement is in another currency: only euro accounts can be matched."
        raise Refused("bank_statement_currency", message, {"currency": currency}, status=422)


def _balance_cents(statement: Element, *kinds: str) -> int:
    for kind in kinds:
        for balance in statement.findall("Bal"):
            if _text(balance, "Tp/CdOrPrtry/Cd") == kind:
                cents = _cents(balance.find("Amt"))
                return cents if _direction(balance) == "credit" else -cents
    raise _malformed(f"it has no booked balance {' or '.join(kinds)}")


def _entry(element: Element, number: int, our_iban: str) -> BankEntry:
    amount_cents = _cents(element.find("Amt"))
    direction = _direction(element)
    details = element.findall("NtryDtls/TxDtls")
    transactions = tuple(
        _transaction(detail, direction, our_iban, amount_cents if len(details) == 1 else None) for detail in details
    ) or (BankTransaction(None, amount_cents, "", None, None),)
    details_cents = sum(transaction.amount_cents for transaction in transactions)
    if details_cents != amount_cents:
        raise _does_not_add_up(
            f"the details of entry {number} do not make its amount",
            entry_cents=amount_cents,
            details_cents=details_cents,
        )
    return BankEntry(
        entry_ref=_text(element, "AcctSvcrRef") or _text(element, "NtryRef") or str(number),
        amount_cents=amount_cents,
        direction=direction,
        booked_on=_date(_text(element, "BookgDt/Dt") or _required(element, "BookgDt/DtTm")),
        reversal=_text(element, "RvslInd") in ("true", "1"),
        transactions=transactions,
    )


def _transaction(detail: Element, direction: str, our_iban: str, only_cents: int | None) -> BankTransaction:
    """`only_cents`: the entry's amount when this is its only detail, which then need not repeat it
    (and repeats it in another currency when the payment was one)."""
    if detail.find("CdtDbtInd") is not None and _direction(detail) != direction:
        raise _malformed("one of its entries mixes credits and debits")
    amount = detail.find("Amt")
    if amount is None:
        amount = detail.find("AmtDtls/TxAmt/Amt")  # where version .001.02 has it
    in_euro = amount is not None and amount.get("Ccy") == "EUR"
    amount_cents = _cents(amount) if only_cents is None or in_euro else only_cents
    end_to_end_id = _text(detail, "Refs/EndToEndId")
    remittance = (_text(line, ".") for line in detail.findall("RmtInf/Ustrd"))
    return BankTransaction(
        end_to_end_id=None if end_to_end_id == "NOTPROVIDED" else end_to_end_id or None,
        amount_cents=amount_cents,
        remittance=" ".join(remittance)[:MAX_TEXT],
        return_reason=_text(detail, "RtrInf/Rsn/Cd") or _text(detail, "RtrInf/Rsn/Prtry") or None,
        counterparty_iban=_counterparty_iban(detail, our_iban),
    )


def _counterparty_iban(detail: Element, our_iban: str) -> str | None:
    # Banks differ on whether a returned payment names its first or its present debtor: the
    # counterparty is whichever account is not ours.
    for role in ("DbtrAcct", "CdtrAcct"):
        iban = "".join(_text(detail, f"RltdPties/{role}/Id/IBAN").split()).upper()
        if iban != our_iban and _ANY_IBAN.fullmatch(iban):
            return iban
    return None


def _text(element: Element, path: str) -> str:
    text = (element.findtext(path) or "").strip()
    if len(text) > MAX_TEXT:
        raise _malformed("one of its fields is longer than the format allows")
    return text


def _required(element: Element, path: str) -> str:
    text = _text(element, path)
    if not text:
        raise _malformed(f"it lacks {path}")
    return text


def _direction(element: Element) -> Literal["credit", "debit"]:
    try:
        return _DIRECTIONS[_required(element, "CdtDbtInd")]
    except KeyError:
        raise _malformed("an amount is neither credit nor debit") from None


def _cents(amount: Element | None) -> int:
    match = None if amount is None else _AMOUNT.fullmatch((amount.text or "").strip())
    if amount is None or match is None:
        raise _malformed("an amount is missing or is not a number of euro and cents")
    _check_currency(amount.get("Ccy", ""))
    whole, fraction = match.groups()
    return int(whole) * 100 + int((fraction or "").ljust(2, "0"))


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        raise _malformed("a date is not a date") from None


def _date_or_none(text: str) -> date | None:
    return _date(text) if text else None


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise _malformed("a time is not a time") from None


def _malformed(why: str) -> Refused:
    message = f"This is not a camt.053 we can read: {why}. Download it from the bank again."
    return Refused("bank_statement_malformed", message, {"why": why}, status=422)


def _too_large() -> Refused:
    message = "The statement is too large: ask the bank for one file per day."
    facts = {"max_bytes": MAX_BYTES, "max_transactions": MAX_TRANSACTIONS}
    return Refused("bank_statement_too_large", message, facts, status=413)


def _does_not_add_up(why: str, **cents: int) -> Refused:
    message = f"The statement does not add up: {why}. Download it from the bank again."
    return Refused("bank_statement_does_not_add_up", message, dict(cents), status=422)
