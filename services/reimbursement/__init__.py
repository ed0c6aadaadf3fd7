"""Reimbursement: statements, claims, payment batches and bank files: how shops get their money.

Owns what each shop is owed, where it is paid, and what the bank answered. Publishes `statement.issued`, `statement.queried`,
`claim.made`, `payment.released`, `payment.settled`, `payment.returned`, `bank.credited`, `period.closed`. Consumes `shop.agreed`,
`sale.accepted`, `sale.voided` and `fund.opened` (which funds are earmarked, for the treasurer's file).
Hard rule: a payment passes three different people, whatever their roles; and no account is paid to that one person alone has entered.
"""
