"""Receipts: a transfer is proven to be in the signed log by a file that needs neither our server nor our database."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest

from infra.wiring import Town
from ledger import verify
from services.apis import ledger_log as api
from services.apis.errors import Refused
from services.kit.ids import new_id
from tests.builders import As, a_volunteer
from tests.builders_ledger import a_finance_officer, a_fund, give_coins, sell, top_up, void
from tests.builders_sealing import checkpoint, harm, key_of, posted, read, receipt, seal

VERIFIER = Path(verify.__file__)


def as_document(answer: Any) -> Any:
    """What somebody keeps as a file."""
    return json.loads(msgspec.json.encode(answer))


def holds(town: Town, answer: Any) -> str:
    return verify.verify(as_document(answer), key_of(town))


def proof(town: Town, older: int, newer: int) -> api.Consistency:
    query = api.ConsistencyQuery(older=older, newer=newer)
    return town.client("ledger").call(api.GET_CONSISTENCY, query=query)


@pytest.fixture
def spent(town: Town) -> tuple[UUID, UUID]:
    """A person, and the transfer of their one sale; sealed, with some more around it."""
    person, fund = new_id(), a_fund(town, 20_00)
    give_coins(town, person, 5_00, fund)
    (transfer_id,) = sell(town, person, 2_00).transfer_ids
    top_up(town, fund, 1_00)
    seal(town)
    return person, transfer_id


def test_a_receipt_is_verified_by_the_one_file_alone(town: Town, spent: tuple[UUID, UUID], tmp_path: Path) -> None:
    """Run far from the house, by an interpreter that sees no module of it."""
    (tmp_path / "verify.py").write_text(VERIFIER.read_text("utf-8"), "utf-8")
    answer = receipt(town, spent[1])
    (tmp_path / "receipt.json").write_bytes(msgspec.json.encode(answer))
    wrong = msgspec.structs.replace(answer, transfer=msgspec.structs.replace(answer.transfer, amount_cents=3_00))
    (tmp_path / "wrong.json").write_bytes(msgspec.json.encode(wrong))

    def run(*arguments: str) -> tuple[int, str]:
        done = subprocess.run(
            [sys.executable, "-I", "verify.py", *arguments], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        return done.returncode, done.stdout + done.stderr

    key = key_of(town)
    assert run("receipt.json", key) == (
        0,
        f"Transfer {spent[1]} is entry 2 of the log of 4 that {key.split('+')[0]} signed.\n",
    )
    status, said = run("wrong.json", key)
    assert (status, said.count("\n")) == (1, 1)
    assert said.startswith("The transfer's fields are not those that were sealed")
    assert run("nothing.json", key)[0] == 2
    assert run("verify.py", key)[0] == 2
    assert run()[0] == 2


def test_every_kind_of_transfer_has_a_receipt_that_holds(town: Town) -> None:
    person = new_id()
    give_coins(town, person, 5_00)
    void(town, sell(town, person, 2_00).sale_id)
    seal(town)
    transfers = read(town, "SELECT id, kind FROM transfers")
    assert {kind for _, kind in transfers} == {"topup", "award", "sale", "void"}
    for transfer_id, _ in transfers:
        assert "is entry" in holds(town, receipt(town, transfer_id))


def test_who_may_have_a_receipt(town: Town, spent: tuple[UUID, UUID]) -> None:
    person, sale = spent
    (topup, *_) = [id_ for (id_,) in read(town, "SELECT id FROM transfers WHERE kind = 'topup'")]
    owner = a_volunteer(town, person_id=person)
    assert owner.ask("ledger", api.GET_RECEIPT, transfer_id=sale) == receipt(town, sale)
    redemption = town.client("ledger", speaking_as="redemption")
    assert redemption.call(api.GET_RECEIPT, transfer_id=sale) == receipt(town, sale)
    for who, transfer_id in ((owner, topup), (a_volunteer(town), sale), (owner, new_id())):
        with pytest.raises(Refused, match="unknown_transfer"):
            who.ask("ledger", api.GET_RECEIPT, transfer_id=transfer_id)
    for nobody in (a_finance_officer(town), As(town, ("sponsor", new_id()))):
        with pytest.raises(Refused, match="not_allowed"):
            nobody.ask("ledger", api.GET_RECEIPT, transfer_id=sale)


def test_a_transfer_not_sealed_yet_says_when_to_ask_again(town: Town) -> None:
    with pytest.raises(Refused, match="nothing_sealed_yet"):
        checkpoint(town)
    transfer_id = posted(town)
    with pytest.raises(Refused, match="not_sealed_yet") as refused:
        receipt(town, transfer_id)
    assert refused.value.facts == {"ask_again_in_s": 60}
    seal(town)
    assert holds(town, receipt(town, transfer_id))


def test_anybody_may_ask_where_the_log_stands_and_stood(town: Town) -> None:
    for _ in range(3):
        posted(town)
        seal(town)
    assert checkpoint(town) == checkpoint(town, 3)
    assert verify.read_checkpoint(checkpoint(town, 2).note, key_of(town)).size == 2
    for size in (4, 2**62, 2**70):
        with pytest.raises(Refused, match="unknown_checkpoint"):
            checkpoint(town, size)


def test_a_later_log_is_proven_to_begin_with_an_earlier_one(town: Town) -> None:
    for _ in range(5):
        posted(town)
        seal(town)
    for older in range(1, 6):
        for newer in range(older, 6):
            assert f"The log of {newer} begins with the log of {older}" in holds(town, proof(town, older, newer))
    with pytest.raises(Refused, match="sizes_out_of_order"):
        proof(town, 3, 2)
    with pytest.raises(Refused, match="unknown_checkpoint"):
        proof(town, 3, 9)


@pytest.mark.parametrize(
    "change",
    [
        "journal = gen_random_uuid()", "kind = 'gift'", "debit_account = credit_account, credit_account = debit_account",
        "amount_cents = amount_cents + 1", "fund = gen_random_uuid()", "cause = gen_random_uuid()", "reversal_of = id",
        "occurred_at = occurred_at + interval '1 microsecond'", "posted_at = posted_at - interval '1 day'",
    ],
)  # fmt: skip
def test_a_receipt_of_a_row_changed_by_a_superuser_does_not_hold(
    town: Town, spent: tuple[UUID, UUID], change: str
) -> None:
    assert holds(town, receipt(town, spent[1]))
    harm(town, f"UPDATE transfers SET {change} WHERE id = :id", id=spent[1])
    with pytest.raises(verify.Wrong, match="not those that were sealed"):
        holds(town, receipt(town, spent[1]))


def test_nor_does_one_of_a_renamed_account(town: Town, spent: tuple[UUID, UUID]) -> None:
    harm(town, "UPDATE accounts SET code = replace(code, 'shop/', 'shop/0') WHERE code LIKE 'shop/%'")
    with pytest.raises(verify.Wrong, match="not those that were sealed"):
        holds(town, receipt(town, spent[1]))


def test_whoever_changes_the_hashes_too_cannot_sign(town: Town, spent: tuple[UUID, UUID]) -> None:
    """The row, its hash and the log are made to agree: the invariants see nothing, the signed root does."""
    harm(town, "UPDATE transfers SET cause = gen_random_uuid() WHERE id = :id", id=spent[1])
    transfer = receipt(town, spent[1]).transfer
    row = [getattr(transfer, field) for field in verify.FIELDS]
    leaf = verify.hashlib.sha256(msgspec.json.encode(row)).digest()
    harm(town, "UPDATE transfers SET leaf = :leaf WHERE id = :id", leaf=leaf, id=spent[1])
    harm(town, "UPDATE log SET leaf = :leaf WHERE transfer_id = :id", leaf=leaf, id=spent[1])
    assert town.check() == []
    with pytest.raises(verify.Wrong, match="does not lead to the checkpoint's root"):
        holds(town, receipt(town, spent[1]))
    posted(town)
    seal(town)  # signs a log that does not begin as the last one did
    with pytest.raises(verify.Wrong, match="history was rewritten"):
        holds(town, proof(town, 4, 5))
