"""What volunteers read is plain: short sentences, short words, no language of offices."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from babel.messages.pofile import read_po

from services.kit.catalogues import _forms
from services.kit.i18n import po_path

VOLUNTEERS = (
    "volunteer_app/",
    "services/kit/words.py",
    "services/kit/templates/kit/go_on.html",
    "services/kit/templates/kit/error.html",
)
MOST_WORDS = 18  # of a sentence
OFFICE = {
    "en": r"utili[sz]e|pursuant|authenticat|credential|facilitat|terminat|herein|submit|regarding|in order to|prior to|proceed|kindly"
          r"|invalid",
    "it": r"effettuar|usufruir|erogar|provveder|pertanto|inerent|mediante|ai sensi|autentica|credenzial|procedur|validar|utent|altresì"
          r"|tale |qualora|presso|suddett|al fine di|si prega",
}  # fmt: skip


def sentences(code: str) -> Iterator[str]:
    """Everything the volunteers' screens say in a language, sentence by sentence; what a placeholder stands for counts as one word."""
    with po_path(code).open("rb") as source:
        for message in read_po(source, locale=code):
            if message.id and any(place.startswith(VOLUNTEERS) for place, _ in message.locations):
                for form in _forms(message.string):
                    said = re.sub(r"%\(\w+\)\w", "Amal", form)
                    yield from (part for part in re.split(r"(?<=[.!?:])\s+", said) if part)


def words(sentence: str) -> list[str]:
    return re.findall(r"[\w’-]+", sentence)


@pytest.mark.parametrize("code", ["en", "it"])
def test_sentences_are_short(code: str) -> None:
    assert [said for said in sentences(code) if len(words(said)) > MOST_WORDS] == []


@pytest.mark.parametrize("code", OFFICE)
def test_nobody_speaks_as_an_office_does(code: str) -> None:
    assert [said for said in sentences(code) if re.search(OFFICE[code], said, re.IGNORECASE)] == []


def test_english_reads_easily() -> None:
    """Flesch (1948): 80 and more is easy, as spoken; syllables are counted as groups of vowels."""
    said = list(sentences("en"))
    spoken = [word for one in said for word in words(one)]
    syllables = sum(max(1, len(re.findall(r"[aeiouy]+", re.sub(r"e\b", "", word.lower())))) for word in spoken)
    assert 206.835 - 1.015 * len(spoken) / len(said) - 84.6 * syllables / len(spoken) >= 80


def test_italian_reads_easily() -> None:
    """Gulpease (GULP, 1988): from 80 on easy for somebody with five years of school; single words on buttons are left out."""
    said = [one for one in sentences("it") if len(words(one)) > 3]
    spoken = [word for one in said for word in words(one)]
    assert 89 + (300 * len(said) - 10 * sum(map(len, spoken))) / len(spoken) >= 80
