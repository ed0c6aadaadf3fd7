"""How long the pages take when the demo town's history is a hundred times as long.

The demo is lived as `meritcoin demo` lives it, its history is lengthened in every service, and everybody opens every page they have.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from infra.demo import cast
from infra.demo.history import Life
from infra.demo.memory import MemoryFile
from infra.demo.run import first_memory
from infra.demo.sections import ACTORS, SHOP
from infra.demo.setup import owner_of
from infra.front import front_app
from infra.serve import Server, one_origin
from infra.wiring import Town
from services.apis import reimbursement as api
from services.apis import reimbursement_payment as payment_api
from services.kit.clock import SetClock
from tests.benchmarks.long_history import lengthen
from tests.benchmarks.pages import BAR_MS, page_times, row_of_p95
from tests.benchmarks.row import Row
from tests.benchmarks.scene import a_scratch_town
from tests.browser.lived import Lived
from tests.browser.pages import walk
from tests.faults.test_kill_the_demo import free_port

TIMES = int(os.environ.get("PAGES_TIMES", "100"))


def long_pages() -> list[Row]:
    """`pages.p95_ms_100x`: as `pages.p95_ms`, of every page of the demo town. Raises RuntimeError where a page does not answer."""
    with _a_demo_town() as lived:
        lengthen(lived.town, TIMES)
        return [row_of_p95("pages.p95_ms_100x", sorted(times_of_pages(lived)), BAR_MS)]


def times_of_pages(lived: Lived) -> Iterator[float]:
    """Milliseconds, some of each page. Says which pages were the slowest."""
    front = front_app(lived.town)
    server = Server(lived.town.settings, one_origin(lived.town, front), tick=lambda: None)
    server.start()
    slowest: list[tuple[float, str]] = []
    try:
        walked = walk(front, lived)
        if broken := [one for one in walked.failed if one[3] >= 500]:  # what is too long to be shown may be refused
            raise RuntimeError(f"these pages do not answer: {broken}")
        for page in walked.pages:
            took = list(page_times(lived, [page]))
            slowest.append((min(took), f"{page.who} {page.path}"))
            yield from took
    finally:
        server.stop()
    for at_best, page_of in sorted(slowest, reverse=True)[:10]:
        print(f"{at_best:8.0f} ms at best: {page_of}")


@contextmanager
def _a_demo_town() -> Iterator[Lived]:
    memory = first_memory()
    clock = SetClock(memory.clock)
    with a_scratch_town(free_port(), clock=clock) as town:
        life = Life(town, clock, memory, MemoryFile(town.settings.var / "demo" / "town.json"))
        life.live(lambda _done, _total, _sentence: None)
        if not memory.finished:
            raise RuntimeError(f"the history came to day {memory.done_days} only")
        _end_what_is_open(town, life)
        yield people_of(town, life)


def _end_what_is_open(town: Town, life: Life) -> None:
    """What the last month left to the demo's visitor is done: every statement confirmed, every payment prepared."""
    lucia = partial(life.actors.ask, "lucia", "reimbursement")
    owners = {life.memory.ids[shop.name]: owner_of(shop) for shop in cast.SHOPS}
    left = [
        one
        for one in lucia(api.GET_STATEMENTS, query=api.StatementQuery(limit=200)).statements
        if one.state != "claimed"
    ]
    for one in left:
        where = {"statement_id": one.statement_id}
        for query in lucia(api.GET_STATEMENT, **where).queries:
            if query.answer is None:
                answer = api.SettleQuery(answer="The coins are right")
                lucia(api.POST_QUERY_SETTLE, answer, key=f"settle {query.query_id}", query_id=query.query_id)
        life.actors.ask(
            owners[one.shop_id], "reimbursement", api.POST_CONFIRM, key=f"confirm {one.statement_id}", **where
        )
    if left:
        body, key = payment_api.PrepareBatch(), "batch of what was left"
        life.actors.ask("giulio", "reimbursement", payment_api.POST_BATCH, body, key=key)
    town.settle()


def people_of(town: Town, life: Life) -> Lived:
    """The people of the demo's start page, each with what their browser holds."""
    people: dict[str, dict[str, str]] = {"": {}, "cashier": {"till": life.memory.tills[SHOP.name]}}
    for role, actor in {**ACTORS, "shop_owner": owner_of(SHOP)}.items():
        session = life.actors.session(actor)
        people[role] = {"session": session.token, "renewal": f"{session.session_id}.{session.renewal}"}
    return Lived(town, people, ())
