"""The same request sent twice has one effect and the same answer – refusals too, except for the correlation id they carry.

The key's row, the effect and the answer are one transaction. A second request with the same key waits on the first one's row, then
finds its answer. No expiry: a till that comes back after a week gets the answer it missed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Mapping
from typing import Any

from flask import Response, request
from msgspec import Struct

from services.apis.endpoint import Endpoint
from services.apis.errors import Refused
from services.kit.auth import Principal
from services.kit.bulk import rows_of
from services.kit.db import Tx
from services.kit.problems import problem_again, problem_response


class Key(Struct, frozen=True, order=True):
    """An idempotency key is its caller's own."""

    caller: str
    key: str


class Kept(Struct, frozen=True):
    """An answer as it is stored: the HTTP status and the JSON body. `again`: it was given before."""

    status: int
    body: bytes
    again: bool = False


_CLAIM = """
    INSERT INTO answers (caller, key, request_hash, status, body, answered_at)
    SELECT caller, key, hash, 0, '', %(now)s FROM unnest(%(callers)s::text[], %(keys)s::text[], %(hashes)s::bytea[])
        AS asked (caller, key, hash) ORDER BY caller, key
    ON CONFLICT DO NOTHING RETURNING caller, key"""
_STORED = """
    SELECT caller, key, request_hash, status, body
    FROM unnest(%(callers)s::text[], %(keys)s::text[]) AS asked (caller, key) JOIN answers USING (caller, key)"""
_KEEP = """
    UPDATE answers SET status = given.status, body = given.body
    FROM unnest(%(callers)s::text[], %(keys)s::text[], %(statuses)s::int[], %(bodies)s::bytea[]) AS given (caller, key, status, body)
    WHERE (answers.caller, answers.key) = (given.caller, given.key)"""
_LET_GO = """
    DELETE FROM answers USING unnest(%(callers)s::text[], %(keys)s::text[]) AS open (caller, key)
    WHERE (answers.caller, answers.key) = (open.caller, open.key)"""


def key_of(who: Principal) -> Key:
    """The key this request came with. Raises Refused `key_missing` (400)."""
    key = request.headers.get("Idempotency-Key", "")
    if not 8 <= len(key) <= 100:
        raise Refused(
            "key_missing",
            "Send an Idempotency-Key of 8 to 100 characters, new for each thing you want done.",
            status=400,
        )
    return Key(f"{who.kind}:{who.id}", key)


def content_hash(endpoint: Endpoint, path: Mapping[str, Any]) -> bytes:
    """What makes this request the same request when its key comes again."""
    said = repr((endpoint.name, sorted((k, str(v)) for k, v in path.items())))
    return hashlib.sha256(said.encode() + request.get_data()).digest()


def claim(tx: Tx, asked: Mapping[Key, bytes]) -> dict[Key, Kept | Refused]:
    """Claim these keys, each with the hash of its content; what is answered already: stored, or refused as `key_reused` (422)."""
    fresh = {
        Key(*row) for row in rows_of(tx.session, _CLAIM, **_columns(asked), hashes=list(asked.values()), now=tx.now)
    }
    known: dict[Key, Kept | Refused] = {}
    before = [key for key in asked if key not in fresh]
    for caller, name, content, status, body in rows_of(tx.session, _STORED, **_columns(before)) if before else ():
        key = Key(caller, name)
        known[key] = Kept(status, bytes(body), again=True) if bytes(content) == asked[key] else _reused()
    return known


def keep(tx: Tx, given: Mapping[Key, Kept]) -> None:
    """Store what was answered; a fault of ours (5xx) leaves its key open."""
    stored = {key: kept for key, kept in given.items() if kept.status < 500}
    if stored:
        said = {"statuses": [k.status for k in stored.values()], "bodies": [k.body for k in stored.values()]}
        rows_of(tx.session, _KEEP, **_columns(stored), **said)
    if len(stored) < len(given):
        rows_of(tx.session, _LET_GO, **_columns([key for key in given if key not in stored]))


def said(kept: Kept) -> Response:
    """A stored answer as this request's response."""
    good = kept.status < 400
    response = Response(kept.body, kept.status, mimetype="application/json") if good else problem_again(kept.body)
    if kept.again:
        response.headers["Idempotent-Replayed"] = "true"
    return response


def answer_once(tx: Tx, endpoint: Endpoint, path: Mapping[str, Any], work: Callable[[], Response]) -> Response:
    """Do `work` if this request's key is new, else give the stored answer. Raises Refused `key_missing`, `key_reused`."""
    key = key_of(tx.who)
    tx.key = key.key
    for known in claim(tx, {key: content_hash(endpoint, path)}).values():
        if isinstance(known, Refused):
            raise known
        return said(known)
    mark = len(tx.outgoing)
    saved = tx.session.begin_nested()
    try:
        response = work()
        tx.session.flush()
        saved.commit()
    except Refused as refusal:
        if refusal.status >= 500:
            raise
        if refusal.keep:
            saved.commit()
        else:
            saved.rollback()
            del tx.outgoing[mark:]
        response = problem_response(refusal)
    keep(tx, {key: Kept(response.status_code, response.get_data())})
    return response


def _columns(keys: Collection[Key]) -> dict[str, list[str]]:
    return {"callers": [key.caller for key in keys], "keys": [key.key for key in keys]}


def _reused() -> Refused:
    return Refused(
        "key_reused",
        "This Idempotency-Key was used for another request. Take a new key for a new thing.",
        status=422,
    )
