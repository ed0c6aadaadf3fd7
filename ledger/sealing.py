"""The sealer: appends what was posted to the Merkle log, off the hot path. It takes no lock a posting waits for.

`transfers.seq` is drawn before commit, and transactions commit out of order: a number missing now may still appear. So every missing
number is kept in `gaps` until it appears, or nobody can hold it any more.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from sqlalchemy import Connection, func, select, text

from ledger import log, merkle, verify
from ledger.log import Leaf
from ledger.models import ClosedPeriod, WaitingAward
from ledger.models_log import Checkpoint, PeriodSeal
from services.apis.city import City
from services.kit.bulk import array, copy_rows
from services.kit.db import Tx

SEAL_LOCK = 0x7365616C  # "seal": one sealer at a time
MOST = 10_000
LONGEST_BALANCES = "10min"
MOST_COUNTED = 100_000

_ALONE = text("SELECT pg_try_advisory_xact_lock(:lock)")
_END = text("SELECT coalesce(max(position) + 1, 0), coalesce(max(seq), 0) FROM log")
_NEW = text("SELECT seq, id, leaf FROM transfers WHERE seq > :after ORDER BY seq LIMIT :most")
_LATE = text("SELECT seq, id, leaf FROM gaps JOIN transfers USING (seq) ORDER BY seq LIMIT :most")
_MY_XID = text("SELECT CAST(CAST(pg_current_xact_id() AS text) AS bigint)")
_APPEARED = text("DELETE FROM gaps WHERE seq = ANY(CAST(:seqs AS bigint[]))")
# One statement, so one snapshot: whoever could have drawn the number had ended before it, and the row is not there.
_DEAD = text("""
    DELETE FROM gaps WHERE before_xid <= CAST(CAST(pg_snapshot_xmin(pg_current_snapshot()) AS text) AS bigint)
        AND NOT EXISTS (SELECT FROM transfers WHERE transfers.seq = gaps.seq)""")
_UNSEALED = """
    SELECT posted_at FROM transfers WHERE seq > (SELECT coalesce(max(seq), 0) FROM log)
    UNION ALL SELECT posted_at FROM gaps JOIN transfers USING (seq)"""
_LAG = text(f"SELECT count(*), min(posted_at) FROM (SELECT * FROM ({_UNSEALED}) u LIMIT {MOST_COUNTED}) unsealed")  # noqa: S608
_SEALABLE = text("""
    SELECT period FROM closed_periods WHERE period NOT IN (SELECT period FROM period_seals)
        AND last_seq <= (SELECT coalesce(max(seq), 0) FROM log)
        AND NOT EXISTS (SELECT FROM gaps JOIN transfers USING (seq) WHERE seq <= last_seq)
    ORDER BY period LIMIT 1""")
# From the transfers alone: the counters are what the seal shall be compared with.
_BALANCES = text("""
    SELECT code, CAST(sum(cents) AS bigint) FROM (
        SELECT debit_account AS id, -amount_cents AS cents FROM transfers WHERE occurred_at < :ends_at
        UNION ALL SELECT credit_account, amount_cents FROM transfers WHERE occurred_at < :ends_at) moved
    JOIN accounts USING (id) GROUP BY code HAVING sum(cents) <> 0 ORDER BY code""")


class Signer:
    """The installation's key. `origin`: the name of key and log, for good."""

    def __init__(self, seed: bytes, city: City) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        self.public = self._key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        self.origin = "meritcoin/" + "-".join(city.name.lower().split()) + "/ledger"
        self.key_id = verify.key_id(self.origin, self.public)

    @property
    def text(self) -> str:
        """The public key, as the verifier takes it."""
        return verify.key_text(self.origin, self.public)

    def sign(self, body: str) -> bytes:
        return self._key.sign(body.encode())


def signer_of(tx: Tx) -> Signer:
    return Signer(tx.extras["seal_key"], tx.city)


