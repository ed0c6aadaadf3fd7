"""The demo town's pages: the start page, one page for each person's shoes, and the list of documents."""

from __future__ import annotations

from flask import Blueprint, abort, jsonify, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from infra.demo.people import room_sentence
from infra.demo.view import DemoView
from services.kit.i18n import number


def start_page(state: DemoView) -> Blueprint:
    """The pages `/`, `/shoes/<key>`, `/docs`, and `/demo/progress` as JSON. The app needs `init_i18n` and `init_pages`."""
    pages = Blueprint("demo", __name__, template_folder="templates")

    @pages.get("/")
    def town() -> str:
        return render_template(
            "demo/town.html", state=state, population=number(state.population), history=state.history()
        )

    @pages.get("/shoes/<key>")
    def shoes(key: str) -> str:
        person = next((person for person in state.people if person.key == key), None)
        if person is None:
            abort(404)
        sections = state.sections(key)
        return render_template(
            "demo/shoes.html", state=state, person=person, sections=sections, history=state.history()
        )

    @pages.post("/shoes/<key>/enter")
    def enter(key: str) -> ResponseReturnValue:
        return redirect(state.enter(key) or url_for("demo.shoes", key=key), 303)

    @pages.get("/docs")
    def documents() -> str:
        return render_template("demo/documents.html", state=state, room_sentence=room_sentence)

    @pages.get("/demo/progress")
    def progress() -> ResponseReturnValue:
        history = state.history()
        words = {"days": lived(history.done_days, history.total_days), "sentence": history.sentence}
        return jsonify(done=history.done_days, total=history.total_days, over=history.over, words=words)

    pages.add_app_template_global(lived)
    return pages


def lived(done_days: int, total_days: int) -> str:
    """`Day 12 of 56`."""
    return str(_("Day %(done)s of %(total)s", done=number(done_days), total=number(total_days)))
