"""The map: what each service owns, publishes and hears. Services share nothing else: no imports, no tables.

identity      owns people, roles, invitations, cards, sessions, the organisations' vaults
              publishes person.joined, person.erased, role.granted, role.revoked, card.issued, card.revoked
              hears organisation.registered
shifts        owns programmes, organisations, activities, shifts, sign-ups, teams
              publishes programme.opened, organisation.registered, shift.published, shift.cancelled, signup.made,
              signup.promoted, signup.cancelled
              hears person.erased, person.joined
attendance    owns check-in codes, attendances, decisions, disputes
              publishes attendance.opened, attendance.closed, attendance.confirmed, attendance.disputed,
              attendance.rejected
              hears card.issued, card.revoked, organisation.registered, person.erased, person.joined,
              programme.opened, shift.cancelled, shift.published, signup.cancelled, signup.made, signup.promoted
awards        owns award rules, ceilings, what each confirmed attendance earned
              publishes coins.awarded, award.replanned, award.capped, award.withdrawn
              hears attendance.confirmed, attendance.rejected, award.waiting, coins.issued, coins.withdrawn,
              fund.closed, fund.opened, programme.opened
ledger        owns accounts, transfers, outcomes, waiting awards, the log that shows tampering (its package is `ledger/`)
              publishes coins.issued, award.waiting, coins.withdrawn, coins.expired, coins.spent, coins.unspent,
              fund.credited, fund.shortfall
              hears award.replanned, award.withdrawn, coins.awarded, fund.closed, payment.released, payment.returned,
              payment.settled, period.closed, topup.reversed, topup.settled
redemption    owns shops, tills, payment codes, sales
              publishes shop.agreed, shop.closed, till.paired, till.unpaired, sale.accepted, sale.voided
              hears attendance.confirmed, attendance.rejected, card.issued, coins.spent, coins.unspent, fund.opened,
              person.erased, statement.issued
reimbursement owns statements, claims, accounts of shops, batches, the bank's statements
              publishes statement.issued, statement.queried, claim.made, payment.released, payment.settled,
              payment.returned, bank.credited, period.closed
              hears fund.opened, sale.accepted, sale.voided, shop.agreed
funding       owns funds, earmarks, sponsors, top-ups, money set aside
              publishes fund.opened, fund.closed, pledge.made, topup.settled, topup.reversed
              hears attendance.confirmed, attendance.rejected, bank.credited, coins.awarded, coins.expired,
              coins.issued, coins.spent, coins.unspent, coins.withdrawn, fund.credited, payment.returned,
              payment.settled
impact        owns the public's figures
              hears attendance.confirmed, attendance.rejected, coins.issued, coins.withdrawn, sale.accepted,
              sale.voided

Nobody in the house acts on these; they are for the record, the auditor and other systems of a city:
attendance.opened, attendance.closed, attendance.disputed, award.capped, pledge.made, role.granted, role.revoked,
fund.shortfall, shop.closed, till.paired, till.unpaired, statement.queried, claim.made.
"""
