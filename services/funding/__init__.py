"""Funding: funds and earmarks, money set aside, sponsors, their top-ups by Stripe or bank transfer, and what their money became.

Owns where the money behind the coins comes from. Publishes `fund.opened`, `fund.closed`, `pledge.made`, `topup.settled`,
`topup.reversed`. Consumes `bank.credited` (transfers of sponsors); `fund.credited`, `coins.issued`, `coins.withdrawn`, `coins.expired`,
`coins.spent`, `coins.unspent`, `payment.settled` and `payment.returned` (each fund's figures); `coins.awarded`, `attendance.confirmed`
and `attendance.rejected` (the hours a sponsor's coins thanked for).
Hard rule: money counts when it is really there, once – whatever the order in which Stripe and the bank say so.
"""
