"""The services of the house and their packages."""

ROOMS = {
    "identity": "services.identity",
    "shifts": "services.shifts",
    "attendance": "services.attendance",
    "awards": "services.awards",
    "ledger": "ledger",
    "redemption": "services.redemption",
    "reimbursement": "services.reimbursement",
    "funding": "services.funding",
    "impact": "services.impact",
}
