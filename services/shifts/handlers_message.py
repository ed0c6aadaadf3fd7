"""Messages to a roster: whoever has a place or waits for one reads them, until the shift is over."""

from __future__ import annotations

from uuid import UUID

from services.apis import shifts as api
from services.apis import shifts_message
from services.apis.errors import not_found
from services.kit.db import Tx
from services.kit.views import view_of
from services.shifts import domain
from services.shifts.handlers_signup import facts_of
from services.shifts.models import Message, Shift
from services.shifts.queries import messages_of


def send_message(tx: Tx, body: shifts_message.SendMessage, shift_id: UUID) -> api.Message:
    shift = _coordinated(tx, shift_id)
    domain.check_open(facts_of(shift), now=tx.now)
    message = Message(message_id=tx.new_id(), shift_id=shift_id, text=body.text, sent_at=tx.now)
    tx.session.add(message)
    return view_of(api.Message, message)


def list_messages(tx: Tx, shift_id: UUID) -> shifts_message.Messages:
    _coordinated(tx, shift_id)
    return shifts_message.Messages(messages=messages_of(tx, [shift_id])[shift_id])


def _coordinated(tx: Tx, shift_id: UUID) -> Shift:
    shift = tx.session.get(Shift, shift_id)
    if shift is None:
        raise not_found("shift", shift_id)
    tx.who.must("coordinator", shift.organisation_id)
    return shift
