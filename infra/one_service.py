"""One service in a process of its own: on its database alone, with the others reached by URL."""

from __future__ import annotations

import logging
from collections.abc import Callable

import httpx
from sqlalchemy import Engine, make_url, text

from infra.city import read_city
from infra.embedded import CannotStart, ensure_databases
from infra.rooms import ROOMS
from infra.traces import record_of
from infra.wiring import WITH_ROLE, folder_of, migrated, room_of, secrets_of
from services.kit.clock import Clock, SharedClock, SystemClock
from services.kit.context import Context
from services.kit.db import engine_for
from services.kit.http import Client
from services.kit.ids import Ids, new_id
from services.kit.migrate import numbered
from services.kit.roles import service_role
from services.kit.settings import Settings, SettingWrong
from services.kit.telemetry import log


def context_of(settings: Settings, name: str, *, clock: Clock | None = None, ids: Ids = new_id) -> Context:
    """What the service `name` stands on. Raises SettingWrong for what several processes cannot do without, CannotStart when its database
    is older than this code, OperationalError while the database is away."""
    if not settings.database_url:
        raise SettingWrong("DATABASE_URL is empty: a service in a process of its own needs a PostgreSQL server.")
    if not settings.secret_keys:
        raise SettingWrong("SECRET_KEYS is empty: services in processes of their own must share them.")
    city, clock, (tokens, extras) = read_city(settings.city), clock or clock_of(settings), secrets_of(settings)
    if name == "funding":  # alone asks Stripe, and alone waits for its library to load
        from infra.standins.wire import gateway_elsewhere

        extras["stripe"] = gateway_elsewhere(settings, city, extras["standin_secret"])
    engine = _opened(settings.database_url.replace("{service}", name), name)
    ctx = Context(room_of(name), engine, clock, ids, city, tokens, extras=extras)
    ctx.record = record_of(settings, name)
    token: Callable[[], str | None] = lambda: tokens.service(name, now=clock.now())  # noqa: E731 - one line says it
    trusted = (
        httpx.create_ssl_context()
    )  # once for all: reading the certificates takes longer than all the rest of a start
    for other in ROOMS:
        ctx.clients[other] = Client(other, httpx.Client(base_url=address_of(other, settings), verify=trusted), token)
    return ctx


def clock_of(settings: Settings) -> Clock:
    """The machine's clock; that of a made-up town where one is set. Raises SettingWrong in a real city."""
    if settings.clock is None:
        return SystemClock()
    if not read_city(settings.city).invented:
        raise SettingWrong("CLOCK is set: a real city lives by the machine's clock.")
    return SharedClock(settings.clock)


def address_of(service: str, settings: Settings) -> str:
    """Where a service is asked."""
    return settings.service_url.format(service=service, port=port_of(service, settings))


def port_of(service: str, settings: Settings) -> int:
    """Where it listens: on `PORT`, or where all share a host, each on its own, counting up from there."""
    return settings.port + 1 + list(ROOMS).index(service) if "{port}" in settings.service_url else settings.port


def migrate_all(settings: Settings) -> None:
    """Make what databases are missing and bring each to this code's version. Once, before the processes of a new version start."""
    if not settings.database_url:
        raise SettingWrong("DATABASE_URL is empty: the embedded PostgreSQL is migrated when it starts.")
    buses = [] if settings.kafka_bootstrap else ["bus"]
    ensure_databases(settings.database_url, [*ROOMS, *buses])
    for name in ROOMS:
        migrated(settings.database_url.replace("{service}", name), name).dispose()


def _opened(url: str, name: str) -> Engine:
    """The service's database, if it is at this code's version or a newer one: processes of one service start together, so none of them
    migrates.

    While a city is upgraded, processes of the version before work, and may start again, on a database that is migrated already. So each
    migration must leave a database on which the version before works too: first expand (add what may be left out), and only when
    nothing that runs needs the old any more, in a later version, contract (take away, demand, rename).
    """
    engine = engine_for(url)
    newest = numbered(folder_of(name))[-1]
    with engine.connect() as conn:
        known = conn.scalar(text("SELECT to_regclass('alembic_version') IS NOT NULL"))
        version = conn.scalar(text("SELECT version_num FROM alembic_version")) if known else None
    needed = newest.partition("_")[0]
    if version is None or version < needed:
        engine.dispose()
        raise CannotStart(
            f"The database of {name} is at version {version or 'none'}, this code needs {newest.removesuffix('.py')}: "
            "run `meritcoin migrate` first."
        )
    if version > needed:
        log("database is newer than this code", level=logging.WARNING, service=name, database=version, code=needed)
    if name not in WITH_ROLE:
        return engine
    engine.dispose()
    return engine_for(url, role=service_role(make_url(url).database or ""))
