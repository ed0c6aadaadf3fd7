"""The tables of `service_metadata()` as they were in every service's first migration. A change is a new migration, not an edit here."""

from __future__ import annotations

from alembic import op

TABLES = """
CREATE TABLE outbox (
    seq BIGINT GENERATED ALWAYS AS IDENTITY, topic TEXT NOT NULL, key TEXT NOT NULL, event_id UUID NOT NULL, type TEXT NOT NULL,
    value BYTEA NOT NULL, put_at TIMESTAMPTZ NOT NULL, published_at TIMESTAMPTZ,
    CONSTRAINT pk_outbox PRIMARY KEY (seq), CONSTRAINT uq_outbox_event_id UNIQUE (event_id));
CREATE INDEX ix_outbox_unpublished ON outbox (seq) WHERE published_at IS NULL;
CREATE TABLE inbox (event_id UUID NOT NULL, taken_at TIMESTAMPTZ NOT NULL, CONSTRAINT pk_inbox PRIMARY KEY (event_id));
CREATE TABLE positions (
    topic TEXT NOT NULL, partition INTEGER NOT NULL, next_offset BIGINT NOT NULL, CONSTRAINT pk_positions PRIMARY KEY (topic, partition));
CREATE TABLE parked (
    seq BIGINT GENERATED ALWAYS AS IDENTITY, topic TEXT NOT NULL, partition INTEGER NOT NULL, "offset" BIGINT NOT NULL, key TEXT NOT NULL,
    value BYTEA NOT NULL, reason TEXT NOT NULL, parked_at TIMESTAMPTZ NOT NULL, ended_at TIMESTAMPTZ, ended_how TEXT,
    CONSTRAINT pk_parked PRIMARY KEY (seq));
CREATE INDEX ix_parked_open ON parked (topic, key) WHERE ended_at IS NULL;
CREATE TABLE answers (
    caller TEXT NOT NULL, key TEXT NOT NULL, request_hash BYTEA NOT NULL, status INTEGER NOT NULL, body BYTEA NOT NULL,
    answered_at TIMESTAMPTZ NOT NULL, CONSTRAINT pk_answers PRIMARY KEY (caller, key));
"""


def create_mechanics() -> None:
    """Create outbox, inbox, positions, parked and answers. Called by each service's `0001`."""
    op.execute(TABLES)
