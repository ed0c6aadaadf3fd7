"""The files of a released batch: pain.001 for a bank, the OPI preparation for an Italian city's treasurer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from uuid import UUID

from sqlalchemy import select

from services.apis import reimbursement_payment as api
from services.apis.errors import Refused, not_found
from services.events.ledger import Part
from services.kit.db import Tx
from services.kit.routes import File
from services.reimbursement import domain, pain001
from services.reimbursement.bank_values import Account as BankAccount
from services.reimbursement.bank_values import CreditTransfer, CreditTransferBatch, FundShare
from services.reimbursement.models import Account, BankFile, Batch, Claim, Fund, Payment, Statement
from services.reimbursement.opi import FundCode, OpiSettings, write_opi

VERSIONS: tuple[pain001.Version, ...] = ("pain.001.001.09", "pain.001.001.03")


def write_files(
    tx: Tx, batch: Batch, payments: Sequence[Payment], parts: Mapping[UUID, tuple[Part, ...]], execution_on: date
) -> None:
    """Write every file of the batch as it is released. `parts`: by claim. A file that cannot be written refuses the release."""
    orders = _orders(tx, batch, payments, parts, execution_on)
    files: dict[str, bytes] = {version: pain001.write_pain001(orders, version) for version in VERSIONS}
    files["opi"] = write_opi(orders, _opi_settings(tx, orders))
    tx.session.add_all(BankFile(batch_id=batch.batch_id, kind=kind, content=content) for kind, content in files.items())


def get_pain001(tx: Tx, query: api.FileQuery, batch_id: UUID) -> File:
    return _file(tx, batch_id, query.version)


def get_opi(tx: Tx, batch_id: UUID) -> File:
    return _file(tx, batch_id, "opi")


def _file(tx: Tx, batch_id: UUID, kind: str) -> File:
    batch = tx.session.get(Batch, batch_id)
    if batch is None:
        raise not_found("batch", batch_id)
    if batch.state != "released":
        raise Refused(
            "batch_state",
            "There is a file for the bank once a third person has released the batch.",
            {"state": batch.state, "needs": "released"},
        )
    file = tx.session.get_one(BankFile, (batch_id, kind))
    return File(content=file.content, media="application/xml", name=f"{kind}-{batch_id.hex}.xml")


def _orders(
    tx: Tx, batch: Batch, payments: Sequence[Payment], parts: Mapping[UUID, tuple[Part, ...]], execution_on: date
) -> CreditTransferBatch:
    """The batch as banks want it. A payment's end-to-end id is its id in hexadecimal: what the bank's statement brings back."""
    details = {
        payment_id: (claim, period, account)
        for payment_id, claim, period, account in tx.session.execute(
            select(Payment.payment_id, Claim, Statement.period, Account)
            .join(Claim, Claim.claim_id == Payment.claim_id)
            .join(Statement, Statement.statement_id == Claim.statement_id)
            .join(Account, Account.account_id == Payment.account_id)
            .where(Payment.batch_id == batch.batch_id)
        )
    }
    transfers = []
    for payment in payments:
        claim, period, account = details[payment.payment_id]
        transfers.append(
            CreditTransfer(
                end_to_end_id=payment.payment_id.hex,
                amount_cents=payment.amount_cents,
                creditor=BankAccount(account.holder, account.iban),
                remittance=f"Merit coins {period}, nota di debito {domain.number_of(claim.number, claim.year)}",
                fund_shares=tuple(FundShare(str(p.fund_id), p.amount_cents) for p in parts[payment.claim_id]),
            )
        )
    ours = tx.city.account
    return CreditTransferBatch(
        message_id=batch.batch_id.hex,
        created_at=tx.city.local(tx.now),
        debtor=BankAccount(ours.name, ours.iban, ours.bic),
        execution_on=execution_on,
        transfers=tuple(transfers),
    )


def _opi_settings(tx: Tx, orders: CreditTransferBatch) -> OpiSettings:
    city, opi = tx.city, tx.city.opi
    return OpiSettings(
        flow_id=orders.message_id,
        financial_year=orders.created_at.year,
        treasurer_abi_code=opi.codice_abi_bt,
        treasurer_relay_code=opi.codice_tramite_bt,
        entity_code=opi.codice_ente,
        entity_name=city.account.name,
        entity_istat_code=opi.codice_istat,
        entity_tax_code=opi.codice_fiscale_ente,
        entity_relay_code=opi.codice_tramite_ente,
        entity_code_at_treasurer=opi.codice_ente_bt,
        authorised_by_act=", ".join(filter(None, (opi.provvedimento, f"capitolo {opi.esercizio_chapter}"))),
        responsible_officer=opi.responsabile,
        # A stamp the city bears is put on its own order; one the shop bears is on the shop's document already.
        stamp_borne_by="city" if city.claim.stamp_borne_by == "city" else "claim",
        charges_borne_by="city",
        fund_codes=_fund_codes(tx, orders),
    )


def _fund_codes(tx: Tx, orders: CreditTransferBatch) -> dict[str, FundCode]:
    """How the city's accounts classify each fund: sponsors' and grants' money is earmarked, a grant has its project's code."""
    wanted = {share.fund for transfer in orders.transfers for share in transfer.fund_shares}
    funds = tx.session.scalars(select(Fund).where(Fund.fund_id.in_([UUID(fund) for fund in wanted])))
    opi = tx.city.opi
    codes = {
        str(fund.fund_id): FundCode(opi.codice_siope, earmarked=fund.kind != "city", cup=opi.cups.get(fund.name))
        for fund in funds
    }
    unheard = sorted(wanted - set(codes))
    if unheard:
        raise Refused(
            "fund_not_known_yet",
            "A fund behind these payments is not known here yet. Try again in a moment.",
            {"fund_ids": unheard},
        )
    return codes
