"""The sealed log: each leaf is that of its transfer, the roots that were signed are those of the leaves, closed months are as they were."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256

from ledger.audit.report import Findings, Progress
from ledger.audit.source import Snapshot

EVERY = 50_000
_LOG = """
    SELECT position, l.seq, l.transfer_id::text, l.leaf, t.id::text, t.leaf
    FROM log l LEFT JOIN transfers t USING (seq) ORDER BY position"""
_MONTHS = """
    SELECT period, s.size, s.root, c.root, balances_root, ends_at
    FROM period_seals s LEFT JOIN checkpoints c USING (size) LEFT JOIN closed_periods USING (period)"""
_BALANCES = """
    SELECT code, sum(cents)::bigint FROM (
        SELECT debit_account AS id, -amount_cents AS cents FROM transfers WHERE occurred_at < %(ends_at)s
        UNION ALL SELECT credit_account, amount_cents FROM transfers WHERE occurred_at < %(ends_at)s) moved
    JOIN accounts USING (id) GROUP BY code HAVING sum(cents) <> 0 ORDER BY code"""


class Tree:
    """The RFC 9162 root of leaves as they come: complete subtrees, the largest first, as bits of the size."""

    def __init__(self) -> None:
        self.size = 0
        self._subtrees: list[bytes] = []

    def add(self, entry: bytes) -> None:
        node, size = sha256(b"\0" + entry).digest(), self.size
        while size & 1:
            node = sha256(b"\1" + self._subtrees.pop() + node).digest()
            size >>= 1
        self._subtrees.append(node)
        self.size += 1

    def root(self) -> bytes:
        if not self._subtrees:
            return sha256(b"").digest()
        *larger, node = self._subtrees
        for left in reversed(larger):
            node = sha256(b"\1" + left + node).digest()
        return node


def judge_log(books: Snapshot, findings: Findings, tell: Progress) -> None:
    """The whole log, from its first leaf on."""
    signed = {
        size: (root, "checkpoints", f"size={size}") for size, root in books.rows("SELECT size, root FROM checkpoints")
    }
    tree = Tree()
    for position, seq, transfer_id, leaf, there_id, there_leaf in books.rows(_LOG):
        key = f"position={position}"
        findings.same("log", key, "position", position, tree.size)
        findings.same("log", key, "transfer_id", transfer_id, there_id or f"the transfer numbered {seq}")
        if there_leaf is not None and bytes(there_leaf) != bytes(leaf):
            findings.add("log", key, "leaf", leaf.hex(), f"{there_leaf.hex()}, that of transfer {there_id}")
        tree.add(bytes(leaf))
        if tree.size in signed:
            root, table, name = signed.pop(tree.size)
            findings.same(table, name, "root", root.hex(), tree.root().hex())
        if tree.size % EVERY == 0:
            tell("leaves", tree.size)
    for size, (_, table, name) in signed.items():
        if size:
            findings.add(table, name, "size", size, f"at most {tree.size}, as many leaves as there are")


def judge_months(books: Snapshot, findings: Findings) -> None:
    """Each sealed month: its end is a checkpoint's, and all balances as they stood then make the root that was sealed."""
    for period, size, root, checkpoint, balances, ends_at in list(books.rows(_MONTHS)):
        key = f"period={period}"
        if size:
            findings.same("period_seals", key, "root", root.hex(), checkpoint.hex() if checkpoint is not None else None)
        if ends_at is None:
            findings.add("closed_periods", key, "period", None, "the period that was sealed")
            continue
        stood = _root(f"{code} {cents}".encode() for code, cents in books.rows(_BALANCES, {"ends_at": ends_at}))
        findings.same("period_seals", key, "balances_root", balances.hex(), stood.hex())


def _root(entries: Iterable[bytes]) -> bytes:
    tree = Tree()
    for entry in entries:
        tree.add(entry)
    return tree.root()
