"""All that the books say of one id – a request, an award, a hold, a cause –, gathered by one sort on the server and read row by row."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from operator import itemgetter
from typing import Any

from msgspec import json

from ledger.audit.source import Snapshot

Dossier = dict[str, list[Any]]
"""What -> its rows, each a list of values in the order of the query below."""

HASHED = "leaf = sha256(convert_to((to_jsonb({0}) - 'leaf')::text, 'UTF8'))"
EVENT_ID = """CASE type
    WHEN 'coins.expired.v1' THEN said ->> 'correlation_id' WHEN 'fund.shortfall.v1' THEN said ->> 'causation_id'
    ELSE coalesce(said #>> '{data,award_id}', said #>> '{data,sale_id}', said #>> '{data,topup_id}') END"""

_EVENTS = """
    SELECT ({event_id})::uuid AS id, 'said' AS what, json_build_array(type, seq, said)::text AS row
    FROM (SELECT type, seq, convert_from(value, 'UTF8')::json AS said FROM outbox WHERE put_at >= %(since)s) o"""

# Each: the id, what it is, the rest. `{only}`: the condition on the id when an audit goes on from an earlier one.
_PARTS = """
    SELECT request_id AS id, 'outcome' AS what, json_build_array(kind, state, amount_cents, code, facts, to_char(decided_at, {instant}),
        encode(payload, 'hex'), encode(leaf, 'hex'))::text AS row FROM outcomes WHERE request_id {only}
UNION ALL
    SELECT journal, 'moved', json_build_array(id, kind, debit_account, credit_account, amount_cents, fund, seq,
        to_char(posted_at, {instant}))::text FROM transfers WHERE journal {only}
UNION ALL
    SELECT coalesce(o.journal, r.journal), 'back', json_build_array(r.id, r.kind, r.debit_account, r.credit_account, r.amount_cents,
        r.fund, o.id, r.reversal_of, to_char(r.posted_at, {instant}))::text
    FROM transfers r LEFT JOIN transfers o ON o.id = r.reversal_of
    WHERE r.reversal_of IS NOT NULL AND coalesce(o.journal, r.journal) {only}
UNION ALL
    SELECT hold_id, 'hold', json_build_array(leg, debit_account, credit_account, amount_cents, {hashed_h})::text FROM holds h
    WHERE hold_id {only}
UNION ALL
    SELECT hold_id, 'end', json_build_array(how, request_id, to_char(ended_at, {instant}), {hashed_e}, o.kind, o.state,
        to_char(o.decided_at, {instant}))::text
    FROM (SELECT e.*, {hashed_e} AS fits FROM hold_ends e) e LEFT JOIN outcomes o USING (request_id) WHERE hold_id {only}
UNION ALL
    SELECT request_id, 'ends', json_build_array(hold_id)::text FROM hold_ends WHERE request_id {only}
UNION ALL
    SELECT hold_id, 'end_moved', json_build_array(t.seq, t.debit_account, t.credit_account, t.amount_cents, t.id)::text
    FROM hold_ends JOIN transfers t ON t.journal = request_id WHERE hold_id {only}
UNION ALL
    SELECT award_id, 'waiting', json_build_array(turn, person_id, fund_ids, amount_cents, reason, to_char(since, {instant}), plans,
        encode(envelope, 'base64'), {hashed_w})::text FROM waiting_awards w WHERE award_id {only}
UNION ALL
    SELECT award_id, 'withdrawn', json_build_array(attendance_id, kept_cents, {hashed_a})::text FROM withdrawn_awards a
    WHERE award_id {only}
UNION ALL
    SELECT cause, 'expired', json_build_array(id, debit_account, fund, amount_cents)::text FROM transfers
    WHERE kind = 'expiry' AND posted_at >= %(since)s
UNION ALL
    SELECT cause, 'short', json_build_array(t.id, t.fund, amount_cents)::text
    FROM transfers t JOIN accounts ON accounts.id = debit_account AND starts_with(code, 'receivable/')
    WHERE kind = 'topup_reversal' AND posted_at >= %(since)s
"""
# What has changed since: everything a transaction writes carries its instant.
_TOUCHED = """
    SELECT request_id AS id FROM outcomes WHERE decided_at >= %(since)s
    UNION SELECT journal FROM transfers WHERE posted_at >= %(since)s
    UNION SELECT o.journal FROM transfers r JOIN transfers o ON o.id = r.reversal_of WHERE r.posted_at >= %(since)s
    UNION SELECT hold_id FROM hold_ends WHERE ended_at >= %(since)s
    UNION SELECT award_id FROM waiting_awards
    UNION SELECT id FROM events"""

_GATHERED = """
    SELECT id::text, what, row FROM (SELECT id, what, row FROM events WHERE id IS NOT NULL UNION ALL {parts}) a ORDER BY a.id"""

EVERYTHING = "-infinity"


def dossiers(books: Snapshot, since: str) -> Iterator[tuple[str, Dossier]]:
    """Each id with its dossier, in order of id. `since`: an instant, or EVERYTHING. Raises psycopg.DataError for an unreadable event."""
    whole = since == EVERYTHING
    # "{}" in EVENT_ID are PostgreSQL's; so nothing here is a Python format.
    query = "WITH events AS MATERIALIZED (" + _EVENTS.replace("{event_id}", EVENT_ID) + ")"
    query += "" if whole else ", touched AS MATERIALIZED (" + _TOUCHED + ")"
    parts = _PARTS.replace("{hashed_e} AS fits", HASHED.replace("{0}", "e") + " AS fits").replace("{hashed_e}", "fits")
    for name in ("h", "w", "a"):
        parts = parts.replace("{hashed_" + name + "}", HASHED.replace("{0}", name))
    parts = parts.replace("{only}", "IS NOT NULL" if whole else "IN (SELECT id FROM touched)")
    query += _GATHERED.replace("{parts}", parts)
    for id_, rows in groupby(books.rows(query, {"since": since}), key=itemgetter(0)):
        dossier: Dossier = {}
        for _, what, row in rows:
            dossier.setdefault(what, []).append(json.decode(row))
        yield id_, dossier
