"""Attendance: check-in codes, check-in and check-out, confirmation, disputes, certificates.

Owns who was at a shift and for how long: `open → confirmed | disputed → confirmed | rejected`. Publishes `attendance.opened`, `.closed`,
`.confirmed`, `.disputed`, `.rejected`. Consumes `shift.published`, `shift.cancelled`, `signup.made`, `signup.promoted`,
`signup.cancelled`, `programme.opened`, `organisation.registered` (their names, for certificates), `card.issued`, `card.revoked`,
`person.joined`, `person.erased`.
Hard rule: nobody decides on their own attendance, and never more minutes than the shift has.
"""
