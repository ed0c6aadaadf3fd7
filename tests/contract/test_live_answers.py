"""What the live services answer is what their OpenAPI documents say."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest
from werkzeug.test import Client

from infra.documents import openapi
from infra.rooms import ROOMS
from infra.wiring import Town, room_of
from services.apis.endpoint import PUBLIC, Endpoint
from tests.builders import As
from tests.builders_attendance import a_confirmed_attendance
from tests.builders_redemption import a_customer, a_paired_till, a_payment_code


def a_little_life(town: Town) -> None:
    """A shift attended, coins given and spent: enough for lists that are not empty."""
    a_confirmed_attendance(town)
    a_paired_till(town).sell(a_payment_code(town, a_customer(town)), 450)
    town.settle()


def schema_of(document: dict[str, Any], endpoint: Endpoint) -> dict[str, Any]:
    answer = document["paths"][endpoint.path]["get"]["responses"][str(endpoint.status)]
    return {**answer["content"]["application/json"]["schema"], "components": document["components"]}


@pytest.mark.parametrize("service", ROOMS)
def test_every_plain_get_answers_as_documented(town: Town, service: str) -> None:
    a_little_life(town)
    document = openapi(service)
    asked = 0
    for endpoint, _ in room_of(service).routes.served:
        if endpoint.method != "GET" or "{" in endpoint.path or endpoint.media != "application/json":
            continue
        role = next((word for word in endpoint.allow if not word.startswith("service:")), PUBLIC)
        headers = {} if role == PUBLIC else {"Authorization": f"Bearer {As(town, (role, None)).token}"}
        answer = Client(town.apps[service]).get(endpoint.path, headers=headers)
        if answer.status_code == 200:
            jsonschema.Draft202012Validator(schema_of(document, endpoint)).validate(answer.json)
            asked += 1
        else:
            assert answer.mimetype == "application/problem+json"
    assert asked or service == "identity"  # identity knows only its own sessions
