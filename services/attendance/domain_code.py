"""The rotating code on the coordinator's screen: made and believed here, pure."""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.apis.errors import Refused

STEP_SECONDS = 30
MAC_BYTES = 10  # 80 bits: beyond guessing within the minute a code lives
CODE_BYTES = 16 + 4 + MAC_BYTES  # a multiple of three: forty characters, no padding


@dataclass(frozen=True)
class Code:
    """What a scanned code claims; only `check_code` believes it."""

    shift_id: UUID
    step: int
    mac: bytes


def step_at(now: datetime) -> int:
    """The number of the 30-second step `now` lies in, counted from 1970."""
    return int(now.timestamp()) // STEP_SECONDS


def seconds_left(now: datetime) -> int:
    """Whole seconds (1–30) until the next step."""
    return STEP_SECONDS - int(now.timestamp()) % STEP_SECONDS


def code_at(secret: bytes, shift_id: UUID, now: datetime) -> str:
    """The code of a shift at a moment: shift, step and HMAC-SHA256 (RFC 2104, truncated), in 40 URL-safe characters."""
    said = _said(shift_id, step_at(now))
    return base64.urlsafe_b64encode(said + _mac(secret, said)).decode()


def read_code(text: str) -> Code:
    """Take a scanned code, or the link that ends in it, apart. Raises Refused `code_wrong`."""
    try:
        raw = base64.b64decode(text.strip().rpartition("/")[2], altchars=b"-_", validate=True)
    except ValueError:
        raise _code_wrong() from None
    if len(raw) != CODE_BYTES:
        raise _code_wrong()
    return Code(UUID(bytes=raw[:16]), int.from_bytes(raw[16:20], "big"), raw[20:])


def check_code(code: Code, secret: bytes, *, now: datetime, used_step: int | None = None) -> None:
    """Accept the code of this step and of the one before. Raises Refused `code_wrong` (forged), `code_expired`, `code_used`.

    `used_step`: the step this person already used at this shift; neither it nor an older one does a second thing.
    """
    if not hmac.compare_digest(code.mac, _mac(secret, _said(code.shift_id, code.step))):
        raise _code_wrong()
    if not 0 <= step_at(now) - code.step <= 1:
        raise Refused("code_expired", "This code is over; a new one comes every 30 seconds. Scan the screen again.")
    if used_step is not None and code.step <= used_step:
        raise Refused("code_used", "You have used this code already. Wait half a minute and scan the next one.")


def _said(shift_id: UUID, step: int) -> bytes:
    return shift_id.bytes + step.to_bytes(4, "big")


def _mac(secret: bytes, said: bytes) -> bytes:
    return hmac.digest(secret, said, hashlib.sha256)[:MAC_BYTES]


def _code_wrong() -> Refused:
    return Refused("code_wrong", "This is not one of our check-in codes. Scan the one on the coordinator's screen.")
