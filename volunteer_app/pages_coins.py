"""My coins: lots with their last day, what for and where, every movement with its receipt."""

from __future__ import annotations

from datetime import datetime
from itertools import groupby
from uuid import UUID

import msgspec
from flask import Blueprint, Response, render_template, request
from flask.typing import ResponseReturnValue

from services.apis import awards, ledger, ledger_log, redemption
from services.apis.endpoint import Page
from services.apis.errors import Refused
from services.kit.screens import ask, ask_together, only, visit
from volunteer_app.words import MOVEMENTS, OTHER_MOVEMENT

VOLUNTEER = "volunteer"


@only(VOLUNTEER)
def coins() -> ResponseReturnValue:
    me = visit().who.id
    parts = ask_together(
        wallet=lambda: ask("ledger", ledger.GET_WALLET, person_id=me),
        awards=lambda: ask("awards", awards.GET_MY_AWARDS, query=Page(limit=20)),
        purchases=lambda: ask("redemption", redemption.GET_MY_SALES, query=Page(limit=20)),
    )
    return render_template("volunteer/coins.html", parts=parts)


@only(VOLUNTEER)
def movements() -> ResponseReturnValue:
    """Line by line, as the ledger has it, newest first; the lines of one purchase together."""
    query = Page(limit=30, cursor=request.args.get("after"))
    told = ask("ledger", ledger.GET_MOVEMENTS, query=query, person_id=visit().who.id)
    runs = [list(run) for _journal, run in groupby(told.movements, key=lambda one: one.journal)]
    return render_template(
        "volunteer/movements.html",
        runs=runs,
        next_cursor=told.next_cursor,
        kinds=MOVEMENTS,
        other_movement=OTHER_MOVEMENT,
    )


@only(VOLUNTEER)
def receipt(transfer_id: UUID) -> ResponseReturnValue:
    """What was moved, and whether the town has sealed it: then nobody can change it unseen."""
    try:
        proof = ask("ledger", ledger_log.GET_RECEIPT, transfer_id=transfer_id)
    except Refused as refusal:
        if refusal.code != "not_sealed_yet":
            raise
        proof = None
    return render_template(
        "volunteer/receipt.html", transfer_id=transfer_id, proof=proof, kinds=MOVEMENTS, other_movement=OTHER_MOVEMENT,
        happened_at=datetime.fromisoformat(proof.transfer.occurred_at) if proof else None,
    )  # fmt: skip


@only(VOLUNTEER)
def receipt_file(transfer_id: UUID) -> ResponseReturnValue:
    told = msgspec.json.format(msgspec.json.encode(ask("ledger", ledger_log.GET_RECEIPT, transfer_id=transfer_id)))
    keep = {"Content-Disposition": f'attachment; filename="receipt-{transfer_id}.json"'}
    return Response(told, mimetype="application/json", headers=keep)


def add_to(pages: Blueprint) -> None:
    pages.add_url_rule("/coins", "coins", coins)
    pages.add_url_rule("/coins/movements", "movements", movements)
    pages.add_url_rule("/coins/receipts/<uuid:transfer_id>", "receipt", receipt)
    pages.add_url_rule("/coins/receipts/<uuid:transfer_id>.json", "receipt_file", receipt_file)
