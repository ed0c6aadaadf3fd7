"""The auditor's pages: any account at any instant, a transfer with both its sides, a journal, and whether all of it holds."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from flask import Blueprint, Response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from ledger.words import BELOW_ZERO, CLASSES, INVARIANTS, KINDS, OUTCOMES, REFUSALS
from services.apis import funding, ledger_export, ledger_fund, ledger_log, redemption
from services.apis import ledger as api
from services.apis.errors import Refused
from services.kit.every import every
from services.kit.i18n import full_day, month
from services.kit.screens import ask, ask_together, only, screens
from services.kit.tables import CSV, XLSX, Row, as_xlsx
from services.kit.words import say

AUDITOR = "auditor"
A_PAGE = 25
Format = Literal["hledger", "beancount", "csv"]
FORMATS: dict[str, tuple[Format, str, str]] = {
    "hledger": ("hledger", "books.journal", "text/plain"),
    "beancount": ("beancount", "books.beancount", "text/plain"),
    "csv": ("csv", "books.csv", CSV),
    "xlsx": ("csv", "books.xlsx", XLSX),
}  # what is asked of the ledger, and the file that is made of it
pages = Blueprint("books", __name__, template_folder="templates")
say(pages, REFUSALS)

Names = dict[str, str]


# ---------- words for what the books hold ----------


def names() -> Names:
    """What funds and shops are called, by id."""
    found = {str(one.fund_id): one.name for one in every("funding", funding.GET_FUNDS, "funds")}
    shops = every("redemption", redemption.GET_SHOPS, "shops", redemption.ShopQuery(also_ended=True))
    return found | {str(one.shop_id): one.name for one in shops}


def account_words(code: str) -> str:
    """What stands on an account: `Coins in one wallet, good until November 2026`."""
    words = code.split("/")
    said = str(CLASSES.get(words[0], words[0]))
    if words[0] == "coins":
        last = date.fromisoformat(f"{words[3]}-01")
        said = str(_("%(account)s, good to the end of %(month)s", account=said, month=month(last)))
    return said


def account_of(code: str, known: Names) -> str:
    """Whose it is: the shop, if there is one, and the fund."""
    words = code.split("/")
    fund_id = words[2] if len(words) > 2 else words[-1]
    found = [known.get(words[1]) if words[0] in ("shop", "overpaid") else None, known.get(fund_id)]
    return " · ".join(name for name in found if name)


def stamp(instant: datetime) -> str:
    """`27 Nov 2026, 11:04:09` by the city's clocks."""
    local = screens().city.local(instant)
    return f"{full_day(local.date())}, {local:%H:%M:%S}"


def kind_words(kind: str) -> str:
    return str(KINDS.get(kind, kind))


for word in (account_words, account_of, kind_words):
    pages.add_app_template_global(word)
pages.add_app_template_filter(stamp)


# ---------- the books ----------


@pages.get("/books")
@only(AUDITOR)
def books() -> ResponseReturnValue:
    """Every fund in figures; `find`: an account by its code, a transfer or journal by its number."""
    refusal = None
    if sought := request.args.get("find", "").strip():
        try:
            return redirect(find(sought))
        except Refused as refused:
            if refused.status in (401, 403):
                raise
            refusal = refused
    parts = ask_together(funds=lambda: ask("ledger", ledger_fund.GET_FUNDS), names=names)
    return render_template(
        "books/books.html", parts=parts, refusal=refusal, sought=sought
    ), refusal.status if refusal else 200


def find(sought: str) -> str:
    """The address of what has this code or number. Raises Refused."""
    if "/" in sought:
        ask("ledger", api.GET_ACCOUNT, query=api.AccountQuery(code=sought))
        return url_for(".account", code=sought)
    try:
        number = UUID(sought)
    except ValueError:
        raise Refused("unknown_entry", "Nothing has this number.", status=404) from None
    places: tuple[tuple[Callable[[], Any], Callable[[], str]], ...] = (
        (lambda: ask("ledger", api.GET_TRANSFER, transfer_id=number), lambda: url_for(".transfer", transfer_id=number)),
        (lambda: ask("ledger", api.GET_JOURNAL, journal=number), lambda: url_for(".journal", number=number)),
    )
    for look, address in places:
        try:
            look()
        except Refused as refusal:
            if refusal.status != 404:
                raise
        else:
            return address()
    raise Refused("unknown_entry", "Nothing has this number.", status=404)


