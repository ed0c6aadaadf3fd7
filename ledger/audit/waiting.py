"""The line of waiting awards: each against the event that asked for it, and their order."""

from __future__ import annotations

from base64 import b64decode
from typing import Any

from msgspec import DecodeError, Struct, json

from ledger.audit.accounts import Accounts
from ledger.audit.dossier import Dossier
from ledger.audit.report import Findings
from ledger.audit.requests import UNCHANGED, outcome_of
from ledger.audit.source import Snapshot

_KEPT = "SELECT attendance_id::text, sum(kept_cents)::bigint FROM withdrawn_awards GROUP BY 1"
TYPE = "coins.awarded.v1"


class _Asked(Struct):
    award_id: str
    person_id: str
    attendance_id: str
    amount_cents: int


class _Envelope(Struct):
    type: str
    data: _Asked


class Line:
    """Judges the awards in the line one by one, and at the end their order."""

    def __init__(self, books: Snapshot, accounts: Accounts, findings: Findings, since: str) -> None:
        self.findings, self.since = findings, since
        self.kept = dict(row for row in books.rows(_KEPT))
        self.closed = {account.fund for account in accounts.values() if account.kind == "fund" and account.closed}
        self.turns: list[tuple[int, int, str]] = []

    def judge(self, id_: str, all_: Dossier) -> None:
        key, findings, rows = f"award_id={id_}", self.findings, all_.get("waiting", [])
        told = [said for type_, seq, said in all_.get("said", ()) if type_ == "award.waiting.v1"]
        if not rows:
            if told and outcome_of(all_) is None:
                findings.add("waiting_awards", key, "award_id", None, "an award that waits: it was never decided")
            return
        turn, person, funds, cents, reason, since, plans, envelope, fits = rows[0]
        findings.unless(fits, "waiting_awards", key, "leaf", "another", UNCHANGED)
        findings.unless(outcome_of(all_) is None, "waiting_awards", key, "award_id", id_, "no award that is decided")
        sources = sorted({source["fund_id"] for plan in plans for source in plan["sources"]})
        findings.same("waiting_awards", key, "fund_ids", funds, sources)
        # A closed fund's reason may be from before it closed.
        if not set(sources) & self.closed:
            findings.same("waiting_awards", key, "reason", reason, "not_enough_money" if sources else "no_fund")
        self._judge_asked(key, id_, person, cents, b64decode(envelope))
        if not told:
            findings.unless(since < self.since, "outbox", key, "type", None, "award.waiting.v1 of an award in the line")
            return
        findings.same("waiting_awards", key, "since", _instant(told[0]["occurred_at"]), since)
        event = told[0]["data"]
        findings.same("waiting_awards", key, "person_id", person, event["person_id"])
        findings.same("waiting_awards", key, "amount_cents", cents, event["amount_cents"])
        self.turns.append((turn, next(seq for type_, seq, _ in all_["said"] if type_ == "award.waiting.v1"), key))

    def _judge_asked(self, key: str, id_: str, person: str, cents: int, envelope: bytes) -> None:
        try:
            asked = json.decode(envelope, type=_Envelope)
        except DecodeError as error:
            self.findings.add("waiting_awards", key, "envelope", str(error), f"the {TYPE} that asked for it")
            return
        data = asked.data
        self.findings.same("waiting_awards", key, "envelope", (asked.type, data.award_id), (TYPE, id_))
        self.findings.same("waiting_awards", key, "person_id", person, data.person_id)
        left = max(0, data.amount_cents - self.kept.get(data.attendance_id, 0))
        self.findings.same("waiting_awards", key, "amount_cents", cents, left)

    def judge_order(self) -> None:
        """Turns are in the order in which the awards were said to wait: both are written while the line is held."""
        events = sorted(event for _, event, _ in self.turns)
        for (turn, event, key), expected in zip(sorted(self.turns), events, strict=True):
            if event != expected:
                self.findings.add(
                    "waiting_awards", key, "turn", turn, f"the place of its award.waiting.v1 (outbox {event})"
                )


def _instant(said: Any) -> str:
    """An event's instant as the books write it, with six decimals."""
    whole, _, rest = str(said).removesuffix("Z").partition(".")
    return f"{whole}.{rest:0<6}Z"
