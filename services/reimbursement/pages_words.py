"""What finance officers are told: states, reasons and refusals in plain words."""

from __future__ import annotations

from flask_babel import lazy_gettext as _

# state -> words, sign, kind of badge
STATEMENTS = {
    "open": (_("waits for the shop"), "hourglass", ""),
    "queried": (_("the shop asks"), "message-circle", "warn"),
    "claimed": (_("confirmed"), "check", "ok"),
}
CLAIMS = {
    "payable": (_("can be sent"), "circle-check", "info"),
    "in_batch": (_("in a batch"), "hourglass", ""),
    "ordered": (_("sent to the bank"), "landmark", "info"),
    "paid": (_("settled"), "check", "ok"),
    "closed": (_("nothing left to send"), "x", ""),
}
PAYMENTS = {
    "prepared": (_("not released yet"), "hourglass", ""),
    "released": (_("sent to the bank"), "landmark", "info"),
    "settled": (_("settled"), "check", "ok"),
    "returned": (_("came back"), "undo-2", "bad"),
    "cancelled": (_("cancelled"), "x", ""),
}
BATCHES = {
    "prepared": (_("to approve"), "hourglass", "warn"),
    "approved": (_("to release"), "hourglass", "warn"),
    "released": (_("released"), "check", "ok"),
    "cancelled": (_("cancelled"), "x", ""),
}
ACCOUNTS = {
    "proposed": (_("waits for a second person"), "hourglass", "warn"),
    "approved": (_("in use"), "check", "ok"),
    "refused": (_("refused"), "x", "bad"),
    "replaced": (_("replaced"), "undo-2", ""),
}
ENTRIES = {
    "matched": (_("matched"), "check", "ok"),
    "proposed": (_("proposed"), "hourglass", "info"),
    "unmatched": (_("unmatched"), "circle-alert", "warn"),
    "credited": (_("money for a fund"), "wallet", ""),
}
ATTENDANCES = {
    "open": (_("not confirmed yet"), "hourglass", ""),
    "confirmed": (_("confirmed"), "check", "ok"),
    "disputed": (_("in dispute"), "flag", "warn"),
    "rejected": (_("not confirmed"), "x", "bad"),
}
STATES = {
    "statement": STATEMENTS, "claim": CLAIMS, "payment": PAYMENTS, "batch": BATCHES, "account": ACCOUNTS, "entry": ENTRIES,
    "attendance": ATTENDANCES,
}  # fmt: skip

BLOCKED = {
    "no_iban": _("The shop has given no account yet."),
    "iban_not_approved": _("A new account waits for a second person."),
    "void_waits": _("A sale was undone. The shop’s next statement settles that."),
}
WHY = {
    "unknown_payment": _("It names no payment of ours."),
    "paid_in_part": _("Only a part of the amount left the account."),
    "amount_differs": _("The amount is not the one we ordered."),
    "payment_ended": _("The bank has answered for this payment already."),
    "no_reason_given": _("Money came back, and the bank gave no reason."),
}
REFUSALS = {
    "same_person": _("You did the step before this one. Another person must do the next: ask a colleague."),
    "batch_state": _("This batch is at another step by now. Open it again."),
    "iban_not_approved": _("A shop’s account is missing or waits for a second person. Look at the accounts first, or leave the shop out."),
    "iban_changed": _("A shop’s account changed after this batch was prepared. Cancel the batch and prepare it again."),
    "claim_lessened": _("A sale in this batch was undone after it was prepared. Cancel the batch and prepare it again."),
    "claim_not_payable": _("One of these claims cannot be sent now. Open the page again and choose anew."),
    "payment_batch_empty": _("No claim can be sent now. Shops confirm their statements first, and their accounts are approved."),
    "fund_not_known_yet": _("The platform is still reading about a fund. Try again in a minute."),
    "account_decided": _("This account was decided on already. Look at the shop’s newest one."),
    "query_settled": _("This question is answered already."),
    "period_not_over": _("This month is not over: sales can still come. Its statements can be issued from %(from)s on."),
    "period_closed": _("This month is closed. What came later is on the next month’s statements."),
    "period_not_issued": _("The statements of this month are not issued. Issue them first."),
    "period_wrong": _("Choose a month from the list."),
    "queries_open": _("Shops wait for an answer about this month. Answer them first."),
    "bank_statement_known": _("This file was read already. Nothing was counted twice. Find it in the list below."),
    "bank_statement_too_large": _("This file is larger than we can read. Ask the bank for a shorter time."),
    "bank_statement_unsafe": _("This file holds something a bank’s file never does. Ask the bank for a fresh one."),
    "bank_statement_malformed": _("This is not a bank statement we can read. Take the camt.053 file of your bank."),
    "bank_statement_several": _("This file holds several statements. Take one file for each day."),
    "bank_statement_foreign": _("This statement is of another account. Take the one of the scheme’s account."),
    "bank_statement_currency": _("This statement is not in euro. Take the one of the scheme’s account."),
    "bank_statement_does_not_add_up": _("The figures in this file do not add up. Ask the bank for a fresh one."),
    "no_file": _("Choose the bank’s file first, or drop it on the field."),
    "entry_matched": _("This line is matched already. Choose another one."),
    "match_amount_differs": _("The amounts are not the same, so this is another payment."),
    "match_not_proposed": _("Nobody proposes a match for this line any more. Open the page again."),
    "payment_ended": _("The bank has answered for this payment already. Choose another one."),
    "unknown_payment": _("This payment is not known. Choose one from the list."),
    "no_claim_chosen": _("Choose at least one claim."),
}  # fmt: skip
