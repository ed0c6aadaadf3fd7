"""The reads that several handlers share."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from uuid import UUID

from sqlalchemy import select

from services.apis import shifts as api
from services.kit.db import Tx
from services.kit.views import view_of
from services.shifts.models import Message


def messages_of(tx: Tx, shift_ids: Collection[UUID]) -> dict[UUID, tuple[api.Message, ...]]:
    """By shift, newest first; of a shift without any an empty tuple."""
    found: dict[UUID, tuple[api.Message, ...]] = defaultdict(tuple)
    written = (
        select(Message)
        .where(Message.shift_id.in_(shift_ids))
        .order_by(Message.sent_at.desc(), Message.message_id.desc())
    )
    for one in tx.session.scalars(written):
        found[one.shift_id] += (view_of(api.Message, one),)
    return found
