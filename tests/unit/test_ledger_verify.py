"""The verifier believes nothing: whatever is changed in a receipt, it says so in one sentence."""

from __future__ import annotations

import copy
import json
from base64 import b64decode, b64encode
from hashlib import sha256
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from ledger import merkle, verify

NAME = "meritcoin/valdarco/ledger"
SIGNER = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
KEY = verify.key_text(NAME, SIGNER.public_key().public_bytes_raw())
TRANSFER = {
    "transfer_id": "0190a000-0000-7000-8000-000000000001", "journal": "0190a000-0000-7000-8000-000000000002", "kind": "sale",
    "debit": "coins/a/b/2026-10", "credit": "shop/c/b", "amount_cents": 450, "fund_id": "0190a000-0000-7000-8000-000000000003",
    "cause": "0190a000-0000-7000-8000-000000000004", "occurred_at": "2026-05-04T10:00:00.000000Z",
    "posted_at": "2026-05-04T10:00:00.000001Z", "reversal_of": None,
}  # fmt: skip
LEAF = sha256(json.dumps(list(TRANSFER.values()), separators=(",", ":")).encode()).digest()
POSITION, SIZE = 4, 11
ENTRIES = [LEAF if n == POSITION else bytes([n]) for n in range(20)]


def note(body: str, signer: Ed25519PrivateKey = SIGNER, name: str = NAME) -> str:
    id_ = verify.key_id(name, signer.public_key().public_bytes_raw())
    return f"{body}\n— {name} {b64encode(id_ + signer.sign(body.encode())).decode()}\n"


def head(size: int, entries: list[bytes] = ENTRIES) -> str:
    return note(verify.checkpoint_body(NAME, verify.Checkpoint(size, merkle.root(entries[:size]))))


def hexes(ranges: list[merkle.Range]) -> list[str]:
    return [merkle.root(ENTRIES[first:end]).hex() for first, end in ranges]


def a_receipt(**more: Any) -> dict[str, Any]:
    proof = hexes(merkle.inclusion(POSITION, SIZE))
    return {
        "transfer": dict(TRANSFER),
        "leaf": LEAF.hex(),
        "position": POSITION,
        "proof": proof,
        "checkpoint": head(SIZE),
        **more,
    }


def two_heads(**more: Any) -> dict[str, Any]:
    return {"older": head(6), "newer": head(SIZE), "proof": hexes(merkle.consistency(6, SIZE)), **more}


def test_what_is_true_holds() -> None:
    assert (
        verify.verify(a_receipt(), KEY)
        == f"Transfer {TRANSFER['transfer_id']} is entry 4 of the log of 11 that {NAME} signed."
    )
    assert verify.verify(two_heads(), f" {KEY}\n").startswith("The log of 11 begins with the log of 6")


def test_notes_are_those_that_others_sign() -> None:
    """The example of the package that introduced them (Go's sumdb/note), whose key and signature are not ours."""
    key = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
    text = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
    signature = "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM="
    signed = f"{text}\n— PeterNeumann {signature}\n"
    assert verify.open_note(signed, key) == text
    with pytest.raises(verify.Wrong, match="changed after it was signed"):
        verify.open_note(signed.replace("answer", "Answer"), key)
    assert verify.key_text("PeterNeumann", b64decode(key.split("+", 2)[2])[1:]) == key


@pytest.mark.parametrize("field", verify.FIELDS)
def test_a_changed_field_is_named_as_the_reason(field: str) -> None:
    changed = {"amount_cents": 451, "reversal_of": TRANSFER["journal"]}.get(field, f"{TRANSFER[field]}0")
    with pytest.raises(verify.Wrong, match="not those that were sealed"):
        verify.verify(a_receipt(transfer={**TRANSFER, field: changed}), KEY)


OTHER = Ed25519PrivateKey.from_private_bytes(bytes(32))
ROOT = b64encode(merkle.root(ENTRIES[:SIZE])).decode()


