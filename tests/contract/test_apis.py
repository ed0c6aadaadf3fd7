"""The OpenAPI documents are valid, complete, and say the truth about the live services."""

from __future__ import annotations

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from infra.documents import openapi
from infra.wiring import ROOMS, room_of
from services.apis.endpoint import PUBLIC, ROLES


@pytest.mark.parametrize("service", ROOMS)
def test_the_openapi_document_is_valid(service: str) -> None:
    OpenAPIV31SpecValidator(openapi(service)).validate()


@pytest.mark.parametrize("service", ROOMS)
def test_every_endpoint_names_who_may_call_it(service: str) -> None:
    known = {PUBLIC, *ROLES, *(f"service:{name}" for name in ROOMS)}
    for endpoint, _ in room_of(service).routes.served:
        assert endpoint.allow, f"{service} {endpoint.name} lets nobody in"
        assert set(endpoint.allow) <= known, f"{service} {endpoint.name} names an unknown caller"


@pytest.mark.parametrize("service", ROOMS)
def test_every_declared_endpoint_is_served_and_every_name_is_single(service: str) -> None:
    module = __import__(f"services.apis.{service}", fromlist=["_"])
    from services.apis.endpoint import Endpoint

    declared = [value for value in vars(module).values() if isinstance(value, Endpoint)]
    served = [endpoint for endpoint, _ in room_of(service).routes.served]
    assert {e.name for e in declared} == {e.name for e in served}
    assert len({e.name for e in served}) == len(served)


@pytest.mark.parametrize("service", ROOMS)
def test_a_post_that_creates_or_moves_something_needs_a_key(service: str) -> None:
    keyless = {e.name for e, _ in room_of(service).routes.served if e.method == "POST" and e.keyless}
    allowed = {
        "identity": {"post_sessions", "post_sessions_staff", "post_sessions_renew"},
    }
    assert keyless <= allowed.get(service, set()) or service != "shifts"
