"""What the ledger told the others against what it moved: each event has its transfers, and the transfers have their event."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from ledger.audit.accounts import Accounts
from ledger.audit.dossier import Dossier
from ledger.audit.report import Findings
from ledger.audit.requests import given, outcome_of, taken_back

Rows = Sequence[list[Any]]
ABOUT_REQUESTS = {"coins.issued.v1", "coins.spent.v1", "coins.unspent.v1", "coins.withdrawn.v1", "fund.credited.v1"}
"""Events about a request or an award; the others are about a cause, or the line."""


class Told:
    """Judges a dossier's events. `since`: what was posted before had its events judged by an earlier audit."""

    def __init__(self, accounts: Accounts, findings: Findings, since: str) -> None:
        self.accounts, self.findings, self.since = accounts, findings, since

    def judge(self, id_: str, all_: Dossier) -> None:
        said: dict[str, list[tuple[int, dict[str, Any]]]] = {}
        for type_, seq, envelope in all_.get("said", ()):
            said.setdefault(type_, []).append((seq, envelope["data"]))
        expected = self._expected(all_)
        for type_ in expected.keys() | (said.keys() & ABOUT_REQUESTS):
            self._judge_one(id_, all_, type_, said.get(type_, []), expected.get(type_))
        if "expired" in all_ or "coins.expired.v1" in said:
            self._judge_expired(id_, all_, [event for _, event in said.get("coins.expired.v1", ())])
        if "short" in all_ or "fund.shortfall.v1" in said:
            self._judge_short(id_, all_, [event for _, event in said.get("fund.shortfall.v1", ())])
        if "coins.issued.v1" in said:
            self._judge_owner(all_, said["coins.issued.v1"][0][1]["person_id"])

    def _judge_one(
        self,
        id_: str,
        all_: Dossier,
        type_: str,
        events: list[tuple[int, dict[str, Any]]],
        expected: dict[str, Any] | None,
    ) -> None:
        """The one event of this type that there should be; or, expecting None, that there is none."""
        if expected is None:
            if outcome_of(all_) is None:
                self.findings.add("outcomes", f"request_id={id_}", "request_id", None, f"what {type_} tells of")
            self._one_too_many(type_, events)
            return
        if not events:
            self.findings.add("outbox", f"about={id_}", "type", None, f"{type_} for what was posted")
        self._one_too_many(type_, events[1:])
        for seq, event in events[:1]:
            for field, value in expected.items():
                found = sorted(event[field], key=str) if isinstance(value, list) else event[field]
                self.findings.same("outbox", f"seq={seq}", f"{type_} {field}", found, value)

    def _one_too_many(self, type_: str, events: Iterable[tuple[int, Any]]) -> None:
        for seq, _ in events:
            self.findings.add(
                "outbox", f"seq={seq}", "type", type_, "nothing: no such thing was posted, or it was told before"
            )

    def _expected(self, all_: Dossier) -> dict[str, dict[str, Any]]:
        """The events there must be about this id, by type, and what each must say."""
        outcome, expected = outcome_of(all_), {}
        moved, back = all_.get("moved", []), [row for row in all_.get("back", ()) if row[8] >= self.since]
        kind, state, amount, code = outcome[:4] if outcome and outcome[5] >= self.since else (None, None, 0, None)
        if state == "posted" and kind == "award":
            expected["coins.issued.v1"] = {"amount_cents": amount, "lots": self._lots(moved)}
        elif state == "posted" and kind == "sale":
            shop = {"shop_id": self._code(moved[0][3]).split("/")[1]} if moved else {}
            expected["coins.spent.v1"] = {"amount_cents": amount, "parts": _parts(moved), **shop}
        elif state == "posted" and kind == "topup":
            free = sum(row[4] for row in moved if self._code(row[3]).startswith("fund/"))
            expected["fund.credited.v1"] = {"amount_cents": free}
        void = [row for row in back if row[1] == "void"]
        if void:
            expected["coins.unspent.v1"] = {"amount_cents": taken_back(all_, "void"), "parts": _parts(void)}
        withdrawn = self._withdrawn(all_, back, dropped=(kind, code) == ("award", "withdrawn"))
        if withdrawn:
            expected["coins.withdrawn.v1"] = withdrawn
        return expected

    def _withdrawn(self, all_: Dossier, back: Rows, *, dropped: bool) -> dict[str, Any] | None:
        """That an award was withdrawn has no instant of its own where nothing came back: then the event is right if the row is there."""
        if dropped:
            return {"parts": [], "kept_cents": 0}
        told = any(type_ == "coins.withdrawn.v1" for type_, _, _ in all_.get("said", ()))
        withdrawals = [row for row in back if row[1] == "withdrawal"]
        if withdrawals or (told and "withdrawn" in all_):
            kept = given(all_, "award") - taken_back(all_, "withdrawal")
            return {
                "parts": _parts([row for row in all_.get("back", ()) if row[1] == "withdrawal"]),
                "kept_cents": kept,
            }
        return None

    def _judge_expired(self, id_: str, all_: Dossier, events: list[dict[str, Any]]) -> None:
        told = Counter((e["fund_id"], e["amount_cents"], e["expired_on"]) for e in events)
        moved = Counter((row[2], row[3], self._until(row[1])) for row in all_.get("expired", ()))
        for one in sorted((told - moved) + (moved - told), key=str):
            self.findings.add(
                "outbox", f"about={id_}", "coins.expired.v1", f"{told[one]} of {one}", f"{moved[one]}, as transfers say"
            )

    def _judge_short(self, id_: str, all_: Dossier, events: list[dict[str, Any]]) -> None:
        told = sorted((event["fund_id"], event["amount_cents"]) for event in events)
        moved = sorted((row[1], row[2]) for row in all_.get("short", ()))
        self.findings.same("outbox", f"about={id_}", "fund.shortfall.v1", told, moved)

    def _judge_owner(self, all_: Dossier, person: str) -> None:
        """The lots an award went to are still that person's, or nobody's any more."""
        for row in all_.get("moved", ()):
            lot = self.accounts.get(row[3])
            if lot and lot.person not in (None, person):
                self.findings.add(
                    "accounts", f"id={row[3]}", "person", lot.person, f"{person}, whom an award was issued to"
                )

    def _code(self, account: int) -> str:
        return self.accounts[account].code if account in self.accounts else "/"

    def _until(self, account: int) -> str | None:
        return self.accounts[account].expires_on if account in self.accounts else None

    def _lots(self, moved: Rows) -> list[dict[str, Any]]:
        lots = [{"amount_cents": row[4], "expires_on": self._until(row[3]), "fund_id": row[5]} for row in moved]
        return sorted(lots, key=str)


def _parts(rows: Rows) -> list[dict[str, Any]]:
    """By fund, as events say it (their keys are sorted)."""
    sums: dict[str, int] = {}
    for row in rows:
        sums[row[5]] = sums.get(row[5], 0) + row[4]
    return sorted(({"amount_cents": sums[fund], "fund_id": fund} for fund in sums), key=str)