def seal(tx: Tx) -> int:
    """Job: append transfers that are not in the log yet, and sign where it stands then. Answers how many.

    0 also when another sealer is at work.
    """
    if not tx.session.scalar(_ALONE, {"lock": SEAL_LOCK}):
        return 0
    size, last = tx.session.execute(_END).one()
    late = _leaves(tx, _LATE, most=MOST)
    new = _leaves(tx, _NEW, after=last, most=MOST)
    # Only now, after the reads, do we take a transaction id: who had drawn a number that we miss had locked accounts, and so has a
    # smaller id. (The reads' own xmax would not do: it is one more than the latest id that has ended; others beyond it may be at work.)
    mine = tx.session.scalar(_MY_XID) if late or new else 0
    if new:
        missing = sorted(set(range(last + 1, new[-1].seq)).difference([leaf.seq for leaf in new]))
        copy_rows(tx.session, "gaps", {"seq": "int8", "before_xid": "int8"}, ((seq, mine) for seq in missing))
    if late:
        tx.session.execute(_APPEARED, {"seqs": array([leaf.seq for leaf in late])})
    tx.session.execute(_DEAD)
    if late or new:
        size = log.append(tx, size, [*late, *new])
        _sign_checkpoint(tx, size)
    return len(late) + len(new)


def seal_periods(tx: Tx) -> int:
    """Job: seal one closed period whose transfers are all in the log. Answers how many."""
    if not tx.session.scalar(_ALONE, {"lock": SEAL_LOCK}):
        return 0
    period = tx.session.scalar(_SEALABLE)
    if period is None:
        return 0
    tx.session.execute(text(f"SET LOCAL statement_timeout = '{LONGEST_BALANCES}'"))
    newest = tx.session.scalar(select(Checkpoint).order_by(Checkpoint.size.desc()).limit(1))
    size, root = (newest.size, newest.root) if newest else (0, merkle.EMPTY)
    balances = balances_root(tx, tx.session.get_one(ClosedPeriod, period).ends_at)
    signer = signer_of(tx)
    tx.session.add(
        PeriodSeal(
            period=period, size=size, root=root, balances_root=balances, at=tx.now, origin=signer.origin, key_id=signer.key_id,
            signature=signer.sign(verify.period_body(signer.origin, period, verify.Checkpoint(size, root), balances)),
        )
    )  # fmt: skip
    return 1


def balances_root(tx: Tx, ends_at: datetime) -> bytes:
    """The RFC 9162 root over the lines `code balance_cents`, in byte order of codes, of all accounts that did not stand at zero then, by
    what had occurred before that instant."""

    def lines() -> Iterator[bytes]:
        rows = tx.session.execute(_BALANCES, {"ends_at": ends_at}, execution_options={"yield_per": 10_000})
        for code, cents in rows:
            yield f"{code} {cents}".encode()

    return merkle.root(lines())


def figures(conn: Connection, now: datetime) -> dict[str, Any]:
    """How far the log and the line of awards are behind: transfers not sealed (counted to 100,000), ages in seconds."""
    count, oldest = conn.execute(_LAG).one()
    waiting = conn.scalar(select(func.min(WaitingAward.since)))
    return {
        "unsealed": count,
        "oldest_unsealed_s": _age(oldest, now),
        "oldest_waiting_award_s": _age(waiting, now),
    }


def _age(since: datetime | None, now: datetime) -> float:
    return max(0.0, round((now - since).total_seconds(), 3)) if since else 0.0


def _leaves(tx: Tx, query: Any, **said: Any) -> Sequence[Leaf]:
    return [Leaf(seq, id_, bytes(leaf)) for seq, id_, leaf in tx.session.execute(query, said)]


def _sign_checkpoint(tx: Tx, size: int) -> None:
    signer, root = signer_of(tx), log.root(tx, size)
    signature = signer.sign(verify.checkpoint_body(signer.origin, verify.Checkpoint(size, root)))
    row = {
        "size": size,
        "root": root,
        "at": tx.now,
        "origin": signer.origin,
        "key_id": signer.key_id,
        "signature": signature,
    }
    tx.session.add(Checkpoint(**row))
    tx.session.flush()
