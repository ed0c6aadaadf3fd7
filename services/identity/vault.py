"""Everything that is locked with a key: card codes, keyed hashes for finding, and the keys of people with what they seal.

The installation's key never lies in a database. From it come a key for card codes, one for hashes and one that wraps each person's own
random key. Values are sealed with AES-256-GCM (NIST SP 800-38D) under the person's key, bound to the person and to what they are: a
sealed value copied to another row does not open. Destroying the wrapped key leaves every copy of the values unreadable.
"""

from __future__ import annotations

import base64
import hmac
import secrets
from uuid import UUID

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

NONCE_BYTES = 12
CODE_BYTES = 20


def new_code() -> str:
    """A fresh code of 160 random bits, as 32 letters and digits that survive print, phone and typing (RFC 4648 base32)."""
    return base64.b32encode(secrets.token_bytes(CODE_BYTES)).decode()


def new_renewal() -> str:
    """A fresh secret a session is renewed with."""
    return new_code()


class PersonLock:
    """Seals and opens what belongs to one person."""

    def __init__(self, person_id: UUID, key: bytes) -> None:
        self._person_id, self._cipher = person_id, AESGCM(key)

    def seal(self, what: str, text: str) -> bytes:
        nonce = secrets.token_bytes(NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, text.encode(), self._bound_to(what))

    def open(self, what: str, sealed: bytes) -> str:
        """Raises `cryptography.exceptions.InvalidTag` for a value of another person or of another kind."""
        return self._cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], self._bound_to(what)).decode()

    def _bound_to(self, what: str) -> bytes:
        return f"{self._person_id}/{what}".encode()


class Vault:
    """The installation's locks. `master`: 32 bytes."""

    def __init__(self, master: bytes) -> None:
        self._cards, self._hashes = self._key(master, "cards"), self._key(master, "hashes")
        self._wrapper = AESGCM(self._key(master, "person keys"))

    @staticmethod
    def _key(master: bytes, purpose: str) -> bytes:
        return hmac.digest(master, f"meritcoin.{purpose}.v1".encode(), "sha256")

    def card_code(self, card_id: UUID) -> str:
        """What the card's QR holds: always the same for a card, and not to be found without the key."""
        return base64.b32encode(hmac.digest(self._cards, card_id.bytes, "sha256")[:CODE_BYTES]).decode()

    def blind(self, kind: str, value: str) -> str:
        """A keyed hash (hex) to find a value by without keeping it: a leaked table cannot be tried through without the key."""
        return hmac.digest(self._hashes, f"{kind}/{value}".encode(), "sha256").hex()

    def new_person_key(self, person_id: UUID) -> bytes:
        """A fresh random key, wrapped."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        return nonce + self._wrapper.encrypt(nonce, AESGCM.generate_key(256), person_id.bytes)

    def lock(self, person_id: UUID, wrapped: bytes) -> PersonLock:
        return PersonLock(
            person_id, self._wrapper.decrypt(wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], person_id.bytes)
        )
