"""Screens: who looks, in whose name a page asks the services, and forms whose effect happens once.

One Flask app carries the blueprints of all screens. It has no database: what is shown and done goes through the services' own answers.

A person is signed in by two cookies: the session's token, which lives minutes, and what it is renewed with. A till has one of its own.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar
from urllib.parse import urlencode, urlsplit
from uuid import UUID

import msgspec
from flask import Flask, Response, current_app, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from itsdangerous import BadSignature, URLSafeTimedSerializer

from services.apis import identity
from services.apis.city import City
from services.apis.errors import Refused
from services.kit import i18n
from services.kit.auth import NOBODY, Principal, Tokens
from services.kit.charts import bar_chart, tile_places
from services.kit.clock import Clock
from services.kit.codes import qr
from services.kit.http import Client
from services.kit.ids import Ids
from services.kit.pages import CONTENT_SECURITY_POLICY, error_page, from_elsewhere, wants_html
from services.kit.parallel import Parts, ask_all
from services.kit.problems import problem_response
from services.kit.tracing import HERE, Place, caller
from services.kit.web import SESSION_COOKIE, leave
from services.kit.words import in_words

RENEWAL_COOKIE, KEPT_COOKIE = "renewal", "kept"
FORM_KEPT_SECONDS = 3600  # what somebody had filled in when their session ended waits so long for them to sign in again
MOST_KEPT = 3500  # a browser keeps cookies of four kilobytes
SESSION_OVER = {"session_ended", "session_wrong", "sign_in_first"}
S = TypeVar("S", bound=msgspec.Struct)
View = TypeVar("View", bound=Callable[..., ResponseReturnValue])


@dataclass(frozen=True, kw_only=True)
class Screens:
    """What all screens stand on. `sign_in`: role -> endpoint of the page where its people sign in (`""`: everybody else's)."""

    clients: Mapping[str, Client]
    tokens: Tokens
    clock: Clock
    city: City
    ids: Ids
    public_url: str
    secret: str  # what Flask signs its notes with
    sign_in: Mapping[str, str]

    def sign_in_for(self, role: str) -> str:
        return self.sign_in.get(role, self.sign_in[""])


@dataclass
class Visit:
    """Who looks at this page. `cookies`: what the answer sets (value, seconds); None ends it."""

    screens: Screens
    who: Principal = NOBODY
    token: str | None = None
    cookies: dict[str, tuple[str, int] | None] = field(default_factory=dict)

    def client(self, service: str) -> Client:
        """The service, asked by whoever looks."""
        return self.screens.clients[service].as_(self.token)

    def enter(self, session: identity.SignedIn) -> None:
        """Somebody signed in, or their session was renewed."""
        now = self.screens.clock.now()
        self.token, self.who = session.token, self.screens.tokens.read(session.token, now=now)
        seconds = int((session.session_ends_at - now).total_seconds())
        self.cookies[SESSION_COOKIE] = (session.token, seconds)
        self.cookies[RENEWAL_COOKIE] = (f"{session.session_id}.{session.renewal}", seconds)

    def leave(self) -> None:
        self.who, self.token = NOBODY, None
        self.cookies[SESSION_COOKIE] = self.cookies[RENEWAL_COOKIE] = None

    def proof(self) -> identity.SessionProof | None:
        """What the session is renewed or ended with."""
        session_id, _dot, renewal = request.cookies.get(RENEWAL_COOKIE, "").partition(".")
        try:
            return identity.SessionProof(session_id=UUID(session_id), renewal=renewal) if renewal else None
        except ValueError:
            return None


def init_screens(app: Flask, screens: Screens) -> None:
    """Let `app` (with languages and pages) know its visitors. Blueprints of screens can be registered then."""
    app.secret_key = screens.secret
    app.config.update(SESSION_COOKIE_NAME="notes", SESSION_COOKIE_SAMESITE="Lax", SESSION_COOKIE_HTTPONLY=True)
    app.extensions["screens"] = screens
    app.before_request(_begin)
    app.after_request(_set_cookies)
    app.teardown_request(leave)
    app.register_error_handler(Refused, refused)
    local, day_of = screens.city.local, screens.city.day_of
    app.jinja_env.filters.update(at=lambda instant: f"{local(instant):%H:%M}", day_of=day_of)
    app.jinja_env.globals.update(
        visit=visit, words=in_words, new_key=lambda: str(screens.ids()), qr=qr, city=screens.city,
        cents=i18n.cents, euros=i18n.euros, number=i18n.number, duration=i18n.duration, short_date=i18n.day, long_date=i18n.long_day,
        full_date=i18n.full_day, month=i18n.month, bar_chart=bar_chart, tile_places=tile_places,
        short_day=lambda instant: i18n.day(day_of(instant)), long_day=lambda instant: i18n.long_day(day_of(instant)),
        until_words=lambda instant: i18n.until(instant, screens.clock.now()), day_today=lambda: day_of(screens.clock.now()),
        language_names=lambda codes: i18n.listed(map(i18n.language_name, codes)), listed=i18n.listed,
    )  # fmt: skip


def screens() -> Screens:
    found: Screens = current_app.extensions["screens"]
    return found


def visit() -> Visit:
    here: Visit = g.visit
    return here


def ask(service: str, endpoint: Any, body: Any = None, *, key: Any = None, **more: Any) -> Any:
    """Ask a service in the name of whoever looks. `key`: of the form that was sent, see `form_key`. Raises Refused."""
    return visit().client(service).call(endpoint, body, key=key, **more)


def ask_together(**questions: Callable[[], Any]) -> Parts:
    """Ask several at the same time; what is away is in `away`. Raises Refused (401, 403)."""
    return ask_all(questions)


def only(*roles: str) -> Callable[[View], View]:
    """For a view that is for people of one of these roles (`""`: whoever is signed in). Others are led to where they can sign in."""

    def for_view(view: View) -> View:
        @functools.wraps(view)
        def guarded(*args: Any, **kwargs: Any) -> ResponseReturnValue:
            who = visit().who
            if who.kind == "person" and ("" in roles or any(map(who.has, roles))):
                return view(*args, **kwargs)
            if who.kind == "person":
                raise Refused("not_allowed", "Your role does not include this.", {"role": roles[0]}, status=403)
            return to_sign_in(roles[0])

        guarded.only = roles  # type: ignore[attr-defined]  # looked at by a test: no page without it, or `for_all`
        return guarded  # type: ignore[return-value]

    return for_view


def for_all(view: View) -> View:
    """For a view that anybody may see, signed in or not."""
    view.only = None  # type: ignore[attr-defined]
    return view


# ---------- forms ----------


def form_key() -> str:
    """The key of the form that was sent, made when it was shown: however often it is sent, it takes effect once."""
    return request.form.get("key") or str(screens().ids())


def read_form(struct: type[S], **more: Any) -> S:
    """The struct from the fields of the form that was sent, empty ones left out; `more` where a field is not the form's own.
    Raises Refused `invalid_request` with the `field` that is wrong."""
    return read_values(struct, request.form, **more)


def read_values(struct: type[S], values: Mapping[str, str], **more: Any) -> S:
    """As `read_form`, from an address's or other values."""
    said: dict[str, Any] = {name: value.strip() for name, value in values.items() if value.strip()}
    try:
        return msgspec.convert({**said, **more}, type=struct, strict=False)
    except msgspec.ValidationError as error:
        sentence, _at, where = str(error).partition(" - at `$.")
        field_name = where.rstrip("`").partition("[")[0] if where else sentence.rpartition("field `")[2].rstrip("`")
        raise Refused("invalid_request", sentence, {"field": field_name}, status=422) from None


def done(address: str, words: str = "", kind: Literal["ok", ""] = "ok") -> ResponseReturnValue:
    """After a form took effect: a page of its own, so that reloading it sends nothing again."""
    if words:
        flash(words, kind)
    return redirect(address, 303)


def with_camera(page: str) -> Response:
    """A page that reads codes: where the browser cannot, a reader in WebAssembly does, which only such a page may start."""
    policy = CONTENT_SECURITY_POLICY.replace("script-src 'self'", "script-src 'self' 'wasm-unsafe-eval'")
    return Response(page, headers={"Content-Security-Policy": policy}, mimetype="text/html")


# ---------- what stands between a person and a page ----------


def to_sign_in(role: str) -> ResponseReturnValue:
    """Where this role signs in, and then goes on: to the page asked for, or with the form that was sent."""
    here, page = visit(), url_for(screens().sign_in_for(role))
    if request.method == "GET":
        return redirect(f"{page}?{urlencode({'then': request.full_path.rstrip('?')})}", 303)
    if not wants_html():
        raise Refused("session_ended", "You were away for a while. Sign in again.", status=401)
    form = {"path": request.full_path.rstrip("?"), "fields": list(request.form.items(multi=True))}
    kept = _sealing().dumps(form)
    if len(kept) <= MOST_KEPT:
        here.cookies[KEPT_COOKIE] = (str(kept), FORM_KEPT_SECONDS)
    return redirect(page, 303)


def go_on(otherwise: str) -> ResponseReturnValue:
    """After signing in: the form that was being sent, the page that was asked for, or `otherwise`."""
    if kept := request.cookies.get(KEPT_COOKIE):
        visit().cookies[KEPT_COOKIE] = None
        with suppress(BadSignature):
            return render_template("kit/go_on.html", form=_sealing().loads(kept, max_age=FORM_KEPT_SECONDS))
    then = request.args.get("then", "")
    ours = then.startswith("/") and not then.startswith(("//", "/\\"))
    return redirect(then if ours else otherwise, 303)


def refused(refusal: Refused) -> ResponseReturnValue:
    """A refusal nobody answered: a page with words that help, for a program what services answer."""
    if refusal.code in SESSION_OVER and wants_html():
        visit().leave()  # it was ended elsewhere: the token, good for minutes yet, did not know
        roles = getattr(current_app.view_functions.get(request.endpoint or ""), "only", None) or ("",)
        return to_sign_in(roles[0])
    if not wants_html():
        said = Refused(refusal.code, in_words(refusal), refusal.facts, status=refusal.status)
        return problem_response(said)
    if refusal.status == 404:
        return error_page(404)
    back = request.referrer if request.referrer and urlsplit(request.referrer).netloc == request.host else "/"
    return render_template("kit/refused.html", refusal=refusal, back=back, reference=g.correlation_id), refusal.status


def _begin() -> None:
    g.place = caller(request.headers) or Place(screens().ids())
    g.correlation_id, g.before = g.place.correlation_id, HERE.set(g.place)
    g.visit = Visit(screens())
    if request.endpoint == "kit.asset":
        return
    if request.method == "POST" and from_elsewhere():
        raise Refused(
            "from_elsewhere", "This was sent from another site. Open the page here and send it again.", status=403
        )
    _recognise(g.visit)


def _recognise(here: Visit) -> None:
    """From the session's token, or a new one if that is over."""
    if token := request.cookies.get(SESSION_COOKIE):
        try:
            here.who, here.token = here.screens.tokens.read(token, now=here.screens.clock.now()), token
        except Refused:
            pass
        else:
            return
    if proof := here.proof():
        try:
            here.enter(here.screens.clients["identity"].call(identity.POST_SESSION_RENEW, proof))
        except Refused as refusal:
            if refusal.status not in (401, 403):
                raise
            here.leave()


def _set_cookies(response: Response) -> Response:
    here: Visit | None = g.get("visit")
    for name, what in here.cookies.items() if here else ():
        if what is None:
            response.delete_cookie(name)
        else:
            value, seconds = what
            response.set_cookie(name, value, max_age=seconds, httponly=True, samesite="Lax", secure=request.is_secure)
    return response


def _sealing() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(screens().secret, salt="meritcoin.form.v1")
