"""What `make check` verifies beyond lint and types: translations complete; migrations numbered, with one head, equal to the models."""

from __future__ import annotations

from infra.embedded import ensure_databases, start_postgres
from infra.rooms import ROOMS
from infra.wiring import folder_of, room_of
from services.kit.catalogues import problems as translation_problems
from services.kit.db import engine_for
from services.kit.migrate import differences, migrate, numbered, versions_of
from services.kit.settings import Settings


def problems(settings: Settings) -> list[str]:
    """Every problem as a sentence; empty when all is well."""
    found = list(translation_problems())
    url = settings.database_url or start_postgres(settings.var)
    for name in ROOMS:
        found += migration_problems(url, name)
    return found


def migration_problems(url: str, name: str) -> list[str]:
    """What is wrong with one service's migrations. Uses the database `verify_NAME` on the server of `url`."""
    try:
        numbered(folder_of(name))
    except ValueError as error:
        return [str(error)]
    heads = versions_of(folder_of(name)).get_heads()
    if len(heads) != 1:
        return [f"{name}: {len(heads)} heads, there must be one: {heads}"]
    database = f"verify_{name}"
    ensure_databases(url, [database])
    engine = engine_for(url.replace("{service}", database))
    try:
        migrate(engine, folder_of(name))
        return [f"{name}: models and migrations differ: {d}" for d in differences(engine, room_of(name).metadata)]
    finally:
        engine.dispose()
