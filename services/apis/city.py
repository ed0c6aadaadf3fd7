"""A city is one configuration file (`infra/cities/*.toml`): what this platform must know to serve it.

Every service gets the same frozen `City`. Amounts are integer euro cents; instants are UTC in storage, `zone` is for the edge.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Literal
from zoneinfo import ZoneInfo

from msgspec import Struct


class Neighbourhood(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`id` is a slug used in events and addresses (`porta-nord`); `name` is what people say."""

    id: str
    name: str


class Cap(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A ceiling per person, in force from `since`, with the act that set it (default: D.Lgs. 117/2017 art. 17)."""

    amount_cents: int
    since: date
    legal_basis: str


class Caps(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    day: tuple[Cap, ...]
    month: tuple[Cap, ...]


class Coins(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a coin is worth, how many months after the one it was earned in it can be spent, and what a recognised participation earns."""

    value_cents: int
    lifetime_months: int
    per_participation: int


class SaleLimits(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Ceilings at the till, per person and day, and for one sale."""

    per_sale_cents: int
    per_person_day_cents: int
    code_seconds: int = 60


class ClaimForm(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The shop's claim: a *nota di debito* outside VAT, with stamp duty above a threshold (D.P.R. 642/1972)."""

    form: Literal["nota_di_debito", "fattura_fuori_campo"]
    stamp_duty_cents: int
    stamp_threshold_cents: int
    stamp_borne_by: Literal["shop", "city"]


class BankAccount(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The account payments leave from. `name` as the bank has it."""

    name: str
    iban: str
    bic: str | None = None


class Opi(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What the preparation file for the treasurer needs (OPI over SIOPE+): the body's codes.

    `codice_siope`: the expenditure code payments to shops are booked on. `provvedimento`: the act that authorises them, `responsabile`
    who answers for it. `cups`: the project code (CUP) of each grant, by the fund's name.
    """

    codice_ente: str
    codice_istat: str
    codice_fiscale_ente: str
    codice_abi_bt: str
    esercizio_chapter: str
    codice_tramite_ente: str = ""
    codice_tramite_bt: str = ""
    codice_ente_bt: str = ""
    codice_siope: str = "U.1.04.02.05.999"
    provvedimento: str = ""
    responsabile: str = ""
    cups: dict[str, str] = {}


class City(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    name: str
    zone: str
    country: str
    languages: tuple[str, ...]
    neighbourhoods: tuple[Neighbourhood, ...]
    coins: Coins
    caps: Caps
    sales: SaleLimits
    claim: ClaimForm
    account: BankAccount
    opi: Opi
    population: int | None = None
    invented: bool = False

    def local(self, instant: datetime) -> datetime:
        """The instant as the city's clocks show it."""
        return instant.astimezone(ZoneInfo(self.zone))

    def day_of(self, instant: datetime) -> date:
        """The calendar day, in the city, of an instant."""
        return self.local(instant).date()

    def neighbourhood(self, id_: str) -> Neighbourhood | None:
        return next((n for n in self.neighbourhoods if n.id == id_), None)


def cap_on(caps: Sequence[Cap], day: date) -> Cap | None:
    """The cap in force on a day: the latest whose `since` is not after it. None before the first."""
    return max((c for c in caps if c.since <= day), key=lambda c: c.since, default=None)
