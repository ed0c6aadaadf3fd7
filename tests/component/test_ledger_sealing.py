"""The sealer: every transfer once in the log, whatever order transactions commit in, however it is interrupted."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pymerkle import InmemoryTree
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from infra.wiring import Town
from ledger import log, sealing
from ledger.log import Leaf
from ledger.posting import BOOKS_LOCK
from services.kit.ids import new_id
from tests.builders_ledger import a_fund, an_award, in_order, tell_together, the_owner, top_up
from tests.builders_sealing import (
    a_transaction,
    checkpoint,
    gaps,
    harm,
    posted,
    read,
    root_now,
    run,
    seal,
    sealed,
    top_up_within,
)


def test_transfers_are_sealed_in_the_order_of_their_numbers(town: Town) -> None:
    first, second = posted(town), posted(town)
    assert seal(town) == 2
    third = posted(town)
    assert seal(town) == 1
    assert sealed(town) == [first, second, third]
    assert seal(town) == 0
    assert town.check() == []


def test_the_timed_work_of_the_town_seals(town: Town) -> None:
    top_up(town, new_id(), 5_00)
    town.tick()
    assert len(sealed(town)) == 1
    assert checkpoint(town).size == 1


def test_a_transaction_that_commits_late_is_sealed_when_it_appears(town: Town) -> None:
    with a_transaction(town) as slow:
        late = top_up_within(town, slow)
        early = posted(town)
        assert seal(town) == 1
        assert (sealed(town), gaps(town)) == ([early], 1)
        assert seal(town) == 0
        assert gaps(town) == 1  # it may still appear
    assert seal(town) == 1
    assert (sealed(town), gaps(town)) == ([early, late], 0)


def test_a_number_is_given_up_only_when_nobody_can_hold_it_any_more(town: Town) -> None:
    """The holder's transaction id may lie beyond all that have ended, and so beyond the xmax of the sealer's snapshot."""
    with a_transaction(town) as slow, a_transaction(town) as between, a_transaction(town) as holder:
        # Ids in this order: slow, between, holder. The holder draws first; slow commits a later number, and is the last that ended.
        late = top_up_within(town, holder)
        early = top_up_within(town, slow)
        slow.session.commit()
        assert seal(town) == 1
        between.session.commit()
        assert seal(town) == 0
        assert gaps(town) == 1
    assert seal(town) == 1
    assert (sealed(town), gaps(town)) == ([early, late], 0)


def test_the_number_of_a_transaction_that_rolled_back_is_given_up(town: Town) -> None:
    with a_transaction(town) as failing:
        top_up_within(town, failing)
        there = posted(town)
        seal(town)
        assert gaps(town) == 1
        failing.session.rollback()
    assert seal(town) == 0
    assert (sealed(town), gaps(town)) == ([there], 0)
    later = posted(town)
    seal(town)
    assert sealed(town) == [there, later]


def test_a_sealer_that_is_killed_leaves_nothing_and_the_next_does_it_all(town: Town) -> None:
    transfers = [posted(town) for _ in range(3)]
    with town.rooms["ledger"].transaction() as tx:
        assert sealing.seal(tx) == 3
        tx.session.rollback()
    assert sealed(town) == []
    assert seal(town) == 3
    assert sealed(town) == transfers


def test_a_backlog_is_sealed_a_part_at_a_time(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealing, "MOST", 2)
    with a_transaction(town) as slow:
        late = top_up_within(town, slow)
        transfers = [posted(town) for _ in range(5)]
        assert [seal(town) for _ in range(4)] == [2, 2, 1, 0]
    seal(town)
    assert sealed(town) == [*transfers, late]
    assert [size for (size,) in read(town, "SELECT size FROM checkpoints ORDER BY size")] == [2, 4, 5, 6]


def test_of_two_sealers_one_works(town: Town) -> None:
    posted(town)
    with town.rooms["ledger"].transaction() as tx:
        assert sealing.seal(tx) == 1
        assert seal(town) == 0
        assert run(town, sealing.seal_periods) == 0
    assert len(sealed(town)) == 1


def test_sealers_and_postings_at_the_same_time(town: Town) -> None:
    """Four who post (every third gives up), two who seal: in the end each transfer is in the log once."""

    def post_some() -> None:
        for n in range(30):
            with a_transaction(town) as tx:
                top_up_within(town, tx)
                if n % 3 == 2:
                    tx.session.rollback()

    with ThreadPoolExecutor(6) as pool:
        posters = [pool.submit(post_some) for _ in range(4)]

        def keep_sealing() -> None:
            while not all(poster.done() for poster in posters):
                seal(town)

        for done in [*posters, pool.submit(keep_sealing), pool.submit(keep_sealing)]:
            done.result()
    seal(town)
    assert sorted(sealed(town)) == sorted(id_ for (id_,) in read(town, "SELECT id FROM transfers"))
    assert (len(sealed(town)), gaps(town)) == (80, 0)
    assert town.check() == []


def test_a_posting_never_waits_for_the_sealer(town: Town) -> None:
    posted(town)
    with town.rooms["ledger"].transaction() as tx:
        assert sealing.seal(tx) == 1
        with a_transaction(town) as other:
            other.session.execute(text("SET LOCAL lock_timeout = '1ms'"))
            top_up_within(town, other)
        modes = read(town, "SELECT DISTINCT mode FROM pg_locks WHERE relation = 'transfers'::regclass")
        assert {mode for (mode,) in modes} <= {"AccessShareLock", "RowExclusiveLock"}
        assert read(town, "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND objid = :lock", lock=BOOKS_LOCK) == []


def test_more_than_a_block_of_leaves_keeps_the_roots_of_one_tree(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    """Real postings, sealed in odd portions: the root is that of the leaves in order, computed by another's tree."""
    fund = a_fund(town, 600_00)
    tell_together(town, [an_award(1_00, in_order(fund)) for _ in range(600)])
    monkeypatch.setattr(sealing, "MOST", 170)
    while seal(town):
        pass
    tree = InmemoryTree(algorithm="sha256")
    for (leaf,) in read(town, "SELECT leaf FROM transfers ORDER BY seq"):
        tree.append_entry(leaf)
    assert root_now(town) == tree.get_root()


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(portions=st.lists(st.integers(1, 700), min_size=1, max_size=4), data=st.data())
def test_proofs_from_the_tables_are_those_of_another_s_tree(
    town: Town, portions: list[int], data: st.DataObject
) -> None:
    tree = InmemoryTree(algorithm="sha256")
    with town.rooms["ledger"].transaction() as tx:
        size = 0
        for portion in portions:
            leaves = [Leaf(seq, new_id(), seq.to_bytes(32)) for seq in range(size, size + portion)]
            for leaf in leaves:
                tree.append_entry(leaf.leaf)
            size = log.append(tx, size, leaves)
        then = data.draw(st.integers(1, size))
        position = data.draw(st.integers(0, then - 1))
        assert log.root(tx, then) == tree.get_root(then)
        assert log.inclusion_proof(tx, position, then) == tree.prove_inclusion(position + 1, then).path[1:]
        tx.session.rollback()  # leaves the tables empty for the next example


