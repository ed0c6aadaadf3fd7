"""The commands around the books, as a person runs them: what they print, as JSON too, and their exit status."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from infra import cli
from infra.cli_asking import Progress
from infra.wiring import Town
from services.kit.ids import new_id
from tests.builders_ledger import a_fund, give_coins, lot_code, sell, the_owner

Said = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(
    town: Town, postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Said:
    """Run a command on the test's own town; answers its exit status, what it printed, and what it complained about."""
    monkeypatch.setenv("DATABASE_URL", postgres_url)
    monkeypatch.setenv("VAR", str(tmp_path / "var"))

    def said(*words: object) -> tuple[int, str, str]:
        try:
            status = cli.main([str(word) for word in words])
        except SystemExit as stopped:  # argparse
            status = int(stopped.code or 0)
        out, err = capsys.readouterr()
        return status, out, err

    return said


def parsed(said: tuple[int, str, str]) -> Any:
    assert said[0] == 0, said
    return json.loads(said[1])


def test_a_balance_is_read_now_and_at_a_past_instant(town: Town, run: Said) -> None:
    fund = a_fund(town, 10_00)
    assert run("balance", f"fund/{fund}") == (0, f"10.00 EUR on fund/{fund}\n10.00 came in, 0.00 went out\n", "")
    before = parsed(run("balance", f"fund/{fund}", "--at", "2026-05-04T09:00:00Z", "--by", "occurred_at", "--json"))
    assert (before["balance_cents"], before["by"], before["at"]) == (0, "occurred_at", "2026-05-04T09:00:00Z")
    assert parsed(run("balance", f"bank/{fund}", "--json"))["balance_cents"] == -10_00


def test_a_history_is_as_long_as_asked_and_leads_to_its_transfers(town: Town, run: Said) -> None:
    person, fund = new_id(), a_fund(town, 10_00)
    for cents in (1_00, 2_00, 3_00):
        give_coins(town, person, cents, fund)
    sell(town, person, 4_00)
    lot = lot_code(town, person, fund)
    shown = parsed(run("history", lot, "--json"))
    assert sorted(t["amount_cents"] for t in shown) == [1_00, 2_00, 3_00, 4_00]
    assert len(run("history", lot, "--limit", 2)[1].splitlines()) == 2
    one = parsed(run("transfer", shown[0]["transfer_id"], "--json"))
    assert one == shown[0]
    assert shown[0]["leaf"] in run("transfer", shown[0]["transfer_id"])[1]


def test_the_audit_says_its_verdict_by_its_exit_status_and_goes_on_from_a_file(
    town: Town, run: Said, tmp_path: Path
) -> None:
    give_coins(town, new_id(), 5_00)
    state = tmp_path / "audit.json"
    assert parsed(run("audit", "--state", state, "--json"))["transfers"] == 2
    a_fund(town, 1_00)
    status, out, _ = run("audit", "--since", state)
    assert status == 0
    assert out.startswith("1 transfers after number")
    assert "all is well" in out
    assert parsed(run("audit", "--state", state, "--full", "--json"))["transfers"] == 3
    with the_owner(town, unhindered=True) as conn:
        conn.execute(text("UPDATE transfers SET amount_cents = amount_cents + 1 WHERE kind = 'award'"))
    before = state.read_bytes()
    status, out, _ = run("audit", "--full", "--state", state)
    assert status == 1
    assert "transfers id=" in out
    assert "wrong" in out
    assert state.read_bytes() == before
    state.write_text("{}")
    status, _, complaint = run("audit", "--since", state)
    assert (status, "Say --full" in complaint) == (2, True)
    assert run("audit", "--since", tmp_path / "none")[0] == 2


@pytest.mark.parametrize("what", ["hledger", "beancount", "csv"])
def test_an_export_is_there_whole_or_not_at_all(town: Town, run: Said, tmp_path: Path, what: str) -> None:
    give_coins(town, new_id(), 5_00)
    file = tmp_path / "books"
    assert parsed(run("export", what, file, "--json")) == {"transfers": 2, "file": str(file), "format": what}
    assert file.stat().st_size > 300
    status, _, complaint = run("export", what, tmp_path / "no" / "books")
    assert (status, "cannot be written" in complaint) == (2, True)
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith("books")] == ["books"]


@pytest.mark.parametrize(
    ("words", "status", "complaint"),
    [
        (["balance", "fund/none"], 1, "There is no account"),
        (["history", "fund/none"], 1, "There is no account"),
        (["transfer", "01a21942-1887-7030-85b5-70e4efb7be4c"], 1, "There is no transfer"),
        (["transfer", "x"], 2, "invalid UUID value"),
        (["balance", "fund/none", "--at", "yesterday"], 2, "is no instant; write one with its zone"),
        (["balance", "fund/none", "--at", "2026-05-04T12:00:00"], 2, "is no instant; write one with its zone"),
        (["history", "fund/none", "--limit", "0"], 2, "is no number above zero"),
        (["export", "excel", "x"], 2, "invalid choice"),
    ],
)
def test_what_cannot_be_answered_is_said_in_a_sentence(
    run: Said, words: list[str], status: int, complaint: str
) -> None:
    ended, _, said = run(*words)
    assert (ended, complaint in said) == (status, True), said


@pytest.mark.parametrize("command", ["balance", "history", "transfer", "audit", "export"])
def test_each_command_explains_itself(run: Said, command: str) -> None:
    status, out, _ = run(command, "--help")
    assert status == 0
    assert "--json" in out


def test_progress_is_shown_to_a_person_or_whoever_asks_and_to_nobody_else(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def said(**flags: bool) -> str:
        progress = Progress(argparse.Namespace(**flags))
        progress("transfers", 50_000)
        progress.over()
        return capsys.readouterr().err

    assert said(progress=False) == ""
    assert said(progress=True) == "      50,000 transfers\n"
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    assert said(progress=False) == "\r\033[K      50,000 transfers\r\033[K"
