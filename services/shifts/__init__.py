"""Shifts: programmes, organisations, activities, shifts, sign-ups, teams.

Owns the calendar of the scheme and who means to come. Publishes `programme.opened`, `organisation.registered`, `shift.published`,
`shift.cancelled`, `signup.made`, `signup.promoted`, `signup.cancelled`. Consumes `person.joined` (who is adult), `person.erased`.
Hard rule: never more people going than the shift holds; who comes too late waits in line and moves up by itself.
"""
