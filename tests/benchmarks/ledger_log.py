"""The sealed log: how fast it takes a backlog in, and what a proof costs when it is long."""

from __future__ import annotations

import os
import random
import time
from statistics import median, quantiles

from sqlalchemy import Engine, text

from infra.embedded import start_postgres, stop_postgres
from infra.wiring import Town, build_town
from ledger import log, sealing, verify
from services.kit.settings import read_settings
from tests.benchmarks.row import Row
from tests.conftest import a_folder

TRANSFERS = int(os.environ.get("LOG_TRANSFERS", "1000000"))
PROOFS = 500

FILL = text("""
    INSERT INTO transfers (debit_account, credit_account, amount_cents, occurred_at, posted_at, id, journal, cause, fund, kind, leaf)
    SELECT 1, 2, 1, now(), now(), gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), 'award',
           sha256(convert_to(CAST(n AS text), 'UTF8')) FROM generate_series(:first, :last) AS n""")
REFERENCE = (
    "CREATE TABLE plain (position bigint PRIMARY KEY, seq bigint UNIQUE, transfer_id uuid NOT NULL, leaf bytea NOT NULL)",
    "INSERT INTO plain SELECT row_number() OVER (ORDER BY seq) - 1, seq, id, leaf FROM transfers",
)


def sealed_log() -> list[Row]:
    """Seals a backlog (default 1,000,000 transfers, LOG_TRANSFERS of them), then asks for proofs and roots at random sizes."""
    with a_folder() as var:
        url = start_postgres(var)
        town = build_town(read_settings({"VAR": str(var)}), url=url)
        try:
            return _measure(town)
        finally:
            town.close()
            stop_postgres(var)


def _measure(town: Town) -> list[Row]:
    ctx = town.rooms["ledger"]
    _fill(ctx.engine)
    began, sealed = time.perf_counter(), 0
    while True:
        with ctx.transaction() as tx:
            did = sealing.seal(tx)
        if did == 0:
            break
        sealed += did
    rate = sealed / (time.perf_counter() - began)
    began = time.perf_counter()
    with ctx.engine.begin() as conn:
        for statement in REFERENCE:
            conn.execute(text(f"SET LOCAL statement_timeout = 0; {statement}"))
    plain = sealed / (time.perf_counter() - began)
    proofs, roots = _proofs(town, sealed)
    return [
        Row("ledger.seal_per_s", rate, "/s", "INSERT … SELECT of the same rows into a plain table", rate / plain),
        Row("ledger.proof_ms", median(proofs), "ms"),
        Row("ledger.proof_p99_ms", quantiles(proofs, n=100)[98], "ms"),
        Row("ledger.root_ms", median(roots), "ms"),
    ]


def _fill(engine: Engine, portion: int = 50_000) -> None:
    for first in range(1, TRANSFERS + 1, portion):
        with engine.begin() as conn:
            conn.execute(FILL, {"first": first, "last": min(TRANSFERS, first + portion - 1)})


def _proofs(town: Town, size: int) -> tuple[list[float], list[float]]:
    """Milliseconds of inclusion proofs and of roots at random sizes; each is verified."""
    chance = random.Random(1)
    proofs, roots = [], []
    with town.rooms["ledger"].transaction() as tx:
        for _ in range(PROOFS):
            then = chance.randrange(1, size + 1)
            position = chance.randrange(then)
            leaf = tx.session.scalar(text("SELECT leaf FROM log WHERE position = :p"), {"p": position})
            began = time.perf_counter()
            proof = log.inclusion_proof(tx, position, then)
            proofs.append((time.perf_counter() - began) * 1000)
            began = time.perf_counter()
            root = log.root(tx, then)
            roots.append((time.perf_counter() - began) * 1000)
            assert verify.root_of(bytes(leaf), position, then, proof) == root
    return proofs, roots
