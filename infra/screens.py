"""All screens under one origin: the two apps, and the pages of those services on which a person decides."""

from __future__ import annotations

from flask import Blueprint, Flask

from infra.screens_work import work
from infra.town import Town
from infra.wiring import secrets_of
from ledger import pages as books_pages
from merchant_app import pages as merchant_pages
from services.attendance import pages as attendance_pages
from services.awards import pages as rules_pages
from services.awards import pages_cap
from services.funding import pages as sponsor_pages
from services.funding import pages_funds, pages_register
from services.identity import pages as identity_pages
from services.identity import pages_people as people_pages
from services.identity import pages_roles
from services.impact import pages as impact_pages
from services.kit.screens import Screens, init_screens
from services.redemption import pages as shops_pages
from services.reimbursement import pages as finance_pages
from services.shifts import pages as shifts_pages
from services.shifts import pages_programmes
from volunteer_app import pages as volunteer_pages

BLUEPRINTS: tuple[Blueprint, ...] = (
    volunteer_pages.links, volunteer_pages.pages, merchant_pages.till, merchant_pages.owner, identity_pages.pages,
    sponsor_pages.pages, impact_pages.pages,
    finance_pages.pages, pages_funds.pages,
    pages_programmes.pages, rules_pages.pages, pages_cap.pages, shops_pages.pages, pages_roles.pages, pages_register.pages,
    books_pages.pages,
    shifts_pages.pages, attendance_pages.pages, people_pages.pages,
)  # fmt: skip
SIGN_IN = {"volunteer": "volunteer.sign_in", "": "staff.sign_in"}


def add_screens(app: Flask, town: Town) -> None:
    """Register every screen with the front's app, which has languages and pages already."""
    _tokens, shared = secrets_of(town.settings)
    screens = Screens(
        clients={name: town.client(name) for name in town.rooms}, tokens=town.tokens, clock=town.clock, city=town.city, ids=town.ids,
        public_url=town.settings.public_url, secret=shared["pages_secret"], sign_in=SIGN_IN,
    )  # fmt: skip
    init_screens(app, screens)
    app.jinja_env.globals["work"] = work
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)