@pytest.mark.parametrize(
    ("document", "sentence"),
    [
        (a_receipt(transfer={**TRANSFER, "amount_euro": 4}), "and only those"),
        (a_receipt(position=5), "not in the log that was signed"),
        (a_receipt(position=SIZE), "beyond the checkpoint"),
        (a_receipt(position=-1), "beyond the checkpoint"),
        (a_receipt(position=4.0), "no whole number"),
        (a_receipt(position=True), "no whole number"),
        (a_receipt(proof=[]), "shorter than the log is high"),
        (a_receipt(proof=["00" * 32] * 9), "longer than the log is high"),
        (a_receipt(proof=["00" * 31]), "no SHA-256"),
        (a_receipt(checkpoint=head(SIZE + 1)), "not in the log that was signed"),
        (a_receipt(checkpoint=head(SIZE).replace("\n11\n", "\n12\n")), "changed after it was signed"),
        (a_receipt(checkpoint=note(f"{NAME}\n11\n{ROOT}\n", OTHER)), "not signed by this key"),
        (a_receipt(checkpoint=note(f"{NAME}\n11\n{ROOT}\n", name="elsewhere")), "not signed by this key"),
        (a_receipt(checkpoint=note(f"{NAME}/periods\n11\n{ROOT}\n")), "no checkpoint of its log"),
        (a_receipt(checkpoint=note(f"{NAME}\n011\n{ROOT}\n")), "a size and a root"),
        (a_receipt(checkpoint=note(f"{NAME}\n-1\n{ROOT}\n")), "a size and a root"),
        (a_receipt(checkpoint=note(f"{NAME}\n11\n{ROOT[:8]}\n")), "a size and a root"),
        (a_receipt(checkpoint=note(f"{NAME}\n")), "a size and a root"),
        (a_receipt(checkpoint=f"{NAME}\n11\n{ROOT}\n"), "carries no signature"),
        (a_receipt(checkpoint=f"{NAME}\n11\n{ROOT}\n\n— {NAME} !!\n"), "no Base64"),
        (two_heads(newer=head(SIZE, [b"x", *ENTRIES[1:]])), "history was rewritten"),
        (two_heads(older=head(7)), "history was rewritten"),
        (two_heads(proof=[]), "history was rewritten"),
        (two_heads(proof=[*two_heads()["proof"], "00" * 32]), "history was rewritten"),
        (two_heads(proof=two_heads()["proof"][:-1]), "history was rewritten"),
        (two_heads(older=head(SIZE), newer=head(6)), "the older log"),
        (two_heads(older=head(0)), "the older log"),
        (two_heads(older=head(SIZE)), "history was rewritten"),
        ({}, "neither a receipt, nor"),
        ([], "neither a receipt, nor"),
        ("transfer", "neither a receipt, nor"),
        (7, "neither a receipt, nor"),
        (a_receipt(transfer=None), "neither a receipt, nor"),
        (a_receipt(checkpoint=None), "neither a receipt, nor"),
        (a_receipt(proof=None), "neither a receipt, nor"),
        (a_receipt(proof=["x"]), "neither a receipt, nor"),
        (a_receipt(leaf=None), "not those that were sealed"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(document: Any, sentence: str) -> None:
    with pytest.raises(verify.Wrong, match=sentence):
        verify.verify(document, KEY)


@pytest.mark.parametrize(
    "key", ["", "x", KEY[:-5], KEY.replace("valdarco", "milano"), f"{NAME}+00000000+{KEY.split('+')[2]}", "ä+ö+ü"]
)
def test_a_key_that_is_none_is_said(key: str) -> None:
    with pytest.raises(verify.Wrong, match="public key"):
        verify.verify(a_receipt(), key)


@given(st.data())
def test_no_changed_character_goes_unnoticed(data: st.DataObject) -> None:
    """Anywhere in the file; unless what it says stays the same (an upper-case hex digit, a blank at the end of a note)."""
    text = json.dumps(a_receipt(), ensure_ascii=False)
    at = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.sampled_from("0aA9/+ ").filter(lambda c: c.lower() != text[at].lower()))
    try:
        changed = json.loads(text[:at] + other + text[at + 1 :])
    except ValueError:
        return
    if changed == a_receipt():
        return
    with pytest.raises(verify.Wrong):
        verify.verify(copy.deepcopy(changed), KEY)
