"""All pages there are, and who sees them: what a room adds is found by itself, in the app's own addresses and in the links of its pages."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from html import unescape
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from flask import Flask
from playwright.sync_api import Browser, BrowserContext
from werkzeug.exceptions import HTTPException
from werkzeug.routing import MapAdapter, Rule

from tests.browser.lived import Lived

PHONE, DESK = {"width": 360, "height": 740}, {"width": 1280, "height": 800}
HTML = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8", "Accept-Language": "en"}
# What the app answers that is no screen: files of ours, documents, and what programs watch.
NO_SCREENS = {"kit.asset", "health", "ready", "metrics", "events", "service"}
LINK = r'\b(?:href|data-[\w-]+)="(/[^"#]*)'  # of a link, or what a script asks for
MOST_OF_A_KIND = 3  # pages whose address has parameters are many; so many show the states there are
# What stands on a phone for whoever was signed in; opened by nobody, it leads to signing in.
KEPT_FOR = {"volunteer.pay_on_the_phone": "volunteer"}
ONLY_ON_A_PHONE = {"volunteer", "cashier"}


@dataclass(frozen=True)
class Seen:
    """A page as one person sees it. `who`: a key of `Lived.people`. `nth`: of the pages of its kind, from 0."""

    name: str
    endpoint: str
    who: str
    path: str
    nth: int

    @property
    def sizes(self) -> dict[str, dict[str, int]]:
        return {"phone": PHONE} if self.who in ONLY_ON_A_PHONE else {"phone": PHONE, "desk": DESK}


@dataclass(frozen=True)
class Walk:
    """`others`: endpoints that answer something else than a page; `failed`: whose, address, endpoint, status."""

    pages: list[Seen]
    others: set[str]
    failed: list[tuple[str, str, str, int]]

    @property
    def reached(self) -> set[str]:
        """Endpoints that answered."""
        return self.others | {page.endpoint for page in self.pages}


def screens(app: Flask) -> list[Rule]:
    """Every rule of the app that is a screen's."""
    return [rule for rule in app.url_map.iter_rules() if rule.endpoint not in NO_SCREENS]


def for_whom(app: Flask, endpoint: str) -> tuple[str, ...] | None:
    """The roles a view is for; `("",)`: whoever is signed in; None: for all. Raises AttributeError where a view does not say."""
    only: Any = app.view_functions[endpoint].only  # type: ignore[attr-defined]
    return (only,) if isinstance(only, str) else only


def walk(app: Flask, lived: Lived) -> Walk:
    """Everybody opens every page of theirs that has an address without parameters, then follows links to those with: some of each kind."""
    here: MapAdapter = app.url_map.bind("localhost")
    found, seen, shown = Walk([], set(), []), Counter[str](), set[tuple[str, str]]()
    for who, cookies in lived.people.items():
        client = app.test_client()
        for name, value in {"lang": "en", **cookies}.items():
            client.set_cookie(name, value)
        plain = [rule.rule for rule in screens(app) if not rule.arguments and "GET" in (rule.methods or ())]
        theirs = [path for whose, path in lived.unlinked if whose == who]
        todo = dict.fromkeys([*plain, *theirs])
        while path := next((path for path, done in todo.items() if not done), None):
            todo[path] = True
            kind, endpoint, most = _kind(here, path)
            asked = {(endpoint, name) for name in kind.split("?")[1:]}
            known = (
                len(asked) > 1 and asked <= shown
            )  # filters that were seen one by one are not seen in every combination
            if not endpoint or known or seen[kind] >= most or not (path in theirs or _is_for(who, app, endpoint)):
                continue
            shown |= asked
            answer = client.get(path, headers=HTML)
            links = [unescape(link) for link in re.findall(LINK, answer.text)] if answer.mimetype == "text/html" else []
            if answer.location:
                found.others.add(endpoint)
                links = [answer.location]
            elif answer.status_code >= 400:
                found.failed.append((who, path, endpoint, answer.status_code))
            elif answer.mimetype == "text/html":
                name = "-".join([*re.findall(r"\w+", kind), *([str(seen[kind])] if seen[kind] else [])])
                found.pages.append(Seen(name, endpoint, who, path, seen[kind]))
            else:
                found.others.add(endpoint)
            if not answer.location:
                seen[kind] += 1
            todo = {**dict.fromkeys(links), **todo}
    reached = found.reached  # a page that is nothing without what is asked for behind `?` was linked to with it
    return Walk(found.pages, found.others, [one for one in found.failed if one[2] not in reached or one[3] >= 500])


def _kind(here: MapAdapter, path: str) -> tuple[str, str, int]:
    """A page's endpoint with the names of what is asked for behind `?`, the endpoint alone (empty for what is no screen), and how many
    of the kind are looked at."""
    parts = urlsplit(path)
    try:
        endpoint, values = here.match(parts.path, method="GET")
    except HTTPException:
        return "", "", 0
    asked = sorted({name for name, _value in parse_qsl(parts.query)} - {"lang", "then"})
    return "?".join([endpoint, *asked]), "" if endpoint in NO_SCREENS else endpoint, MOST_OF_A_KIND if values else 1


def _is_for(who: str, app: Flask, endpoint: str) -> bool:
    """Whether a page is looked at as this person: what is for all, as nobody."""
    roles = for_whom(app, endpoint)
    if roles is None:
        return who == KEPT_FOR.get(endpoint, "")
    return who in roles or (roles == ("",) and who == "admin")


def a_browser_of(
    chromium: Browser, lived: Lived, who: str, *, language: str = "en", scheme: str = "light", size: dict[str, int] = PHONE, **more: Any
) -> BrowserContext:  # fmt: skip
    """A browser with the cookies of one of the people."""
    base = lived.town.settings.public_url
    context = chromium.new_context(
        base_url=base, viewport=size, locale=language, color_scheme=scheme, reduced_motion="reduce",  # type: ignore[arg-type]
        has_touch=size == PHONE, **more,
    )  # fmt: skip
    cookies = {"lang": language, **lived.people[who]}
    context.add_cookies([{"name": name, "value": value, "url": base} for name, value in cookies.items()])
    context.set_default_timeout(30_000)
    return context
