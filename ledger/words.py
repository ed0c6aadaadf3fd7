"""What auditors read in place of the books' own words: kinds of transfers, classes of accounts, invariants, outcomes."""

from __future__ import annotations

from flask_babel import lazy_gettext as _

KINDS = {
    "topup": _("Money came in"),
    "topup_reversal": _("Money that came in was taken back"),
    "fee": _("Kept by the payment processor"),
    "award": _("Coins issued"),
    "withdrawal": _("Coins taken back by a correction"),
    "expiry": _("Coins expired and went back"),
    "sale": _("Coins used in a shop"),
    "void": _("A sale undone at the till"),
    "hold": _("Coins set aside for a shop"),
    "hold_post": _("Coins set aside, used in the shop"),
    "hold_void": _("Coins set aside, free again"),
    "hold_expire": _("Coins set aside too long, free again"),
    "payment_released": _("Payment to a shop ordered"),
    "payment_settled": _("Payment left the bank"),
    "payment_returned": _("Payment came back"),
    "receivable_filled": _("A gap after a taken-back top-up was filled"),
    "receivable_freed": _("Money of a closed gap is free again"),
    "overpaid_filled": _("What a shop had got too much was set off"),
    "overpaid_freed": _("What was set off is owed again"),
    "correction": _("A wrong booking reversed"),
    "fund_closed": _("Fund closed"),
}

CLASSES = {
    "fund": _("Free for new coins"),
    "coins": _("Coins in one wallet"),
    "shop": _("Owed to a shop"),
    "paying": _("Ordered, on its way to shops"),
    "bank": _("At the bank"),
    "stripe": _("At the payment processor"),
    "fees": _("Fees of the payment processor"),
    "receivable": _("Coins issued on money that was taken back"),
    "overpaid": _("What a shop got too much"),
}
BELOW_ZERO = frozenset({"bank", "stripe", "receivable", "overpaid"})
"""Classes whose accounts stand below zero by what is there."""

OUTCOMES = {
    "insufficient": _("There was not enough."),
    "closed": _("The account was closed."),
    "no_plan": _("No fund may pay for this."),
    "fund_mismatch": _("The two sides belong to different funds."),
    "over_original": _("More than was left to take back."),
    "conflict": _("Another request had this number already."),
    "unknown_hold": _("Nothing was set aside under this number."),
    "hold_ended": _("What was set aside had been used or freed already."),
    "hold_over": _("What was set aside was free again: its time was up."),
    "hold_not_over": _("The time of what was set aside was not up yet."),
    "over_hold": _("More than was set aside."),
}

INVARIANTS = {
    "each fund's accounts sum to zero": _("The accounts of each fund sum to zero"),
    "an account's counters are the sums of its transfers": _("What stands on an account is the sum of its transfers"),
    "no fund, wallet or shop is below zero": _("No fund, wallet or shop is below zero"),
    "both sides of a transfer exist and are of its fund": _("Both sides of a transfer exist and belong to its fund"),
    "a transfer's leaf is the hash of its row": _("The fingerprint of each transfer is that of its content"),
    "each transfer belongs to a posted request, and what a request posted or holds sums to its amount":
        _("Each transfer belongs to a request, and what a request moved or set aside sums to its amount"),
    "what an account holds is the sum of its holds that have not ended":
        _("What is set aside on an account is the sum of what was and is not ended"),
    "each end of a hold is of a hold, and moves no more than it held":
        _("Coins set aside move at most once, and no more of them than there were"),
    "a lot belongs to one person, unless it is empty and that link is cut; nothing else belongs to anybody":
        _("A lot of coins belongs to one person, unless it is empty and that link is cut; nothing else belongs to anybody"),
    "nothing is booked before the end of a period that was closed by then": _("Nothing is booked in a month that was closed by then"),
    "what is sealed stands in the books as it was sealed": _("What is sealed stands in the books as it was sealed"),
    "the log has no hole, and ends where its last checkpoint says":
        _("The sealed log has no hole, and ends where its last checkpoint says"),
    "no award both waits and is decided": _("No award both waits and is decided"),
    "what a withdrawn award kept is what it gave and did not give back":
        _("What a withdrawn award kept is what it gave and did not give back"),
    "a reversal goes the other way, and all of a transfer's together take back no more than it moved":
        _("A reversal goes the other way, and all of one transfer take back no more than it moved"),
    "a fund that carries a receivable has nothing free": _("A fund that has a gap has nothing free"),
    "no receivable is filled beyond zero": _("No gap is filled beyond zero"),
    "no shop owes less than nothing of what it was paid too much": _("No shop gives back more than it got too much"),
    "coins issued are in wallets, spent or expired": _("All coins issued are in wallets, used or expired"),
    "an award waits for a reason, with a plan for each fund it waits for":
        _("An award that waits has a reason, and a plan for each fund it waits for"),
}  # fmt: skip

REFUSALS = {
    "unknown_account": _("There is no account with this code. Copy it whole, or choose a fund below."),
    "unknown_entry": _("Nothing in the books has this number. Copy it whole."),
    "instant_wrong": _("Write the moment as a day and a time, or leave it empty for now."),
    "books_too_large": _(
        "There are too many transfers to check them while you wait. Use the command: meritcoin check."
    ),
    "not_checked_yet": _("The books are being checked for the first time. Try again in a minute."),
    "export_too_large": _("There are too many transfers for one file here. Use the command: meritcoin export."),
    "not_sealed_yet": _("This transfer is not in the sealed log yet. Try again in a minute."),
    "nothing_sealed_yet": _("Nothing is sealed yet. The first seal comes by itself."),
}
