"""What kinds of activity are called: on shifts, and on the money that is meant for some of them only."""

from __future__ import annotations

from flask_babel import lazy_gettext as _

# The kinds a new activity can be of.
KINDS = {
    "green": _("Green areas"),
    "bins": _("Clean streets and bins"),
    "library": _("Library and reading"),
    "school": _("School and homework"),
    "neighbours": _("Help for neighbours"),
    "food": _("Food and kitchen"),
    "repair": _("Repairs"),
    "culture": _("Culture and festivals"),
    "sport": _("Sport and play"),
}


def kind_name(kind: str) -> str:
    """A kind that other programs brought goes by its own name."""
    return str(KINDS.get(kind) or kind.replace("-", " ").capitalize())
