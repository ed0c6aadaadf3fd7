"""`meritcoin web SERVICE`: one service's answers from processes of their own."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from flask import Flask
from msgspec import structs
from werkzeug.middleware.proxy_fix import ProxyFix

from infra.rooms import ROOMS
from infra.wiring import quiet_collector
from services.kit.metrics import share
from services.kit.settings import Settings
from services.kit.telemetry import log_to_stderr
from services.kit.web import service_app


def web(settings: Settings, args: argparse.Namespace) -> int:
    """Answer for one service until SIGTERM or Ctrl-C; then finish what is being answered. Raises CannotStart, SettingWrong, PortTaken."""
    from infra.one_service import context_of, port_of
    from infra.port import check_port

    port = port_of(args.service, settings)
    check_port(settings.host, port)
    quiet = structs.replace(
        settings, traces_url=""
    )  # what sends traces has a thread, which the processes below must not inherit
    context_of(quiet, args.service).engine.dispose()  # whatever keeps it from starting is said once, here
    with ExitStack() as stack:
        shared = Path(stack.enter_context(TemporaryDirectory(prefix="meritcoin-"))) if args.processes > 1 else None
        _serve(settings, args, port, shared)
    return 0


def _serve(settings: Settings, args: argparse.Namespace, port: int, shared: Path | None) -> None:
    from granian import Granian
    from granian.constants import Interfaces
    from granian.log import LogLevels

    server = Granian(
        args.service, settings.host, port, interface=Interfaces.WSGI, workers=args.processes, blocking_threads=args.threads,
        backpressure=2 * args.threads, log_level=LogLevels.error, websockets=False,
    )  # fmt: skip
    server.serve(target_loader=partial(answering, args.service, settings, shared), wrap_loader=False)


def answering(service: str, settings: Settings, shared: Path | None = None) -> Flask:
    """What each of the processes serves. `shared`: the folder they count in together."""
    from infra.one_service import context_of

    log_to_stderr(settings.log_level)
    if shared:
        share(shared)
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
