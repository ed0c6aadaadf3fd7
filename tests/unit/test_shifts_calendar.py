"""A calendar at a secret address: readable by other programs, and nobody finds it by trying."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Literal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.apis.errors import Refused
from services.apis.shifts import Shift
from services.shifts.domain_calendar import calendar, person_of, token_of

SECRET, NOW = b"a secret of the town", datetime(2026, 5, 4, 10, 0, tzinfo=UTC)


def a_shift(name: str, state: Literal["open", "cancelled"] = "open") -> Shift:
    id_ = UUID(int=1)
    return Shift(
        shift_id=id_, activity_id=id_, programme_id=id_, organisation_id=id_, name=name, place="Parco; ingresso, nord", kind="green",
        neighbourhood_id="le-querce", starts_at=NOW, ends_at=NOW + timedelta(hours=2), capacity=8, going=1, waiting=0, adults_only=False,
        state=state,
    )  # fmt: skip


@given(st.uuids())
def test_the_address_leads_to_its_person(person_id: UUID) -> None:
    assert person_of(token_of(person_id, SECRET), SECRET) == person_id


@given(st.uuids(), st.text(max_size=60))
def test_no_other_text_leads_to_anybody(person_id: UUID, text: str) -> None:
    for forged in (text, token_of(person_id, b"another secret"), token_of(person_id, SECRET)[:-4]):
        with pytest.raises(Refused, match="unknown_calendar"):
            person_of(forged, SECRET)


@given(st.text(max_size=300))
def test_lines_are_short_whatever_an_activity_is_called(name: str) -> None:
    lines = calendar([a_shift(name)], now=NOW).split(b"\r\n")
    assert all(len(line) <= 75 for line in lines)
    assert all(line.decode() is not None for line in lines)


def test_what_has_a_meaning_in_the_format_is_said_as_text() -> None:
    told = calendar([a_shift("Cura del parco")], now=NOW).decode()
    assert "DTSTART:20260504T100000Z\r\nDTEND:20260504T120000Z\r\n" in told
    assert "LOCATION:Parco\\; ingresso\\, nord\r\n" in told


def test_it_reminds_a_day_and_two_hours_before_but_not_of_what_is_cancelled() -> None:
    def alarms(shift: Shift) -> list[str]:
        event = calendar([shift], now=NOW).decode().partition("BEGIN:VEVENT")[2].partition("END:VEVENT")[0]
        return re.findall(
            r"BEGIN:VALARM\r\nACTION:DISPLAY\r\nDESCRIPTION:Cura del parco\r\nTRIGGER:(\S+)\r\nEND:VALARM", event
        )

    assert alarms(a_shift("Cura del parco")) == ["-P1D", "-PT2H"]
    assert alarms(a_shift("Cura del parco", "cancelled")) == []
