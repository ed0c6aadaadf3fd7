"""The composition root: a town in one process – every service on its database, one bus, one clock – from Settings, with plain functions."""

from __future__ import annotations

import gc
import importlib
import secrets
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import httpx
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from flask import Flask
from sqlalchemy import Engine, make_url

from infra.buses import bus_of
from infra.city import read_city
from infra.embedded import ensure_databases, start_postgres
from infra.jobs import run_jobs
from infra.lag import behind, ends_for
from infra.rooms import ROOMS
from infra.town import Town
from infra.traces import traces_of
from services.apis.city import City
from services.kit.auth import Tokens
from services.kit.bus import Bus
from services.kit.clock import Clock, SystemClock
from services.kit.context import Context, Room
from services.kit.db import engine_for
from services.kit.ids import Ids, new_id
from services.kit.inbox import Consumer, topics_of
from services.kit.migrate import migrate, numbered
from services.kit.outbox import relay_once
from services.kit.roles import service_role
from services.kit.settings import Settings
from services.kit.web import service_app

WITH_ROLE = ("ledger",)
MOST_ROUNDS = 1000


def room_of(name: str) -> Room:
    """A service's room, put together from its package."""
    package = ROOMS[name]

    def module(part: str) -> Any:
        return importlib.import_module(f"{package}.{part}")

    handlers = module("handlers")
    return Room(
        name=name,
        metadata=module("models").Base.metadata,
        routes=module("routes").ROUTES,
        handlers=handlers.HANDLERS,
        jobs=getattr(handlers, "JOBS", ()),
        checks=module("checks").CHECKS,
        figures=getattr(handlers, "FIGURES", None),
        version=numbered(folder_of(name))[-1].partition("_")[0],
    )


def folder_of(name: str) -> Path:
    """Where a service's migrations are."""
    return Path(__file__).parents[1] / ROOMS[name].replace(".", "/") / "migrations"


def migrated(url: str, service: str) -> Engine:
    """The engine a service runs on, its database at the newest version. The ledger acts as a role that cannot change its books."""
    engine = engine_for(url)
    migrate(engine, folder_of(service))
    if service not in WITH_ROLE:
        return engine
    role = service_role(make_url(url).database or "")
    engine.dispose()
    return engine_for(url, role=role)


class OneProcess(Town):
    """Every service in one process."""

    def __init__(
        self, settings: Settings, city: City, clock: Clock, ids: Ids, url: str, extras: dict[str, Any]
    ) -> None:
        from infra.standins.wire import stripe_of

        self.settings, self.city, self.clock, self.ids, self.url = settings, city, clock, ids, url
        self.tokens, shared = secrets_of(settings)
        stripe, self.stripe_standin = stripe_of(self, shared["standin_secret"])
        extras = {**shared, "stripe": stripe, **extras}
        self.rooms: dict[str, Context] = {}
        self.apps: dict[str, Flask] = {}
        self.traces = traces_of(settings)
        ensure_databases(url, [*ROOMS, "bus"])
        self.bus: Bus = bus_of(settings, url)
        for name in ROOMS:
            engine = migrated(url.replace("{service}", name), name)
            self.rooms[name] = Context(room_of(name), engine, clock, ids, city, self.tokens, extras=extras)
            self.rooms[name].record = self.traces.of(name) if self.traces else None
        for name, ctx in self.rooms.items():
            self.apps[name] = service_app(ctx)
        for name, ctx in self.rooms.items():
            ctx.clients.update({other: self.client(other, speaking_as=name) for other in self.rooms})
        self._pumping = threading.Lock()
        self._consumers: dict[str, Consumer] = {}  # from the first event carried: who only reads the books needs no bus

    def start_consumers(self) -> None:
        """(Re)start every consumer from its stored positions."""
        for consumer in self._consumers.values():
            consumer.close()
        self._consumers = {}
        self._hear()

    def _hear(self) -> None:
        """Start the consumers that are not there yet."""
        for name, ctx in self.rooms.items():
            if name not in self._consumers and (topics := topics_of(ctx)):
                self._consumers[name] = Consumer(ctx, self.bus.subscribe(name, topics))

    def http(self, service: str) -> httpx.Client:
        return httpx.Client(transport=httpx.WSGITransport(app=self.apps[service]), base_url=f"http://{service}")

    def pump(self) -> int:
        """Carry events one round: every relay, then every consumer. Answers how much moved. A fault of one does not hold the
        others; the first fault is raised at the end."""
        moved = 0
        faults: list[Exception] = []
        with self._pumping:
            self._hear()
            steps: list[Callable[[], int]] = [partial(relay_once, ctx, self.bus) for ctx in self.rooms.values()]
            for step in [*steps, *(consumer.poll_once for consumer in self._consumers.values())]:
                try:
                    moved += step()
                except Exception as fault:
                    faults.append(fault)
        if faults:
            raise faults[0]
        return moved

    def settle(self) -> None:
        """Pump until quiet."""
        for _ in range(MOST_ROUNDS):
            if self.pump() == 0 and not self._wait_for_kafka():
                return
        raise RuntimeError(f"events still move after {MOST_ROUNDS} rounds")

    def _wait_for_kafka(self) -> bool:
        """A poll that found nothing proves that nothing is there, but on Kafka, where events may be on their way. So those who are behind
        wait for them; answers whether somebody was."""
        if not self.settings.kafka_bootstrap:
            return False
        ends = ends_for(self.bus, self.rooms.values())
        late = [name for name in self._consumers if behind(self.rooms[name], ends)]
        for name in late:
            self._consumers[name].poll_once(timeout_s=1.0)
        return bool(late)

    def tick(self) -> int:
        done = sum(run_jobs(ctx) for ctx in self.rooms.values())
        if self.stripe_standin:
            self.stripe_standin.tick()
        return done

    def close(self) -> None:
        for consumer in self._consumers.values():
            consumer.close()
        self.bus.close()
        if self.traces:
            self.traces.close()
        for ctx in self.rooms.values():
            ctx.engine.dispose()


