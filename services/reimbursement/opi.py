"""Writes a payment batch as payment orders an Italian municipality can import.

A Comune does not send its bank a SEPA file: it orders its treasurer to pay with OPI ("Ordinativo di
Pagamento e Incasso", AgID technical rules for SIOPE+, from version 1.3.1), which its accounting
software numbers, books on a chapter of the budget and signs. This writes the step before: the
elements of an OPI flow (`flusso_ordinativi`) that the scheme knows (who is paid, how much, why,
on which account, with which stamp duty and out of which funds) under the standard's own names and
in its order, one `mandato` per payment.

It is a preparation file, not an OPI: unsigned, without `bilancio` and `dati_ARCONET_siope` (the
accounting software derives them from the chapter), and without number and date of the `mandato`
unless given. `destinazione` is left out of a payment that free and earmarked funds share, because
one order cannot be both: the office splits it along the fund shares, keeping the end-to-end
reference, by which the treasurer's camt.053 is matched.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from lxml import etree
from lxml.builder import E

from services.apis.errors import Refused
from services.reimbursement.bank_values import (
    MAX_NAME,
    MAX_REMITTANCE,
    Account,
    CreditTransfer,
    CreditTransferBatch,
    FundShare,
    check_batch,
    euros,
    normalise_bic,
    normalise_iban,
    sepa_text,
)

# DPR 642/1972, tariffa art. 13: receipts above this amount carry a stamp of 2.00 EUR.
STAMP_DUE_ABOVE_CENTS = 77_47

_EXEMPT = "ESENTE BOLLO"
_STAMP = {
    "city": ("ASSOGGETTATO BOLLO A CARICO ENTE", None),
    "creditor": ("ASSOGGETTATO BOLLO A CARICO BENEFICIARIO", None),
    "claim": (_EXEMPT, "BOLLO ASSOLTO SULLA NOTA DI DEBITO"),
}
_CHARGES = {"city": "A CARICO ENTE", "creditor": "A CARICO BENEFICIARIO"}


@dataclass(frozen=True)
class FundCode:
    """How the accounts classify a fund. `siope_code`: SIOPE expenditure code; `cup`: of a grant."""

    siope_code: str
    earmarked: bool
    cup: str | None = None


@dataclass(frozen=True)
class OpiSettings:
    """What only the city knows, under the names of the flow's header (`testata_flusso`).

    `stamp_borne_by`: who pays the stamp due above 77.47 EUR; "claim" when the shop's nota di debito
    already carries it. `first_mandate_number`: None leaves the numbers to the accounting software.
    """

    flow_id: str
    financial_year: int
    treasurer_abi_code: str
    treasurer_relay_code: str
    entity_code: str
    entity_name: str
    entity_istat_code: str
    entity_tax_code: str
    entity_relay_code: str
    entity_code_at_treasurer: str
    authorised_by_act: str
    responsible_officer: str
    stamp_borne_by: Literal["city", "creditor", "claim"]
    charges_borne_by: Literal["city", "creditor"]
    fund_codes: Mapping[str, FundCode]
    first_mandate_number: int | None = None


def write_opi(batch: CreditTransferBatch, settings: OpiSettings) -> bytes:
    """The preparation file, UTF-8.

    Raises Refused with opi_fund_shares_wrong (they do not make the payment), opi_fund_code_missing,
    iban_wrong, bic_wrong, payment_text_wrong or a code of `check_batch`.
    """
    check_batch(batch)
    flow = E.flusso_ordinativi(
        etree.Comment(" Preparation file: to be imported, completed and signed by the city. "),
        _header(batch, settings),
        E.esercizio(str(settings.financial_year)),
        *(_mandate(batch, transfer, position, settings) for position, transfer in enumerate(batch.transfers)),
    )
    written: bytes = etree.tostring(flow, xml_declaration=True, encoding="UTF-8", pretty_print=True)
    return written


def _header(batch: CreditTransferBatch, settings: OpiSettings) -> etree._Element:
    return E.testata_flusso(
        E.codice_ABI_BT(settings.treasurer_abi_code),
        E.identificativo_flusso(settings.flow_id),
        E.data_ora_creazione_flusso(batch.created_at.isoformat(timespec="seconds")),
        E.codice_ente(settings.entity_code),
        E.descrizione_ente(settings.entity_name),
        E.codice_istat_ente(settings.entity_istat_code),
        E.codice_fiscale_ente(settings.entity_tax_code),
        E.codice_tramite_ente(settings.entity_relay_code),
        E.codice_tramite_BT(settings.treasurer_relay_code),
        E.codice_ente_BT(settings.entity_code_at_treasurer),
        E.riferimento_ente(batch.message_id),
    )


def _mandate(
    batch: CreditTransferBatch, transfer: CreditTransfer, position: int, settings: OpiSettings
) -> etree._Element:
    mandate = E.mandato(E.tipo_operazione("INSERIMENTO"))
    if settings.first_mandate_number is not None:
        mandate.append(E.numero_mandato(str(settings.first_mandate_number + position)))
        mandate.append(E.data_mandato(batch.created_at.date().isoformat()))
    mandate.extend(
        [
            E.importo_mandato(euros(transfer.amount_cents)),
            E.estremi_provvedimento_autorizzativo(settings.authorised_by_act),
            E.responsabile_provvedimento(settings.responsible_officer),
            _beneficiary(batch, transfer, settings),
        ]
    )
    return mandate


def _beneficiary(batch: CreditTransferBatch, transfer: CreditTransfer, settings: OpiSettings) -> etree._Element:
    shares = _coded_shares(transfer, settings)
    return E.informazioni_beneficiario(
        E.progressivo_beneficiario("1"),
        E.importo_beneficiario(euros(transfer.amount_cents)),
        E.tipo_pagamento("SEPA CREDIT TRANSFER"),
        E.data_esecuzione_pagamento(batch.execution_on.isoformat()),
        *_destination(shares),
        *(_classification(share, code) for share, code in shares),
        _stamp(transfer, settings),
        E.spese(E.soggetto_destinatario_delle_spese(_CHARGES[settings.charges_borne_by])),
        E.beneficiario(
            E.anagrafica_beneficiario(sepa_text(transfer.creditor.name, MAX_NAME, "shop's name")),
            *_optional("partita_iva_beneficiario", transfer.creditor_vat_number),
        ),
        _sepa_credit_transfer(transfer.creditor, transfer.end_to_end_id),
        E.causale(sepa_text(transfer.remittance, MAX_REMITTANCE, "payment text")),
        E.dati_a_disposizione_ente_beneficiario(
            *(E.quota_fondo(E.fondo(share.fund), E.importo(euros(share.amount_cents))) for share, _ in shares)
        ),
    )


def _coded_shares(transfer: CreditTransfer, settings: OpiSettings) -> list[tuple[FundShare, FundCode]]:
    cents = [share.amount_cents for share in transfer.fund_shares]
    if sum(cents) != transfer.amount_cents or min(cents) < 1:
        message = "The fund shares of a payment must make its amount: prepare the batch again."
        facts = {"reference": transfer.end_to_end_id, "amount_cents": transfer.amount_cents}
        raise Refused("opi_fund_shares_wrong", message, {**facts, "shares_cents": cents})
    for share in transfer.fund_shares:
        if share.fund not in settings.fund_codes:
            message = "A fund has no SIOPE code yet: add it to the city's settings."
            raise Refused("opi_fund_code_missing", message, {"fund": share.fund})
    return [(share, settings.fund_codes[share.fund]) for share in transfer.fund_shares]


def _destination(shares: list[tuple[FundShare, FundCode]]) -> list[etree._Element]:
    earmarked = {code.earmarked for _, code in shares}
    if len(earmarked) > 1:
        return []
    return [E.destinazione("VINCOLATA" if True in earmarked else "LIBERA")]


def _classification(share: FundShare, code: FundCode) -> etree._Element:
    return E.classificazione(
        E.codice_cgu(code.siope_code),
        *_optional("codice_cup", code.cup),
        E.importo(euros(share.amount_cents)),
        # The shop claims with a nota di debito outside VAT: no invoice, so no commercial debt.
        E.classificazione_dati_siope_uscite(E.tipo_debito_siope_nc("NON_COMMERCIALE")),
    )


def _stamp(transfer: CreditTransfer, settings: OpiSettings) -> etree._Element:
    treatment, reason = _STAMP[settings.stamp_borne_by]
    if transfer.amount_cents <= STAMP_DUE_ABOVE_CENTS:
        treatment, reason = _EXEMPT, "IMPORTO NON SUPERIORE A 77,47 EURO"
    return E.bollo(E.assoggettamento_bollo(treatment), *_optional("causale_esenzione_bollo", reason))


def _sepa_credit_transfer(creditor: Account, end_to_end_id: str) -> etree._Element:
    return E.sepa_credit_transfer(
        E.iban(normalise_iban(creditor.iban)),
        *_optional("bic", creditor.bic and normalise_bic(creditor.bic)),
        E.identificativo_end_to_end(end_to_end_id),
    )


def _optional(tag: str, text: str | None) -> list[etree._Element]:
    return [E(tag, text)] if text else []
