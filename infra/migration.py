"""Writing a new migration: compares a service's models with its migrated database and writes the difference as a numbered version."""

from __future__ import annotations

from pathlib import Path

from alembic.autogenerate import produce_migrations, render_python_code
from alembic.migration import MigrationContext

from infra.embedded import drop_databases, ensure_databases
from infra.wiring import folder_of, room_of
from services.kit.db import engine_for
from services.kit.migrate import migrate

TEMPLATE = '''"""{message}"""

import sqlalchemy as sa
from alembic import op
{imports}
revision = "{number}"
down_revision = {previous}


def upgrade() -> None:
    """{message}"""
{body}
'''
SHARED = ("outbox", "inbox", "positions", "parked", "answers")


def write_migration(url: str, service: str, message: str) -> Path | None:
    """Write the next version of a service; None when models and versions agree. Uses a scratch database on the server of `url`."""
    folder, room = folder_of(service), room_of(service)
    folder.mkdir(exist_ok=True)
    scratch = f"scratch_{service}"
    ensure_databases(url, [scratch])
    engine = engine_for(url.replace("{service}", scratch))
    try:
        migrate(engine, folder)
        count = len(list(folder.glob("[0-9]*.py")))
        with engine.connect() as conn:
            first = count == 0

            def include(obj: object, name: str | None, kind: str, *_: object) -> bool:
                table = name if kind == "table" else getattr(getattr(obj, "table", None), "name", None)
                return not (first and table in SHARED) and table != "alembic_version"

            context = MigrationContext.configure(conn, opts={"compare_type": True, "include_object": include})
            script = produce_migrations(context, room.metadata)
            if script.upgrade_ops is None or script.upgrade_ops.is_empty():
                return None
            body = render_python_code(script.upgrade_ops)
    finally:
        engine.dispose()
        drop_databases(url, scratch)
    number = f"{count + 1:04d}"
    slug = "_".join(message.lower().split())[:40]
    path = folder / f"{number}_{slug}.py"
    lines = [line for line in body.splitlines() if not line.strip().startswith("# ###")]
    if first:
        lines.insert(0, "    create_mechanics()")
    text = "\n".join(lines).replace(
        "JSONB(astext_type=Text())", "JSONB()"
    )  # the default, which Alembic renders unimportably
    imports = [
        line
        for wanted, line in (
            ("postgresql.", "from sqlalchemy.dialects import postgresql\n"),
            ("create_mechanics", "\nfrom services.kit.mechanics_v1 import create_mechanics\n"),
        )
        if wanted in text
    ]
    previous = repr(f"{count:04d}") if count else None
    path.write_text(
        TEMPLATE.format(message=message, number=number, previous=previous, body=text, imports="".join(imports))
    )
    return path
