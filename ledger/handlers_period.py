"""A month is closed: nothing is booked in it any more. 90 days later the ledger forgets whose coins were spent in it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import func, select, text
from sqlalchemy.dialects.postgresql import insert

from ledger.handlers_waiting import hold_the_line
from ledger.models import ClosedPeriod, Transfer
from ledger.models_log import LinksCut
from ledger.posting import BOOKS_LOCK
from ledger.rules import month_end
from services.apis.errors import Refused
from services.events import Envelope
from services.events.reimbursement import PeriodClosed
from services.kit.bulk import array
from services.kit.db import Tx

LINKED_FOR = timedelta(days=90)
MOST_CUT = 500

_ALONE = text("SELECT pg_advisory_xact_lock(:lock)")
_DUE = text("""
    SELECT period, ends_at FROM closed_periods WHERE closed_at <= :before AND period NOT IN (SELECT period FROM links_cut)
    ORDER BY ends_at LIMIT 1""")
# In order of id and with the same strength as a posting locks them. Locked, each is looked at again: it may hold coins by now.
_EMPTY = text("""
    SELECT id FROM accounts a WHERE person IS NOT NULL AND NOT positive AND debits_held = 0 AND credits_held = 0
        AND EXISTS (SELECT FROM transfers WHERE credit_account = a.id)
        AND NOT EXISTS (SELECT FROM transfers WHERE credit_account = a.id AND occurred_at >= :ends_at)
        AND NOT EXISTS (SELECT FROM transfers WHERE debit_account = a.id AND occurred_at >= :ends_at)
    ORDER BY id LIMIT :most FOR NO KEY UPDATE""")
_CUT = text("UPDATE accounts SET person = NULL, version = version + 1 WHERE id = ANY(CAST(:ids AS bigint[]))")


def on_period_closed(tx: Tx, events: list[Envelope[PeriodClosed]]) -> None:
    """Alone with the books: who is posting ends first, and whoever posts next sees that the period is closed."""
    tx.session.execute(_ALONE, {"lock": BOOKS_LOCK})
    last_seq = tx.session.scalar(select(func.coalesce(func.max(Transfer.seq), 0)))
    for event in events:
        period, ends_at = event.data.period, end_of(event.data.period, ZoneInfo(tx.city.zone))
        if ends_at > tx.now:
            raise Refused("period_not_over", f"{period} is not over yet, and cannot be closed.")
        row = {"period": period, "ends_at": ends_at, "closed_at": tx.now, "last_seq": last_seq}
        tx.session.execute(insert(ClosedPeriod).values(row).on_conflict_do_nothing())


def end_of(period: str, zone: ZoneInfo) -> datetime:
    """The instant a month (YYYY-MM) ends in the city. Raises ValueError for what is no month."""
    after = month_end(date.fromisoformat(f"{period}-01")) + timedelta(days=1)
    return datetime(after.year, after.month, after.day, tzinfo=zone).astimezone(UTC)


def cut_links(tx: Tx) -> int:
    """Job: a lot that is empty, and was last used in a period closed 90 days ago or longer, is nobody's any more. Answers how many.

    Alone with the line of awards, so that none is issued to a lot just found by its owner. A lot that is not empty keeps its link; a
    later period's turn comes for it, because it is emptied by a later transfer.
    """
    due = tx.session.execute(_DUE, {"before": tx.now - LINKED_FOR}).one_or_none()
    if due is None:
        return 0
    hold_the_line(tx)
    lots = tx.session.scalars(_EMPTY, {"ends_at": due.ends_at, "most": MOST_CUT}).all()
    if lots:
        tx.session.execute(_CUT, {"ids": array(lots)})
    if len(lots) < MOST_CUT:
        tx.session.execute(insert(LinksCut).values(period=due.period, at=tx.now).on_conflict_do_nothing())
    return len(lots) or 1
