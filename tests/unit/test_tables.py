"""A table taken along opens as what it is, whoever wrote what stands in it."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime
from zipfile import ZipFile

from defusedxml.ElementTree import fromstring

from services.kit.tables import as_csv, as_xlsx, table

MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
ROWS = [("=HYPERLINK(1)", -450), ("@sum <b>&", 5), (None, datetime(2026, 5, 4, 12, tzinfo=UTC)), ("Bar \x0b+1", True)]


def cells(made: bytes) -> list[list[str | int]]:
    """Of each row what each cell is: a text or a number. Anything else fails."""
    with ZipFile(io.BytesIO(made)) as file:
        texts = ["".join(one.itertext()) for one in fromstring(file.read("xl/sharedStrings.xml"))]
        sheet = fromstring(file.read("xl/worksheets/sheet1.xml"))
    found: list[list[str | int]] = []
    for row in sheet.iter(f"{MAIN}row"):
        assert [part.tag for cell in row for part in cell] == [f"{MAIN}v"] * len(row)  # a formula is another tag
        values = [(cell.get("t"), "".join(cell.itertext())) for cell in row]
        found.append([texts[int(value)] if kind == "s" else int(value) for kind, value in values])
    return found


def test_no_cell_is_a_formula_in_excel_and_numbers_are_numbers() -> None:
    names, *rows = cells(as_xlsx(("name", "cents"), ROWS))
    assert names == ["name", "cents"]
    assert rows == [
        ["=HYPERLINK(1)", -450],
        ["@sum <b>&", 5],
        ["", "2026-05-04T12:00:00+00:00"],
        ["Bar _x000B_+1", "true"],
    ]


def test_no_text_in_csv_begins_like_a_formula() -> None:
    raw = as_csv(("name", "cents"), ROWS).decode()
    assert raw.count("\r\n") == 5
    assert [row[0] for row in csv.reader(io.StringIO(raw, newline=""))] == [
        "name",
        "'=HYPERLINK(1)",
        "'@sum <b>&",
        "",
        "Bar \x0b+1",
    ]
    assert ",-450\r\n" in raw


def test_the_same_table_is_the_same_file() -> None:
    assert table("xlsx", ("name", "cents"), ROWS) == table("xlsx", ("name", "cents"), ROWS)
