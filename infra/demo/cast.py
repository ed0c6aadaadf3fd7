"""Who and what there is in Valdarco, named as its people name it. All invented; change this file to change the town."""

from __future__ import annotations

from dataclasses import dataclass

PROGRAMME = "Bella Valdarco"
GRANT_KINDS = ("green", "bins")
SPARE_IBAN = "IT60P9999900001000000000099"


@dataclass(frozen=True)
class Activity:
    """A template of an organisation's shifts: every week on `weekdays` (Monday is 0) at `hour` o'clock."""

    organisation: str
    name: str
    place: str
    kind: str
    neighbourhood: str
    weekdays: tuple[int, ...]
    hour: int
    minutes: int
    capacity: int
    languages: tuple[str, ...] = ("it",)


SPLIT = (("08:30", "13:00"), ("15:30", "19:30"))
THROUGH = (("07:00", "20:00"),)


@dataclass(frozen=True)
class Shop:
    """`iban` has valid check digits and names no account of anybody. `hours`: from when until when it is open, Monday to Saturday."""

    name: str
    neighbourhoods: tuple[str, ...]
    iban: str
    languages: tuple[str, ...]
    usual_cents: tuple[int, int]
    step_free: bool = True
    pork_free: bool = False
    hours: tuple[tuple[str, str], ...] = SPLIT


ORGANISATIONS = ("Mani in Comune", "Il Portico", "Passi Insieme")

ACTIVITIES = (
    Activity("Mani in Comune", "Cura del parco", "Parco delle Querce", "green", "le-querce", (2, 5), 9, 180, 8, ("it", "ar", "fr")),
    Activity("Mani in Comune", "Aiuole della piazza", "Piazza Arco", "green", "arco-vecchio", (3,), 9, 150, 8, ("it", "ur")),
    Activity("Il Portico", "Pulizia del lungofiume", "Lungofiume", "bins", "porta-fiume", (5,), 9, 180, 9, ("it", "bn", "en")),
    Activity("Il Portico", "Panchine e ringhiere", "Giardini Mulini", "repair", "borgo-mulini", (1, 4), 15, 120, 7, ("it", "uk")),
    Activity("Passi Insieme", "Piazza della stazione pulita", "Piazza Stazione", "bins", "stazione", (0, 3), 8, 120, 8, ("it", "es")),
    Activity("Passi Insieme", "Aiuto in sala lettura", "Biblioteca San Tiburzio", "library", "san-tiburzio", (4,), 16, 120, 7, ("it",)),
)  # fmt: skip

SHOPS = (
    Shop("Forno dell'Arco", ("arco-vecchio",), "IT79N9999900001000000000001", ("it", "ar"), (180, 650)),
    Shop("Ortofrutta Samira", ("arco-vecchio", "le-querce"), "IT56O9999900001000000000002", ("it", "ar", "fr"), (250, 900)),
    Shop("Cartoleria Quadri", ("arco-vecchio",), "IT33P9999900001000000000003", ("it",), (200, 700), step_free=False),
    Shop("Panificio Querce", ("le-querce",), "IT10Q9999900001000000000004", ("it", "uk"), (180, 600)),
    Shop("Bar Chiosco del Parco", ("le-querce",), "IT84R9999900001000000000005", ("it", "es"), (120, 450), hours=THROUGH),
    Shop("Macelleria Halal Noor", ("le-querce", "borgo-mulini"),
         "IT61S9999900001000000000006", ("it", "ar", "ur"), (400, 1200), pork_free=True),
    Shop("Alimentari Fiume", ("porta-fiume",), "IT38T9999900001000000000007", ("it", "en"), (300, 1100)),
    Shop("Pescheria Darsena", ("porta-fiume",), "IT15U9999900001000000000008", ("it",), (500, 1300)),
    Shop("Emporio Bengala", ("porta-fiume", "stazione"), "IT89V9999900001000000000009", ("it", "bn", "en"), (250, 900), pork_free=True,
         hours=THROUGH),
    Shop("Drogheria dei Mulini", ("borgo-mulini",), "IT22L9999900001000000000010", ("it", "fr"), (200, 800)),
    Shop("Ferramenta Brusa", ("borgo-mulini",), "IT96M9999900001000000000011", ("it",), (300, 1000), step_free=False),
    Shop("Edicola Stazione", ("stazione",), "IT73N9999900001000000000012", ("it", "en", "es"), (150, 500), hours=THROUGH),
    Shop("Minimarket Kyiv", ("stazione", "san-tiburzio"), "IT50O9999900001000000000013", ("it", "uk"), (250, 900), hours=THROUGH),
    Shop("Libreria San Tiburzio", ("san-tiburzio",), "IT27P9999900001000000000014", ("it", "en"), (300, 1200)),
    Shop("Gelateria Tiburzi", ("san-tiburzio",), "IT04Q9999900001000000000015", ("it",), (150, 450)),
)  # fmt: skip

# nickname, language, neighbourhood of the team: ten to a neighbourhood, newcomers and residents together
_NAMES = {
    "le-querce": "Amal:ar Bruno:it Oksana:uk Idris:en Teresa:it Farid:ar Nasrin:bn Carlo:it Awa:fr Ines:es",
    "arco-vecchio": "Samir:ar Anna:it Kofi:en Rosa:it Hamid:ur Marta:it Binta:fr Luca:it Salma:ar Pablo:es",
    "porta-fiume": "Rahim:bn Elena:it Moussa:fr Sara:it Ivan:uk Lina:ar Dino:it Tariq:ur Gaia:it Jose:es",
    "borgo-mulini": "Yusuf:ar Clara:it Ousmane:fr Piero:it Olena:uk Zara:ur Mirko:it Sumon:bn Paola:it Grace:en",
    "stazione": "Kwame:en Silvia:it Halima:ar Matteo:it Taras:uk Jamil:ur Alba:it Fatou:fr Renzo:it Luz:es",
    "san-tiburzio": "Nadir:ar Giorgia:it Joy:en Pino:it Danylo:uk Rubel:bn Irene:it Seydou:fr Vera:it Aisha:ur",
}
VOLUNTEERS: tuple[tuple[str, str, str], ...] = tuple(
    (nickname, language, place)
    for place, line in _NAMES.items()
    for nickname, _, language in (one.partition(":") for one in line.split())
)

ORGANISATION_OF = {activity.neighbourhood: activity.organisation for activity in ACTIVITIES}

# role, key, organisation/shop/sponsor it holds in
STAFF = (
    ("finance", "giulio", None),
    ("finance", "lucia", None),
    ("finance", "franca", None),
    ("auditor", "ettore", None),
    ("coordinator", "nadia", "Mani in Comune"),
    ("coordinator", "walter", "Il Portico"),
    ("coordinator", "marisa", "Passi Insieme"),
)
SPONSOR = "Torrefazione Arco"

CARD_CENTS = 40_000
TRANSFER_CENTS = 25_000
CITY_CENTS = 98_000
GRANT_CENTS = 90_000
