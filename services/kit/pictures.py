"""The picture PIN: four of twelve pictures in order, as a form asks for them (`kit/pictures.html`, `pictures.js`)."""

from __future__ import annotations

from flask import request
from flask_babel import lazy_gettext as _

from services.apis import identity
from services.apis.errors import Refused

# The twelve pictures of the PIN, by their number; the sign is their name in the icon sprite.
PICTURES = (
    ("sun", _("sun")), ("moon", _("moon")), ("star", _("star")), ("tree-deciduous", _("tree")),
    ("flower-2", _("flower")), ("fish", _("fish")), ("bird", _("bird")), ("cat", _("cat")),
    ("house", _("house")), ("key-round", _("key")), ("bike", _("bicycle")), ("apple", _("apple")),
)  # fmt: skip


def pin_of_form() -> identity.Pin:
    """The four pictures tapped: `3,5,1,0` – or chosen from lists, where there is no script. Raises Refused `pin_missing`."""
    said = request.form.get("pin") or ",".join(request.form.get(f"pin{n}", "") for n in range(4))
    try:
        one, two, three, four = (int(number) for number in said.split(","))
    except ValueError:
        raise Refused("pin_missing", "Tap four pictures.", status=422) from None
    return one, two, three, four
