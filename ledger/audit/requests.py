"""What became of each request against what it moved: outcomes, reversals, holds and their ends, withdrawn awards."""

from __future__ import annotations

from hashlib import sha256
from typing import Any
from uuid import UUID, uuid5

from msgspec import json

from ledger.audit.dossier import Dossier
from ledger.audit.report import Findings

UNCHANGED = "the hash of the row as it is now"
HOLD_ENDS = ("hold_post", "hold_void", "hold_expire")


def judge_request(id_: str, all_: Dossier, findings: Findings) -> None:
    """Everything of one id that can be judged without knowing accounts or events."""
    _judge_outcome(id_, all_, findings)
    if "back" in all_:
        _judge_reversals(all_, findings)
    if "hold" in all_ or "end" in all_:
        _judge_hold(id_, all_, findings)
    if "back" in all_ or "withdrawn" in all_ or "said" in all_:
        _judge_withdrawal(id_, all_, findings)


def given(all_: Dossier, kind: str) -> int:
    """What the id's own transfers of a kind moved."""
    return sum(row[4] for row in all_.get("moved", ()) if row[1] == kind)


def taken_back(all_: Dossier, kind: str) -> int:
    """What transfers of a kind took back of the id's own."""
    return sum(row[4] for row in all_.get("back", ()) if row[1] == kind)


def outcome_of(all_: Dossier) -> list[Any] | None:
    """kind, state, amount, code, facts, decided_at, payload, leaf."""
    found = all_.get("outcome")
    return found[0] if found else None


def _judge_outcome(id_: str, all_: Dossier, findings: Findings) -> None:
    outcome, moved, held = outcome_of(all_), all_.get("moved", []), all_.get("hold", [])
    key = f"request_id={id_}"
    if outcome is None:
        for rows, what in ((moved, "transfers"), (held, "legs of a hold")):
            if rows:
                findings.add("outcomes", key, "request_id", None, f"a posted request: it has {len(rows)} {what}")
        return
    kind, state, amount, _, _, decided_at, _, leaf = outcome
    fits = sha256(_json((id_, kind, outcome[6], state, amount, *outcome[3:5], decided_at))).hexdigest() == leaf
    findings.unless(fits, "outcomes", key, "leaf", leaf, UNCHANGED)
    effect = sum(row[4] for row in moved) + sum(row[3] for row in held)
    if (amount if state == "posted" else 0) != effect:
        # They disagree: the one whose hash does not fit was changed; else what it speaks of is gone.
        if fits:
            findings.add("holds" if kind == "hold" else "transfers", f"journal={id_}", "amount_cents", effect, amount)
        else:
            findings.add("outcomes", key, "amount_cents", amount, effect)
    for row in moved:
        findings.same("transfers", f"id={row[0]}", "kind", row[1], kind)
        findings.same("transfers", f"id={row[0]}", "posted_at", row[7], decided_at)
    if kind in HOLD_ENDS and state == "posted":
        findings.unless("ends" in all_, "hold_ends", key, "request_id", None, f"the hold that this {kind} ended")


_json = json.Encoder(order="sorted").encode


def _judge_reversals(all_: Dossier, findings: Findings) -> None:
    """Each goes the other way, and all of one transfer's together take back no more than it moved."""
    moved = {row[0]: row for row in all_.get("moved", ())}
    total: dict[str, int] = {}
    for id_, _, debit, credit, cents, _, original_id, reversal_of, _ in all_.get("back", ()):
        original = moved.get(original_id)
        if original is None:
            findings.add("transfers", f"id={reversal_of}", "id", None, f"what {id_} reverses")
            continue
        total[original_id] = total.get(original_id, 0) + cents
        ways = (debit, credit) == (original[3], original[2])
        findings.unless(ways, "transfers", f"id={id_}", "reversal_of", original_id, "a transfer the other way round")
        if total[original_id] > original[4]:
            findings.add(
                "transfers",
                f"id={id_}",
                "amount_cents",
                total[original_id],
                f"{original[4]} at most, all reversals together",
            )


def _judge_hold(id_: str, all_: Dossier, findings: Findings) -> None:
    legs, ends, moved = sorted(all_.get("hold", [])), all_.get("end", []), sorted(all_.get("end_moved", []))
    key = f"hold_id={id_}"
    findings.same("holds", key, "leg", [leg[0] for leg in legs], list(range(len(legs))) if legs else "a leg at least")
    for leg in legs:
        findings.unless(leg[4], "holds", f"{key} leg={leg[0]}", "leaf", "another", UNCHANGED)
    if not ends:
        return
    how, request_id, ended_at, fits, kind, state, decided_at = ends[0]
    findings.unless(fits, "hold_ends", key, "leaf", "another", UNCHANGED)
    findings.same(
        "hold_ends", key, "request_id", request_id, str(uuid5(UUID(id_), "expiry" if how == "expire" else "end"))
    )
    if kind is None:
        findings.add("outcomes", f"request_id={request_id}", "request_id", None, f"the end of hold {id_}")
    else:
        findings.same("hold_ends", key, "how", (f"hold_{how}", "posted"), (kind, state))
        findings.same("hold_ends", key, "ended_at", ended_at, decided_at)
    rest = sum(row[3] for row in moved)
    whole = sum(leg[3] for leg in legs)
    if rest > whole or (rest and how != "post"):
        findings.add(
            "hold_ends", key, "how", f"{how}, and {rest} moved", f"{whole if how == 'post' else 0} moved at most"
        )
        return
    expected = []
    for _, debit, credit, cents, _ in legs:
        if rest:
            expected.append([debit, credit, min(rest, cents)])
            rest -= expected[-1][2]
    if [row[1:4] for row in moved] != expected:
        findings.add("holds", key, "amount_cents", expected, f"what its end moved: {[row[1:4] for row in moved]}")


def _judge_withdrawal(id_: str, all_: Dossier, findings: Findings) -> None:
    """What an award that was withdrawn kept is what it gave and did not give back."""
    key, back, rows = f"award_id={id_}", taken_back(all_, "withdrawal"), all_.get("withdrawn", [])
    outcome = outcome_of(all_)
    issued = outcome is not None and outcome[:2] == ["award", "posted"]
    told = any(type_ == "coins.withdrawn.v1" for type_, _, _ in all_.get("said", ()))
    if (back or (told and issued)) and not rows:
        findings.add("withdrawn_awards", key, "award_id", None, f"an award that was withdrawn and gave back {back}")
    for _, kept, fits in rows:
        findings.unless(fits, "withdrawn_awards", key, "leaf", "another", UNCHANGED)
        findings.same("withdrawn_awards", key, "kept_cents", kept, given(all_, "award") - back)
        findings.unless(issued, "withdrawn_awards", key, "award_id", id_, "an issued award")
