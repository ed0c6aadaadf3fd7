"""The keys of records as text: ours are short, but anybody who may write to a topic can send any bytes."""

from __future__ import annotations

from hashlib import sha256

LONGEST_KEY = 400  # characters: parked events are found by an index over it, which takes 2,700 bytes


def key_of(key: bytes | None) -> str:
    """What no database could keep is escaped; what is too long is cut, with its hash, so that two keys stay two."""
    text = (key or b"").decode(errors="backslashreplace").replace("\0", "\\x00")
    return text if len(text) <= LONGEST_KEY else f"{text[:LONGEST_KEY]}… {sha256(key or b'').hexdigest()}"