@pages.get("/books/account")
@only(AUDITOR)
def account() -> ResponseReturnValue:
    code, said = request.args.get("code", ""), request.args.get("at", "")
    by: api.By = "occurred_at" if request.args.get("by") == "occurred_at" else "posted_at"
    refusal, at = None, None
    try:
        at = instant_of(said)
    except Refused as refused:
        refusal = refused
    cursor = request.args.get("before")
    history = api.HistoryQuery(code=code, at=at, by=by, cursor=cursor, limit=A_PAGE)
    stands = ask("ledger", api.GET_ACCOUNT, query=api.AccountQuery(code=code, at=at, by=by))
    parts = ask_together(
        now=lambda: ask("ledger", api.GET_ACCOUNT, query=api.AccountQuery(code=code)),
        history=lambda: ask("ledger", api.GET_HISTORY, query=history), names=names,
    )  # fmt: skip
    page = render_template(
        "books/account.html", code=code, stands=stands, parts=parts, known=parts.get("names", {}), at=at, said=said, by=by, refusal=refusal,
        below_zero=code.partition("/")[0] in BELOW_ZERO, later=cursor is not None,
    )  # fmt: skip
    return page, refusal.status if refusal else 200


def instant_of(said: str) -> datetime | None:
    """A moment by the city's clocks (`2026-11-27T11:04`), its whole minute or second included; None for an empty one."""
    if not said:
        return None
    try:
        local = datetime.fromisoformat(said)
    except ValueError:
        raise Refused("instant_wrong", "Write a day and a time.", {"field": "at"}, status=422) from None
    return local.replace(
        second=local.second if len(said) > 16 else 59, microsecond=999_999, tzinfo=ZoneInfo(screens().city.zone)
    )


@pages.get("/books/transfers/<uuid:transfer_id>")
@only(AUDITOR)
def transfer(transfer_id: UUID) -> ResponseReturnValue:
    found = ask("ledger", api.GET_TRANSFER, transfer_id=transfer_id)
    parts = ask_together(names=names, receipt=lambda: ask("ledger", ledger_log.GET_RECEIPT, transfer_id=transfer_id))
    return render_template("books/transfer.html", one=found, parts=parts, known=parts.get("names", {}))


@pages.get("/books/transfers/<uuid:transfer_id>/receipt.json")
@only(AUDITOR)
def receipt(transfer_id: UUID) -> ResponseReturnValue:
    """The proof, as `ledger/verify.py` reads it."""
    proof = ask("ledger", ledger_log.GET_RECEIPT, transfer_id=transfer_id)
    return _file(msgspec.json.encode(proof), f"receipt-{transfer_id}.json", "application/json")


@pages.get("/books/journals/<uuid:number>")
@only(AUDITOR)
def journal(number: UUID) -> ResponseReturnValue:
    found = ask("ledger", api.GET_JOURNAL, journal=number)
    parts = ask_together(names=names)
    why = OUTCOMES.get(found.code) if found.code else None
    return render_template("books/journal.html", one=found, why=why, known=parts.get("names", {}))


@pages.get("/books/export")
@only(AUDITOR)
def export() -> ResponseReturnValue:
    """All of the books for a program of the auditor's own."""
    wanted = request.args.get("format", "")
    if wanted not in FORMATS:
        raise Refused("invalid_request", "Choose one of the formats.", status=422)
    asked, name, media = FORMATS[wanted]
    content: bytes = ask("ledger", ledger_export.GET_EXPORT, query=ledger_export.ExportQuery(format=asked))
    return _file(as_xlsx(*_read(content)) if wanted == "xlsx" else content, name, media)


def _read(content: bytes) -> tuple[Row, Iterator[Row]]:
    """The books in CSV: the names of their columns, and their rows with amounts as numbers."""
    columns, *rows = csv.reader(io.StringIO(content.decode(), newline=""))
    cents = columns.index("amount_cents")
    return columns, ((*row[:cents], int(row[cents]), *row[cents + 1 :]) for row in rows)


# ---------- whether it holds ----------


@pages.get("/checks")
@only(AUDITOR)
def checks() -> ResponseReturnValue:
    asked = ask_together(
        checkpoint=lambda: ask("ledger", ledger_log.GET_CHECKPOINT),
        seals=lambda: ask("ledger", ledger_log.GET_PERIOD_SEALS, query=ledger_log.SealsQuery()),
    )
    checked, refusal = None, None
    try:
        checked = ask("ledger", ledger_export.GET_CHECKS)
    except Refused as refused:
        if refused.status in (401, 403):
            raise
        refusal = refused
    return render_template("books/checks.html", parts=asked, checked=checked, refusal=refusal, sentences=INVARIANTS)


def _file(content: bytes, name: str, mimetype: str) -> Response:
    return Response(content, mimetype=mimetype, headers={"Content-Disposition": f'attachment; filename="{name}"'})
