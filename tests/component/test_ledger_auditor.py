"""What an auditor may ask over HTTP is what the commands answer; every one of these commands explains itself and speaks JSON."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import text

from infra.cli import main
from infra.wiring import Town
from ledger import handlers_export, verify
from ledger.handlers_export import check_books
from services.apis import ledger as api
from services.apis import ledger_export, ledger_log
from services.apis.errors import Refused
from services.events.reimbursement import PeriodClosed
from services.kit.ids import new_id
from tests.builders import a_volunteer
from tests.builders_ledger import a_finance_officer, a_fund, an_auditor, give_coins, sell, the_owner
from tests.builders_sealing import close, key_of, move_to, read, run

COMMANDS = ("balance", "history", "transfer", "receipt", "verify", "check", "audit", "export", "simulate", "seal")


@pytest.fixture
def installed(town: Town, monkeypatch: pytest.MonkeyPatch) -> Town:
    """The command line finds the test's town, in which May had money, coins and a sale, and is closed and sealed."""
    monkeypatch.setenv("DATABASE_URL", town.url)
    monkeypatch.setenv("VAR", str(town.settings.var))
    fund, person = a_fund(town, 20_00), new_id()
    give_coins(town, person, 5_00, fund)
    sell(town, person, 2_00)
    move_to(town, 6, 3)
    close(town)
    town.tick()
    return town


def printed(capsys: pytest.CaptureFixture[str], *words: object) -> Any:
    assert main([*map(str, words), "--json"]) == 0
    said, complained = capsys.readouterr()
    assert complained == ""
    return json.loads(said)


