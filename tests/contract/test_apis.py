"""The OpenAPI documents are valid, complete, and say the truth about the live services."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from infra.documents import openapi
from infra.rooms import ROOMS
from infra.wiring import room_of
from services import apis
from services.apis.endpoint import PUBLIC, ROLES, Endpoint

KEYLESS = {
    "ledger": {
        "post_sales",  # each sale's own id is its key, for good
        "post_sales_origins",
    },
    "identity": {
        "post_invitations",
        "post_join",
        "post_me_erase",
        "post_me_language",
        "post_me_password",
        "post_me_pin",
        "post_me_totp",
        "post_organisations_organisation_id:uuid_people_person_id:uuid_pictures_code",
        "post_organisations_organisation_id:uuid_vault_open",
        "post_organisations_organisation_id:uuid_vault_person_id:uuid",
        "post_organisations_organisation_id:uuid_vault_person_id:uuid_open",
        "post_pictures",
        "post_sessions_card",
        "post_sessions_end",
        "post_sessions_renew",
        "post_sessions_staff",
        "post_staff_invitations",
        "post_staff_join",
        "post_staff_look_up",
    },
    "shifts": {
        "post_shifts_held",
    },
    "attendance": {
        "post_attendances_seen",
    },
    "awards": {
        "post_awards_grounds",
        "post_rules_preview",
    },
    "redemption": {
        "post_payment_codes",
        "post_payment_keys",
        "post_payment_keys_payment_key_id:uuid_end",
        "post_shops_shop_id:uuid_pairing_codes",
        "post_tills",
    },
    "funding": {
        "post_stripe_webhook",
    },
}


@pytest.mark.parametrize("service", ROOMS)
def test_the_openapi_document_is_valid(service: str) -> None:
    OpenAPIV31SpecValidator(openapi(service)).validate()


@pytest.mark.parametrize("service", ROOMS)
def test_every_endpoint_names_who_may_call_it(service: str) -> None:
    known = {PUBLIC, *ROLES, *(f"service:{name}" for name in ROOMS)}
    for endpoint, _ in room_of(service).routes.served:
        assert endpoint.allow, f"{service} {endpoint.name} lets nobody in"
        assert set(endpoint.allow) <= known, f"{service} {endpoint.name} names an unknown caller"


def declared(service: str) -> list[Endpoint]:
    """The endpoints of `services/apis/SERVICE.py` and of the modules it was split into (`SERVICE_noun.py`)."""
    names = [n for _, n, _ in iter_modules(apis.__path__) if n == service or n.startswith(f"{service}_")]
    modules = [import_module(f"services.apis.{name}") for name in names]
    return [value for module in modules for value in vars(module).values() if isinstance(value, Endpoint)]


@pytest.mark.parametrize("service", ROOMS)
def test_every_declared_endpoint_is_served_and_every_name_is_single(service: str) -> None:
    served = [endpoint for endpoint, _ in room_of(service).routes.served]
    assert {e.name for e in declared(service)} == {e.name for e in served}
    assert len({e.name for e in served}) == len(served)


@pytest.mark.parametrize("service", ROOMS)
def test_a_post_without_a_key_holds_a_secret_or_changes_nothing(service: str) -> None:
    """Keyless POSTs are listed here one by one: their bodies or answers must not be stored, or repeating them is harmless."""
    keyless = {e.name for e in declared(service) if e.method == "POST" and e.keyless}
    assert keyless == KEYLESS.get(service, set())
