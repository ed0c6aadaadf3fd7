"""What a phone's camera sees of a code: the picture from another's screen, as it is in a hand, in a street, in the evening."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path

from playwright.sync_api import Browser

SCENE = {"width": 1280, "height": 720}
STEADY = "transform: none"
LOOKS = {
    "plain": STEADY,
    "tilted": "transform: rotate(12deg)",
    "dim": "filter: brightness(.35) contrast(.6)",
    "blurred": "filter: blur(1.6px); transform: rotate(-4deg)",
    "small": "transform: scale(.38) rotate(3deg)",
    "from the side": "transform: perspective(700px) rotateY(32deg) rotateX(14deg)",
}


def film(chromium: Browser, code: bytes, look: str, file: Path) -> Path:
    """A file for Chromium's fake camera, frames in a row: nothing yet, the code coming into view out of focus, then as `look` says.
    `code`: a picture (PNG)."""
    page = chromium.new_page(viewport=SCENE)  # type: ignore[arg-type]
    frames = []
    for style in ("visibility: hidden", "filter: blur(14px); transform: translate(22%, 8%)", look, look):
        page.set_content(
            f'<body style="margin: 0; background: #5b5348; display: grid; place-items: center; height: 100vh">'
            f'<img style="height: 78vh; {style}" src="data:image/png;base64,{b64encode(code).decode()}">'
        )
        frames += [page.screenshot(type="jpeg", quality=80)] * 4
    page.close()
    file.write_bytes(b"".join(frames))
    return file
