"""Tables for people to take along: CSV and XLSX. No cell is ever a formula, whoever wrote what stands in it.

In XLSX every text is written as text and only numbers as numbers. In CSV, which has no types, a text a spreadsheet would read as a formula
gets an apostrophe before it (OWASP, "CSV injection").
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Literal
from uuid import UUID
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from xlsxwriter import Workbook

Cell = str | int | date | datetime | UUID | None
Row = Sequence[Cell]
CSV, XLSX = "text/csv", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
MEDIA = {"csv": CSV, "xlsx": XLSX}
_LIKE_A_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_FIRST_DAY = datetime(1980, 1, 1)  # noqa: DTZ001 - of ZIP's calendar, which knows no zones: the same table is the same file


def table(kind: Literal["csv", "xlsx"], columns: Row, rows: Iterable[Row]) -> bytes:
    return as_csv(columns, rows) if kind == "csv" else as_xlsx(columns, rows)


def as_csv(columns: Row, rows: Iterable[Row]) -> bytes:
    """RFC 4180, UTF-8."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(columns)
    writer.writerows([_harmless(cell) if isinstance(cell, str) else _text(cell) for cell in row] for row in rows)
    return out.getvalue().encode()


def as_xlsx(columns: Row, rows: Iterable[Row]) -> bytes:
    """One sheet, whose first row of names stays in sight."""
    out = io.BytesIO()
    with Workbook(out, {"in_memory": True}) as book:
        book.set_properties({"created": _FIRST_DAY})
        sheet = book.add_worksheet()
        sheet.freeze_panes(1, 0)
        for at, row in enumerate((columns, *rows)):
            for column, cell in enumerate(row):
                if isinstance(cell, int) and not isinstance(cell, bool):
                    sheet.write_number(at, column, cell)
                else:
                    sheet.write_string(at, column, _text(cell))
    return out.getvalue()


def zipped(files: dict[str, bytes]) -> bytes:
    """The same files make the same ZIP."""
    out = io.BytesIO()
    with ZipFile(out, "w", ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(ZipInfo(name, _FIRST_DAY.timetuple()[:6]), content, ZIP_DEFLATED)
    return out.getvalue()


def _harmless(text: str) -> str:
    return f"'{text}" if text.startswith(_LIKE_A_FORMULA) else text


def _text(value: Cell) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return value.isoformat() if isinstance(value, date) else str(value)
