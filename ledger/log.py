"""The Merkle log in tables: leaves in `log`, the hashes of complete subtrees from 256 leaves up in `subtrees`.

So a root or a proof reads some ten stored hashes and at most a few hundred leaves, however long the log is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import text

from ledger import merkle
from services.kit.bulk import array, copy_rows
from services.kit.db import Tx

LEVEL = 8
BLOCK = 1 << LEVEL

_LEAVES = text("SELECT position, leaf FROM log WHERE position = ANY(CAST(:positions AS bigint[]))")
_SUBTREES = text("""
    SELECT level, index, hash FROM unnest(CAST(:levels AS bigint[]), CAST(:indexes AS bigint[])) AS wanted (level, index)
    JOIN subtrees USING (level, index)""")
_LOGGED = {"position": "int8", "seq": "int8", "transfer_id": "uuid", "leaf": "bytea"}
_GROWN = {"level": "int8", "index": "int8", "hash": "bytea"}


class Leaf(NamedTuple):
    """What is appended of a transfer."""

    seq: int
    transfer_id: UUID
    leaf: bytes


def append(tx: Tx, size: int, leaves: Sequence[Leaf]) -> int:
    """Append to a log of that size; answers the new size. The caller is the only one who appends."""
    copy_rows(tx.session, "log", _LOGGED, ((position, *leaf) for position, leaf in enumerate(leaves, size)))
    end, first = size + len(leaves), size // BLOCK
    whole = end // BLOCK - first
    if whole:
        # The first block to be completed may have begun before.
        begun = [leaf for _, leaf in sorted(_leaves(tx, range(first * BLOCK, size)).items())]
        entries = [*begun, *(leaf.leaf for leaf in leaves)]
        hashes = [merkle.leaf_hash(entry) for entry in entries[: whole * BLOCK]]
        roots = (merkle.combine(hashes[n : n + BLOCK]) for n in range(0, whole * BLOCK, BLOCK))
        frontier = _hashes(
            tx, [(index << level, (index + 1) << level) for level, index in merkle.perfect(0, first * BLOCK)]
        )
        copy_rows(tx.session, "subtrees", _GROWN, merkle.grow(frontier, LEVEL, first, roots))
    return end


def root(tx: Tx, size: int) -> bytes:
    """The root of the first `size` leaves."""
    return _hashes(tx, [(0, size)])[0] if size else merkle.EMPTY


def inclusion_proof(tx: Tx, position: int, size: int) -> list[bytes]:
    return _hashes(tx, merkle.inclusion(position, size))


def consistency_proof(tx: Tx, older: int, newer: int) -> list[bytes]:
    return _hashes(tx, merkle.consistency(older, newer))


def _hashes(tx: Tx, ranges: Sequence[merkle.Range]) -> list[bytes]:
    """The hash of each range, in two reads."""
    subtrees = [merkle.perfect(*range_) for range_ in ranges]
    wanted = {subtree for part in subtrees for subtree in part}
    stored = [subtree for subtree in wanted if subtree[0] >= LEVEL]
    known: dict[merkle.Subtree, bytes] = {}
    if stored:
        said = {"levels": array([level for level, _ in stored]), "indexes": array([index for _, index in stored])}
        known = {(level, index): bytes(hash_) for level, index, hash_ in tx.session.execute(_SUBTREES, said)}
    small = {
        subtree: range(subtree[1] << subtree[0], (subtree[1] + 1) << subtree[0]) for subtree in wanted - known.keys()
    }
    leaves = _leaves(tx, [position for positions in small.values() for position in positions])
    for subtree, positions in small.items():
        known[subtree] = merkle.combine([merkle.leaf_hash(leaves[position]) for position in positions])
    return [merkle.fold([known[subtree] for subtree in part]) for part in subtrees]


def _leaves(tx: Tx, positions: Sequence[int]) -> dict[int, bytes]:
    if not positions:
        return {}
    return {position: bytes(leaf) for position, leaf in tx.session.execute(_LEAVES, {"positions": array(positions)})}
