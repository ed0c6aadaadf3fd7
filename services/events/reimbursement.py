"""What reimbursement publishes: what each shop is owed, how it is paid, and what the bank's statement said."""

from datetime import date
from uuid import UUID

from msgspec import Struct

from services.events.contract import event
from services.events.ledger import Part


@event("statement.issued.v1", key="shop_id")
class StatementIssued(Struct, frozen=True, kw_only=True):
    """What a shop is owed for a period (first and last day, both included). Sales in it can no longer be voided at the till."""

    statement_id: UUID
    shop_id: UUID
    period_from: date
    period_to: date
    amount_cents: int
    sale_count: int
    parts: tuple[Part, ...]


@event("statement.queried.v1", key="shop_id")
class StatementQueried(Struct, frozen=True, kw_only=True):
    """The shop does not agree with a line; a claim waits until it is settled."""

    statement_id: UUID
    shop_id: UUID


@event("claim.made.v1", key="shop_id")
class ClaimMade(Struct, frozen=True, kw_only=True):
    """The shop confirmed its statement: the *nota di debito* with its number within the year."""

    claim_id: UUID
    statement_id: UUID
    shop_id: UUID
    amount_cents: int
    parts: tuple[Part, ...]


@event("payment.released.v1", key="shop_id")
class PaymentReleased(Struct, frozen=True, kw_only=True):
    """A third person released the batch: the order is out. The ledger moves what the shop is owed to what is being paid.

    Payments are ordered by shop: what one gave back is what the next one pays.
    """

    payment_id: UUID
    batch_id: UUID
    claim_id: UUID
    shop_id: UUID
    amount_cents: int
    parts: tuple[Part, ...]


@event("payment.settled.v1", key="shop_id")
class PaymentSettled(Struct, frozen=True, kw_only=True):
    """The bank's statement shows the payment left the account."""

    payment_id: UUID
    batch_id: UUID
    claim_id: UUID
    shop_id: UUID
    amount_cents: int
    parts: tuple[Part, ...]
    booked_on: date


@event("payment.returned.v1", key="shop_id")
class PaymentReturned(Struct, frozen=True, kw_only=True):
    """The money came back (`reason` is the ISO 20022 return code, e.g. AC04 closed account). The claim is open again.

    `was_settled`: the debit had been booked before the return, so the ledger puts the money back at the bank too.
    """

    payment_id: UUID
    batch_id: UUID
    claim_id: UUID
    shop_id: UUID
    amount_cents: int
    parts: tuple[Part, ...]
    reason: str
    was_settled: bool
    booked_on: date


@event("bank.credited.v1", key="entry_id")
class BankCredited(Struct, frozen=True, kw_only=True):
    """A credit line of a bank statement that is no return: perhaps a sponsor's transfer. `reference` is the scheme's own, if found."""

    entry_id: UUID
    amount_cents: int
    booked_on: date
    reference: str | None = None


@event("period.closed.v1", key="period")
class PeriodClosed(Struct, frozen=True, kw_only=True):
    """A month (`period`: YYYY-MM) is closed; later corrections go into the open one."""

    period: str
