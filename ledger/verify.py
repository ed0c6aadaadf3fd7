"""Verify a receipt, or that one checkpoint continues another, without our server and our database: this file and `cryptography` suffice.

    python verify.py receipt.json PUBLIC_KEY

A receipt says: this transfer is in the log whose signed checkpoint has that size and root; `{"receipts": […]}` says it of all that one
sale moved, and `{"seals": […]}` that months were closed with these balances. A transfer's leaf is the SHA-256 of its fields as a JSON
array; the proofs are those of RFC 9162, section 2.1; checkpoints and seals are signed notes of C2SP (tlog-checkpoint), and the public key
is written as such notes write it: NAME+ID+KEY. Exit status: 0 it holds, 1 it does not, 2 it could not be read.
"""

from __future__ import annotations

import base64
import hashlib
import json
import sys
from pathlib import Path
from typing import Any, NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

ED25519 = b"\x01"
FIELDS = (
    "transfer_id", "journal", "kind", "debit", "credit", "amount_cents", "fund_id", "cause", "occurred_at", "posted_at", "reversal_of",
)  # fmt: skip
"""What is hashed of a transfer, in this order; instants in UTC with six decimals, ending in Z."""


class Wrong(Exception):
    """It does not hold; the message is one sentence that says why."""


class Checkpoint(NamedTuple):
    """The log had `size` leaves and this root."""

    size: int
    root: bytes


def key_id(name: str, public: bytes) -> bytes:
    return hashlib.sha256(f"{name}\n".encode() + ED25519 + public).digest()[:4]


def key_text(name: str, public: bytes) -> str:
    """The public key (32 bytes) as people keep it."""
    return f"{name}+{key_id(name, public).hex()}+{base64.b64encode(ED25519 + public).decode()}"


def read_key(text: str) -> tuple[str, bytes]:
    """The name and the 32 bytes. Raises Wrong."""
    name, _, rest = text.strip().partition("+")
    id_, _, encoded = rest.partition("+")
    key = _base64(encoded, "The public key")
    if len(key) != 33 or key[:1] != ED25519 or key_id(name, key[1:]).hex() != id_:
        raise Wrong("The public key is not one: it looks like NAME+12345678+AbCd…, and not a character may be missing.")
    return name, key[1:]


def checkpoint_body(origin: str, checkpoint: Checkpoint) -> str:
    """What is signed of a checkpoint."""
    return f"{origin}\n{checkpoint.size}\n{base64.b64encode(checkpoint.root).decode()}\n"


def period_body(origin: str, period: str, checkpoint: Checkpoint, balances: bytes) -> str:
    """What is signed of a closed month: never to be taken for a checkpoint, whose first line is the origin alone."""
    return f"{origin}/periods\n{period}\n{checkpoint_body(origin, checkpoint)}{balances.hex()}\n"


def open_note(note: str, key: str) -> str:
    """The text that was signed. Raises Wrong unless the note carries a signature by that key."""
    name, public = read_key(key)
    body, blank, signatures = note.rpartition("\n\n")
    if not blank:
        raise Wrong("The checkpoint carries no signature.")
    for line in signatures.splitlines():
        dash, _, rest = line.partition(" ")
        signer, _, encoded = rest.partition(" ")
        signature = _base64(encoded, "The checkpoint's signature")
        if (dash, signer, signature[:4]) != ("—", name, key_id(name, public)):
            continue
        try:
            Ed25519PublicKey.from_public_bytes(public).verify(signature[4:], f"{body}\n".encode())
        except InvalidSignature:
            raise Wrong("The checkpoint's signature does not fit: its text was changed after it was signed.") from None
        return f"{body}\n"
    raise Wrong("The checkpoint is not signed by this key.")


def read_checkpoint(note: str, key: str) -> Checkpoint:
    """The size and root a note vouches for. Raises Wrong."""
    origin, size, root = [*open_note(note, key).split("\n"), "", ""][:3]
    if origin != key.partition("+")[0].strip():
        raise Wrong("The note is signed by this key, but it is no checkpoint of its log.")
    hash_ = _base64(root, "The checkpoint's root")
    if not (size.isascii() and size.isdecimal()) or str(int(size)) != size or len(hash_) != 32:
        raise Wrong("The checkpoint does not say a size and a root.")
    return Checkpoint(int(size), hash_)


def root_of(leaf: bytes, position: int, size: int, proof: list[bytes]) -> bytes:
    """The root that a proof of inclusion leads to (RFC 9162, 2.1.3.2). Raises Wrong for a proof that is too short or too long."""
    if not 0 <= position < size:
        raise Wrong("The transfer's position lies beyond the checkpoint.")
    at, last, hash_ = position, size - 1, _leaf_hash(leaf)
    for step in proof:
        if last == 0:
            raise Wrong("The proof is longer than the log is high.")
        if at & 1 or at == last:
            hash_ = _node(step, hash_)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            hash_ = _node(hash_, step)
        at, last = at >> 1, last >> 1
    if last:
        raise Wrong("The proof is shorter than the log is high.")
    return hash_


