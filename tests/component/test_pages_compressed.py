"""What is text travels compressed to whoever takes it so, and as it is to everybody else."""

from __future__ import annotations

import gzip

import pytest
from flask import Flask, Response
from flask.testing import FlaskClient

from services.kit.i18n import init_i18n
from services.kit.pages import STATIC, fingerprint, init_pages

GZIP = {"Accept-Encoding": "gzip, deflate, br"}
LONG = "A long page. " * 200


@pytest.fixture
def browser() -> FlaskClient:
    app = Flask(__name__, static_folder=None)
    init_i18n(app)
    init_pages(app)
    app.add_url_rule("/long", "long", lambda: LONG)
    app.add_url_rule("/short", "short", lambda: "Short.")
    app.add_url_rule("/picture", "picture", lambda: Response(LONG, mimetype="image/png"))
    return app.test_client()


@pytest.mark.parametrize("name", ["meritcoin.css", "app.js", "icons.svg", "vendor/zxing-reader-3.1.3.wasm"])
def test_a_file_is_the_same_compressed_or_not(browser: FlaskClient, name: str) -> None:
    address = f"/assets/{fingerprint()}/{name}"
    with browser.get(address, headers=GZIP) as small, browser.get(address) as plain:
        assert small.headers["Content-Encoding"] == "gzip"
        assert gzip.decompress(small.data) == plain.data == (STATIC / name).read_bytes()
        assert "Content-Encoding" not in plain.headers
        for answer in (small, plain):
            assert "Accept-Encoding" in answer.headers["Vary"]
            assert answer.mimetype == plain.mimetype
            assert answer.headers["Cache-Control"] == plain.headers["Cache-Control"]
            assert "immutable" in answer.headers["Cache-Control"]
    assert small.headers["ETag"] != plain.headers["ETag"]


def test_a_file_somebody_has_already_is_not_sent_again(browser: FlaskClient) -> None:
    address = "/assets/000000000000/meritcoin.css"
    tag = browser.get(address, headers=GZIP).headers["ETag"]
    again = browser.get(address, headers={**GZIP, "If-None-Match": tag})
    assert (again.status_code, again.data) == (304, b"")


def test_a_page_is_compressed_when_that_is_worth_it_and_wanted(browser: FlaskClient) -> None:
    small = browser.get("/long", headers=GZIP)
    assert gzip.decompress(small.data).decode() == LONG
    assert int(small.headers["Content-Length"]) == len(small.data) < len(LONG) / 5
    assert browser.get("/long").text == browser.get("/long", headers={"Accept-Encoding": "gzip;q=0"}).text == LONG
    assert browser.get("/short", headers=GZIP).text == "Short."
    for path in ("/long", "/short"):
        assert "Accept-Encoding" in browser.get(path, headers=GZIP).headers["Vary"]


def test_a_picture_is_compressed_already(browser: FlaskClient) -> None:
    answer = browser.get("/picture", headers=GZIP)
    assert answer.text == LONG
    assert "Accept-Encoding" not in answer.headers.get("Vary", "")


@pytest.mark.parametrize("name", ["../pages.py", "nothing.css", "vendor/../../pages.py"])
def test_nothing_but_files_of_ours_is_served(browser: FlaskClient, name: str) -> None:
    assert browser.get(f"/assets/{fingerprint()}/{name}", headers=GZIP).status_code == 404
