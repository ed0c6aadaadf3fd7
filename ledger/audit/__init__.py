"""The audit: proves the books from their rows alone, as somebody would who trusts neither the program that wrote them nor its tables.

It reads one snapshot and writes nothing. It imports nothing of what posts (an import contract says so): what an account may be, how a row
is hashed and how ids follow from ids is written here a second time. Every row that is wrong is named.

`walk.py` adds up all transfers in order · `dossier.py` gathers all that the books say of one id; `requests.py`, `waiting.py` and
`events.py` judge it · `accounts.py` compares the counters · `sums.py` the sums kept for speed · `state.py` lets the next audit go on.
"""

from ledger.audit.report import Finding, Report
from ledger.audit.run import audit

__all__ = ["Finding", "Report", "audit"]
