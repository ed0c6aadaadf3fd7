"""Writes a payment batch as an ISO 20022 credit transfer initiation (pain.001).

SEPA customer-to-bank guidelines (EPC132-08): service level SEPA, charges shared (SLEV), euro, IBAN
only, with a BIC where one is known. Plain ISO 20022, as banks outside Italy and those of
foundations take it; CBI's Italian envelope (CBIPaymentRequest) is another format.
"""

from __future__ import annotations

from datetime import UTC
from typing import Literal

from lxml import etree
from lxml.builder import ElementMaker

from services.reimbursement.bank_values import (
    MAX_NAME,
    MAX_REMITTANCE,
    Account,
    CreditTransfer,
    CreditTransferBatch,
    check_batch,
    euros,
    normalise_bic,
    normalise_iban,
    sepa_text,
)

Version = Literal["pain.001.001.09", "pain.001.001.03"]


def write_pain001(batch: CreditTransferBatch, version: Version) -> bytes:
    """The file, UTF-8, ready to upload to the bank.

    Raises Refused with iban_wrong, bic_wrong, payment_text_wrong or a code of `check_batch`.
    """
    check_batch(batch)
    namespace = f"urn:iso:std:iso:20022:tech:xsd:{version}"
    make = ElementMaker(namespace=namespace, nsmap={None: namespace})
    document = make.Document(make.CstmrCdtTrfInitn(_header(make, batch), _payment_information(make, batch, version)))
    written: bytes = etree.tostring(document, xml_declaration=True, encoding="UTF-8", pretty_print=True)
    return written


def _header(make: ElementMaker, batch: CreditTransferBatch) -> etree._Element:
    return make.GrpHdr(
        make.MsgId(batch.message_id),
        make.CreDtTm(batch.created_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")),
        *_totals(make, batch),
        make.InitgPty(_name(make, batch.debtor)),
    )


def _totals(make: ElementMaker, batch: CreditTransferBatch) -> tuple[etree._Element, ...]:
    return make.NbOfTxs(str(len(batch.transfers))), make.CtrlSum(euros(batch.total_cents))


def _payment_information(make: ElementMaker, batch: CreditTransferBatch, version: Version) -> etree._Element:
    execution_on = batch.execution_on.isoformat()
    return make.PmtInf(
        make.PmtInfId(batch.message_id),  # one PmtInf a file, so the file's id is enough
        make.PmtMtd("TRF"),
        make.BtchBookg("true" if batch.batch_booking else "false"),
        *_totals(make, batch),
        make.PmtTpInf(make.SvcLvl(make.Cd("SEPA"))),
        make.ReqdExctnDt(execution_on if version.endswith(".03") else make.Dt(execution_on)),
        make.Dbtr(_name(make, batch.debtor)),
        make.DbtrAcct(_iban(make, batch.debtor), make.Ccy("EUR")),
        make.DbtrAgt(make.FinInstnId(_debtor_bank(make, batch.debtor, version))),
        make.ChrgBr("SLEV"),
        *(_transfer(make, transfer, version) for transfer in batch.transfers),
    )


def _transfer(make: ElementMaker, transfer: CreditTransfer, version: Version) -> etree._Element:
    creditor = transfer.creditor
    return make.CdtTrfTxInf(
        make.PmtId(make.EndToEndId(transfer.end_to_end_id)),
        make.Amt(make.InstdAmt(euros(transfer.amount_cents), Ccy="EUR")),
        *(make.CdtrAgt(make.FinInstnId(bic)) for bic in _bic(make, creditor, version)),
        make.Cdtr(_name(make, creditor)),
        make.CdtrAcct(_iban(make, creditor)),
        make.RmtInf(make.Ustrd(sepa_text(transfer.remittance, MAX_REMITTANCE, "payment text"))),
    )


def _name(make: ElementMaker, account: Account) -> etree._Element:
    return make.Nm(sepa_text(account.name, MAX_NAME, "account holder's name"))


def _iban(make: ElementMaker, account: Account) -> etree._Element:
    return make.Id(make.IBAN(normalise_iban(account.iban)))


def _bic(make: ElementMaker, account: Account, version: Version) -> list[etree._Element]:
    tag = "BIC" if version.endswith(".03") else "BICFI"
    return [] if account.bic is None else [make(tag, normalise_bic(account.bic))]


def _debtor_bank(make: ElementMaker, account: Account, version: Version) -> etree._Element:
    # The schema wants the debtor's bank named in some way; the IBAN already says which it is.
    unnamed = make.Othr(make.Id("NOTPROVIDED"))
    return next(iter(_bic(make, account, version)), unnamed)
