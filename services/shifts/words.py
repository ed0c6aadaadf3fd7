"""What coordinators are told: refusals in plain sentences."""

from __future__ import annotations

from flask_babel import lazy_gettext as _

REFUSALS = {
    "shift_in_the_past": _("This time is over. Choose a later time, or another day."),
    "shift_too_long": _("A shift lasts twelve hours at most. Publish two shifts instead."),
    "programme_not_open": _("This programme opens on %(opens_on)s. Choose that day or a later one."),
    "not_insured": _(
        "The volunteers are not insured then. Choose another day or fewer weeks, or write the new insurance down first."
    ),
    "insurance_days": _("The insurance ends before it begins. Look at the two days again."),
    "shift_closed": _("This shift is over, or it was cancelled."),
    "unknown_activity": _("This activity is not known any more. Choose another one."),
    "unknown_programme": _("This programme is not known any more. Choose another one."),
    "unknown_neighbourhood": _("This neighbourhood is not known any more. Choose another one."),
}
