"""Languages: which one a page speaks, the committed translations, and numbers and days as that language writes them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from io import BytesIO
from pathlib import Path
from urllib.parse import urlencode

from babel import Locale
from babel.dates import format_date, format_skeleton, format_timedelta, get_day_names
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_currency, format_decimal
from babel.support import Translations
from babel.units import format_unit
from flask import Flask, Response, current_app, has_request_context, request
from flask_babel import Babel, Domain, get_locale

# A person picks a language by its own name.
LANGUAGES = {
    "it": "italiano",
    "en": "English",
    "fr": "français",
    "es": "español",
    "ar": "العربية",
    "uk": "українська",
    "bn": "বাংলা",
    "ur": "اردو",
}
RIGHT_TO_LEFT = frozenset({"ar", "ur"})
COMMAS = {"ar": "، ", "ur": "، "}
TRANSLATIONS = Path(__file__).parent / "translations"
EUROPEAN = Locale("en", "GB")
YEAR_SECONDS = 365 * 24 * 3600


def init_i18n(app: Flask) -> None:
    """Make `app` speak the eight languages; its config DEFAULT_LANGUAGE is the city's own (Italian if unset)."""
    babel = Babel(app, default_locale=app.config.setdefault("DEFAULT_LANGUAGE", "it"), locale_selector=locale)
    babel.domain_instance = CommittedTranslations()
    app.jinja_env.globals.update(language=language, direction=direction, languages=languages)
    app.after_request(_remember)


class CommittedTranslations(Domain):  # type: ignore[misc]  # flask_babel ships no types
    """Reads the .po files themselves: no .mo file, no build step."""

    def get_translations(self) -> Translations:
        chosen = get_locale()
        return translations(chosen.language if chosen else "en")


@cache
def translations(code: str) -> Translations:
    """The strings of one language, compiled in memory from its committed .po file."""
    with po_path(code).open("rb") as source:
        catalogue = read_po(source, locale=code, abort_invalid=True)
    compiled = BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return Translations(compiled)


def po_path(code: str) -> Path:
    """Where a language's strings are committed."""
    return TRANSLATIONS / code / "LC_MESSAGES" / "messages.po"


def language() -> str:
    """The language of this request: `?lang=`, then the cookie, then what the browser asks for, then the city's own."""
    if not has_request_context():
        return "en"
    # Not best_match(): it takes a later `en` before an earlier `bn-BD`.
    asked_for = [tag.partition("-")[0].lower() for tag in request.accept_languages.values()]
    own: str = current_app.config["DEFAULT_LANGUAGE"]
    wishes = [request.args.get("lang"), request.cookies.get("lang"), *asked_for]
    return next((code for code in wishes if code in LANGUAGES), own)


def locale() -> str:
    """How numbers and days are written: as the language does, and English as in Europe."""
    return "en_GB" if language() == "en" else language()


def direction(spoken: str | None = None) -> str:
    """`rtl` for Arabic and Urdu, else `ltr`: of the language given, or of this request's."""
    return "rtl" if (spoken or language()) in RIGHT_TO_LEFT else "ltr"


def languages() -> list[tuple[str, str, str]]:
    """For the language menu: code, the language's own name, and this page's address in it."""
    return [(code, name, "?" + urlencode({**request.args, "lang": code})) for code, name in LANGUAGES.items()]


def number(value: int) -> str:
    """`38,000` as the person's language groups it, with the digits everyone in town reads on a price tag."""
    return format_decimal(value, locale=_written())


def cents(amount_cents: int) -> str:
    """Coins: `4.50`, or `4,50` where the language writes so."""
    return format_decimal(Decimal(amount_cents) / 100, "#,##0.00", locale=_written())


def euros(amount_cents: int) -> str:
    """Money: `€4.50`, laid out as the person's language does."""
    return format_currency(Decimal(amount_cents) / 100, "EUR", locale=_written())


def day(when: date) -> str:
    """`Sat 28 Nov` in the person's language. `when` is a day in the city's own zone."""
    return format_skeleton("MMMEd", when, locale=_written())


def long_day(when: date) -> str:
    """`Saturday 28 November` in the person's language."""
    # Unicode's data has no such layout for every language; the one that goes on with the year is there for all.
    whole = _written().date_formats["full"].pattern
    return format_date(when, whole[: whole.index("MMMM") + 4].replace(", ", " "), locale=_written())


def full_day(when: date) -> str:
    """`28 Nov 2026`, where the year matters."""
    return format_skeleton("yMMMd", when, locale=_written())


def month(when: date) -> str:
    """`November 2026`."""
    return format_skeleton("yMMMM", when, locale=_written())


def short_month(when: date) -> str:
    """`Nov`, under a bar of a chart."""
    return format_skeleton("MMM", when, locale=_written())


def duration(minutes: int) -> str:
    """`2 hours`, `1 hour 30 minutes`."""
    hours, rest = divmod(minutes, 60)
    said = [
        format_unit(n, unit, locale=_written())
        for n, unit in ((hours, "duration-hour"), (rest, "duration-minute"))
        if n
    ]
    return " ".join(said or [format_unit(0, "duration-minute", locale=_written())])


def until(when: datetime, now: datetime) -> str:
    """`in 40 minutes`, `in 2 days`."""
    return format_timedelta(when - now, add_direction=True, locale=_written())


def language_name(code: str) -> str:
    """A language as the person's own language calls it."""
    return str(_written().languages.get(code, code))


def listed(words: Iterable[str]) -> str:
    """`Arabic, Italian`, with the comma of the person's language."""
    return COMMAS.get(language(), ", ").join(words)


def week_days() -> list[tuple[str, str]]:
    """Monday first: the letter that heads a calendar's column, and the name it stands for."""
    names = get_day_names("wide", "stand-alone", locale=_written())
    letters = get_day_names("narrow", "stand-alone", locale=_written())
    if language() == "ur":  # Unicode's data has no letters of Urdu's own; its names are short
        letters = names
    return [(letters[n], names[n]) for n in range(7)]


def _written() -> Locale:
    """The person's language and country. Not by name: babel would look that up again for every number and day of a page."""
    return get_locale() or EUROPEAN


def _remember(response: Response) -> Response:
    chosen = request.args.get("lang")
    if chosen in LANGUAGES:
        response.set_cookie(
            "lang", chosen, max_age=YEAR_SECONDS, samesite="Lax", httponly=True, secure=request.is_secure
        )
    if response.mimetype == "text/html":
        response.content_language.add(language())
        response.vary.update(("Accept-Language", "Cookie"))
    return response