@pytest.mark.parametrize("table", ["log", "subtrees", "checkpoints"])
@pytest.mark.parametrize("statement", ["UPDATE {} SET {} = {}", "DELETE FROM {}", "TRUNCATE {}"])
def test_nothing_sealed_is_changed_or_removed(town: Town, table: str, statement: str) -> None:
    posted(town)
    seal(town)
    column = {"log": "leaf", "subtrees": "hash", "checkpoints": "root"}[table]
    with the_owner(town) as conn, pytest.raises(DBAPIError, match="append-only"):
        conn.execute(text(statement.format(table, column, column)))


@pytest.mark.parametrize(
    ("statement", "sentence"),
    [
        ("UPDATE transfers SET leaf = sha256('x')", "as it was sealed"),
        ("DELETE FROM transfers WHERE seq = 1", "as it was sealed"),
        ("UPDATE log SET transfer_id = gen_random_uuid()", "as it was sealed"),
        ("DELETE FROM log WHERE position = 0", "has no hole"),
        ("DELETE FROM log WHERE position = 1", "ends where its last checkpoint"),
    ],
)
def test_an_invariant_names_harm_to_the_log(town: Town, statement: str, sentence: str) -> None:
    posted(town)
    posted(town)
    seal(town)
    assert town.check() == []
    harm(town, statement)
    assert any(sentence in wrong for wrong in town.check())


def test_status_says_how_far_the_log_and_the_line_are_behind(town: Town) -> None:
    def status() -> tuple[int, float, float]:
        shown = town.apps["ledger"].test_client().get("/status").get_json()
        return shown["unsealed"], shown["oldest_unsealed_s"], shown["oldest_waiting_award_s"]

    assert status() == (0, 0, 0)
    start = town.clock.now()
    with a_transaction(town) as slow:
        top_up_within(town, slow)
        posted(town)
        seal(town)
        assert status() == (0, 0, 0)
    town.clock.move_to(start.replace(hour=11))  # type: ignore[attr-defined]
    tell_together(town, [an_award(1_00, in_order(new_id()))])
    posted(town)
    town.clock.move_to(start.replace(hour=13))  # type: ignore[attr-defined]
    assert status() == (2, 3 * 3600, 2 * 3600)
    seal(town)
    assert status() == (0, 0, 2 * 3600)


def test_each_checkpoint_is_of_a_later_log(town: Town) -> None:
    for _ in range(3):
        posted(town)
        seal(town)
    sizes = [size for (size,) in read(town, "SELECT size FROM checkpoints ORDER BY at, size")]
    assert all(older < newer for older, newer in pairwise(sizes))
    assert sizes == [1, 2, 3]
