"""`meritcoin receipt`: what a person keeps as a file is proven far from here, and not with one byte changed."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest

from infra.cli import main
from infra.wiring import Town
from ledger import verify
from services.apis.errors import Refused
from services.kit.ids import new_id
from tests.builders_ledger import a_fund, give_coins, sell, top_up
from tests.builders_sealing import key_of, posted, receipt, seal


@pytest.fixture
def installed(town: Town, monkeypatch: pytest.MonkeyPatch) -> Town:
    """The command line finds the test's town."""
    monkeypatch.setenv("DATABASE_URL", town.url)
    monkeypatch.setenv("VAR", str(town.settings.var))
    return town


def verified_alone(file: Path, key: str) -> tuple[int, str]:
    """By the one file, copied beside the receipt, in a plain Python that sees no module of the house."""
    verifier = file.with_name("verify.py")
    verifier.write_bytes(Path(verify.__file__).read_bytes())
    command = [sys.executable, "-I", verifier.name, file.name, key]
    done = subprocess.run(command, cwd=file.parent, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def with_a_bit_flipped(said: bytes, at: int) -> bytes:
    return said[:at] + bytes([said[at] ^ 1]) + said[at + 1 :]


def a_sale_of_two_lots(town: Town) -> UUID:
    person = new_id()
    for fund in (a_fund(town, 5_00), a_fund(town, 5_00)):
        give_coins(town, person, 3_00, fund)
    return sell(town, person, 5_00).sale_id


def test_a_saved_receipt_is_verified_alone_and_refused_with_one_byte_changed(
    installed: Town, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(6):
        transfer_id = posted(installed)
    seal(installed)
    file, key = tmp_path / "receipt.json", key_of(installed)
    assert main(["receipt", str(transfer_id), "--save", str(file)]) == 0
    shown = capsys.readouterr().out
    assert f"topup {transfer_id}: 5.00 EUR from bank/" in shown
    assert "entry 5 of the log of 6, proven by 2 hashes" in shown
    assert verified_alone(file, key) == (
        0,
        f"Transfer {transfer_id} is entry 5 of the log of 6 that {key.split('+')[0]} signed.\n",
    )

    kept = file.read_bytes()
    written = [at for at, byte in enumerate(kept) if chr(byte).isalnum()]
    for at in written:
        try:
            changed = json.loads(with_a_bit_flipped(kept, at))
        except ValueError:
            continue
        with pytest.raises(verify.Wrong):
            verify.verify(changed, key)
    for at in written[:: len(written) // 4]:
        file.write_bytes(with_a_bit_flipped(kept, at))
        assert verified_alone(file, key)[0] in (1, 2), at


def test_a_receipt_is_printed_as_the_endpoint_gives_it(installed: Town, capsys: pytest.CaptureFixture[str]) -> None:
    transfer_id = posted(installed)
    seal(installed)
    assert main(["receipt", str(transfer_id), "--json"]) == 0
    answer = receipt(installed, transfer_id)
    said = json.loads(capsys.readouterr().out)
    assert said.keys() == set(answer.__struct_fields__)
    assert (said["leaf"], said["checkpoint"], tuple(said["proof"])) == (answer.leaf, answer.checkpoint, answer.proof)


def test_the_receipt_of_a_sale_proves_all_it_moved(
    installed: Town, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sale_id = a_sale_of_two_lots(installed)
    seal(installed)
    file, key = tmp_path / "sale.json", key_of(installed)
    assert main(["receipt", str(sale_id), "--save", str(file), "--json"]) == 0
    one, two = json.loads(capsys.readouterr().out)["receipts"]
    assert {one["transfer"]["journal"], two["transfer"]["journal"]} == {str(sale_id)}
    assert one["transfer"]["amount_cents"] + two["transfer"]["amount_cents"] == 5_00
    status, said = verified_alone(file, key)
    assert (status, said.count(" is entry ")) == (0, 2)
    assert main(["verify", str(file), "--key", key]) == 0
    assert capsys.readouterr().out == said
    file.write_text(file.read_text().replace('"amount_cents": 2', '"amount_cents": 3'))
    assert verified_alone(file, key)[0] == 1
    assert main(["receipt", two["transfer"]["transfer_id"], "--json"]) == 0  # one of its transfers alone
    assert json.loads(capsys.readouterr().out)["transfer"] == two["transfer"]


def test_what_has_no_receipt_says_why_and_how_long(
    installed: Town, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def said(*words: object) -> tuple[int, str]:
        return main(["receipt", *map(str, words)]), capsys.readouterr().err

    assert said(new_id()) == (1, "There is no transfer with this id. Check the address, or look it up in the list.\n")
    transfer_id = posted(installed)
    seal(installed)
    top_up(installed, new_id(), 1_00)
    refused = new_id()
    with pytest.raises(Refused, match="not_enough_coins"):
        sell(installed, new_id(), 5_00, sale_id=refused)
    assert said(refused) == (1, "This sale moved nothing, so there is no receipt of it.\n")
    late = posted(installed)
    installed.clock.move_to(installed.clock.now() + timedelta(seconds=90))  # type: ignore[attr-defined]
    status, complaint = said(late)
    assert status == 1
    assert "not yet in the sealed log. A town that runs seals within 60 s" in complaint
    status, complaint = said(transfer_id, "--save", tmp_path / "no" / "receipt.json")
    assert (status, "cannot be written" in complaint) == (2, True)
