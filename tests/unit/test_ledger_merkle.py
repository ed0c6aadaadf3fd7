"""Our Merkle tree is the one of RFC 9162: the same roots as another's, and proofs that the verifier follows and nobody can bend."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymerkle import InmemoryTree

from ledger import merkle, verify

SIZES = st.integers(1, 600)


def entries(size: int) -> list[bytes]:
    return [b"%d" % n for n in range(size)]


def others_tree(size: int) -> InmemoryTree:
    tree = InmemoryTree(algorithm="sha256")
    for entry in entries(size):
        tree.append_entry(entry)
    return tree


def hashes(leaves: Sequence[bytes], ranges: Sequence[merkle.Range]) -> list[bytes]:
    return [merkle.root(leaves[first:end]) for first, end in ranges]


OTHERS = others_tree(600)
LEAVES = entries(600)


@given(SIZES)
def test_the_root_is_the_one_another_computes(size: int) -> None:
    assert merkle.root(LEAVES[:size]) == OTHERS.get_root(size)


def test_the_root_of_nothing_is_the_hash_of_nothing() -> None:
    assert merkle.root([]) == others_tree(0).get_root()


@given(SIZES, st.data())
def test_an_inclusion_proof_has_the_hashes_another_gives(size: int, data: st.DataObject) -> None:
    position = data.draw(st.integers(0, size - 1))
    proof = hashes(LEAVES, merkle.inclusion(position, size))
    assert proof == OTHERS.prove_inclusion(position + 1, size).path[1:]
    assert verify.root_of(LEAVES[position], position, size, proof) == OTHERS.get_root(size)


@given(SIZES, SIZES)
def test_a_consistency_proof_leads_to_both_roots_another_computes(one: int, other: int) -> None:
    older, newer = sorted((one, other))
    proof = hashes(LEAVES, merkle.consistency(older, newer))
    heads = [verify.Checkpoint(size, OTHERS.get_root(size)) for size in (older, newer)]
    verify.verify_consistency(heads[0], heads[1], proof)


# RFC 9162, 2.1.5: the example tree of seven leaves.
@pytest.mark.parametrize(
    ("position", "ranges"),
    [
        (0, [(1, 2), (2, 4), (4, 7)]),
        (3, [(2, 3), (0, 2), (4, 7)]),
        (4, [(5, 6), (6, 7), (0, 4)]),
        (6, [(4, 6), (0, 4)]),
    ],
)
def test_inclusion_proofs_of_the_standard_s_example(position: int, ranges: list[merkle.Range]) -> None:
    assert merkle.inclusion(position, 7) == ranges


@pytest.mark.parametrize(
    ("older", "ranges"),
    [(3, [(2, 3), (3, 4), (0, 2), (4, 7)]), (4, [(4, 7)]), (6, [(4, 6), (6, 7), (0, 4)]), (7, [])],
)
def test_consistency_proofs_of_the_standard_s_example(older: int, ranges: list[merkle.Range]) -> None:
    assert merkle.consistency(older, 7) == ranges


@given(SIZES, st.data())
def test_a_bent_proof_leads_elsewhere(size: int, data: st.DataObject) -> None:
    position = data.draw(st.integers(0, size - 1))
    proof = hashes(LEAVES, merkle.inclusion(position, size))
    bent = data.draw(st.sampled_from(["step", "longer", "shorter", "position", "leaf"]))
    leaf, at = LEAVES[position], position
    if bent == "step" and proof:
        step = data.draw(st.integers(0, len(proof) - 1))
        proof[step] = bytes([proof[step][0] ^ 1]) + proof[step][1:]
    elif bent == "longer":
        proof.append(merkle.EMPTY)
    elif bent == "shorter" and proof:
        proof.pop(data.draw(st.integers(0, len(proof) - 1)))
    elif bent == "position" and size > 1:
        at = data.draw(st.integers(0, size - 1).filter(lambda other: other != position))
    else:
        leaf += b"!"
    with suppress(verify.Wrong):
        assert verify.root_of(leaf, at, size, proof) != OTHERS.get_root(size)


@given(SIZES, SIZES, st.data())
def test_a_rewritten_history_is_no_continuation(one: int, other: int, data: st.DataObject) -> None:
    """Whoever changes a leaf of the older log, and makes the honest proof for the new one, is found out."""
    older, newer = sorted((one, other))
    changed = list(LEAVES[:newer])
    changed[data.draw(st.integers(0, older - 1))] = b"changed"
    proof = hashes(changed, merkle.consistency(older, newer))
    with pytest.raises(verify.Wrong, match=r"rewritten|too"):
        verify.verify_consistency(
            verify.Checkpoint(older, OTHERS.get_root(older)), verify.Checkpoint(newer, merkle.root(changed)), proof
        )


@given(st.integers(0, 40), st.integers(1, 40))
def test_growing_completes_each_subtree_once(before: int, more: int) -> None:
    """However the leaves come in, the subtrees completed are those of the whole."""
    leaves = [merkle.leaf_hash(entry) for entry in LEAVES[: before + more]]
    frontier = hashes(LEAVES, [(index << level, (index + 1) << level) for level, index in merkle.perfect(0, before)])
    grown = {(level, index): hash_ for level, index, hash_ in merkle.grow(frontier, 0, before, leaves[before:])}
    end = before + more
    complete = [(level, index) for level in range(end.bit_length()) for index in range(end >> level)]
    fresh = [(level, index) for level, index in complete if (index + 1) << level > before]
    assert grown == {
        (level, index): merkle.root(LEAVES[index << level : (index + 1) << level]) for level, index in fresh
    }


@pytest.mark.parametrize("wrong", [(-1, 5), (5, 5), (0, 0)])
def test_no_proof_for_a_leaf_that_is_not_there(wrong: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="is not in"):
        merkle.inclusion(*wrong)


@pytest.mark.parametrize("wrong", [(0, 5), (6, 5)])
def test_no_proof_between_sizes_out_of_order(wrong: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="no beginning"):
        merkle.consistency(*wrong)
