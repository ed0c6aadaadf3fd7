"""`/status` of each service: what runs, and whether it keeps up."""

from __future__ import annotations

import functools
import subprocess
from pathlib import Path
from typing import Any

from sqlalchemy import text

from services.kit.context import Context
from services.kit.outbox import oldest_unpublished_s
from services.kit.parked import parked_count


@functools.cache
def git_commit() -> str:
    """The commit the code was checked out at, or "unknown" for an installed copy."""
    root = Path(__file__).parents[2]
    try:
        shown = subprocess.run(
            ["git", "rev-parse", "--short=12", "HEAD"],  # noqa: S607 - whichever git the machine has
            cwd=root, capture_output=True, text=True, timeout=5, check=True,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    return shown.stdout.strip()


def status_of(ctx: Context) -> dict[str, Any]:
    """Commit, schema head, age of the oldest unpublished event (seconds), number of parked events, and the room's own figures."""
    with ctx.engine.connect() as conn:
        head = conn.scalar(text("SELECT max(version_num) FROM alembic_version"))
        own = ctx.room.figures(conn, ctx.clock.now()) if ctx.room.figures else {}
    return {
        "service": ctx.room.name,
        "commit": git_commit(),
        "schema": head,
        "oldest_unpublished_s": round(oldest_unpublished_s(ctx), 3),
        "parked": parked_count(ctx),
        **own,
        **{name: writer.figures() for name, writer in ctx.writers.items()},
    }