def quiet_collector() -> None:
    """For a process that works in batches: what is loaded by now stays, and the cycle collector looks less often at the rest. A batch of a
    thousand awards makes many thousand short-lived values and no cycles; looking through all of them took half of its time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 20, 50)


def secrets_of(settings: Settings) -> tuple[Tokens, dict[str, Any]]:
    """What signs tokens, and with the keys of vault and log what every service is given beside its database."""
    keys = settings.secret_keys or (secret_key(settings.var),)
    tokens = Tokens(keys)
    return tokens, {
        "tokens": tokens, "vault_key": vault_key(keys[-1]), "public_url": settings.public_url,
        "seal_key": settings.seal_key or seal_key(settings.var),
        "payment_secret": derived(keys[-1], b"meritcoin.payment-keys.v1"),
        "calendar_secret": derived(keys[-1], b"meritcoin.calendar.v1"),
        "pages_secret": derived(keys[-1], b"meritcoin.pages.v1").hex(),
        "standin_secret": "whsec_" + derived(keys[-1], b"meritcoin.stripe-standin.v1").hex(),
    }  # fmt: skip


def secret_key(var: Path) -> str:
    """The installation's own signing key, made once and kept under `var`."""
    return _made_once(var, "secret.key", secrets.token_urlsafe(48).encode()).decode()


def seal_key(var: Path) -> bytes:
    """The 32 bytes the ledger's checkpoints are signed with, made once and kept under `var`."""
    return _made_once(var, "seal.key", secrets.token_bytes(32))


def _made_once(var: Path, name: str, content: bytes) -> bytes:
    """What the file holds; `content`, where there is none yet. Of processes that start together one makes it, and none reads half of it."""
    path = var / name
    if not path.exists():
        var.mkdir(parents=True, exist_ok=True)
        made = var / f"{name}.{secrets.token_hex(8)}"
        made.touch(mode=0o600)
        made.write_bytes(content)
        with suppress(FileExistsError):
            path.hardlink_to(made)
        made.unlink()
    return path.read_bytes()


def vault_key(key: str) -> bytes:
    """The key that wraps the vault's keys. From the oldest signing key, so that replacing the newest leaves the vault readable."""
    return derived(key, b"meritcoin.vault.v1")


def derived(key: str, purpose: bytes) -> bytes:
    """32 bytes for one purpose, the same wherever the key is known."""
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=purpose).derive(key.encode())


def build_town(
    settings: Settings,
    *,
    clock: Clock | None = None,
    ids: Ids = new_id,
    url: str | None = None,
    extras: dict[str, Any] | None = None,
) -> OneProcess:
    """A town from settings: embedded PostgreSQL unless a `DATABASE_URL` is given. Raises SettingWrong, CannotStart."""
    city = read_city(settings.city)
    url = url or settings.database_url or start_postgres(settings.var)
    return OneProcess(settings, city, clock or SystemClock(), ids, url, extras or {})
