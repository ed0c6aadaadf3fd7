"""`meritcoin seal` and `meritcoin verify`: what they print, and the exit status that says the verdict."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from infra.cli import main
from infra.wiring import Town
from ledger import sealing
from tests.builders_sealing import a_transaction, checkpoint, key_of, posted, receipt, top_up_within


@pytest.fixture
def installed(town: Town, monkeypatch: pytest.MonkeyPatch) -> Town:
    """The command line finds the test's town."""
    monkeypatch.setenv("DATABASE_URL", town.url)
    monkeypatch.setenv("VAR", str(town.settings.var))
    return town


def said(capsys: pytest.CaptureFixture[str]) -> str:
    return capsys.readouterr().out


def test_seal_and_verify(installed: Town, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    transfer_id = posted(installed)
    assert main(["seal"]) == 0
    assert said(capsys) == "1 transfers and 0 periods sealed, 0 transfers left.\n"
    assert main(["seal", "--json"]) == 0
    assert json.loads(said(capsys)) == {"transfers": 0, "periods": 0, "left": 0}
    assert main(["seal", "--key"]) == 0
    key = said(capsys).strip()
    assert key == key_of(installed)

    file = tmp_path / "receipt.json"
    answer = receipt(installed, transfer_id)
    file.write_bytes(msgspec.json.encode(answer))
    assert main(["verify", str(file), "--key", key]) == 0
    assert str(transfer_id) in said(capsys)
    file.write_bytes(msgspec.json.encode(msgspec.structs.replace(answer, position=1)))
    assert main(["verify", str(file), "--key", key, "--json"]) == 1
    assert json.loads(said(capsys)) == {
        "holds": False,
        "sentence": "The transfer's position lies beyond the checkpoint.",
    }
    file.write_text("no JSON")
    assert main(["verify", str(file), "--key", key]) == 2
    assert "cannot be read" in capsys.readouterr().err


def test_seal_says_that_something_is_left_while_another_sealer_works(
    installed: Town, capsys: pytest.CaptureFixture[str]
) -> None:
    with installed.rooms["ledger"].transaction() as tx:
        posted(installed)
        assert sealing.seal(tx) == 1
        assert main(["seal"]) == 1
        assert said(capsys) == "0 transfers and 0 periods sealed, 1 transfers left.\n"
    assert checkpoint(installed).size == 1


def test_seal_does_not_wait_for_a_posting(installed: Town, capsys: pytest.CaptureFixture[str]) -> None:
    with a_transaction(installed) as slow:
        top_up_within(installed, slow)
        posted(installed)
        assert main(["seal"]) == 0
    assert said(capsys) == "1 transfers and 0 periods sealed, 0 transfers left.\n"
    assert main(["seal"]) == 0
    assert said(capsys) == "1 transfers and 0 periods sealed, 0 transfers left.\n"
