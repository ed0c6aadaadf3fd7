"""The Merkle tree of RFC 9162, section 2.1: hashes, and which ranges of leaves a proof consists of. Pure; `log.py` stores the hashes.

A range is (first, end) of positions, `end` not included. A subtree (level, index) is the perfect tree over the 2**level leaves from
index * 2**level on: once complete, it never changes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256

Range = tuple[int, int]
Subtree = tuple[int, int]

EMPTY = sha256(b"").digest()


def leaf_hash(entry: bytes) -> bytes:
    return sha256(b"\x00" + entry).digest()


def node(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right).digest()


def fold(hashes: Sequence[bytes]) -> bytes:
    """The hash of a range from those of its `perfect` subtrees."""
    result = hashes[-1]
    for left in reversed(hashes[:-1]):
        result = node(left, result)
    return result


def combine(level: Sequence[bytes]) -> bytes:
    """The root over 2**k hashes."""
    while len(level) > 1:
        level = [node(level[n], level[n + 1]) for n in range(0, len(level), 2)]
    return level[0]


def root(entries: Iterable[bytes]) -> bytes:
    """The root over all entries, in memory that grows with the logarithm of their number."""
    left: list[bytes] = []
    for position, entry in enumerate(entries):
        hash_ = leaf_hash(entry)
        while position & 1:
            hash_ = node(left.pop(), hash_)
            position >>= 1
        left.append(hash_)
    return fold(left) if left else EMPTY


def perfect(first: int, end: int) -> list[Subtree]:
    """The perfect subtrees a range of a proof consists of, largest (and leftmost) first."""
    subtrees = []
    while first < end:
        level = (end - first).bit_length() - 1
        subtrees.append((level, first >> level))
        first += 1 << level
    return subtrees


def inclusion(position: int, size: int) -> list[Range]:
    """The ranges whose hashes prove (2.1.3) that the leaf is in the tree of that size. Raises ValueError for a leaf beyond it."""
    if not 0 <= position < size:
        raise ValueError(f"leaf {position} is not in a tree of {size}")
    first, end, path = 0, size, []
    while end - first > 1:
        middle = _middle(first, end)
        if position < middle:
            path.append((middle, end))
            end = middle
        else:
            path.append((first, middle))
            first = middle
    return path[::-1]


def consistency(older: int, newer: int) -> list[Range]:
    """The ranges whose hashes prove (2.1.4) that the older tree is the beginning of the newer. Raises ValueError for sizes out of order."""
    if not 0 < older <= newer:
        raise ValueError(f"a tree of {older} is no beginning of one of {newer}")
    first, end, path = 0, newer, []
    while older < end:
        middle = _middle(first, end)
        if older <= middle:
            path.append((middle, end))
            end = middle
        else:
            path.append((first, middle))
            first = middle
    if first > 0:
        path.append((first, end))
    return path[::-1]


def grow(frontier: Sequence[bytes], level: int, first: int, roots: Iterable[bytes]) -> Iterator[tuple[int, int, bytes]]:
    """The subtrees completed by new ones of that level, from index `first` on: (level, index, hash). `frontier`: the hashes of the
    perfect subtrees before them."""
    left = list(frontier)
    for index, hash_ in enumerate(roots, first):
        yield level, index, hash_
        at = level
        while index & 1:
            hash_ = node(left.pop(), hash_)
            index, at = index >> 1, at + 1
            yield at, index, hash_
        left.append(hash_)


def _middle(first: int, end: int) -> int:
    """Where a range splits: after the largest power of two of leaves that is less than all."""
    return first + (1 << ((end - first - 1).bit_length() - 1))
