"""Why somebody looked at a name: kept as an English sentence, and told to each person in their own language."""

from __future__ import annotations

import re
from datetime import date
from typing import Literal

from flask_babel import lazy_gettext as _

from services.kit.i18n import day as written_day

LIST, CARD_OR_NAME, PRINTING, DISPUTE, NEW_PICTURES = (
    "The list of volunteers", "Looking after their card or name", "Printing their card", "To settle a dispute",
    "A coordinator let you choose new pictures",
)  # fmt: skip
_TOLD = {
    LIST: _("The list of volunteers"),
    CARD_OR_NAME: _("Looking after their card or name"),
    PRINTING: _("Printing their card"),
    DISPUTE: _("To settle a dispute"),
    NEW_PICTURES: _("A coordinator let you choose new pictures"),
}
_AT_A_SHIFT = {
    "Roster": _("Roster: %(shift)s, %(day)s"),
    "Attendance": _("Attendance: %(shift)s, %(day)s"),
    "Confirming": _("Confirming: %(shift)s, %(day)s"),
}
MOST = 150  # of a shift's name


def at_a_shift(what: Literal["Roster", "Attendance", "Confirming"], shift: str, day: date) -> str:
    return f"{what}: {shift[:MOST]}, {day.isoformat()}"


def told(reason: str) -> str:
    """In the words of whoever reads it; what somebody wrote themselves stays as it is."""
    found = re.fullmatch(r"(\w+): (.*), (\d{4}-\d{2}-\d{2})", reason, re.DOTALL)
    if found and found[1] in _AT_A_SHIFT:
        return str(_AT_A_SHIFT[found[1]]) % {"shift": found[2], "day": written_day(date.fromisoformat(found[3]))}
    return str(_TOLD.get(reason, reason))
