"""`meritcoin web SERVICE`: one service's answers from processes of their own."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import partial

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from infra.rooms import ROOMS
from infra.wiring import quiet_collector
from services.kit.settings import Settings
from services.kit.telemetry import log_to_stderr
from services.kit.web import service_app


def web(settings: Settings, args: argparse.Namespace) -> int:
    """Answer for one service until SIGTERM or Ctrl-C; then finish what is being answered. Raises CannotStart, SettingWrong, PortTaken."""
    from granian import Granian
    from granian.constants import Interfaces
    from granian.log import LogLevels

    from infra.one_service import context_of, port_of
    from infra.port import check_port

    port = port_of(args.service, settings)
    check_port(settings.host, port)
    context_of(settings, args.service).engine.dispose()  # whatever keeps it from starting is said once, here
    server = Granian(
        args.service, settings.host, port, interface=Interfaces.WSGI, workers=args.processes, blocking_threads=args.threads,
        backpressure=2 * args.threads, log_level=LogLevels.error, websockets=False,
    )  # fmt: skip
    server.serve(target_loader=partial(answering, args.service, settings), wrap_loader=False)
    return 0


def answering(service: str, settings: Settings) -> Flask:
    """What each of the processes serves."""
    from infra.one_service import context_of

    log_to_stderr(settings.log_level)
    app = service_app(context_of(settings, service))
    if settings.proxies:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=settings.proxies)  # type: ignore[method-assign]
    quiet_collector()
    return app


def add_commands(
    add: Callable[[str, Callable[[Settings, argparse.Namespace], int], str], argparse.ArgumentParser],
) -> None:
    sub = add("web", web, "answer for one service, in processes of their own")
    sub.add_argument("service", choices=ROOMS)
    sub.add_argument(
        "--processes", type=int, default=1, help="how many share the port (each answers its own sales together)"
    )
    sub.add_argument(
        "--threads", type=int, default=64, help="how many requests each answers, or lets wait, at the same time"
    )
