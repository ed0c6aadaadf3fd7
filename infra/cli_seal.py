"""The commands of the sealed log: `meritcoin seal`, `meritcoin verify`."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path

from services.kit.settings import Settings

Add = Callable[[str, Callable[[Settings, argparse.Namespace], int], str], argparse.ArgumentParser]


def seal(settings: Settings, args: argparse.Namespace) -> int:
    """Seal what was booked, and the periods that were closed; exit 1 if something is left (another sealer is at work)."""
    from infra.city import read_city
    from infra.wiring import build_town, seal_key
    from ledger import sealing

    if args.key:
        key = sealing.Signer(seal_key(settings.var), read_city(settings.city)).text
        print(json.dumps({"key": key}) if args.json else key)
        return 0
    town = build_town(settings)
    try:
        ctx, done = town.rooms["ledger"], {"transfers": 0, "periods": 0}
        for word, job in (("transfers", sealing.seal), ("periods", sealing.seal_periods)):
            did = 1
            while did:
                with ctx.transaction() as tx:
                    did = job(tx)
                done[word] += did
                if word == "transfers" and did and sys.stderr.isatty():
                    print(f"\r{done[word]} sealed", end="", file=sys.stderr, flush=True)
        with ctx.engine.connect() as conn:
            left = sealing.figures(conn, ctx.clock.now())["unsealed"]
    finally:
        town.close()
    if args.json:
        print(json.dumps({**done, "left": left}))
    else:
        print(f"{done['transfers']} transfers and {done['periods']} periods sealed, {left} transfers left.")
    return 1 if left else 0


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
    sealer = add("seal", seal, "put what was booked into the sealed log, and sign it")
    sealer.add_argument("--key", action="store_true", help="only print the public key that checkpoints are signed with")
    sealer.add_argument("--json", action="store_true", help="print JSON")
    verifier = add("verify", verify, "verify a receipt, or that one checkpoint of the log continues another")
    verifier.add_argument(
        "file", help="the receipt, or two checkpoints with their proof, as the API answers them (JSON)"
    )
    verifier.add_argument("--key", required=True, help="the public key, as `meritcoin seal --key` prints it")
    verifier.add_argument("--json", action="store_true", help="print JSON")
