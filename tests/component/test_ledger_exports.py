"""Programs that know nothing of us add up the exported year and come to the ledger's balances, to the cent, for every account."""

from __future__ import annotations

import csv
import io
import os
import re
import shutil
import subprocess
from collections import Counter
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import text

from infra.wiring import Town
from ledger.audit import audit
from ledger.exports import COLUMNS, export, name_of
from services.apis import ledger_export
from tests.builders_ledger import a_finance_officer, balance, the_owner
from tests.conftest import empty
from tests.ledger_year import Year

AUTUMN = datetime(2026, 10, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def year(one_town: Town) -> Town:
    town = empty(one_town)
    Year(town, seed=4).live()
    return town


def exported(town: Town, path: Path, what: str, **more: object) -> int:
    with path.open("w", encoding="utf-8", newline="") as out:
        return export(town.rooms["ledger"].engine, out, what, **more)  # type: ignore[arg-type]


def balances(town: Town, **more: object) -> dict[str, int]:
    """Of every account by the name it is exported under, in cents, a debit above zero."""
    with the_owner(town) as conn:
        codes = conn.execute(text("SELECT code FROM accounts")).scalars().all()
    if more:
        return {name_of(code): -balance(town, code, **more) for code in codes}
    with the_owner(town) as conn:
        rows = conn.execute(text("SELECT code, debits_posted - credits_posted FROM accounts")).all()
    return {name_of(code): cents for code, cents in rows}


def agree(added: dict[str, int], there: dict[str, int]) -> None:
    """For every account on which anything moved; the others are at zero."""
    assert added == {name: there[name] for name in added}
    assert {cents for name, cents in there.items() if name not in added} <= {0}
    assert sum(cents != 0 for cents in added.values()) > 10


def needs_hledger() -> str:
    program = shutil.which("hledger")
    if program is None:
        assert os.environ.get("CI") != "true", "CI proves the export with hledger: apt-get install hledger"
        pytest.skip("hledger is not installed: apt-get install hledger")
    return program


def by_hledger(path: Path) -> dict[str, int]:
    program = needs_hledger()
    subprocess.run([program, "-f", path, "check", "--strict"], check=True, capture_output=True)
    said = [program, "-f", path, "balance", "--flat", "--empty", "--no-total", "--output-format", "csv"]
    shown = subprocess.run(said, check=True, capture_output=True, text=True).stdout
    rows = list(csv.reader(io.StringIO(shown)))[1:]
    return {name: int(Decimal(amount.removesuffix(" EUR")) * 100) for name, amount in rows}


def by_beancount(path: Path) -> dict[str, int]:
    from beancount.core.data import Transaction
    from beancount.loader import load_file

    entries, errors, _ = load_file(str(path))
    assert errors == []
    sums: Counter[str] = Counter()
    for entry in entries:
        for posting in entry.postings if isinstance(entry, Transaction) else ():
            sums[posting.account] += int(posting.units.number * 100)
    return dict(sums)


def test_the_year_is_one_in_which_everything_happened(year: Town) -> None:
    with the_owner(year) as conn:
        kinds = Counter(dict(conn.execute(text("SELECT kind, count(*) FROM transfers GROUP BY 1")).all()))
        months = conn.execute(text("SELECT count(DISTINCT date_trunc('month', posted_at)) FROM transfers")).scalar_one()
    assert kinds.total() >= 2000
    assert months >= 12
    assert kinds.keys() >= {
        "award", "sale", "void", "expiry", "topup", "fee", "topup_reversal", "withdrawal", "correction", "receivable_filled",
        "payment_released", "payment_settled", "payment_returned",
    }  # fmt: skip
    assert year.check() == []
    assert audit(year.rooms["ledger"].engine)[0].findings == []


def test_hledger_comes_to_the_same_balances(year: Town, tmp_path: Path) -> None:
    needs_hledger()
    exported(year, tmp_path / "year.journal", "hledger")
    agree(by_hledger(tmp_path / "year.journal"), balances(year))


def test_beancount_comes_to_the_same_balances(year: Town, tmp_path: Path) -> None:
    exported(year, tmp_path / "year.beancount", "beancount")
    agree(by_beancount(tmp_path / "year.beancount"), balances(year))


@pytest.mark.parametrize("by", ["posted_at", "occurred_at"])
def test_up_to_an_instant_they_come_to_the_balances_of_that_instant(year: Town, tmp_path: Path, by: str) -> None:
    count = exported(year, tmp_path / "autumn.journal", "hledger", until=AUTUMN, by=by)
    assert 500 < count < 2000
    agree(by_hledger(tmp_path / "autumn.journal"), balances(year, at=AUTUMN, by=by))


def test_a_spreadsheet_comes_to_the_same_balances_and_finds_no_formula(year: Town, tmp_path: Path) -> None:
    count = exported(year, tmp_path / "year.csv", "csv")
    raw = (tmp_path / "year.csv").read_bytes()
    assert raw.count(b"\r\n") == raw.count(b"\n") == count + 1
    rows = list(csv.DictReader(io.StringIO(raw.decode())))
    assert tuple(rows[0]) == COLUMNS
    sums: Counter[str] = Counter()
    for row in rows:
        sums[name_of(row["debit"])] += int(row["amount_cents"])
        sums[name_of(row["credit"])] -= int(row["amount_cents"])
        assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for cell in row.values())
    agree(dict(sums), balances(year))


def test_an_officer_gets_the_same_books_with_no_wallet_open(year: Town) -> None:
    """The coins of a fund are one account there; all others are as they stand."""
    query = ledger_export.ExportQuery(format="csv")
    rows = list(
        csv.DictReader(
            io.StringIO(a_finance_officer(year).ask("ledger", ledger_export.GET_EXPORT, query=query).decode())
        )
    )
    sums: Counter[str] = Counter()
    for row in rows:
        sums[name_of(row["debit"])] += int(row["amount_cents"])
        sums[name_of(row["credit"])] -= int(row["amount_cents"])
    there: Counter[str] = Counter()
    for name, cents in balances(year).items():
        there[re.sub("(Liabilities:Coins):L-[^:]+:(F-[^:]+):.*", r"\1:\2", name)] += cents
    agree(dict(sums), dict(there))
