"""The audit reads the sealed log too: whatever a superuser changes in it, or behind it, is named."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from infra.wiring import Town
from ledger import merkle
from ledger.audit import audit
from ledger.audit.log import Tree
from ledger.sealing import seal, seal_periods
from services.events.reimbursement import PeriodClosed
from tests.builders import tell
from tests.builders_ledger import a_fund, the_owner
from tests.builders_sealing import posted, run


def found(town: Town) -> set[tuple[str, str, str]]:
    report, _ = audit(town.rooms["ledger"].engine)
    return {(finding.table, finding.key, finding.column) for finding in report.findings if finding.table != "outbox"}


def a_sealed_month(town: Town) -> None:
    """Five transfers in May, all in the log; May is closed and sealed; one more in June."""
    for _ in range(5):
        a_fund(town, 5_00)
    town.clock.move_to(town.clock.now().replace(month=6, day=2))  # type: ignore[attr-defined]
    tell(town, PeriodClosed(period="2026-05"))
    run(town, seal)
    run(town, seal_periods)
    posted(town)
    run(town, seal)


@given(st.lists(st.binary(max_size=4), max_size=40))
def test_the_auditors_root_is_the_ledgers(entries: list[bytes]) -> None:
    tree = Tree()
    for entry in entries:
        tree.add(entry)
    assert tree.root() == merkle.root(entries)


@pytest.mark.parametrize(
    ("harm", "named"),
    [
        ("UPDATE log SET leaf = sha256('x') WHERE position = 2", ("log", "position=2", "leaf")),
        ("UPDATE log SET transfer_id = gen_random_uuid() WHERE position = 0", ("log", "position=0", "transfer_id")),
        ("UPDATE log SET seq = 99 WHERE position = 1", ("log", "position=1", "transfer_id")),
        ("DELETE FROM log WHERE position = 3", ("log", "position=4", "position")),
        ("DELETE FROM log WHERE position >= 3", ("checkpoints", "size=5", "size")),
        ("UPDATE checkpoints SET root = sha256('x') WHERE size = 5", ("checkpoints", "size=5", "root")),
        ("UPDATE period_seals SET root = sha256('x')", ("period_seals", "period=2026-05", "root")),
        ("UPDATE period_seals SET balances_root = sha256('x')", ("period_seals", "period=2026-05", "balances_root")),
        ("UPDATE closed_periods SET ends_at = ends_at - interval '40 days'", ("period_seals", "period=2026-05", "balances_root")),
        ("DELETE FROM closed_periods", ("closed_periods", "period=2026-05", "period")),
    ],
)  # fmt: skip
def test_any_change_of_the_log_or_a_closed_month_is_named(town: Town, harm: str, named: tuple[str, str, str]) -> None:
    a_sealed_month(town)
    assert found(town) == set()
    with the_owner(town, unhindered=True) as conn:
        assert conn.execute(text(harm)).rowcount
    assert named in found(town)


def test_whoever_changes_a_transfer_and_its_hash_is_found_by_the_log(town: Town) -> None:
    a_sealed_month(town)
    with the_owner(town, unhindered=True) as conn:
        assert conn.execute(text("UPDATE transfers SET leaf = sha256('x') WHERE seq = 3")).rowcount
    assert ("log", "position=2", "leaf") in found(town)
