"""One service in processes of its own: on its database, with the others at their addresses."""

from __future__ import annotations

from functools import partial
from typing import Any

import httpx
from flask import Flask
from granian import Granian
from granian.constants import Interfaces

from infra.city import read_city
from infra.embedded import CannotStart, ensure_databases
from infra.port import check_port
from infra.rooms import ROOMS
from infra.standins.wire import gateway_of
from infra.wiring import migrated, quiet_collector, room_of, secrets_of
from services.kit.clock import SystemClock
from services.kit.context import Context
from services.kit.http import Client
from services.kit.ids import new_id
from services.kit.settings import Settings
from services.kit.telemetry import log_to_stderr
from services.kit.web import service_app


def address_of(service: str, settings: Settings) -> str:
    """Where a service is asked: `SERVICES_URL` with its name, or on this host a port for each, counting up from `PORT`."""
    return settings.services_url.format(service=service, port=port_of(service, settings))


def port_of(service: str, settings: Settings) -> int:
    return settings.port + 1 + list(ROOMS).index(service)


def context_of(service: str, settings: Settings) -> Context:
    """A service on its own. Raises CannotStart without a DATABASE_URL."""
    if not settings.database_url:
        raise CannotStart("A service in a process of its own needs DATABASE_URL=postgresql://host/{service}.")
    ensure_databases(settings.database_url, [service])
    clock, city = SystemClock(), read_city(settings.city)
    tokens, extras = secrets_of(settings)
    if service == "funding":
        extras["stripe"] = gateway_of(settings)
    clients: dict[str, Client] = {}
    token = partial(_token, tokens, service, clock)
    for other in ROOMS:
        clients[other] = Client(other, httpx.Client(base_url=address_of(other, settings)), token)
    engine = migrated(settings.database_url.replace("{service}", service), service)
    return Context(room_of(service), engine, clock, new_id, city, tokens, clients, extras)


def _token(tokens: Any, service: str, clock: SystemClock) -> str:
    return str(tokens.service(service, now=clock.now()))


def web_app(service: str, settings: Settings) -> Flask:
    """What answers for a service. In a process of its own it also says where its log goes."""
    log_to_stderr(settings.log_level)
    app = service_app(context_of(service, settings))
    quiet_collector()
    return app


def serve_web(service: str, settings: Settings, *, processes: int, threads: int) -> None:
    """Answer for a service until SIGTERM or Ctrl-C; then finish what is being answered. Raises CannotStart, PortTaken.

    `threads`: how many may wait for an answer at the same time in each process. Sales that wait are answered together, so a till too many
    costs more than a thread too many.
    """
    check_port(settings.host, port_of(service, settings))
    context_of(service, settings).engine.dispose()  # whatever keeps it from starting is said once, here
    server = Granian(
        service, settings.host, port_of(service, settings), interface=Interfaces.WSGI, workers=processes, blocking_threads=threads,
        log_enabled=False, websockets=False, backpressure=2 * threads,
    )  # fmt: skip
    server.serve(target_loader=partial(web_app, service, settings), wrap_loader=False)
