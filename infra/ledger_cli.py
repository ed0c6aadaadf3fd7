"""The commands around the books: balances, histories, transfers, the audit, exports. They read through the API's own handlers."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec

from services.apis import ledger as api
from services.apis.errors import Refused
from services.kit.context import Context
from services.kit.settings import Settings

Run = Callable[[Settings, argparse.Namespace], int]
Add = Callable[[str, Run, str], argparse.ArgumentParser]
PAGE = 200


def balance(settings: Settings, args: argparse.Namespace) -> int:
    """Print what stands on an account, now or at a past instant."""
    from ledger.handlers_books import get_account

    query = api.AccountQuery(code=args.code, at=args.at, by=args.by)
    with _ledger(settings) as ctx, _asking(ctx) as tx:
        shown = get_account(tx, query)
    when = f" at {shown.at:%Y-%m-%dT%H:%M:%SZ} by {shown.by}" if shown.at else ""
    _print(args, shown, lambda: [f"{_euros(shown.balance_cents)} EUR on {shown.code}{when}",
                                 f"{_euros(shown.credits_cents)} came in, {_euros(shown.debits_cents)} went out"])  # fmt: skip
    return 0


def history(settings: Settings, args: argparse.Namespace) -> int:
    """Print what moved on an account, newest first."""
    from ledger.handlers_books import get_history

    found: list[api.Transfer] = []
    cursor = None
    with _ledger(settings) as ctx:
        while len(found) < args.limit:
            limit = min(PAGE, args.limit - len(found))
            query = api.HistoryQuery(code=args.code, at=args.at, by=args.by, cursor=cursor, limit=limit)
            with _asking(ctx) as tx:
                page = get_history(tx, query)
            found += page.transfers
            cursor = page.next_cursor
            if cursor is None:
                break
    _print(args, found, lambda: [_line(t, args.code, args.by) for t in found])
    return 0


def transfer(settings: Settings, args: argparse.Namespace) -> int:
    """Print one transfer."""
    from ledger.handlers_books import get_transfer

    with _ledger(settings) as ctx, _asking(ctx) as tx:
        shown = get_transfer(tx, args.id)
    fields: dict[str, Any] = msgspec.to_builtins(shown)
    _print(args, shown, lambda: [f"{name:13} {value}" for name, value in fields.items()])
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
    with _ledger(settings) as ctx:
        report, state = prove(ctx.engine, state, _progress)
    _progress_over()
    if args.state and report.is_right:
        write_state(args.state, state)
    since = f" after number {report.since_seq}" if report.since_seq else ""
    verdict = (
        f"{report.transfers} transfers{since}, {report.accounts} accounts, {_euros(report.cents)} EUR moved, {report.requests} requests: "
        f"{'all is well' if report.is_right else f'{report.wrong} wrong'} ({report.seconds:.1f} s)."
    )
    said = {"right": report.is_right, **msgspec.to_builtins(report)}
    _print(args, said, lambda: [*map(str, report.findings), verdict])
    return 0 if report.is_right else 1


def export(settings: Settings, args: argparse.Namespace) -> int:
    """Write the books for another program. A file is there whole, or not at all."""
    from ledger.exports import export as write

    beside = args.file.with_name(f"{args.file.name}.new")
    try:
        with beside.open("w", encoding="utf-8", newline="") as out, _ledger(settings) as ctx:
            count = write(
                ctx.engine, out, args.format, until=args.until, by=args.by, tell=lambda n: _progress("transfers", n)
            )
        beside.replace(args.file)
    except OSError as error:
        print(f"{args.file} cannot be written: {error.strerror}.", file=sys.stderr)
        return 2
    finally:
        beside.unlink(missing_ok=True)
    _progress_over()
    said = {"transfers": count, "file": str(args.file), "format": args.format}
    _print(args, said, lambda: [f"{count} transfers written to {args.file}."])
    return 0


def add_commands(add: Add) -> None:
    """Add these commands to the command line."""
    one = _command(add, "balance", balance, "what stands on an account, now or at any past instant")
    many = _command(add, "history", history, "what moved on an account, newest first")
    for sub in (one, many):
        sub.add_argument("code", help="the account, e.g. fund/… or shop/…/…")
        sub.add_argument("--at", type=_instant, help="as it stood then, e.g. 2026-05-04T12:00:00Z; else now")
        _clock(sub)
    many.add_argument("--limit", type=_count, default=50, help="how many at most (50)")
    _command(add, "transfer", transfer, "one transfer").add_argument("id", type=UUID)
    proof = _command(add, "audit", audit, "prove the books from outside, and name what is wrong")
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
    books = _command(add, "export", export, "the books for hledger, beancount or a spreadsheet")
    books.add_argument("format", choices=["hledger", "beancount", "csv"])
    books.add_argument("file", type=Path)
    books.add_argument("--until", type=_instant, help="up to this instant, e.g. 2026-12-31T23:00:00Z; else all")
    _clock(books)


def _command(add: Add, name: str, run: Run, text: str) -> argparse.ArgumentParser:
    sub = add(name, _answering(run), text)
    sub.add_argument("--json", action="store_true", help="print JSON")
    return sub


def _answering(run: Run) -> Run:
    """What the books do not know is a no (1); that they cannot be read is not."""

    def answered(settings: Settings, args: argparse.Namespace) -> int:
        try:
            return run(settings, args)
        except Refused as no:
            if no.status >= 500 or no.code.startswith("role_"):
                raise
            print(no.message, file=sys.stderr)
            return 1

    return answered


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


@contextmanager
def _ledger(settings: Settings) -> Iterator[Context]:
    from infra.wiring import build_town

    town = build_town(settings)
    try:
        yield town.rooms["ledger"]
    finally:
        town.close()


@contextmanager
def _asking(ctx: Context) -> Iterator[Any]:
    """A transaction in the name of an auditor: who may run commands here may read the database anyway."""
    from services.kit.auth import Grant, Principal

    with ctx.transaction(Principal(kind="person", id=str(ctx.ids()), grants=(Grant("auditor"),))) as tx:
        yield tx


def _print(args: argparse.Namespace, value: Any, lines: Callable[[], list[str]]) -> None:
    if args.json:
        print(msgspec.json.format(msgspec.json.encode(value)).decode())
    else:
        print("\n".join(lines()))


def _line(t: api.Transfer, code: str, by: str) -> str:
    incoming = t.credit == code
    other = f"from {t.debit}" if incoming else f"to {t.credit}"
    at: datetime = getattr(t, by)
    return f"{at:%Y-%m-%dT%H:%M:%SZ}  {_euros(t.amount_cents if incoming else -t.amount_cents):>12}  {t.kind:17} {t.transfer_id}  {other}"


def _euros(cents: int) -> str:
    return f"{'-' if cents < 0 else ''}{abs(cents) // 100}.{abs(cents) % 100:02}"


def _progress(what: str, rows: int) -> None:
    if sys.stderr.isatty():
        print(f"\r{rows:>12,} {what}", end="", file=sys.stderr, flush=True)


def _progress_over() -> None:
    if sys.stderr.isatty():
        print("\r\033[K", end="", file=sys.stderr, flush=True)