def verify_consistency(older: Checkpoint, newer: Checkpoint, proof: list[bytes]) -> None:
    """Raises Wrong unless the newer log begins with the older one (RFC 9162, 2.1.4.2)."""
    if older.size > newer.size or older.size == 0:
        raise Wrong("The first checkpoint must be of the older log, and not of an empty one.")
    if older.size == newer.size:
        same = older.root == newer.root and not proof
    else:
        same = _roots_of(older, newer, proof) == (older.root, newer.root)
    if not same:
        raise Wrong("The newer log does not begin with the older one: history was rewritten between them.")


def _roots_of(older: Checkpoint, newer: Checkpoint, proof: list[bytes]) -> tuple[bytes, bytes] | None:
    """Both roots a proof of consistency leads to; None for one that is too short or too long."""
    if older.size & (older.size - 1) == 0:
        proof = [older.root, *proof]
    if not proof:
        return None
    at, last = older.size - 1, newer.size - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    old = new = proof[0]
    for step in proof[1:]:
        if last == 0:
            return None
        if at & 1 or at == last:
            old, new = _node(step, old), _node(step, new)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            new = _node(new, step)
        at, last = at >> 1, last >> 1
    return None if last else (old, new)


def verify_receipt(receipt: dict[str, Any], key: str) -> str:
    """One sentence that says what holds. Raises Wrong."""
    checkpoint = read_checkpoint(receipt["checkpoint"], key)
    fields = receipt["transfer"]
    if set(fields) != set(FIELDS):
        raise Wrong("The transfer does not have the fields that are hashed, and only those.")
    row = json.dumps([fields[name] for name in FIELDS], separators=(",", ":"), ensure_ascii=False)
    leaf = hashlib.sha256(row.encode()).digest()
    if leaf.hex() != receipt["leaf"]:
        raise Wrong("The transfer's fields are not those that were sealed: its leaf is another.")
    position = receipt["position"]
    if type(position) is not int:
        raise Wrong("The transfer's position is no whole number.")
    if root_of(leaf, position, checkpoint.size, _proof(receipt)) != checkpoint.root:
        raise Wrong(
            "The proof does not lead to the checkpoint's root: this transfer is not in the log that was signed."
        )
    return f"Transfer {fields['transfer_id']} is entry {position} of the log of {checkpoint.size} that {key.partition('+')[0]} signed."


def verify_period(seal: dict[str, Any], key: str) -> str:
    """One sentence that says what holds of a closed month's seal. Raises Wrong."""
    checkpoint = Checkpoint(seal["size"], bytes.fromhex(seal["root"]))
    said = period_body(read_key(key)[0], seal["period"], checkpoint, bytes.fromhex(seal["balances_root"]))
    if open_note(seal["note"], key) != said:
        raise Wrong("The seal's fields are not those that were signed.")
    return f"{seal['period']} was closed with balances {seal['balances_root']}, in the log of {checkpoint.size}."


def verify(document: Any, key: str) -> str:
    """Receipts, seals of closed months, or two checkpoints with the proof between them: a sentence each says what holds. Raises Wrong."""
    try:
        if "transfer" in document:
            return verify_receipt(document, key)
        if document.get("receipts"):
            return "\n".join(verify_receipt(receipt, key) for receipt in document["receipts"])
        if document.get("seals"):
            return "\n".join(verify_period(seal, key) for seal in document["seals"])
        older, newer = read_checkpoint(document["older"], key), read_checkpoint(document["newer"], key)
        verify_consistency(older, newer, _proof(document))
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise Wrong(
            "This is neither a receipt, nor seals of months, nor two checkpoints with a proof between them."
        ) from error
    return f"The log of {newer.size} begins with the log of {older.size}: nothing sealed before was changed or removed."


def _proof(document: dict[str, Any]) -> list[bytes]:
    proof = [bytes.fromhex(step) for step in document["proof"]]
    if any(len(step) != 32 for step in proof):
        raise Wrong("A step of the proof is no SHA-256.")
    return proof


def _base64(text: str, what: str) -> bytes:
    try:
        said = base64.b64decode(text, validate=True)
    except ValueError:
        raise Wrong(f"{what} is no Base64.") from None
    if base64.b64encode(said).decode() != text:
        raise Wrong(f"{what} is no Base64 as it is written: there is one way to write it.")
    return said


def _leaf_hash(entry: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + entry).digest()


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def main(arguments: list[str]) -> int:
    if len(arguments) != 2:
        sys.stderr.write("Usage: python verify.py receipt.json PUBLIC_KEY\n")
        return 2
    try:
        document = json.loads(Path(arguments[0]).read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        sys.stderr.write(f"{arguments[0]} cannot be read as JSON: {error}\n")
        return 2
    try:
        sys.stdout.write(verify(document, arguments[1]) + "\n")
    except Wrong as wrong:
        sys.stdout.write(f"{wrong}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
