"""Ledger: accounts, transfers, outcomes, waiting awards, the log that shows tampering.

Owns where every cent stands and which fund is behind it. Publishes `coins.issued`, `award.waiting`, `coins.withdrawn`, `coins.expired`,
`coins.spent`, `coins.unspent`, `fund.credited`, `fund.shortfall`. Consumes `coins.awarded`, `award.replanned`, `award.withdrawn`,
`topup.settled`, `topup.reversed`, `fund.closed`, `payment.released`, `payment.settled`, `payment.returned`, `period.closed`. An erasure
moves nothing: the books know only random ids.
Hard rule: value moves through `posting.post` alone, in balanced transfers within one fund; no fund, wallet or shop goes below zero.

Read `rules.py` (the scheme), then `domain.py` (the decision), then `posting.py` (the one place that writes value); `sealing.py`
for the log, `verify.py` for those who do not trust us.
"""
