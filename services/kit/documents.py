"""Documents to print: PDF from Typst templates, tagged so that they can be read aloud (PDF/UA-1), with fonts of ours in every script."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import typst
from flask import Response

from services.kit.codes import qr
from services.kit.i18n import direction, language

ROOT = Path(__file__).parents[2]  # what a template may import from: all of ours begin with `/services/kit/paper.typ`
FONTS = Path(__file__).parent / "fonts"
NO_LETTER = "could not be displayed with font"  # what Typst says where PDF/UA needs a letter that no font has
QUIET = 4  # modules around a code that stay white


def pdf(template: Path, data: Mapping[str, Any], *, now: datetime, spoken: str | None = None) -> bytes:
    """The document a template makes of `data`, which it reads as JSON from `sys.inputs.data`; `lang` and `dir` are the reader's, or
    those of the language that is `spoken` in it. A name in a script that our fonts do not have is written with the machine's, or as boxes:
    then it is a document all the same, but cannot be promised to be read aloud."""
    told = {**data, "lang": spoken or language(), "dir": direction(spoken), "made_on": now.date()}
    common: dict[str, Any] = {
        "root": ROOT, "format": "pdf", "font_paths": [FONTS], "timestamp": int(now.timestamp()),
        "sys_inputs": {"data": msgspec.json.encode(told).decode()},
    }  # fmt: skip
    try:
        made: bytes = typst.compile(template, ignore_system_fonts=True, pdf_standards=["ua-1"], **common)
    except typst.TypstError as error:
        if NO_LETTER not in str(error):
            raise
        made = typst.compile(template, **common)
    return made


def printed(content: bytes, name: str) -> Response:
    """A PDF as an answer, to be kept under that name."""
    return Response(
        content,
        mimetype="application/pdf",
        headers={"Content-Disposition": f'inline; filename="{name}.pdf"', "Cache-Control": "no-store"},
    )


def qr_svg(text: str) -> str:
    """A QR code as an SVG file, for a document."""
    size, path = qr(text)
    side = size + 2 * QUIET
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{-QUIET} {-QUIET} {side} {side}"><path d="{path}"/></svg>'
