"""What identity has no place for, it cannot store: the data scheme.md forbids have no column."""

import re

import pytest

from services.identity.models import Base

FORBIDDEN = re.compile(
    r"nation|citizen|permit|asylum|refugee|status|document|passport|fiscal|tax|birth|\bage\b|photo|face|finger|biometr|religi|health|"
    r"disab|gps|latitude|longitude|position_of|phone|street|gender|sex|purchase|bought|address"
)
MECHANICS = {"outbox", "inbox", "positions", "parked", "answers"}
OURS = [
    (table.name, column.name)
    for table in Base.metadata.sorted_tables
    if table.name not in MECHANICS
    for column in table.columns
]


@pytest.mark.parametrize(("table", "column"), OURS)
def test_no_column_holds_what_must_never_be_stored(table: str, column: str) -> None:
    assert not FORBIDDEN.search(f"{table} {column}".replace("_", " "))


@pytest.mark.parametrize(("table", "column"), OURS)
def test_whatever_could_be_a_name_an_e_mail_or_a_secret_is_sealed_or_hashed(table: str, column: str) -> None:
    if re.search(r"name|email|reason|password|pin\b|pin_|totp|renewal|code", column):
        assert column.endswith(("_sealed", "_hash")) or column == "totp_step"