def as_printed(answer: Any) -> Any:
    return json.loads(msgspec.json.encode(answer))


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_explains_itself_and_takes_json(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main([command, "--help"])
    said = capsys.readouterr().out
    assert stopped.value.code == 0
    assert "--json" in said
    assert ("--progress" in said) == (command in ("check", "audit", "export", "simulate", "seal"))
    with pytest.raises(SystemExit) as stopped:
        main([command, "--no-such-thing"])
    assert stopped.value.code == 2


def test_each_command_answers_in_json_and_nothing_else(
    installed: Town, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ((fund, transfer),) = read(installed, "SELECT fund, id FROM transfers WHERE kind = 'topup'")
    receipt, key = tmp_path / "receipt.json", key_of(installed)
    words: dict[str, list[object]] = {
        "balance": [f"fund/{fund}"], "history": [f"fund/{fund}"], "transfer": [transfer], "receipt": [transfer, "--save", receipt],
        "verify": [receipt, "--key", key], "check": [], "audit": [], "export": ["csv", tmp_path / "books.csv"], "seal": [],
    }  # fmt: skip
    assert words.keys() == set(COMMANDS) - {"simulate"}  # that takes longer: `faults/test_simulate`
    said = {command: printed(capsys, command, *more) for command, more in words.items()}
    assert said["check"]["right"]
    assert said["check"]["broken"] == []
    assert said["audit"]["right"]
    assert said["verify"]["holds"]
    assert said["seal"]["left"] == 0


def test_the_auditor_hears_over_http_what_the_commands_print(
    installed: Town, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    town = installed
    ((fund, transfer),) = read(town, "SELECT fund, id FROM transfers WHERE kind = 'sale'")
    shop = next(code for (code,) in read(town, "SELECT code FROM accounts WHERE code LIKE 'shop/%'"))
    ask = an_auditor(town).ask
    at = datetime(2026, 5, 4, 9, tzinfo=UTC)
    for query in (api.AccountQuery(code=shop), api.AccountQuery(code=f"fund/{fund}", at=at, by="occurred_at")):
        words = ["--at", query.at.isoformat(), "--by", query.by] if query.at else []
        said = printed(capsys, "balance", query.code, *words)
        assert said == as_printed(ask("ledger", api.GET_ACCOUNT, query=query))
    history = ask("ledger", api.GET_HISTORY, query=api.HistoryQuery(code=shop))
    assert printed(capsys, "history", shop) == as_printed(history.transfers)
    assert printed(capsys, "transfer", transfer) == as_printed(ask("ledger", api.GET_TRANSFER, transfer_id=transfer))
    receipt = ask("ledger", ledger_log.GET_RECEIPT, transfer_id=transfer)
    assert printed(capsys, "receipt", transfer) == as_printed(receipt)
    checked = ask("ledger", ledger_export.GET_CHECKS)
    assert (checked.right, printed(capsys, "check")["right"]) == (True, True)
    seals = ask("ledger", ledger_log.GET_PERIOD_SEALS, query=ledger_log.SealsQuery())
    assert printed(capsys, "seal", "--periods") == as_printed(seals)
    for what in ("hledger", "beancount", "csv"):
        file = tmp_path / what
        printed(capsys, "export", what, file, "--until", "2026-12-31T00:00:00Z")
        until = datetime(2026, 12, 31, tzinfo=UTC)
        query = ledger_export.ExportQuery(format=what, until=until)
        assert ask("ledger", ledger_export.GET_EXPORT, query=query) == file.read_bytes()


def test_over_http_too_a_broken_invariant_names_the_row(installed: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    with the_owner(installed, unhindered=True) as conn:
        conn.execute(text("UPDATE accounts SET credits_posted = credits_posted + 1 WHERE code LIKE 'shop/%'"))
    checked = an_auditor(installed).ask("ledger", ledger_export.GET_CHECKS)
    assert not checked.right
    [sums] = [
        one for one in checked.invariants if one.sentence == "an account's counters are the sums of its transfers"
    ]
    assert sums.broken[0]["code"].startswith("shop/")
    monkeypatch.setattr(handlers_export, "MOST_CHECKED_NOW", 2)
    monkeypatch.setattr(handlers_export, "MOST_CHECKED", 2)
    with pytest.raises(Refused, match="books_too_large"):
        an_auditor(installed).ask("ledger", ledger_export.GET_CHECKS)


def test_large_books_are_checked_by_a_job_and_the_answer_says_when(
    installed: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask = an_auditor(installed).ask
    assert run(installed, check_books) == 0  # small ones are checked when somebody asks
    assert ask("ledger", ledger_export.GET_CHECKS).at == installed.clock.now()
    monkeypatch.setattr(handlers_export, "MOST_CHECKED_NOW", 2)
    with pytest.raises(Refused, match="not_checked_yet"):
        ask("ledger", ledger_export.GET_CHECKS)
    assert [run(installed, check_books), run(installed, check_books)] == [1, 0]
    found = ask("ledger", ledger_export.GET_CHECKS)
    assert (found.right, found.at) == (True, installed.clock.now())
    with the_owner(installed, unhindered=True) as conn:
        conn.execute(text("UPDATE accounts SET credits_posted = credits_posted + 1 WHERE code LIKE 'shop/%'"))
    assert ask("ledger", ledger_export.GET_CHECKS) == found
    installed.clock.move_to(found.at + timedelta(hours=1))  # type: ignore[attr-defined]
    assert run(installed, check_books) == 1
    later = ask("ledger", ledger_export.GET_CHECKS)
    assert (later.right, later.at) == (False, found.at + timedelta(hours=1))
    assert any(str(row["code"]).startswith("shop/") for one in later.invariants for row in one.broken if "code" in row)


def test_a_sealed_month_is_verified_alone_and_refused_when_changed(installed: Town, tmp_path: Path) -> None:
    answer = an_auditor(installed).ask("ledger", ledger_log.GET_PERIOD_SEALS, query=ledger_log.SealsQuery())
    ((balances,),) = read(installed, "SELECT balances_root FROM period_seals")
    assert [(s.period, s.balances_root) for s in answer.seals] == [("2026-05", bytes(balances).hex())]
    key, file = key_of(installed), tmp_path / "seals.json"

    def alone(seals: ledger_log.PeriodSeals) -> tuple[int, str]:
        file.write_bytes(msgspec.json.encode(seals))
        command = [sys.executable, "-I", str(Path(verify.__file__)), str(file), key]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout

    status, said = alone(answer)
    assert (status, said.startswith("2026-05 was closed with balances")) == (0, True)
    (one,) = answer.seals
    changes = {
        "period": "2026-04", "size": one.size + 1, "root": "00" * 32, "balances_root": "00" * 32, "note": one.note.replace("05", "04"),
    }  # fmt: skip
    for name, value in changes.items():
        status, said = alone(ledger_log.PeriodSeals(seals=(msgspec.structs.replace(one, **{name: value}),)))
        assert status == 1, name


def test_seals_are_listed_newest_first_and_a_page_at_a_time(installed: Town) -> None:
    move_to(installed, 7, 2)
    close(installed, PeriodClosed(period="2026-06"))
    installed.tick()

    def periods(**more: Any) -> list[str]:
        query = ledger_log.SealsQuery(**more)
        answer = a_finance_officer(installed).ask("ledger", ledger_log.GET_PERIOD_SEALS, query=query)
        return [one.period for one in answer.seals]

    assert periods() == ["2026-06", "2026-05"]
    assert periods(limit=1) == ["2026-06"]
    assert periods(before="2026-06") == ["2026-05"]


def test_an_export_over_http_has_a_limit_and_says_what_has_none(
    installed: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handlers_export, "MOST", 2)
    for by in ("posted_at", "occurred_at"):
        query = ledger_export.ExportQuery(format="csv", until=datetime(2026, 12, 31, tzinfo=UTC), by=by)
        with pytest.raises(Refused, match="export_too_large"):
            an_auditor(installed).ask("ledger", ledger_export.GET_EXPORT, query=query)
    with pytest.raises(Refused, match="not_allowed"):
        a_volunteer(installed).ask("ledger", ledger_export.GET_EXPORT, query=query)
