"""A stand-in bank: takes payment files (pain.001) and gives account statements (camt.053).

It reads and writes both formats by itself, sharing no code with the reimbursement room, so that a
mistake there cannot hide behind the same mistake here. Everything is deterministic: the caller
says, per end-to-end id, what becomes of a payment:

- "paid": debited on this statement
- "late": not on this statement; `StandinBank` pays it on the next one
- "unpaid": never executed (some paid and some not is how a partly executed file looks)
- "returned:AC04": debited, and credited back on the same statement with that ISO 20022 reason
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from lxml import etree
from lxml.builder import ElementMaker

Outcome = Callable[[str], str]
Version = Literal["camt.053.001.08", "camt.053.001.02"]

_ISSUED, _RECEIVED, _RETURNED = ("ICDT", "ESCT"), ("RCDT", "ESCT"), ("ICDT", "RRTN")


@dataclass(frozen=True)
class IncomingTransfer:
    """Money someone else sends to the account, such as a sponsor's top-up with its reference."""

    amount_cents: int
    remittance: str
    debtor_name: str
    debtor_iban: str
    end_to_end_id: str = "NOTPROVIDED"


@dataclass(frozen=True)
class Order:
    """One payment as ordered in a pain.001."""

    end_to_end_id: str
    amount_cents: int
    creditor_name: str
    creditor_iban: str
    remittance: str


@dataclass(frozen=True)
class OrderFile:
    """A whole pain.001, its totals checked as a bank does."""

    message_id: str
    debtor_iban: str
    batch_booking: bool
    orders: tuple[Order, ...]


@dataclass(frozen=True)
class Booking:
    """One line of the account: several payments when a file is booked as a batch."""

    kind: tuple[str, str]
    credit: bool
    payments: tuple[Order | IncomingTransfer, ...]
    return_reason: str | None = None

    @property
    def amount_cents(self) -> int:
        return sum(payment.amount_cents for payment in self.payments)

    @property
    def signed_cents(self) -> int:
        return self.amount_cents if self.credit else -self.amount_cents


@dataclass
class StandinBank:
    """One account kept in memory: submit files, receive money, close the day for a statement."""

    iban: str
    balance_cents: int
    version: Version = "camt.053.001.08"
    statements: int = 0
    submitted: list[OrderFile] = field(default_factory=list)
    received: list[IncomingTransfer] = field(default_factory=list)
    delayed: list[Order] = field(default_factory=list)

    def submit(self, pain001: bytes) -> str:
        """Take a payment file and return its message id. Raises ValueError as `read_pain001`."""
        orders = read_pain001(pain001)
        if orders.debtor_iban != self.iban:
            raise ValueError("the file pays from another account")
        self.submitted.append(orders)
        return orders.message_id

    def receive(self, transfer: IncomingTransfer) -> None:
        self.received.append(transfer)

    def close_day(self, booked_on: date, outcome: Outcome) -> bytes:
        """The day's camt.053: late payments of the day before, submitted files, received money."""
        bookings = [Booking(_ISSUED, False, (order,)) for order in self.delayed]
        self.delayed = []
        for file in self.submitted:
            bookings += _executed(file, outcome)
            self.delayed += [o for o in file.orders if outcome(o.end_to_end_id) == "late"]
        bookings += [Booking(_RECEIVED, True, (transfer,)) for transfer in self.received]
        self.submitted, self.received = [], []
        self.statements += 1
        opening_cents = self.balance_cents
        self.balance_cents += sum(booking.signed_cents for booking in bookings)
        return write_statement(self.iban, opening_cents, bookings, booked_on, self.statements, self.version)


def answer(
    pain001: bytes,
    *,
    opening_cents: int,
    booked_on: date,
    statement_number: int,
    outcome: Outcome = lambda end_to_end_id: "paid",
    incoming: Sequence[IncomingTransfer] = (),
    version: Version = "camt.053.001.08",
) -> bytes:
    """The camt.053 of one day: one payment file and `incoming` money. Late payments are absent."""
    file = read_pain001(pain001)
    bookings = _executed(file, outcome)
    bookings += [Booking(_RECEIVED, True, (transfer,)) for transfer in incoming]
    return write_statement(file.debtor_iban, opening_cents, bookings, booked_on, statement_number, version)


def _executed(file: OrderFile, outcome: Outcome) -> list[Booking]:
    outcomes = [(order, outcome(order.end_to_end_id)) for order in file.orders]
    debited = tuple(order for order, what in outcomes if what.split(":")[0] in ("paid", "returned"))
    groups = [debited] if file.batch_booking and debited else [(order,) for order in debited]
    return [Booking(_ISSUED, False, group) for group in groups] + [
        Booking(_RETURNED, True, (order,), return_reason=what.split(":")[1])
        for order, what in outcomes
        if what.startswith("returned:")
    ]


