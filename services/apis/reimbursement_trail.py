"""What one can ask of reimbursement about all that a claim went through, from its sales to the bank's lines."""

from __future__ import annotations

from uuid import UUID

from msgspec import Struct

from services.apis import reimbursement as api
from services.apis import reimbursement_payment as payment_api
from services.apis.endpoint import Endpoint
from services.events.ledger import Part


class PaymentTrail(Struct, frozen=True, kw_only=True):
    """A payment of a claim: the hands it went through, and what the bank's statements say of it."""

    payment: payment_api.Payment
    batch: payment_api.Batch
    entries: tuple[payment_api.Entry, ...]


class ClaimTrail(Struct, frozen=True, kw_only=True):
    """A claim with every payment made of it, oldest first: one that came back is followed by another. `parts`: due of each fund."""

    claim: api.Claim
    statement: api.Statement
    lines: tuple[api.Line, ...]
    undone_sale_ids: tuple[UUID, ...]
    parts: tuple[Part, ...]
    payments: tuple[PaymentTrail, ...]


GET_CLAIM_TRAIL = Endpoint(
    method="GET", path="/claims/{claim_id:uuid}/trail", summary="A claim from its sales, through every payment of it, to the bank's lines",
    allow=("auditor", "finance"), answer=ClaimTrail, errors=("unknown_claim",),
)  # fmt: skip
