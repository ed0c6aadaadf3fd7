"""What the sealed log answers: checkpoints and proofs for everybody, receipts for those whose transfer it is."""

from __future__ import annotations

from base64 import b64encode
from uuid import UUID

from sqlalchemy import or_, select

from ledger import log, verify
from ledger.domain_values import instant
from ledger.models import Account
from ledger.models import Transfer as Row
from ledger.models_log import Checkpoint, LogLeaf, PeriodSeal
from ledger.queries import TRANSFERS, read
from services.apis import ledger_log as api
from services.apis.errors import Refused, not_found
from services.kit.db import Tx

ASK_AGAIN_S = 60  # the sealer comes by every half minute


def get_receipt(tx: Tx, transfer_id: UUID) -> api.Receipt:
    """To a volunteer, a transfer that touches no lot of theirs is unknown."""
    row = tx.session.get(Row, transfer_id)
    if row is None or not (_sees_all(tx) or _touches_own(tx, row)):
        raise not_found("transfer", transfer_id)
    leaf = tx.session.scalar(select(LogLeaf).where(LogLeaf.seq == row.seq))
    if leaf is None:
        raise Refused(
            "not_sealed_yet", "This transfer is booked, and not yet in the sealed log. Ask again in a minute.",
            {"ask_again_in_s": ASK_AGAIN_S},
        )  # fmt: skip
    (transfer,) = read(tx, TRANSFERS.where(Row.id == transfer_id))
    said = {field: getattr(transfer, field) for field in api.SealedTransfer.__struct_fields__}
    said.update(occurred_at=instant(transfer.occurred_at), posted_at=instant(transfer.posted_at))
    newest = _newest(tx)
    return api.Receipt(
        transfer=api.SealedTransfer(**said), leaf=leaf.leaf.hex(), position=leaf.position, checkpoint=note_of(newest),
        proof=tuple(step.hex() for step in log.inclusion_proof(tx, leaf.position, newest.size)),
    )  # fmt: skip


def get_checkpoint(tx: Tx) -> api.Checkpoint:
    return _view(_newest(tx))


def get_checkpoint_of(tx: Tx, size: int) -> api.Checkpoint:
    return _view(_of_size(tx, size))


def get_consistency(tx: Tx, query: api.ConsistencyQuery) -> api.Consistency:
    if query.older > query.newer:
        raise Refused("sizes_out_of_order", "A log only grows: say the smaller size as the older one.", status=422)
    older, newer = _of_size(tx, query.older), _of_size(tx, query.newer)
    proof = log.consistency_proof(tx, older.size, newer.size)
    return api.Consistency(older=note_of(older), newer=note_of(newer), proof=tuple(step.hex() for step in proof))


def get_period_seals(tx: Tx, query: api.SealsQuery) -> api.PeriodSeals:
    wanted = select(PeriodSeal).order_by(PeriodSeal.period.desc()).limit(query.limit)
    wanted = wanted if query.before is None else wanted.where(PeriodSeal.period < query.before)
    return api.PeriodSeals(seals=tuple(_seal_view(seal) for seal in tx.session.scalars(wanted)))


def note_of(checkpoint: Checkpoint) -> str:
    body = verify.checkpoint_body(checkpoint.origin, verify.Checkpoint(checkpoint.size, checkpoint.root))
    return _signed(body, checkpoint)


def _signed(body: str, by: Checkpoint | PeriodSeal) -> str:
    return f"{body}\n— {by.origin} {b64encode(by.key_id + by.signature).decode()}\n"


def _seal_view(seal: PeriodSeal) -> api.PeriodSeal:
    body = verify.period_body(seal.origin, seal.period, verify.Checkpoint(seal.size, seal.root), seal.balances_root)
    return api.PeriodSeal(
        period=seal.period, size=seal.size, root=seal.root.hex(), balances_root=seal.balances_root.hex(), at=seal.at, origin=seal.origin,
        signature=b64encode(seal.signature).decode(), note=_signed(body, seal),
    )  # fmt: skip


def _sees_all(tx: Tx) -> bool:
    return tx.who.kind == "service" or tx.who.has("auditor")


def _touches_own(tx: Tx, row: Row) -> bool:
    sides = or_(Account.id == row.debit_account, Account.id == row.credit_account)
    return tx.session.scalar(select(Account.id).where(sides, Account.person == tx.who.person_id)) is not None


def _newest(tx: Tx) -> Checkpoint:
    newest = tx.session.scalar(select(Checkpoint).order_by(Checkpoint.size.desc()).limit(1))
    if newest is None:
        raise Refused(
            "nothing_sealed_yet",
            "Nothing is sealed yet. Ask again in a minute.",
            {"ask_again_in_s": ASK_AGAIN_S},
            status=404,
        )
    return newest


def _of_size(tx: Tx, size: int) -> Checkpoint:
    found = tx.session.get(Checkpoint, size) if size < 2**63 else None
    if found is None:
        raise not_found("checkpoint", size)
    return found


def _view(checkpoint: Checkpoint) -> api.Checkpoint:
    return api.Checkpoint(size=checkpoint.size, at=checkpoint.at, note=note_of(checkpoint))
