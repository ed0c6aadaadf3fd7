"""A town with customers in the queue, served over HTTP by a process of its own: `python -m tests.benchmarks.sale_server FOLDER CUSTOMERS`.

Writes `ready.json` into the folder: port, the tokens of 32 tills, a payment code for each customer. Ends with its standard input.
"""

from __future__ import annotations

import hashlib
import json
import socket
import sys
from datetime import timedelta
from pathlib import Path

from flask import Flask

from infra.serve import Server, one_origin
from services.events.funding import Earmark, FundOpened
from services.kit.bulk import array
from services.kit.ids import new_id
from services.redemption.domain import PAYMENT_PREFIX
from tests.benchmarks.ledger import TILLS, fill
from tests.benchmarks.scene import Awards, a_scratch_town, sql
from tests.builders import tell
from tests.builders_redemption import a_paired_till, a_shop

CUSTOMERS = """
WITH people AS (INSERT INTO people (person_id) SELECT unnest(%s::uuid[]) RETURNING person_id),
     took_part AS (INSERT INTO participations (attendance_id, person_id, neighbourhood_id)
                   SELECT gen_random_uuid(), person_id, 'le-querce' FROM people)
INSERT INTO payment_codes (payment_code_id, code_hash, person_id, expires_at, refusals)
    SELECT gen_random_uuid(), sha256(convert_to(code, 'UTF8')), person_id, %s, 0 FROM unnest(%s::uuid[], %s::text[]) AS c (person_id, code)
"""


def main(folder: Path, customers: int) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with a_scratch_town(port=port) as town:
        awards = Awards(town, customers)
        tell(town, FundOpened(fund_id=awards.fund_id, kind="city", name="City", rank=1, earmark=Earmark()))
        fill(awards, customers // 1000)
        shop = a_shop(town)
        tokens = [a_paired_till(town, shop, f"till {n}").token for n in range(TILLS)]
        codes = [PAYMENT_PREFIX + hashlib.sha256(str(new_id()).encode()).hexdigest()[:22] for _ in awards.people]
        people, until = array(awards.people), town.clock.now() + timedelta(days=1)
        sql(town.rooms["redemption"], CUSTOMERS, people, until, people, array(codes))
        server = Server(town, one_origin(town, Flask("front")))
        server.start()
        (folder / "ready.json").write_text(json.dumps({"port": port, "tokens": tokens, "codes": codes}))
        sys.stdin.read()
        server.stop()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
