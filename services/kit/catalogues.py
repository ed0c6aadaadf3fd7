"""The committed translations: brought up to date from the sources, and checked. For developers and tests, not for requests."""

from __future__ import annotations

import re
from collections.abc import Iterator
from copy import deepcopy
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.pofile import read_po, write_po
from jinja2 import Environment

from services.kit.i18n import LANGUAGES, TRANSLATIONS, po_path

ROOT = Path(__file__).parents[2]
FOLDERS = ("services", "ledger", "volunteer_app", "merchant_app", "infra")
METHODS = [("**.py", "python"), ("**/templates/**.html", "jinja2")]
KEYWORDS = {**DEFAULT_KEYWORDS, "lazy_gettext": None, "lazy_ngettext": (1, 2), "lazy_pgettext": ((1, "c"), 2)}
PLACEHOLDER = re.compile(r"%\((\w+)\)[a-z]|%(?!%)(?!\()")
SPOKEN_ATTRIBUTES = ("alt", "aria-label", "placeholder", "title")
OUTSIDE = "infra/standins"  # plays a vendor's own page, which is not ours to translate
SAME_IN_EVERY_LANGUAGE = ("Meritcoin", "OpenAPI", "AsyncAPI", "CSV", "JSON")


def update() -> None:
    """Extract all strings again, write messages.pot, and merge it into every .po; what is not used any more goes."""
    template = extracted()
    _write(TRANSLATIONS / "messages.pot", template)
    for code in LANGUAGES:
        catalogue = _read(code)
        catalogue.update(deepcopy(template), no_fuzzy_matching=True)  # update() would share its messages
        if code == "en":
            for message in _messages(catalogue):
                message.string = message.id
        _write(po_path(code), catalogue)


def problems() -> list[str]:
    """What keeps the translations from shipping: a sentence for each string and language, none if all is well."""
    template = extracted()
    found = [f"{place}: “{words}” stands outside gettext" for place, words in _bare_words()]
    return found + [problem for code in LANGUAGES for problem in _problems_of(code, template)]


def extracted() -> Catalog:
    """Every string that templates and Python files wrap in gettext, with the files it stands in."""
    catalogue = Catalog(charset="utf-8")
    for folder in FOLDERS:
        if not (ROOT / folder).is_dir():
            continue
        found = extract_from_dir(ROOT / folder, METHODS, {"**.html": {"silent": "false"}}, KEYWORDS)
        for name, _, words, comments, context in found:
            catalogue.add(words, locations=[(f"{folder}/{name}", 0)], auto_comments=comments, context=context)
    return catalogue


def _problems_of(code: str, template: Catalog) -> Iterator[str]:
    catalogue = _read(code)
    wanted = {(m.id, m.context) for m in _messages(template)}
    have = {(m.id, m.context): m for m in _messages(catalogue)}
    for words, _ in sorted(wanted - have.keys(), key=str):
        yield f"{code}: “{_shown(words)}” is missing; run `make translations`"
    for key, message in have.items():
        wrong = (
            "is not used any more; run `make translations`" if key not in wanted else _wrong_with(message, catalogue)
        )
        if wrong:
            yield f"{code}: “{_shown(message.id)}” {wrong}"


def _wrong_with(message: Message, catalogue: Catalog) -> str:
    originals = _forms(message.id)
    forms = _forms(message.string or "")
    if not all(forms):
        return "is not translated"
    if message.fuzzy:
        return "is marked as fuzzy"
    if message.pluralizable and len(forms) != catalogue.num_plurals:
        return f"needs {catalogue.num_plurals} plural forms"
    names = _placeholders(originals)
    if "" in names:
        return "has a placeholder without a name"
    # A plural's form for one or two may leave the number out ("a day"); nothing may name what the original does not.
    wrong = _placeholders(forms) - names if message.pluralizable else _placeholders(forms) ^ names
    return f"differs in placeholders: {', '.join(sorted(wrong))}" if wrong else ""


def _placeholders(forms: tuple[str, ...]) -> set[str]:
    return {match[1] or "" for form in forms for match in PLACEHOLDER.finditer(form.replace("%%", ""))}


def _forms(words: str | tuple[str, ...] | list[str]) -> tuple[str, ...]:
    return (words,) if isinstance(words, str) else tuple(words)


def _shown(words: str | tuple[str, ...] | list[str]) -> str:
    return _forms(words)[0]


def _messages(catalogue: Catalog) -> list[Message]:
    return [message for message in catalogue if message.id]


def _read(code: str) -> Catalog:
    if not po_path(code).exists():
        return Catalog(locale=code, charset="utf-8")
    with po_path(code).open("rb") as source:
        return read_po(source, locale=code, charset="utf-8", abort_invalid=True)


def _write(path: Path, catalogue: Catalog) -> None:
    """Write without the dates and tool names Babel puts in the header, so that the same strings are the same file."""
    header = ["Content-Type: text/plain; charset=utf-8"]
    if catalogue.locale:
        header += [f"Language: {catalogue.locale}", f"Plural-Forms: {catalogue.plural_forms}"]
    body = BytesIO()
    write_po(body, catalogue, width=0, omit_header=True, sort_output=True, ignore_obsolete=True, include_lineno=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = "".join(f'"{line}\\n"\n' for line in header)
    path.write_text(f'msgid ""\nmsgstr ""\n{lines}\n{body.getvalue().decode().strip()}\n', "utf-8")


def _bare_words() -> Iterator[tuple[str, str]]:
    """Words a template says without gettext: text between tags, and attributes that are read aloud."""
    jinja = Environment(autoescape=True)
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).glob("**/templates/**/*.html")):
            if path.is_relative_to(ROOT / OUTSIDE):
                continue
            text = "".join(piece for _, kind, piece in jinja.lex(path.read_text("utf-8")) if kind == "data")
            listener = _Listener()
            listener.feed(text)
            for words in listener.heard:
                yield path.relative_to(ROOT).as_posix(), words


class _Listener(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.heard: list[str] = []

    def handle_data(self, data: str) -> None:
        self._hear(data)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name in SPOKEN_ATTRIBUTES:
                self._hear(value or "")

    def _hear(self, text: str) -> None:
        for known in SAME_IN_EVERY_LANGUAGE:
            text = text.replace(known, "")
        if re.search(r"[^\W\d_]{2}", text):
            self.heard.append(" ".join(text.split()))
