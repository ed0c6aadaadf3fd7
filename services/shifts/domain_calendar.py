"""A person's shifts as a calendar other programs read (RFC 5545), and the secret address it is read at: pure."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterable
from datetime import UTC, datetime
from uuid import UUID

from services.apis.errors import Refused
from services.apis.shifts import Shift

MAC_BYTES = 14  # with the sixteen of the id a multiple of three: forty characters, no padding
REMINDERS = ("-P1D", "-PT2H")  # before it begins
FOLDED = 74  # octets of a line before it goes on in the next one


def token_of(person_id: UUID, secret: bytes) -> str:
    """Whoever has it can read when the person means to come, and nothing else."""
    return base64.urlsafe_b64encode(person_id.bytes + _mac(person_id, secret)).decode()


def person_of(token: str, secret: bytes) -> UUID:
    """Whose calendar it is. Raises Refused `unknown_calendar`."""
    try:
        raw = base64.b64decode(token, altchars=b"-_", validate=True)
    except ValueError:
        raw = b""
    person_id = UUID(bytes=raw[:16]) if len(raw) == 16 + MAC_BYTES else None
    if person_id is None or not hmac.compare_digest(raw[16:], _mac(person_id, secret)):
        raise Refused(
            "unknown_calendar", "There is no calendar at this address. Take it from the app again.", status=404
        )
    return person_id


def calendar(shifts: Iterable[Shift], *, now: datetime) -> bytes:
    """The shifts as a VCALENDAR, with reminders; a cancelled one says so, and reminds nobody."""
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//Meritcoin//shifts//EN",
        "REFRESH-INTERVAL;VALUE=DURATION:PT1H",
    ]
    for shift in shifts:
        lines += [
            "BEGIN:VEVENT", f"UID:{shift.shift_id}@meritcoin", f"DTSTAMP:{_utc(now)}", f"DTSTART:{_utc(shift.starts_at)}",
            f"DTEND:{_utc(shift.ends_at)}", f"SUMMARY:{_escaped(shift.name)}", f"LOCATION:{_escaped(shift.place)}",
            f"STATUS:{'CANCELLED' if shift.state == 'cancelled' else 'CONFIRMED'}",
        ]  # fmt: skip
        for before in REMINDERS if shift.state == "open" else ():
            said = f"DESCRIPTION:{_escaped(shift.name)}"
            lines += ["BEGIN:VALARM", "ACTION:DISPLAY", said, f"TRIGGER:{before}", "END:VALARM"]
        lines.append("END:VEVENT")
    return b"".join(_folded(line) for line in [*lines, "END:VCALENDAR"])


def _mac(person_id: UUID, secret: bytes) -> bytes:
    return hmac.digest(secret, person_id.bytes, hashlib.sha256)[:MAC_BYTES]


def _utc(when: datetime) -> str:
    return f"{when.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def _escaped(text: str) -> str:
    for one, escaped in (("\\", "\\\\"), (";", "\\;"), (",", "\\,"), ("\n", "\\n"), ("\r", "")):
        text = text.replace(one, escaped)
    return text


def _folded(line: str) -> bytes:
    """The line in pieces of at most 75 octets, none of which cuts a character."""
    pieces, room = [b""], FOLDED
    for character in line:
        octets = character.encode()
        if len(pieces[-1]) + len(octets) > room:
            pieces.append(b"")
        pieces[-1] += octets
    return b"\r\n ".join(pieces) + b"\r\n"
