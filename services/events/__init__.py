"""WHAT HAPPENS IN TOWN: the event contracts, one module per publishing service (which is also the topic's name).

Importing this package registers every contract; `contract.py` says how one is declared, written and read.
"""

from services.events import (
    attendance,
    awards,
    funding,
    identity,
    ledger,
    redemption,
    reimbursement,
    shifts,
)
from services.events.contract import (
    CONTRACTS,
    Contract,
    Envelope,
    Unreadable,
    contract_of,
    decode,
    encode,
)

__all__ = [
    "CONTRACTS",
    "Contract",
    "Envelope",
    "Unreadable",
    "attendance",
    "awards",
    "contract_of",
    "decode",
    "encode",
    "funding",
    "identity",
    "ledger",
    "redemption",
    "reimbursement",
    "shifts",
]
