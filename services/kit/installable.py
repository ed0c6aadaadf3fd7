"""What makes an app of ours installable: its manifest (W3C Web Application Manifest) and its service worker."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from urllib.parse import urlencode

from flask import Response, render_template

from services.kit.i18n import direction, language
from services.kit.pages import asset, fingerprint

ASSETS = ("meritcoin.css", "vendor/pico-2.1.1.classless.min.css", "icons.svg")


def manifest(name: str, start: str) -> Response:
    """`start`: the address of the app's first screen; all its screens are below it."""
    told = {
        "name": name, "short_name": name, "start_url": start, "scope": start, "display": "standalone",
        "lang": language(), "dir": direction(), "background_color": "#f7f4ed", "theme_color": "#f7f4ed",
        "icons": [{"src": asset("mark.svg"), "sizes": "any", "type": "image/svg+xml", "purpose": "any"}],
    }  # fmt: skip
    return Response(json.dumps(told), mimetype="application/manifest+json")


def worker(app: str, offline: str, *, shells: Mapping[str, str] | None = None, assets: Sequence[str] = ()) -> Response:
    """The service worker, served at the address its scope asks for; a new edition whenever an asset or the language changes.

    `offline`: the address of the page that says there is no signal. `shells`: screen -> page that works in its place, kept on the phone
    with the `assets` it is made of. What is kept is asked for as nobody: nothing of a person is in it.
    """
    spoken = {"lang": language()}
    kept = {screen: f"{page}?{urlencode(spoken)}" for screen, page in (shells or {}).items()}
    script = render_template(
        "kit/sw.js", app=app, edition=f"{fingerprint()}-{language()}", offline=f"{offline}?{urlencode(spoken)}", shells=kept,
        assets=[asset(name) for name in (*ASSETS, *assets)],
    )  # fmt: skip
    return Response(script, mimetype="text/javascript")
