"""What coordinators are told about attendance. Some refusals reach volunteers too, who are told otherwise: so these stand here."""

from __future__ import annotations

from flask_babel import lazy_gettext as _

from services.apis.errors import Refused
from services.kit.words import in_words

DISPUTE_REASONS = {
    "minutes_wrong": _("The time is not right"),
    "was_there": _("Was there, but is not on the list"),
    "other": _("Something else"),
}

REJECT_REASONS = (
    ("not_there", _("Was not there")),
    ("too_short", _("Was there too shortly")),
    ("entered_by_mistake", _("Written down by mistake")),
)

WHY_LEFT = {
    "left_out": _("You left this one out"),
    "own_attendance": _("This is you: another coordinator confirms it"),
    "not_checked_out": _("Still checked in"),
    "disputed": _("There is a dispute to settle"),
    "too_short": _("Very short: give the minutes, or leave it"),
}

WITNESSES = {
    "code": _("scanned the code"),
    "card": _("card scanned"),
    "coordinator": _("name tapped"),
}

# Only coordinators meet these.
REFUSALS = {
    "own_attendance": _("Nobody decides on their own attendance. Ask another coordinator of your organisation."),
    "not_checked_out": _("This person is still checked in. Check them out first, or wait for the shift’s end."),
    "minutes_missing": _("No time is written down. Say how many minutes, or say that it is not confirmed."),
    "minutes_beyond_shift": _("The shift had %(shift_minutes)s minutes. Give that many at most."),
    "unknown_attendance": _("Somebody decided on this meanwhile. Look at the list again."),
    "happened_at_wrong": _("This was noted more than two days ago. Give the minutes when you confirm."),
    "card_replaced": _("This card was replaced. Scan the new one, or tap the name."),
}

_TOLD = {
    "adults_only": _("This shift is for adults only, and this person is not one."),
    "shift_full": _("All places are taken. Once the shift has begun, places of those who did not come are free."),
    "already_checked_out": _("In and out are written down already. You can give other minutes when you confirm."),
    "unknown_card": _("We do not know this card. If it is new, scan it again in a moment, or tap the name."),
    "too_early": _("Check-in opens half an hour before the shift begins."),
    "shift_over": _("The shift is over. Whoever was in is counted until its end."),
    "shift_cancelled": _("This shift was cancelled."),
    "unknown_shift": _("This shift is brand-new. Try again in a moment."),
    "unknown_person": _("This person does not take part any more."),
}


def in_a_coordinators_words(refusal: Refused) -> str:
    return str(_TOLD.get(refusal.code) or in_words(refusal))
