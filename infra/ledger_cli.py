"""The commands around the books: balances, histories, transfers, the audit, exports. They read through the API's own handlers."""

from __future__ import annotations

import argparse
import sys
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec

from infra.cli_asking import Add, Progress, asking, command, euros, show, the_ledger
from services.apis import ledger as api
from services.kit.settings import Settings

PAGE = 200


def balance(settings: Settings, args: argparse.Namespace) -> int:
    """Print what stands on an account, now or at a past instant."""
    from ledger.handlers_books import get_account

    query = api.AccountQuery(code=args.code, at=args.at, by=args.by)
    with the_ledger(settings) as ctx, asking(ctx) as tx:
        shown = get_account(tx, query)
    when = f" at {shown.at:%Y-%m-%dT%H:%M:%SZ} by {shown.by}" if shown.at else ""
    show(args, shown, lambda: [f"{euros(shown.balance_cents)} EUR on {shown.code}{when}",
                               f"{euros(shown.credits_cents)} came in, {euros(shown.debits_cents)} went out"])  # fmt: skip
    return 0


def history(settings: Settings, args: argparse.Namespace) -> int:
    """Print what moved on an account, newest first."""
    from ledger.handlers_books import get_history

    found: list[api.Transfer] = []
    cursor = None
    with the_ledger(settings) as ctx:
        while len(found) < args.limit:
            limit = min(PAGE, args.limit - len(found))
            query = api.HistoryQuery(code=args.code, at=args.at, by=args.by, cursor=cursor, limit=limit)
            with asking(ctx) as tx:
                page = get_history(tx, query)
            found += page.transfers
            cursor = page.next_cursor
            if cursor is None:
                break
    show(args, found, lambda: [_line(t, args.code, args.by) for t in found])
    return 0


def transfer(settings: Settings, args: argparse.Namespace) -> int:
    """Print one transfer."""
    from ledger.handlers_books import get_transfer

    with the_ledger(settings) as ctx, asking(ctx) as tx:
        shown = get_transfer(tx, args.id)
    fields: dict[str, Any] = msgspec.to_builtins(shown)
    show(args, shown, lambda: [f"{name:13} {value}" for name, value in fields.items()])
    return 0


def audit(settings: Settings, args: argparse.Namespace) -> int:
    """Prove the books; exit 1 when a row is wrong."""
    from ledger.audit import audit as prove
    from ledger.audit.state import StateUnusable, read_state, write_state

    going_on = args.since or args.state
    try:
        state = read_state(going_on) if going_on and not args.full and (args.since or going_on.exists()) else None
    except StateUnusable as error:
        print(error, file=sys.stderr)
        return 2
    progress = Progress(args)
    with the_ledger(settings) as ctx:
        report, state = prove(ctx.engine, state, progress)
    progress.over()
    if args.state and report.is_right:
        write_state(args.state, state)
    since = f" after number {report.since_seq}" if report.since_seq else ""
    verdict = (
        f"{report.transfers} transfers{since}, {report.accounts} accounts, {euros(report.cents)} EUR moved, {report.requests} requests: "
        f"{'all is well' if report.is_right else f'{report.wrong} wrong'} ({report.seconds:.1f} s)."
    )
    said = {"right": report.is_right, **msgspec.to_builtins(report)}
    show(args, said, lambda: [*map(str, report.findings), verdict])
    return 0 if report.is_right else 1


def export(settings: Settings, args: argparse.Namespace) -> int:
    """Write the books for another program. A file is there whole, or not at all."""
    from ledger.exports import export as write

    beside, progress = args.file.with_name(f"{args.file.name}.new"), Progress(args)
    try:
        with beside.open("w", encoding="utf-8", newline="") as out, the_ledger(settings) as ctx:
            count = write(
                ctx.engine, out, args.format, until=args.until, by=args.by, tell=lambda n: progress("transfers", n)
            )
        beside.replace(args.file)
    except OSError as error:
        print(f"{args.file} cannot be written: {error.strerror}.", file=sys.stderr)
        return 2
    finally:
        beside.unlink(missing_ok=True)
    progress.over()
    said = {"transfers": count, "file": str(args.file), "format": args.format}
    show(args, said, lambda: [f"{count} transfers written to {args.file}."])
    return 0


def add_commands(add: Add) -> None:
    """Add these commands to the command line."""
    one = command(add, "balance", balance, "what stands on an account, now or at any past instant")
    many = command(add, "history", history, "what moved on an account, newest first")
    for sub in (one, many):
        sub.add_argument("code", help="the account, e.g. fund/… or shop/…/…")
        sub.add_argument("--at", type=_instant, help="as it stood then, e.g. 2026-05-04T12:00:00Z; else now")
        _clock(sub)
    many.add_argument("--limit", type=_count, default=50, help="how many at most (50)")
    command(add, "transfer", transfer, "one transfer").add_argument("id", type=UUID)
    proof = command(add, "audit", audit, "prove the books from outside, and name what is wrong", long=True)
    proof.add_argument(
        "--since", type=Path, metavar="FILE", help="go on from where the audit that left this file stopped"
    )
    proof.add_argument(
        "--state",
        type=Path,
        metavar="FILE",
        help="go on from this file if it is there, and leave it for the next audit",
    )
    proof.add_argument("--full", action="store_true", help="audit everything all the same")
    books = command(add, "export", export, "the books for hledger, beancount or a spreadsheet", long=True)
    books.add_argument("format", choices=["hledger", "beancount", "csv"])
    books.add_argument("file", type=Path)
    books.add_argument("--until", type=_instant, help="up to this instant, e.g. 2026-12-31T23:00:00Z; else all")
    _clock(books)


def _clock(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("--by", choices=["posted_at", "occurred_at"], default="posted_at",
                     help="by which clock: when it was written down (posted_at), or when it happened")  # fmt: skip


def _instant(said: str) -> datetime:
    try:
        at: datetime | None = datetime.fromisoformat(said)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise argparse.ArgumentTypeError(f"{said!r} is no instant; write one with its zone, e.g. 2026-05-04T12:00:00Z")
    return at


def _count(said: str) -> int:
    if not said.isdigit() or int(said) < 1:
        raise argparse.ArgumentTypeError(f"{said!r} is no number above zero")
    return int(said)


def _line(t: api.Transfer, code: str, by: str) -> str:
    incoming = t.credit == code
    other = f"from {t.debit}" if incoming else f"to {t.credit}"
    at: datetime = getattr(t, by)
    return f"{at:%Y-%m-%dT%H:%M:%SZ}  {euros(t.amount_cents if incoming else -t.amount_cents):>12}  {t.kind:17} {t.transfer_id}  {other}"
