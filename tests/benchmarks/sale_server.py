"""A town with customers in the queue, served over HTTP: `python -m tests.benchmarks.sale_server HOW FOLDER CUSTOMERS`.

HOW is `web` (redemption and ledger in processes of their own, as a city runs them; no events are carried meanwhile) or `serve` (one process
that also carries all events). Writes `ready.json` into the folder: where to sell, the tokens of 32 tills, a payment code for each customer.
Ends with its standard input.
"""

from __future__ import annotations

import hashlib
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from flask import Flask

from infra.one_service import port_of
from infra.serve import Server, one_origin
from infra.wiring import Town, secret_key
from services.apis.redemption import POST_SALE
from services.events.funding import Earmark, FundOpened
from services.kit.bulk import array
from services.kit.ids import new_id
from services.redemption.domain import PAYMENT_PREFIX
from tests.benchmarks.ledger import TILLS, fill
from tests.benchmarks.reference import url_of
from tests.benchmarks.scene import Awards, a_scratch_town, sql
from tests.builders import tell
from tests.builders_redemption import a_paired_till, a_shop

SERVICES = ("ledger", "redemption")
PATIENCE_S = 60
CUSTOMERS = """
WITH people AS (INSERT INTO people (person_id) SELECT unnest(%s::uuid[]) RETURNING person_id),
     took_part AS (INSERT INTO participations (attendance_id, person_id, neighbourhood_id)
                   SELECT gen_random_uuid(), person_id, 'le-querce' FROM people)
INSERT INTO payment_codes (payment_code_id, code_hash, person_id, expires_at, refusals)
    SELECT gen_random_uuid(), sha256(convert_to(code, 'UTF8')), person_id, %s, 0 FROM unnest(%s::uuid[], %s::text[]) AS c (person_id, code)
"""


def main(how: str, folder: Path, customers: int) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with a_scratch_town(port=port) as town:
        awards = Awards(town, customers)
        tell(town, FundOpened(fund_id=awards.fund_id, kind="city", name="City", rank=1, earmark=Earmark()))
        fill(awards, 2 * customers // 1000)
        shop = a_shop(town)
        tokens = [a_paired_till(town, shop, f"till {n}").token for n in range(TILLS)]
        codes = [PAYMENT_PREFIX + hashlib.sha256(str(new_id()).encode()).hexdigest()[:22] for _ in awards.people]
        people, until = array(awards.people), town.clock.now() + timedelta(days=1)
        sql(town.rooms["redemption"], CUSTOMERS, people, until, people, array(codes))
        ready = {
            "tokens": tokens,
            "codes": codes,
            "port": port,
            "path": f"/api/redemption{POST_SALE.path}",
            "url": url_of(awards.ctx),
        }
        if how == "web":
            ready |= {"port": port_of("redemption", town.settings), "path": POST_SALE.path}
        with web_processes(town) if how == "web" else one_process(town):
            (folder / "ready.json").write_text(json.dumps(ready))
            sys.stdin.read()


@contextmanager
def one_process(town: Town) -> Iterator[None]:
    server = Server(town.settings, one_origin(town, Flask("front")), pump=town.pump, tick=town.tick)
    server.start()
    yield
    server.stop()


@contextmanager
def web_processes(town: Town) -> Iterator[None]:
    env = {
        **os.environ,
        "DATABASE_URL": town.url,
        "VAR": str(town.settings.var),
        "PORT": str(town.settings.port),
        "SECRET_KEYS": secret_key(town.settings.var),
    }
    web = [sys.executable, "-W", "ignore", "-m", "infra", "web"]
    processes = [subprocess.Popen([*web, service], env=env, stderr=subprocess.DEVNULL) for service in SERVICES]
    for service in SERVICES:
        listens(port_of(service, town.settings))
    yield
    for process in processes:
        process.terminate()
    for process in processes:
        process.wait()


def listens(port: int) -> None:
    until = time.monotonic() + PATIENCE_S
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.1)
        else:
            return


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
