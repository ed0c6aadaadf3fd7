"""A batch becomes payment orders a municipality's accounting software can import and complete."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from services.apis.errors import Refused
from services.reimbursement.bank_values import Account, CreditTransferBatch, FundShare
from services.reimbursement.opi import FundCode, OpiSettings, write_opi
from tests.unit.reimbursement.bank_files import SHOP_IBAN, a_batch, a_transfer

VALDARCO = OpiSettings(
    flow_id="VALDARCO-2026-0042",
    financial_year=2026,
    treasurer_abi_code="05428",
    treasurer_relay_code="A2A-00000001",
    entity_code="UFABCD",
    entity_name="Comune di Valdarco",
    entity_istat_code="000000000",
    entity_tax_code="00000000000",
    entity_relay_code="A2A-00000002",
    entity_code_at_treasurer="0000042",
    authorised_by_act="Determina 118/2026",
    responsible_officer="Servizio Ragioneria",
    stamp_borne_by="creditor",
    charges_borne_by="city",
    fund_codes={
        "city": FundCode("U.1.04.02.05.999", earmarked=False),
        "sponsor": FundCode("U.1.04.02.05.999", earmarked=True),
        "grant": FundCode("U.1.04.02.05.999", earmarked=True, cup="B41H26000010006"),
    },
)
# The order in which the OPI rules list what is known of a payment.
ORDER = [
    "progressivo_beneficiario", "importo_beneficiario", "tipo_pagamento",
    "data_esecuzione_pagamento", "destinazione", "classificazione", "bollo", "spese",
    "beneficiario", "sepa_credit_transfer", "causale", "dati_a_disposizione_ente_beneficiario",
]  # fmt: skip


def orders_of(batch: CreditTransferBatch, **changes: Any) -> etree._Element:
    return etree.fromstring(write_opi(batch, replace(VALDARCO, **changes)))


def an_order(*shares: FundShare, **changes: Any) -> etree._Element:
    amount_cents = sum(share.amount_cents for share in shares)
    transfer = a_transfer(amount_cents=amount_cents, fund_shares=shares, **changes)
    return orders_of(a_batch(transfer)).find("mandato/informazioni_beneficiario")


def test_an_order_says_whom_to_pay_how_much_why_and_where() -> None:
    baker = Account("Panetteria Però", SHOP_IBAN, "UNCRITMM")
    order = an_order(FundShare("city", 12_050), creditor=baker, creditor_vat_number="01234567890")
    assert [element.tag for element in order] == ORDER
    assert order.findtext("importo_beneficiario") == "120.50"
    assert order.findtext("tipo_pagamento") == "SEPA CREDIT TRANSFER"
    assert order.findtext("data_esecuzione_pagamento") == "2026-05-06"
    assert order.findtext("causale") == "Claim 2026-04-0001"
    assert order.findtext("beneficiario/anagrafica_beneficiario") == "Panetteria Pero"
    assert order.findtext("beneficiario/partita_iva_beneficiario") == "01234567890"
    assert order.findtext("sepa_credit_transfer/iban") == SHOP_IBAN
    assert order.findtext("sepa_credit_transfer/bic") == "UNCRITMM"
    assert order.findtext("sepa_credit_transfer/identificativo_end_to_end") == "2026-04-0001"
    assert order.findtext("spese/soggetto_destinatario_delle_spese") == "A CARICO ENTE"


def test_the_header_carries_what_only_the_city_knows() -> None:
    flow = orders_of(a_batch())
    header = {element.tag: element.text for element in flow.find("testata_flusso")}
    assert header["identificativo_flusso"] == "VALDARCO-2026-0042"
    assert header["data_ora_creazione_flusso"] == "2026-05-04T11:30:00+02:00"
    assert header["codice_ABI_BT"] == "05428"
    assert header["riferimento_ente"] == "BATCH-2026-04"
    assert flow.findtext("esercizio") == "2026"
    assert b"Preparation file" in etree.tostring(flow)


def test_the_accounting_software_numbers_the_orders_unless_told_to_start_somewhere() -> None:
    batch = a_batch(a_transfer("A"), a_transfer("B"))
    assert orders_of(batch).findall("mandato/numero_mandato") == []
    numbered = orders_of(batch, first_mandate_number=310)
    numbers = [element.text for element in numbered.iterfind("mandato/numero_mandato")]
    assert numbers == ["310", "311"]
    assert numbered.findtext("mandato/data_mandato") == "2026-05-04"


some_shares = st.tuples(st.sampled_from(["city", "sponsor", "grant"]), st.integers(1, 10**9))


@given(st.lists(some_shares, min_size=1, max_size=20))
def test_every_cent_of_an_order_is_classified_and_names_its_fund(
    shares: list[tuple[str, int]],
) -> None:
    order = an_order(*(FundShare(fund, cents) for fund, cents in shares))

    def cents_of(path: str) -> list[int]:
        return [int(element.text.replace(".", "")) for element in order.iterfind(path)]

    assert cents_of("classificazione/importo") == [cents for _, cents in shares]
    assert cents_of("*/quota_fondo/importo") == [cents for _, cents in shares]
    assert [e.text for e in order.iterfind("*/quota_fondo/fondo")] == [fund for fund, _ in shares]
    assert cents_of("importo_beneficiario") == [sum(cents for _, cents in shares)]


@pytest.mark.parametrize(
    ("funds", "destination"),
    [
        (["city"], "LIBERA"),
        (["sponsor", "grant"], "VINCOLATA"),
        (["city", "grant"], None),
    ],
)
def test_an_order_is_free_or_earmarked_and_left_to_the_office_when_it_is_both(
    funds: list[str], destination: str | None
) -> None:
    order = an_order(*(FundShare(fund, 5_000) for fund in funds))
    assert order.findtext("destinazione") == destination


def test_a_grants_project_code_stands_only_on_its_share() -> None:
    order = an_order(FundShare("city", 1_000), FundShare("grant", 3_000))
    codes = [part.findtext("codice_cup") for part in order.iterfind("classificazione")]
    assert codes == [None, "B41H26000010006"]


@pytest.mark.parametrize(
    ("amount_cents", "borne_by", "stamp", "reason"),
    [
        (7_747, "creditor", "ESENTE BOLLO", "IMPORTO NON SUPERIORE A 77,47 EURO"),
        (7_748, "creditor", "ASSOGGETTATO BOLLO A CARICO BENEFICIARIO", None),
        (7_748, "city", "ASSOGGETTATO BOLLO A CARICO ENTE", None),
        (7_748, "claim", "ESENTE BOLLO", "BOLLO ASSOLTO SULLA NOTA DI DEBITO"),
    ],
)
def test_above_77_47_euro_the_stamp_is_borne_as_the_city_decided(
    amount_cents: int, borne_by: str, stamp: str, reason: str | None
) -> None:
    transfer = a_transfer(amount_cents=amount_cents, fund_shares=(FundShare("city", amount_cents),))
    flow = orders_of(a_batch(transfer), stamp_borne_by=borne_by)
    assert flow.findtext(".//bollo/assoggettamento_bollo") == stamp
    assert flow.findtext(".//bollo/causale_esenzione_bollo") == reason


@pytest.mark.parametrize(
    "shares",
    [
        (),
        (FundShare("city", 12_049),),
        (FundShare("city", 12_051), FundShare("grant", -1)),
    ],
)
def test_fund_shares_that_do_not_make_the_payment_are_refused(shares: tuple[FundShare]) -> None:
    with pytest.raises(Refused) as refused:
        write_opi(a_batch(a_transfer(fund_shares=shares)), VALDARCO)
    assert refused.value.code == "opi_fund_shares_wrong"


def test_a_fund_without_a_siope_code_is_named_in_the_refusal() -> None:
    batch = a_batch(a_transfer(fund_shares=(FundShare("new-sponsor", 12_050),)))
    with pytest.raises(Refused, match="SIOPE code") as refused:
        write_opi(batch, VALDARCO)
    assert (refused.value.code, refused.value.facts) == (
        "opi_fund_code_missing",
        {"fund": "new-sponsor"},
    )


def test_an_order_no_bank_could_execute_is_refused_too() -> None:
    with pytest.raises(Refused, match="check digits"):
        write_opi(a_batch(a_transfer(creditor=Account("Bar", SHOP_IBAN[:-1] + "0"))), VALDARCO)
