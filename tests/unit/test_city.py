"""A city is one file: the ones we ship can be used, and each mistake gets a sentence that says what to change."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import pytest

from infra.city import read_city
from services.apis.city import Cap, cap_on
from services.kit.settings import CITIES, SettingWrong, read_settings

VALDARCO = (CITIES / "valdarco.toml").read_text()

MISTAKES = [
    (r'zone = "Europe/Rome"', 'zone = "Europe/Valdarco"', "is no time zone"),
    (r'"it", "en"', '"it", "xx"', "languages must be some of"),
    (r'id = "porta-fiume"', 'id = "arco-vecchio"', "neighbourhoods need different ids"),
    (r"value_cents = 100", "value_cents = 0", "must be 1 or more"),
    (r"value_cents = 100", 'value_cents = "one euro"', "Expected `int`"),
    (r'legal_basis = "[^"]+"', 'legal_basis = " "', "legal_basis"),
    (r"month = \[.*\]", "month = []", "caps.month needs at least one entry"),
    (r"per_person_day_cents = 5000", "per_person_day_cents = 10", "per_person_day_cents"),
    (r"code_seconds = 60", "code_seconds = 5", "code_seconds must be from 20 to 600"),
    (r'iban = "IT60X', 'iban = "IT61X', "check digits"),
    (r'stamp_borne_by = "city"', 'stamp_borne_by = "nobody"', "Invalid enum value"),
    (r'^name = "Valdarco"', 'nmae = "Valdarco"', "nmae|name"),
    (r'^name = "Valdarco"', 'name = "Valdarco', "valdarco.toml"),
]


@pytest.mark.parametrize("path", sorted(CITIES.glob("*.toml")), ids=lambda p: p.stem)
def test_the_cities_we_ship_can_be_used(path: Path) -> None:
    city = read_city(path)
    assert city.neighbourhoods
    assert cap_on(city.caps.day, date(2026, 5, 4)) is not None


@pytest.mark.parametrize(("what", "instead", "sentence"), MISTAKES, ids=[m[1][:30] for m in MISTAKES])
def test_each_mistake_is_named(tmp_path: Path, what: str, instead: str, sentence: str) -> None:
    wrong, count = re.subn(what, instead, VALDARCO, count=1, flags=re.MULTILINE)
    assert count == 1
    path = tmp_path / "valdarco.toml"
    path.write_text(wrong)
    with pytest.raises(SettingWrong, match=sentence) as error:
        read_city(path)
    assert str(error.value).startswith("valdarco.toml: ")


def test_the_cap_in_force_is_the_latest_that_has_begun() -> None:
    old = Cap(amount_cents=500, since=date(2020, 1, 1), legal_basis="old")
    new = Cap(amount_cents=1000, since=date(2026, 1, 1), legal_basis="new")
    assert [cap_on((new, old), date(y, 6, 1)) for y in (2019, 2025, 2026)] == [None, old, new]


@pytest.mark.parametrize(
    ("variable", "value", "sentence"),
    [
        ("PORT", "80000", "PORT must be a whole number from 1 to 65535"),
        ("DATABASE_URL", "mysql://x", "DATABASE_URL must look like postgresql://"),
        ("DATABASE_URL", "postgresql://host/city", "literal {service}"),
        ("CITY", "nowhere.toml", "CITY names a file that is not there"),
        ("SECRET_KEYS", "short", "at least 32 characters"),
        ("SEAL_KEY", "ABC", "64 hex digits"),
        ("PUBLIC_URL", "valdarco.example", "PUBLIC_URL must start with http"),
        ("LOG_LEVEL", "LOUD", "LOG_LEVEL must be DEBUG, INFO, WARNING or ERROR"),
        ("THREADS", "0", "THREADS must be a whole number from 1 to 64"),
        ("KAFKA_BOOTSTRAP", "broker", "KAFKA_BOOTSTRAP must be HOST:PORT"),
        ("KAFKA_SECURITY", "TLS", "KAFKA_SECURITY must be one of PLAINTEXT, SSL, SASL_PLAINTEXT, SASL_SSL"),
        ("KAFKA_SECURITY", "SASL_SSL", "KAFKA_USER and KAFKA_PASSWORD are needed"),
        ("KAFKA_MIN_IN_SYNC", "4", "KAFKA_MIN_IN_SYNC cannot be more than KAFKA_REPLICATION"),
    ],
)
def test_a_setting_that_cannot_be_used_is_named_with_what_to_change(variable: str, value: str, sentence: str) -> None:
    with pytest.raises(SettingWrong, match=re.escape(sentence)):
        read_settings({variable: value})
