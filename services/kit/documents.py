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
QUIET = 4  # modules around a code that stay white


def pdf(template: Path, data: Mapping[str, Any], *, now: datetime, spoken: str | None = None) -> bytes:
    """The document a template makes of `data`, which it reads as JSON from `sys.inputs.data`; `lang` and `dir` are the reader's, or
    those of the language that is `spoken` in it."""
    told = {**data, "lang": spoken or language(), "dir": direction(spoken), "made_on": now.date()}
    made: bytes = typst.compile(
        template, root=ROOT, format="pdf", ignore_system_fonts=True, font_paths=[FONTS], pdf_standards=["ua-1"],
        sys_inputs={"data": msgspec.json.encode(told).decode()}, timestamp=int(now.timestamp()),
    )  # fmt: skip
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
