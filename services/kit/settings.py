"""Settings come from the environment, are checked at start, and are documented where they are declared.

`TABLE` is the README's table of settings; a test keeps the two equal.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec


class SettingWrong(ValueError):
    """A setting that cannot be used; the message says what to change."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """One running installation."""

    port: int
    host: str
    database_url: str | None
    var: Path
    city: Path
    secret_keys: tuple[str, ...]
    seal_key: bytes | None
    public_url: str
    stripe_key: str | None
    stripe_webhook_secrets: tuple[str, ...]
    log_level: str
    threads: int
    service_url: str
    clock: Path | None
    proxies: int
    away_s: int
    watch_port: int
    traces_url: str
    kafka_bootstrap: tuple[str, ...]
    kafka_security: str
    kafka_ca: Path | None
    kafka_user: str
    kafka_password: str
    kafka_partitions: int
    kafka_replication: int
    kafka_min_in_sync: int


class Setting(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    default: str
    meaning: str
    read: Callable[[str], Any]


def _whole(low: int, high: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not text.isdecimal() or not low <= int(text) <= high:
            raise SettingWrong(f"must be a whole number from {low} to {high}")
        return int(text)

    return read


def _database(text: str) -> str | None:
    if not text:
        return None
    if not text.startswith("postgresql://") or "{service}" not in text:
        raise SettingWrong("must look like postgresql://user:password@host/{service}, with a literal {service}")
    return text


def _keys(text: str) -> tuple[str, ...]:
    keys = tuple(k.strip() for k in text.split(",") if k.strip())
    if any(len(k) < 32 for k in keys):
        raise SettingWrong("each key needs at least 32 characters")
    return keys


def _seal_key(text: str) -> bytes | None:
    if text and not re.fullmatch(r"[0-9a-f]{64}", text):
        raise SettingWrong("must be 64 hex digits, as `openssl rand -hex 32` prints them")
    return bytes.fromhex(text) or None


def _words(text: str) -> tuple[str, ...]:
    return tuple(k.strip() for k in text.split(",") if k.strip())


def _file(text: str) -> Path:
    path = Path(text)
    if not path.is_file():
        raise SettingWrong(f"names a file that is not there: {text}")
    return path


def _level(text: str) -> str:
    if text not in ("DEBUG", "INFO", "WARNING", "ERROR"):
        raise SettingWrong("must be DEBUG, INFO, WARNING or ERROR")
    return text


def _services(text: str) -> str:
    if "{service}" not in text and "{port}" not in text:
        raise SettingWrong("must hold a literal {service} or {port}, as in http://{service}:8000")
    return _url(text)


def _brokers(text: str) -> tuple[str, ...]:
    brokers = _words(text)
    if any(not re.fullmatch(r"[^\s:]+:\d{1,5}|\[[0-9a-f:]+\]:\d{1,5}", broker) for broker in brokers):
        raise SettingWrong("must be HOST:PORT, or several of them separated by commas")
    return brokers


def _security(text: str) -> str:
    if text not in KAFKA_SECURITY:
        raise SettingWrong(f"must be one of {', '.join(KAFKA_SECURITY)}")
    return text


def _url(text: str) -> str:
    if text and not text.startswith(("http://", "https://")):
        raise SettingWrong("must start with http:// or https://")
    return text.rstrip("/")


KAFKA_SECURITY = ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")
CITIES = Path(__file__).parents[2] / "infra" / "cities"

TABLE = (
    Setting(name="PORT", default="8000", meaning="The port everything is served on.", read=_whole(1, 65535)),
    Setting(name="HOST", default="127.0.0.1", meaning="The address to listen on.", read=str),
    Setting(name="DATABASE_URL", default="", meaning="`postgresql://host/{service}`, with a literal `{service}`: one database per service. "
            "Empty: an embedded PostgreSQL under `VAR`.", read=_database),
    Setting(name="VAR", default="var", meaning="Where data, secrets and logs of this installation live.", read=Path),
    Setting(name="CITY", default=str(CITIES / "valdarco.toml"), meaning="The city's configuration file.", read=_file),
    Setting(name="SECRET_KEYS", default="", meaning="Signing keys for sessions and services, newest first, comma-separated, "
            "32 characters or more each. Empty: one is made under `VAR`.", read=_keys),
    Setting(name="SEAL_KEY", default="", meaning="The key the ledger's checkpoints are signed with, 64 hex digits: the same for all its "
            "processes, for good. Empty: one is made under `VAR`, for one machine.", read=_seal_key),
    Setting(name="PUBLIC_URL", default="", meaning="The address people use, for links in invitations and payment pages. "
            "Empty: `http://HOST:PORT`.", read=_url),
    Setting(name="STRIPE_KEY", default="", meaning="Stripe's secret key. Empty: bank transfers only (in an invented city a stand-in "
            "answers, with test money).", read=lambda text: text or None),
    Setting(name="STRIPE_WEBHOOK_SECRETS", default="", meaning="Stripe's webhook signing secrets, comma-separated.", read=_words),
    Setting(name="LOG_LEVEL", default="INFO", meaning="DEBUG, INFO, WARNING or ERROR.", read=_level),
    Setting(name="THREADS", default="8", meaning="Requests answered at the same time by one process.", read=_whole(1, 64)),
    Setting(name="SERVICE_URL", default="http://127.0.0.1:{port}", meaning="Where services in processes of their own are asked: as in "
            "`http://{service}:8000`, with a literal `{service}`, or `{port}` where they share a host: one for each, from `PORT` + 1 up.",
            read=_services),
    Setting(name="CLOCK", default="", meaning="A file that holds the time of an invented town, which all its processes read. "
            "Empty: the machine's clock.", read=lambda text: Path(text) if text else None),
    Setting(name="PROXIES", default="0", meaning="How many reverse proxies stand before services and tell who asks in `X-Forwarded-For`.",
            read=_whole(0, 5)),
    Setting(name="AWAY_S", default="120", meaning="For how many seconds the database or the bus may be away before a worker ends with 1.",
            read=_whole(1, 3600)),
    Setting(name="WATCH_PORT", default="0", meaning="Where a worker answers `/health`, `/ready`, `/status` and `/metrics`. 0: nowhere. "
            "(A `web` process answers them on its own port.)", read=_whole(0, 65535)),
    Setting(name="TRACES_URL", default="", meaning="Where traces are sent (OTLP over HTTP), as in `http://collector:4318/v1/traces`. "
            "Empty: nowhere.", read=_url),
    Setting(name="KAFKA_BOOTSTRAP", default="", meaning="Kafka brokers as `HOST:PORT`, comma-separated. Empty: a bus inside PostgreSQL, "
            "which needs no brokers but shares no work.", read=_brokers),
    Setting(name="KAFKA_SECURITY", default="PLAINTEXT", meaning="PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL. SASL is SCRAM-SHA-512.",
            read=_security),
    Setting(name="KAFKA_CA", default="", meaning="The file of the authority that signed the brokers' certificates. Empty: the system's "
            "own authorities.", read=lambda text: _file(text) if text else None),
    Setting(name="KAFKA_USER", default="", meaning="Who signs in, with SASL.", read=str),
    Setting(name="KAFKA_PASSWORD", default="", meaning="The password, with SASL.", read=str),
    Setting(name="KAFKA_PARTITIONS", default="12", meaning="Partitions of each topic: how many processes of one service can share its "
            "events. Choose well: it cannot be changed once a topic holds events.", read=_whole(1, 1000)),
    Setting(name="KAFKA_REPLICATION", default="3", meaning="How many brokers keep each event.", read=_whole(1, 9)),
    Setting(name="KAFKA_MIN_IN_SYNC", default="2", meaning="How many of them must have it before it counts as published.",
            read=_whole(1, 9)),
)  # fmt: skip


def read_settings(environment: Mapping[str, str] | None = None) -> Settings:
    """Read and check every setting. Raises SettingWrong naming the variable and what to change."""
    env = os.environ if environment is None else environment
    values: dict[str, Any] = {}
    for setting in TABLE:
        try:
            values[setting.name.lower()] = setting.read(env.get(setting.name, "") or setting.default)
        except SettingWrong as error:
            raise SettingWrong(f"{setting.name} {error}.") from None
    if values["kafka_security"].startswith("SASL") and not (values["kafka_user"] and values["kafka_password"]):
        raise SettingWrong("KAFKA_USER and KAFKA_PASSWORD are needed with KAFKA_SECURITY=SASL_….")
    if values["kafka_min_in_sync"] > values["kafka_replication"]:
        raise SettingWrong("KAFKA_MIN_IN_SYNC cannot be more than KAFKA_REPLICATION.")
    values["public_url"] = values["public_url"] or f"http://{values['host']}:{values['port']}"
    return Settings(**values)


def environment_of(settings: Settings) -> dict[str, str]:
    """This process's environment, with these settings in it: what it gives to those it starts."""
    found = {s.name: getattr(settings, s.name.lower()) for s in TABLE}
    written = {name: ",".join(value) if isinstance(value, tuple) else str(value) for name, value in found.items()}
    return {**os.environ, **{name: "" if found[name] is None else text for name, text in written.items()}}
