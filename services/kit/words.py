"""Refusals in the words of whoever reads them: for each code a sentence that says what happened and what would work.

A service says its refusals in English, for programs and developers; here they are said to people. Screens add those of their own with
`say`; facts fill the sentence: cents as an amount, days as the language writes them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import date
from typing import Any

from flask import Blueprint, request
from flask_babel import gettext as _
from flask_babel import lazy_gettext

from services.apis.errors import Refused
from services.kit.i18n import cents, day

Words = Mapping[str, Any]

_EVERYWHERE: dict[str, Any] = {
    "service_away": lazy_gettext("A part of the platform gives no answer. Nothing is lost. Try again in a moment."),
    "database_away": lazy_gettext("A part of the platform gives no answer. Nothing is lost. Try again in a moment."),
    "busy": lazy_gettext("Many people are here at once. Try again in a moment."),
    "too_many_requests": lazy_gettext("That was very often in a short time. Wait a minute, then try again."),
    "too_large": lazy_gettext("This is larger than we can take. Send less at a time."),
    "session_ended": lazy_gettext("You were away for a while. Sign in again."),
    "session_wrong": lazy_gettext("You were away for a while. Sign in again."),
    "sign_in_first": lazy_gettext("Sign in first."),
    "not_allowed": lazy_gettext("This is not for you to do. Ask somebody who may, or the scheme’s office."),
    "from_elsewhere": lazy_gettext("This was sent from another site. Open the page here and send it again."),
    "invalid_request": lazy_gettext("Something is missing or has the wrong form. Look at it again."),
    "key_reused": lazy_gettext("This form was sent already. Open the page again to see what came of it."),
}
_SAID: dict[
    str, dict[str, Any]
] = {}  # by the blueprint of the page: a code has its words for those who read them there


def say(pages: Blueprint, words: Words) -> None:
    """Add the sentences of some pages for the codes they can meet: lazy translations with `%(fact)s` in them."""
    _SAID.setdefault(pages.name, {}).update(words)


def in_words(refusal: Refused) -> str:
    """What to tell the person. A code these pages have no words for is told in general; its code is on the page for the helper."""
    here = _SAID.get(request.blueprint or "", {})
    sentence = here.get(refusal.code) or _EVERYWHERE.get(refusal.code)
    if sentence is None:
        return str(_("This did not work. Nothing was changed. Ask a helper if it happens again."))
    return str(sentence) % defaultdict(str, {name: _shown(name, value) for name, value in refusal.facts.items()})


def _shown(name: str, value: Any) -> str:
    if name.endswith("_cents") and isinstance(value, int):
        return cents(value)
    if isinstance(value, str) and len(value) == 10:
        try:
            return day(date.fromisoformat(value))
        except ValueError:
            return value
    return str(value)
