"""Codes a phone makes where it has no connection: what is in them, and when they are good. Pure: the clock and the keys are arguments.

A phone and we share a secret. It is derived from the installation's key and the id of the phone's payment key, so none is stored here.
A code is `pay.` and, in base64url, the payment key's id (16 bytes), the number of the half minute (4), and the start of an HMAC over
both (12).
"""

from __future__ import annotations

import hmac
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from services.apis.errors import Refused
from services.redemption.domain import PAYMENT_PREFIX

KEY_LIFE = timedelta(days=30)
KEY_RENEWED = timedelta(days=15)  # a phone that looks in by then has a new one
MOST_KEYS = 5  # of one person: phones they use, or have lost
STEP_SECONDS = 30
CLOCK_TOLERANCE = timedelta(minutes=2)  # phones correct their clocks by ours whenever they are online
SHAPE = re.compile(re.escape(PAYMENT_PREFIX) + "[A-Za-z0-9_-]{43}")
MAC_BYTES = 12


@dataclass(frozen=True)
class OfflineCode:
    """`step`: the half minute it was made for, counted from 1970."""

    payment_key_id: UUID
    step: int

    @property
    def begins_at(self) -> datetime:
        return datetime.fromtimestamp(self.step * STEP_SECONDS, UTC) - CLOCK_TOLERANCE

    @property
    def expires_at(self) -> datetime:
        return datetime.fromtimestamp((self.step + 1) * STEP_SECONDS, UTC) + CLOCK_TOLERANCE


def step_at(instant: datetime) -> int:
    return int(instant.timestamp()) // STEP_SECONDS


def secret_of(key: bytes, payment_key_id: UUID) -> bytes:
    """The 32 bytes the phone with this payment key was given. `key`: the installation's."""
    return hmac.digest(key, payment_key_id.bytes, "sha256")


def written(code: OfflineCode, secret: bytes) -> str:
    """The code as a phone shows it."""
    said = code.payment_key_id.bytes + code.step.to_bytes(4)
    return PAYMENT_PREFIX + urlsafe_b64encode(said + hmac.digest(secret, said, "sha256")[:MAC_BYTES]).decode().rstrip(
        "="
    )


def read(text: str, key: bytes) -> OfflineCode | None:
    """What a phone wrote with a secret of ours; None for every other text, also where one character differs."""
    if not SHAPE.fullmatch(text):
        return None
    said = urlsafe_b64decode(text.removeprefix(PAYMENT_PREFIX) + "=")
    code = OfflineCode(UUID(bytes=said[:16]), int.from_bytes(said[16:20]))
    return code if hmac.compare_digest(written(code, secret_of(key, code.payment_key_id)), text) else None


def check_time(code: OfflineCode, now: datetime) -> None:
    """Refuse a code made longer ago, or further ahead, than a clock may be wrong."""
    if code.expires_at <= now:
        raise Refused(
            "code_expired",
            "This code is too old. Ask the customer for a new one, and scan again.",
            {"expired_at": code.expires_at.isoformat()},
        )
    if now < code.begins_at:
        raise Refused(
            "clock_wrong",
            "The clock of the customer's phone is ahead. With a connection, or the right time, the code works.",
        )
