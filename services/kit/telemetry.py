"""Logs and figures: one JSON line a request and one a batch, a constant message plus ids, never personal data."""

from __future__ import annotations

import logging
import sys
from typing import Any

import msgspec

_log = logging.getLogger("meritcoin")


class _JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line = {"at": self.formatTime(record), "level": record.levelname.lower(), "message": record.getMessage()}
        line.update(getattr(record, "facts", {}))
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return msgspec.json.encode(line, enc_hook=str).decode()


def log_to_stderr(level: str = "INFO") -> None:
    """Send the platform's log to standard error as JSON lines."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_JsonLines())
    _log.handlers[:] = [handler]
    _log.setLevel(level)
    _log.propagate = False


def log(message: str, *, level: int = logging.INFO, exc: BaseException | None = None, **facts: Any) -> None:
    """Log a constant message with facts (ids and numbers only)."""
    _log.log(level, message, extra={"facts": facts}, exc_info=exc)
