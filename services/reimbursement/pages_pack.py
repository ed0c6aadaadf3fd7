"""The audit pack of a claim: each step from the decision to the bank's line as a table, all of it as JSON, and the checksum of each file.

Ids, days, places and cents: what an auditor joins and adds up with programs of their own. Nobody's name, and nobody's id but the officers'.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import Any

import msgspec

from services.apis import funding
from services.apis import reimbursement as claim_api
from services.apis import reimbursement_trail as api
from services.kit.tables import Row, as_csv, zipped
from services.reimbursement.pages_followed import Spent

README = """The audit pack of claim {number}

Each table is one step; the last column of a step leads to the next.

1-decisions.csv    money set aside for the funds of this claim, and the act that decided it
2-attendances.csv  the hours: the shift, the place, the day, who saw it (never who it was)
3-awards.csv       the coins given for each of them
4-coins.csv        which of these coins each sale was made with
5-sales.csv        the lines of the statement; what was undone is below zero
6-claim.csv        the claim: what is due of which fund
7-payments.csv     its payments, and the three people each went through
8-bank-lines.csv   what the bank's statements say of them
statement.pdf      the statement as the shop confirmed it
claim.json         all of this as one document
SHA256SUMS         the checksum of each file: sha256sum -c SHA256SUMS

Amounts are in euro cents, times in UTC.
"""


def made(
    told: api.ClaimTrail,
    note: claim_api.NotaDiDebito,
    sales: Sequence[Spent],
    decisions: Sequence[funding.SetAside],
    funds: Iterable[funding.Fund],
    statement: bytes,
) -> bytes:
    """The ZIP. `statement`: as PDF."""
    names = {fund.fund_id: fund.name for fund in funds}
    thanks = list({one.ground.award_id: one for sale in sales for one in sale.thanks}.values())
    payments = [(one.payment, one.batch) for one in told.payments]
    tables: dict[str, tuple[list[str], list[Row]]] = {
        "1-decisions": _of("set_aside_id fund_id amount_cents act prepared_by prepared_at decided_by decided_at", decisions),
        "2-attendances": _of(
            "shift_id place starts_at ends_at witness checked_in_at checked_out_at minutes state revision attendance_id",
            list({one.seen.attendance_id: one.seen for one in thanks if one.seen}.values()),
        ),
        "3-awards": _of(
            "attendance_id day place neighbourhood_id minutes rule_id amount_cents state decided_at award_id",
            [one.ground for one in thanks],
        ),
        "4-coins": (
            ["award_id", "amount_cents", "fund_id", "transfer_id", "sale_id"],
            [(t.ground.award_id, t.amount_cents, t.fund_id, t.transfer_id, sale.line.sale_id) for sale in sales for t in sale.thanks],
        ),
        "5-sales": _of("sale_id kind amount_cents happened_at till_id line_id", told.lines),
        "6-claim": (
            ["claim_id", "number", "statement_id", "shop_id", "period", "fund_id", "fund", "due_cents"],
            [
                (note.claim_id, note.number, told.statement.statement_id, told.claim.shop_id, told.statement.period,
                 part.fund_id, names.get(part.fund_id), part.amount_cents)
                for part in told.parts
            ],
        ),
        "7-payments": (
            [*_PAYMENT.split(), *_HANDS.split()],
            [(*_cells(payment, _PAYMENT), *_cells(batch, _HANDS)) for payment, batch in payments],
        ),
        "8-bank-lines": _of(
            "payment_id entry_ref direction amount_cents booked_on state return_reason match_reason entry_id",
            [entry for one in told.payments for entry in one.entries],
        ),
    }  # fmt: skip
    whole = {"claim": told, "document": note, "sales": sales, "decisions": decisions}
    files = {"README.txt": README.format(number=note.number).encode(), "claim.json": msgspec.json.encode(whole)}
    files |= {f"{name}.csv": as_csv(columns, rows) for name, (columns, rows) in tables.items()}
    files["statement.pdf"] = statement
    sums = "".join(f"{sha256(content).hexdigest()}  {name}\n" for name, content in files.items())
    return zipped({**files, "SHA256SUMS": sums.encode()})


_PAYMENT = "payment_id claim_id amount_cents state return_reason"
_HANDS = "batch_id prepared_by prepared_at approved_by approved_at released_by released_at execution_on"


def _of(fields: str, things: Iterable[Any]) -> tuple[list[str], list[Row]]:
    """These fields of each thing."""
    return fields.split(), [_cells(one, fields) for one in things]


def _cells(thing: Any, fields: str) -> Row:
    return [getattr(thing, field) for field in fields.split()]
