"""Redemption: shops and their agreements, tills, payment codes, sales and voids, and the limits on them.

Owns where coins can be spent and what was sold for them. Publishes `shop.agreed`, `shop.closed`, `till.paired`, `till.unpaired`,
`sale.accepted`, `sale.voided`. Consumes `attendance.confirmed` and `attendance.rejected` (in which neighbourhoods somebody took part),
`fund.opened` (where a fund's coins may go), `coins.spent` and `coins.unspent` (what the ledger posted, should we have died before
writing it down), `statement.issued` (what can no longer be voided, and when the link to a person is cut), `card.issued`,
`card.revoked` and `role.revoked` (a phone that pays without a connection does so no more), and `person.erased`.
Hard rule: one payment code, one sale, one move of coins – and the shop never learns whose.
"""
