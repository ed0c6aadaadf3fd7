"""The commands of the sealed log: `meritcoin seal`, `meritcoin receipt`, `meritcoin verify`."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any
from uuid import UUID

from infra.cli_asking import Add, Progress, as_json, asking, command, euros, show, the_ledger
from services.apis import ledger_log as api
from services.apis.errors import Refused
from services.kit.context import Context
from services.kit.settings import Settings


def seal(settings: Settings, args: argparse.Namespace) -> int:
    """Seal what was booked, and the periods that were closed; exit 1 if something is left (another sealer is at work)."""
    from infra.city import read_city
    from infra.wiring import build_town, seal_key
    from ledger import sealing

    if args.periods:
        return _show_periods(settings, args)
    if args.key:
        key = sealing.Signer(settings.seal_key or seal_key(settings.var), read_city(settings.city)).text
        print(json.dumps({"key": key}) if args.json else key)
        return 0
    town, progress = build_town(settings), Progress(args)
    try:
        ctx, done = town.rooms["ledger"], {"transfers": 0, "periods": 0}
        for word, job in (("transfers", sealing.seal), ("periods", sealing.seal_periods)):
            did = 1
            while did:
                with ctx.transaction() as tx:
                    did = job(tx)
                done[word] += did
                if did:
                    progress(f"{word} sealed", done[word])
        progress.over()
        with ctx.engine.connect() as conn:
            left = sealing.figures(conn, ctx.clock.now())["unsealed"]
    finally:
        town.close()
    if args.json:
        print(json.dumps({**done, "left": left}))
    else:
        print(f"{done['transfers']} transfers and {done['periods']} periods sealed, {left} transfers left.")
    return 1 if left else 0


def _show_periods(settings: Settings, args: argparse.Namespace) -> int:
    from ledger.handlers_log import get_period_seals

    with the_ledger(settings) as ctx, asking(ctx) as tx:
        months = get_period_seals(tx, api.SealsQuery(limit=120))
    show(args, months, lambda: [
        f"{seal.period}  sealed {seal.at:%Y-%m-%dT%H:%M:%SZ}  log of {seal.size} {seal.root}  balances {seal.balances_root}"
        for seal in months.seals
    ] or ["No month is sealed yet."])  # fmt: skip
    return 0


def receipt(settings: Settings, args: argparse.Namespace) -> int:
    """Print the proof that a transfer, or all that a sale moved, is in the sealed log; exit 1 for what is unknown or not sealed yet."""
    with the_ledger(settings) as ctx:
        receipts = [_receipt(ctx, transfer_id) for transfer_id in _transfers_of(ctx, args.id)]
    document: Any = receipts[0] if len(receipts) == 1 else {"receipts": receipts}
    if args.save:
        try:
            args.save.write_text(as_json(document) + "\n", "utf-8")
        except OSError as error:
            print(f"{args.save} cannot be written: {error.strerror}.", file=sys.stderr)
            return 2
    saved = [f"Saved: python verify.py {args.save} KEY, with ledger/verify.py and the key of `meritcoin seal --key`."]
    show(args, document, lambda: [*(line for one in receipts for line in _told(one)), *(saved if args.save else [])])
    return 0


def _transfers_of(ctx: Context, id_: UUID) -> list[UUID]:
    """All that a request of this id moved; else the id is taken for a transfer's. (A request's first transfer has its id.)"""
    from ledger.handlers_books import get_journal

    try:
        with asking(ctx) as tx:
            journal = get_journal(tx, id_)
    except Refused as no:
        if no.code != "unknown_journal":
            raise
        return [id_]
    if not journal.transfers:
        raise Refused("nothing_moved", f"This {journal.kind} moved nothing, so there is no receipt of it.")
    return [transfer.transfer_id for transfer in journal.transfers]


def _receipt(ctx: Context, transfer_id: UUID) -> api.Receipt:
    from ledger.handlers_books import get_transfer
    from ledger.handlers_log import get_receipt

    try:
        with asking(ctx) as tx:
            return get_receipt(tx, transfer_id)
    except Refused as no:
        if no.code != "not_sealed_yet":
            raise
        with asking(ctx) as tx:
            since = (tx.now - get_transfer(tx, transfer_id).posted_at).total_seconds()
        raise Refused(
            no.code,
            f"Booked {since:.0f} s ago, and not yet in the sealed log. A town that runs seals within {no.facts['ask_again_in_s']} s; "
            "`meritcoin seal` does it now.",
        ) from no


def _told(one: api.Receipt) -> list[str]:
    transfer = one.transfer
    size = one.checkpoint.splitlines()[1]
    return [
        f"{transfer.kind} {transfer.transfer_id}: {euros(transfer.amount_cents)} EUR from {transfer.debit} to {transfer.credit}",
        f"happened {transfer.occurred_at}, booked {transfer.posted_at}",
        f"entry {one.position} of the log of {size}, proven by {len(one.proof)} hashes and this checkpoint:",
        *(f"  {line}" for line in one.checkpoint.splitlines()),
    ]


def verify(settings: Settings, args: argparse.Namespace) -> int:
    """Say whether a receipt, or the proof between two checkpoints, holds."""
    from ledger import verify as verifier

    try:
        document = json.loads(Path(args.file).read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        print(f"{args.file} cannot be read as JSON: {error}", file=sys.stderr)
        return 2
    try:
        holds, sentence = True, verifier.verify(document, args.key)
    except verifier.Wrong as wrong:
        holds, sentence = False, str(wrong)
    print(json.dumps({"holds": holds, "sentence": sentence}) if args.json else sentence)
    return 0 if holds else 1


def add_commands(add: Add) -> None:
    sealer = command(add, "seal", seal, "put what was booked into the sealed log, and sign it", long=True)
    sealer.add_argument("--key", action="store_true", help="only print the public key that checkpoints are signed with")
    sealer.add_argument("--periods", action="store_true", help="only list the sealed months, newest first")
    proof = command(add, "receipt", receipt, "the proof that a transfer, or a sale, is in the sealed log")
    proof.add_argument("id", type=UUID, help="the transfer's id, or the sale's")
    proof.add_argument("--save", type=Path, metavar="FILE", help="write what `ledger/verify.py` verifies without us")
    verifier = command(add, "verify", verify, "verify a receipt, or that one checkpoint of the log continues another")
    verifier.add_argument(
        "file", help="the receipt, or two checkpoints with their proof, as the API answers them (JSON)"
    )
    verifier.add_argument("--key", required=True, help="the public key, as `meritcoin seal --key` prints it")
