"""The funds for programs of the officer's own: their figures as a table, and the books behind them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import msgspec
from flask import Blueprint, Response
from flask.typing import ResponseReturnValue

from services.apis import funding as api
from services.apis import ledger_export
from services.kit.every import every
from services.kit.screens import ask, only
from services.kit.tables import MEDIA, Row, table

FIGURES = api.Figures.__struct_fields__
COLUMNS = ("fund_id", "name", "kind", "sponsor", "open", *FIGURES)


@only("finance", "auditor")
def export(format: Literal["csv", "xlsx", "hledger"]) -> ResponseReturnValue:
    """`hledger`: every transfer, for whoever adds it up again; the coins in wallets are one account of each fund."""
    if format == "hledger":
        query = ledger_export.ExportQuery(format="hledger")
        return _file(ask("ledger", ledger_export.GET_EXPORT, query=query), "text/plain", "books.journal")
    return _file(table(format, COLUMNS, _rows()), MEDIA[format], f"funds.{format}")


def _rows() -> Iterator[Row]:
    for fund in every("funding", api.GET_FUNDS, "funds"):
        figures = msgspec.structs.asdict(fund.figures or api.Figures())
        yield (fund.fund_id, fund.name, fund.kind, fund.sponsor, fund.open, *(figures[name] for name in FIGURES))


def _file(content: bytes, media: str, name: str) -> Response:
    return Response(content, mimetype=media, headers={"Content-Disposition": f'attachment; filename="{name}"'})


def add_to(pages: Blueprint) -> None:
    pages.add_url_rule("/export.<any(csv, xlsx, hledger):format>", "export", export)
