"""Nothing ships untranslated, no screen speaks of wages, and what pages are made of is what we keep."""

from __future__ import annotations

import re
from hashlib import sha256
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po

from infra.demo.people import PEOPLE
from services.kit import catalogues
from services.kit.i18n import LANGUAGES, TRANSLATIONS, po_path
from services.kit.pages import STATIC

# "Volunteers are thanked, not paid" (D.Lgs. 117/2017 art. 17): wage, salary, earnings, price per hour.
WAGES = {
    "it": r"stipendi|salari|retribuzion|guadagn|paga oraria|compenso|all’ora",
    "en": r"\bwages?\b|salar(?:y|ies)|\bearn|hourly|per hour|\bpaid\b",
    "fr": r"salair|rémunér|paye horaire|\bgagn|de l’heure|par heure",
    "es": r"salari|sueldo|remunera|jornal|por hora",
    "ar": r"راتب|رواتب|أجور|أجرة|في الساعة",
    "uk": r"зарплат|заробі|оплата праці|за годину",
    "bn": r"মজুরি|বেতন|পারিশ্রমিক|ঘণ্টাপ্রতি",
    "ur": r"تنخواہ|اجرت|مزدوری|فی گھنٹہ",
}
TEMPLATES = [
    path for folder in catalogues.FOLDERS for path in (catalogues.ROOT / folder).glob("**/templates/**/*.html")
]


def test_every_string_is_translated_into_every_language() -> None:
    assert catalogues.problems() == []


def test_the_template_for_translators_is_up_to_date() -> None:
    with (TRANSLATIONS / "messages.pot").open("rb") as source:
        committed = read_po(source)
    assert {m.id for m in committed} == {m.id for m in catalogues.extracted()}


@pytest.mark.parametrize(
    ("original", "translation", "problem"),
    [
        ("Day %(done)s of %(total)s", "Giorno %(done)s", "differs in placeholders: total"),
        ("Day %(done)s", "Giorno %(fatto)s", "differs in placeholders: done, fatto"),
        ("Day %s", "Giorno %s", "has a placeholder without a name"),
        ("The town", "", "is not translated"),
        (("%(count)s hour", "%(count)s hours"), ("un’ora", "%(count)s ore"), ""),
        (("%(count)s hour", "%(count)s hours"), ("un’ora", ""), "is not translated"),
        ("75 %% of it", "il 75 %%", ""),
    ],
)
def test_a_wrong_translation_is_found(original: object, translation: object, problem: str) -> None:
    italian = Catalog(locale="it")
    message = italian.add(original, translation)
    assert catalogues._wrong_with(message, italian) == problem


@pytest.mark.parametrize("code", LANGUAGES)
def test_no_language_speaks_of_wages(code: str) -> None:
    with po_path(code).open("rb") as source:
        spoken = [form for m in read_po(source, locale=code) if m.id for form in catalogues._forms(m.string)]
    assert [form for form in spoken if re.search(WAGES[code], form, re.IGNORECASE)] == []


def test_words_outside_gettext_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    template = tmp_path / "infra" / "templates" / "page.html"
    template.parent.mkdir(parents=True)
    template.write_text(
        '<p class="x">{{ _("Said well") }}, 12 · <b title="Said badly">bare {{ value }}</b></p>', "utf-8"
    )
    monkeypatch.setattr(catalogues, "ROOT", tmp_path)
    assert [words for _, words in catalogues._bare_words()] == ["Said badly", "bare"]


def test_every_icon_asked_for_is_in_the_sprite_and_every_one_in_it_is_asked_for() -> None:
    held = set(re.findall(r'<symbol id="([\w-]+)"', (STATIC / "icons.svg").read_text("utf-8")))
    sources = [
        *TEMPLATES,
        *(path for folder in catalogues.FOLDERS for path in (catalogues.ROOT / folder).rglob("*.py")),
    ]
    quoted = {word for path in sources for word in re.findall(r'"([a-z][a-z0-9-]*)"', path.read_text("utf-8"))}
    icons = {icon for path in TEMPLATES for icon in re.findall(r'(?:icon|arrow)\("([\w-]+)"', path.read_text("utf-8"))}
    assert icons | {person.icon for person in PEOPLE} <= held <= quoted


@pytest.mark.parametrize("folder", [STATIC / "vendor", STATIC.parent / "fonts"])
def test_files_by_others_are_unchanged(folder: Path) -> None:
    table = (folder / "README.md").read_text("utf-8")
    stated = dict(re.findall(r"^\| `([^`]+)` .*`([0-9a-f]{64})`", table, re.MULTILINE))
    kept = {
        p.name: sha256(p.read_bytes()).hexdigest()
        for p in folder.iterdir()
        if p.suffix in {".css", ".js", ".wasm", ".ttf"}
    }
    assert stated == kept
