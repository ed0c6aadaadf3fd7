"""Reading a city's configuration file, with a clear sentence for each mistake."""

from __future__ import annotations

import tomllib
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from services.apis.city import Cap, City
from services.kit.settings import SettingWrong
from services.reimbursement.bank_values import normalise_iban

LANGUAGES = ("it", "en", "fr", "es", "ar", "uk", "bn", "ur")


def read_city(path: Path) -> City:
    """The city of a TOML file. Raises SettingWrong with what to change and where."""
    try:
        city = msgspec.toml.decode(path.read_bytes(), type=City)
    except (tomllib.TOMLDecodeError, msgspec.DecodeError) as error:
        raise SettingWrong(f"{path.name}: {error}.") from None
    problems = list(_problems(city))
    if problems:
        raise SettingWrong(f"{path.name}: {'; '.join(problems)}.")
    return city


def _problems(city: City) -> list[str]:
    found = []
    try:
        ZoneInfo(city.zone)
    except (ZoneInfoNotFoundError, ValueError):
        found.append(f"zone '{city.zone}' is no time zone (e.g. Europe/Rome)")
    unknown = [lang for lang in city.languages if lang not in LANGUAGES]
    if unknown or not city.languages:
        found.append(f"languages must be some of {', '.join(LANGUAGES)}")
    ids = [n.id for n in city.neighbourhoods]
    if not ids or len(set(ids)) != len(ids):
        found.append("neighbourhoods need different ids, at least one")
    for name, caps in (("day", city.caps.day), ("month", city.caps.month)):
        found += _cap_problems(name, caps)
    if city.coins.value_cents < 1 or city.coins.lifetime_months < 1 or city.coins.per_participation < 1:
        found.append("coins: value_cents, lifetime_months and per_participation must be 1 or more")
    if city.sales.per_sale_cents < 1 or city.sales.per_person_day_cents < city.sales.per_sale_cents:
        found.append("sales: per_sale_cents must be 1 or more and per_person_day_cents not below it")
    if not 20 <= city.sales.code_seconds <= 600:
        found.append("sales: code_seconds must be from 20 to 600")
    try:
        normalise_iban(city.account.iban)
    except Exception as error:
        found.append(f"account: {error}")
    return found


def _cap_problems(name: str, caps: tuple[Cap, ...]) -> list[str]:
    found = []
    if not caps:
        found.append(f"caps.{name} needs at least one entry with since and legal_basis")
    if any(cap.amount_cents < 1 or not cap.legal_basis.strip() for cap in caps):
        found.append(f"caps.{name}: every entry needs amount_cents of 1 or more and a legal_basis")
    if len({cap.since for cap in caps}) != len(caps):
        found.append(f"caps.{name}: two entries start on the same day")
    return found
