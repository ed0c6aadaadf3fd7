"""The map: one line per service.

| service | owns | publishes | hears |
|---|---|---|---|
| identity | people, roles, invitations, cards, sessions, vaults | person.joined, person.erased, role.granted, role.revoked, card.issued, card.revoked | – |
| shifts | programmes, organisations, activities, shifts, sign-ups, teams | programme.opened, organisation.registered, shift.published, shift.cancelled, signup.made, signup.promoted, signup.cancelled | person.* |
| attendance | check-in codes, attendances, disputes | attendance.opened, .closed, .confirmed, .disputed, .rejected | shift.*, signup.*, card.*, person.* |
| awards | award rules, caps | coins.awarded, award.replanned, award.capped, award.withdrawn | attendance.*, fund.*, coins.*, award.waiting |
| ledger | accounts, transfers, waiting awards | coins.issued, award.waiting, coins.withdrawn, coins.expired, coins.spent, coins.unspent, fund.credited, fund.shortfall | coins.awarded, award.*, topup.*, payment.* |
| redemption | shops, tills, payment codes, sales | shop.agreed, shop.closed, till.paired, till.unpaired, sale.accepted, sale.voided | attendance.confirmed, fund.opened, coins.spent, coins.unspent, statement.issued |
| reimbursement | statements, claims, batches, bank files | statement.issued, statement.queried, claim.made, payment.released, .settled, .returned, bank.credited, period.closed | shop.agreed, sale.* |
| funding | funds, earmarks, sponsors, top-ups | fund.opened, fund.closed, pledge.made, topup.settled, topup.reversed | bank.credited, fund.credited, … |
| impact | the public's figures (read model) | – | attendance.confirmed, attendance.rejected, coins.issued, coins.withdrawn, sale.* |

Some events nobody in the house acts on; they are for the record, for the auditor and for other systems of the city:
"""
