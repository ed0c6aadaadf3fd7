"""Impact: what the scheme did, for everyone.

Owns a read model rebuilt from events alone: hours, shifts, participants, coins by neighbourhood and month. Publishes nothing. Consumes
`attendance.confirmed`, `attendance.rejected`, `coins.issued`, `coins.withdrawn`, `sale.accepted`, `sale.voided`.
Hard rule: no figure stands for fewer than ten people, alone or by subtracting one published figure from another.
"""
