"""The same request sent twice has one effect and the same answer – refusals too, except for the correlation id they carry.

The key's row, the effect and the answer are one transaction. A second request with the same key waits on the first one's row, then
finds its answer. No expiry: a till that comes back after a week gets the answer it missed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

from flask import Response, request
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from services.apis.endpoint import Endpoint
from services.apis.errors import Refused
from services.kit.db import ANSWERS, Tx
from services.kit.problems import problem_again, problem_response


def answer_once(tx: Tx, endpoint: Endpoint, path: dict[str, Any], work: Callable[[], Response]) -> Response:
    """Do `work` if this key is new, else give the stored answer.

    Raises Refused `key_missing` (400) without an Idempotency-Key, `key_reused` (422) when the key came with other content before.
    """
    key = request.headers.get("Idempotency-Key", "")
    if not 8 <= len(key) <= 100:
        raise Refused(
            "key_missing",
            "Send an Idempotency-Key of 8 to 100 characters, new for each thing you want done.",
            status=400,
        )
    tx.key = key
    caller = f"{tx.who.kind}:{tx.who.id}"
    said = hashlib.sha256(
        repr((endpoint.name, sorted((k, str(v)) for k, v in path.items()))).encode() + request.get_data()
    ).digest()
    mine = {"caller": caller, "key": key, "request_hash": said, "status": 0, "body": b"", "answered_at": tx.now}
    if tx.session.scalar(insert(ANSWERS).values(mine).on_conflict_do_nothing().returning(ANSWERS.c.key)) is None:
        return _stored(tx, caller, key, said)
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
    tx.session.execute(
        ANSWERS.update()
        .where(ANSWERS.c.caller == caller, ANSWERS.c.key == key)
        .values(status=response.status_code, body=response.get_data())
    )
    return response


def _stored(tx: Tx, caller: str, key: str, said: bytes) -> Response:
    row = tx.session.execute(select(ANSWERS).where(ANSWERS.c.caller == caller, ANSWERS.c.key == key)).one()
    if bytes(row.request_hash) != said:
        raise Refused(
            "key_reused",
            "This Idempotency-Key was used for another request. Take a new key for a new thing.",
            status=422,
        )
    if row.status < 400:
        response = Response(bytes(row.body), status=row.status, mimetype="application/json")
    else:
        response = problem_again(bytes(row.body))
    response.headers["Idempotent-Replayed"] = "true"
    return response