def read_pain001(data: bytes) -> OrderFile:
    """The orders of a pain.001.001.03 or .09 with one PmtInf.

    Raises ValueError when its number of transactions or control sum is not what it holds.
    """
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    root = etree.fromstring(data, parser)

    def text(element: etree._Element, path: str) -> str:
        steps = "/".join(f"{{*}}{step}" for step in path.split("/"))
        return element.findtext(steps) or ""

    payments = root.findall("{*}CstmrCdtTrfInitn/{*}PmtInf/{*}CdtTrfTxInf")
    orders = tuple(
        Order(
            end_to_end_id=text(payment, "PmtId/EndToEndId"),
            amount_cents=int(text(payment, "Amt/InstdAmt").replace(".", "")),
            creditor_name=text(payment, "Cdtr/Nm"),
            creditor_iban=text(payment, "CdtrAcct/Id/IBAN"),
            remittance=text(payment, "RmtInf/Ustrd"),
        )
        for payment in payments
    )
    total_cents = sum(order.amount_cents for order in orders)
    for header in ("CstmrCdtTrfInitn/GrpHdr", "CstmrCdtTrfInitn/PmtInf"):
        if text(root, f"{header}/NbOfTxs") != str(len(orders)):
            raise ValueError(f"{header} counts other transactions than the file holds")
        if text(root, f"{header}/CtrlSum") != _euros(total_cents):
            raise ValueError(f"{header} has another control sum than the file")
    return OrderFile(
        message_id=text(root, "CstmrCdtTrfInitn/GrpHdr/MsgId"),
        debtor_iban=text(root, "CstmrCdtTrfInitn/PmtInf/DbtrAcct/Id/IBAN"),
        batch_booking=text(root, "CstmrCdtTrfInitn/PmtInf/BtchBookg") == "true",
        orders=orders,
    )


def write_statement(
    iban: str,
    opening_cents: int,
    bookings: Sequence[Booking],
    booked_on: date,
    statement_number: int,
    version: Version,
) -> bytes:
    """The camt.053 of one day, valid against the schema of `version`."""
    namespace = f"urn:iso:std:iso:20022:tech:xsd:{version}"
    make = ElementMaker(namespace=namespace, nsmap={None: namespace})
    day = booked_on.isoformat()
    closing_cents = opening_cents + sum(booking.signed_cents for booking in bookings)
    statement = make.Stmt(
        make.Id(f"STMT-{booked_on.year}-{statement_number:05}"),
        make.ElctrncSeqNb(str(statement_number)),
        make.CreDtTm(f"{day}T18:00:00Z"),
        make.FrToDt(make.FrDtTm(f"{day}T00:00:00Z"), make.ToDtTm(f"{day}T23:59:59Z")),
        make.Acct(make.Id(make.IBAN(iban)), make.Ccy("EUR")),
        _balance(make, "OPBD", opening_cents, day),
        _balance(make, "CLBD", closing_cents, day),
        *(
            _entry(make, booking, f"{statement_number:05}-{position:05}", day, iban, version)
            for position, booking in enumerate(bookings, start=1)
        ),
    )
    header = make.GrpHdr(make.MsgId(f"BANK-{statement_number:05}"), make.CreDtTm(f"{day}T18:00:00Z"))
    document = make.Document(make.BkToCstmrStmt(header, statement))
    written: bytes = etree.tostring(document, xml_declaration=True, encoding="UTF-8", pretty_print=True)
    return written


def _balance(make: ElementMaker, kind: str, cents: int, day: str) -> etree._Element:
    return make.Bal(
        make.Tp(make.CdOrPrtry(make.Cd(kind))),
        make.Amt(_euros(abs(cents)), Ccy="EUR"),
        make.CdtDbtInd("CRDT" if cents >= 0 else "DBIT"),
        make.Dt(make.Dt(day)),
    )


def _entry(
    make: ElementMaker, booking: Booking, reference: str, day: str, iban: str, version: Version
) -> etree._Element:
    family, sub_family = booking.kind
    return make.Ntry(
        make.Amt(_euros(booking.amount_cents), Ccy="EUR"),
        make.CdtDbtInd("CRDT" if booking.credit else "DBIT"),
        *([make.RvslInd("true")] if booking.return_reason else []),
        make.Sts(make.Cd("BOOK") if version.endswith(".08") else "BOOK"),
        make.BookgDt(make.Dt(day)),
        make.ValDt(make.Dt(day)),
        make.AcctSvcrRef(reference),
        make.BkTxCd(make.Domn(make.Cd("PMNT"), make.Fmly(make.Cd(family), make.SubFmlyCd(sub_family)))),
        make.NtryDtls(*(_details(make, booking, part, iban, version) for part in booking.payments)),
    )


def _details(
    make: ElementMaker,
    booking: Booking,
    payment: Order | IncomingTransfer,
    iban: str,
    version: Version,
) -> etree._Element:
    amount = make.Amt(_euros(payment.amount_cents), Ccy="EUR")
    details = make.TxDtls(make.Refs(make.EndToEndId(payment.end_to_end_id)))
    if version.endswith(".08"):
        details.extend([amount, make.CdtDbtInd("CRDT" if booking.credit else "DBIT")])
    else:
        details.append(make.AmtDtls(make.TxAmt(amount)))
    details.append(_parties(make, payment, iban, version))
    if payment.remittance:
        details.append(make.RmtInf(make.Ustrd(payment.remittance)))
    if booking.return_reason:
        details.append(make.RtrInf(make.Rsn(make.Cd(booking.return_reason))))
    return details


def _parties(make: ElementMaker, payment: Order | IncomingTransfer, iban: str, version: Version) -> etree._Element:
    def named(role: str, name: str) -> etree._Element:
        return make(role, make.Pty(make.Nm(name)) if version.endswith(".08") else make.Nm(name))

    def account(role: str, its_iban: str) -> etree._Element:
        return make(role, make.Id(make.IBAN(its_iban)))

    if isinstance(payment, IncomingTransfer):
        return make.RltdPties(
            named("Dbtr", payment.debtor_name),
            account("DbtrAcct", payment.debtor_iban),
            account("CdtrAcct", iban),
        )
    return make.RltdPties(
        account("DbtrAcct", iban),
        named("Cdtr", payment.creditor_name),
        account("CdtrAcct", payment.creditor_iban),
    )


def _euros(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02}"
