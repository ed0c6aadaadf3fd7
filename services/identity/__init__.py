"""Identity: who exists (a random id), what they may do, how they prove it, and where the few names there are lie locked up.

Owns people, invitations, cards, sessions, roles, staff accounts and the organisations' vaults. Publishes `person.joined`,
`person.erased`, `role.granted`, `role.revoked`, `card.issued`, `card.revoked`. Consumes `organisation.registered` (whose vaults exist).
Hard rule: a name can be read only with the person's own key, for a reason, by the organisation that holds it – and never again once the
key is destroyed.
"""
