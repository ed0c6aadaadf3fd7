"""Narrowing a list: what was chosen stands in the address, so that a narrowed list can be kept and shown to somebody."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from flask import request, url_for
from flask_babel import gettext as _

from services.kit.i18n import LANGUAGES
from services.kit.screens import screens


class Choice(NamedTuple):
    """A line of a menu. `lang`: of its words, where they are not in the reader's own language."""

    words: str
    href: str
    here: bool
    lang: str | None = None


class Menu(NamedTuple):
    """`words`: what is chosen, or else what there is to choose."""

    sign: str
    words: str
    choices: list[Choice]
    chosen: bool


def address(**changed: str | None) -> str:
    """This page with something else asked for; what is None is not asked for any more. Its later parts begin anew."""
    asked = {**request.args, "after": None, "lang": None, **changed}
    return url_for(request.endpoint or "", **{name: value for name, value in asked.items() if value})  # type: ignore[arg-type]


def menu(sign: str, name: str, key: str, all_of_them: str, choices: Iterable[tuple[str, str, str | None]]) -> Menu:
    """`name`: what there is to choose. `choices`: value, words and their language."""
    asked = request.args.get(key) or None
    lines = [Choice(words, address(**{key: value}), value == asked, lang) for value, words, lang in choices]
    here = next((line.words for line in lines if line.here), None)
    return Menu(sign, here or name, [Choice(all_of_them, address(**{key: None}), not here), *lines], bool(here))


def by_neighbourhood() -> Menu:
    places = ((one.id, one.name, None) for one in screens().city.neighbourhoods)
    return menu("map-pin", _("Neighbourhood"), "in", _("Everywhere"), places)


def by_language() -> Menu:
    spoken = ((code, LANGUAGES[code], code) for code in screens().city.languages)
    return menu("languages", _("Language"), "speaks", _("Every language"), spoken)
