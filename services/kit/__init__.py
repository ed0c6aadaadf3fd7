"""Mechanics every service shares; no business word in it.

settings · clock · ids · db (tables every service has, `Tx`) · context (`Room`, `Context`) · bus (the log as seen from here) ·
outbox (relay) · inbox (consumer) · handle (events to handlers) · parked · answers (idempotency) · web (JSON APIs) · problems (errors) ·
http (clients) · auth · status · telemetry · migrate · i18n and pages (screens).
"""
