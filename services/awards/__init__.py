"""Awards: the rules and ceilings that turn a confirmed attendance into coins, and the funds those coins may come from.

Owns the dated rules of each programme and the award of each attendance. Publishes `coins.awarded`, `award.capped`, `award.replanned`,
`award.withdrawn`. Consumes `programme.opened`; `attendance.confirmed`, `attendance.rejected`; `fund.opened`, `fund.closed`;
`award.waiting`, `coins.issued`, `coins.withdrawn`.
Hard rule: nobody is given more in a day or a month than the ceiling in force, and what a ceiling cuts is said and recorded.
"""
