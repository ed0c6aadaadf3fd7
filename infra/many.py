"""A town whose services have processes of their own, as its front, its stories and its command line reach it: by URL and by database."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Mapping

import httpx
from sqlalchemy import text
from werkzeug.middleware.http_proxy import ProxyMiddleware

from infra.buses import bus_of
from infra.city import read_city
from infra.lag import behind, ends_for
from infra.one_service import address_of, clock_of, context_of
from infra.rooms import ROOMS
from infra.standins.wire import account_of
from infra.town import Town
from infra.wiring import secrets_of
from infra.workers import run_jobs_alone
from services.kit.bus import Spot
from services.kit.clock import Clock
from services.kit.context import Context
from services.kit.ids import Ids, new_id
from services.kit.settings import Settings, SettingWrong

LOOK_AGAIN_S = 0.02
SETTLED_WITHIN_S = 120.0
MOST_CONNECTIONS = 100
_WAITING = text("SELECT count(*) FROM outbox WHERE published_at IS NULL")


class _Rooms(Mapping[str, Context]):
    """Contexts, each made when first asked for: a front that only asks by URL needs no database."""

    def __init__(self, make: Callable[[str], Context]) -> None:
        self._make = make
        self.made: dict[str, Context] = {}

    def __getitem__(self, name: str) -> Context:
        if name not in self.made:
            self.made[name] = self._make(name)
        return self.made[name]

    def __iter__(self) -> Iterable[str]:  # type: ignore[override]
        return iter(ROOMS)

    def __len__(self) -> int:
        return len(ROOMS)


class ManyProcesses(Town):
    """What runs elsewhere, seen from here; holds the stand-in of Stripe where there is one. Who keeps it running: `Supervisor`.

    Raises SettingWrong for what many processes cannot do without.
    """

    def __init__(self, settings: Settings, *, clock: Clock | None = None, ids: Ids = new_id) -> None:
        if not settings.secret_keys or not settings.database_url:
            raise SettingWrong(
                "SECRET_KEYS and DATABASE_URL must be set: services in processes of their own share them."
            )
        self.settings, self.city, self.ids = settings, read_city(settings.city), ids
        self.clock = clock or clock_of(settings)
        self.tokens, shared = secrets_of(settings)
        invented = self.city.invented and not settings.stripe_key
        self.stripe_standin = account_of(self, shared["standin_secret"]) if invented else None
        self.bus = bus_of(settings, settings.database_url)
        self.rooms = self._contexts = _Rooms(lambda name: context_of(settings, name, clock=self.clock, ids=ids))
        trusted = httpx.create_ssl_context()
        self._http = {
            name: httpx.Client(
                base_url=address_of(name, settings),
                limits=httpx.Limits(max_connections=MOST_CONNECTIONS),
                verify=trusted,
            )
            for name in ROOMS
        }

    def http(self, service: str) -> httpx.Client:
        return self._http[service]

    def settle(self) -> None:
        """Look again and again, until nothing waits anywhere."""
        until = time.monotonic() + SETTLED_WITHIN_S
        while not self._quiet():
            if time.monotonic() > until:
                raise RuntimeError(f"events still move after {SETTLED_WITHIN_S:.0f} s: {self._moving()}")
            time.sleep(LOOK_AGAIN_S)

    def _quiet(self) -> bool:
        """Outboxes empty, all heard, and after that still nothing new: what was handled had its own events committed with it."""
        if self._any_waiting():
            return False
        ends = self._ends()
        if any(behind(ctx, ends) for ctx in self.rooms.values()):
            return False
        return not self._any_waiting() and self._ends() == ends

    def _moving(self) -> str:
        """What waits at this moment, and for whom."""
        ends, found = self._ends(), []
        for name, ctx in self.rooms.items():
            with ctx.engine.connect() as conn:
                found.append(f"{name} has {conn.scalar(_WAITING)} to publish")
            found += [
                f"{name} has {count} of {at.topic}/{at.partition} to hear" for at, count in behind(ctx, ends).items()
            ]
        return ", ".join(sentence for sentence in found if " has 0 " not in sentence)

    def _any_waiting(self) -> bool:
        for ctx in self.rooms.values():
            with ctx.engine.connect() as conn:
                if conn.scalar(_WAITING):
                    return True
        return False

    def _ends(self) -> Mapping[Spot, int]:
        return ends_for(self.bus, self.rooms.values())

    def tick(self) -> int:
        done = sum(run_jobs_alone(ctx, wait_s=SETTLED_WITHIN_S) for ctx in self.rooms.values())
        self.tick_standin()
        return done

    def tick_standin(self) -> None:
        """What only this process can do: the stand-in's account lives here."""
        if self.stripe_standin:
            self.stripe_standin.tick()

    def close(self) -> None:
        self.bus.close()
        for http in self._http.values():
            http.close()
        for ctx in self._contexts.made.values():
            ctx.engine.dispose()


def forwarded(
    app: Callable[..., object], settings: Settings, services: Collection[str] = tuple(ROOMS)
) -> Callable[..., object]:
    """`app`, with `/api/SERVICE` handed on to the service, which is told who asks. For one machine: a city puts its reverse proxy here."""
    proxy = ProxyMiddleware(
        app,  # type: ignore[arg-type]
        {f"/api/{name}": {"target": address_of(name, settings), "remove_prefix": True} for name in services},
    )

    def wsgi(environ: dict[str, str], start_response: object) -> object:
        environ["HTTP_X_FORWARDED_FOR"] = environ.get("REMOTE_ADDR", "")
        return proxy(environ, start_response)  # type: ignore[arg-type]

    return wsgi
