"""What volunteers are told: reasons, and refusals in plain sentences."""

from __future__ import annotations

from flask_babel import lazy_gettext as _

DISPUTE_REASONS = (
    ("minutes_wrong", _("The time is not right")),
    ("was_there", _("I was there, but I am not on the list")),
    ("other", _("Something else")),
)

STATES = {
    "open": _("not confirmed yet"),
    "confirmed": _("confirmed"),
    "disputed": _("somebody is looking at it"),
    "rejected": _("not confirmed"),
}

# What to say in a shop, in the language of the town, and what it means.
PHRASES = (
    ("Posso usare le monete?", _("May I use the coins?")),
    ("Quanto costa?", _("How much is it?")),
    ("Può ripetere piano, per favore?", _("Can you say it again slowly, please?")),
    ("Grazie, buona giornata!", _("Thank you, have a nice day!")),
)

# What moved coins, by the ledger's kind: its words and their sign.
MOVEMENTS = {
    "award": (_("for your shift"), "sprout"),
    "withdrawal": (_("taken back: a correction"), "undo-2"),
    "sale": (_("in a shop"), "store"),
    "void": (_("back from a shop"), "undo-2"),
    "hold": (_("set aside for a shop"), "lock"),
    "hold_post": (_("in a shop"), "store"),
    "hold_void": (_("free again"), "undo-2"),
    "hold_expire": (_("free again"), "undo-2"),
    "expiry": (_("not used in time"), "clock"),
}
OTHER_MOVEMENT = (_("a correction"), "pencil")

REFUSALS = {
    "unknown_invitation": _("This invitation is not known. Ask the person who gave it to you for a new one."),
    "invitation_expired": _("This invitation is too old. Ask the person who gave it to you for a new one."),
    "invitation_used": _("This invitation was used already. Sign in with your pictures, or ask for a new invitation."),
    "unknown_pictures_code": _("We do not know this code, or it is over. Ask your coordinator for a new one."),
    "pictures_code_expired": _("We do not know this code, or it is over. Ask your coordinator for a new one."),
    "weak_pin": _("These pictures are too easy to guess. Choose others."),
    "wrong_pin": _("These are not your pictures, or not in this order. Try again."),
    "too_many_tries": _("Too many tries. Wait a while, or ask your coordinator."),
    "unknown_card": _("We do not know this card. Scan the code on the card again."),
    "card_revoked": _("This card was replaced. Use the new one, or ask your coordinator."),
    "no_role": _("You do not take part any more. Ask for a new invitation."),
    "shift_closed": _("This shift takes no more sign-ups. Choose another one."),
    "already_signed_up": _("You are signed up already."),
    "adults_only": _("This shift is for adults only. Choose another one."),
    "shift_started": _("This shift has begun. Tell your coordinator if you cannot come."),
    "code_wrong": _("This is not our code for checking in. Scan the one your coordinator shows."),
    "code_expired": _("This code is over. A new one comes every half minute. Scan again."),
    "code_used": _("You used this code already. Wait half a minute and scan the next one."),
    "already_checked_in": _("You are checked in already."),
    "already_checked_out": _("You are checked out already. Thank you."),
    "not_checked_in": _("You are not checked in yet. Check in first."),
    "too_early": _("It is too early to check in. Try again a little before the shift begins."),
    "shift_over": _("This shift is over. Tell your coordinator that you were there."),
    "shift_cancelled": _("This shift was cancelled. Choose another one."),
    "shift_full": _("This shift is full. Speak with your coordinator."),
    "person_erased": _("This account was erased. To take part again, ask for a new invitation."),
    "shift_not_over": _("The shift is not over yet. Come back afterwards."),
    "already_disputed": _("You told us already. Your coordinator will look at it."),
    "dispute_settled": _("This was decided already. Speak with your coordinator."),
    "dispute_too_late": _("It is too late to change this. Speak with your coordinator."),
    "no_sign_up": _("You were not signed up for this shift. Speak with your coordinator."),
}
