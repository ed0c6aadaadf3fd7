"""QR codes as drawings (ISO/IEC 18004), made on the server: one path, no picture file, no script."""

from __future__ import annotations

from functools import lru_cache

from qrcode import QRCode
from qrcode.constants import ERROR_CORRECT_M


@lru_cache(maxsize=512)
def qr(text: str) -> tuple[int, str]:
    """The code's size in modules, and its dark modules as the `d` of an SVG path: one rectangle for each run in a row.

    Finding a code's best mask takes some milliseconds, and a card keeps its code: a list of them is drawn once.
    """
    code = QRCode(error_correction=ERROR_CORRECT_M, border=0)
    code.add_data(text)
    code.make(fit=True)
    runs = []
    for y, row in enumerate(code.get_matrix()):
        x = 0
        while x < len(row):
            start = x
            while x < len(row) and row[x]:
                x += 1
            if x > start:
                runs.append(f"M{start} {y}h{x - start}v1h-{x - start}z")
            x += 1
    return len(code.get_matrix()), "".join(runs)
