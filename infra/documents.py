"""The documents outsiders read – AsyncAPI 3 of all events, OpenAPI 3.1 of each service – generated from the contracts."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import msgspec

from infra.wiring import room_of
from services.apis.endpoint import PUBLIC, Endpoint, Nothing, Problem
from services.events import CONTRACTS, Envelope

VERSION = "1.0.0"
_PARAM = re.compile(r"{(\w+)(?::(\w+))?}")
_REF = "#/components/schemas/{name}"


def _dotless(type_: str) -> str:
    return "".join(word.capitalize() for word in type_.split("."))


@cache
def asyncapi() -> dict[str, Any]:
    """AsyncAPI 3.0: one channel (topic) per publishing service, one message per event type."""
    contracts = sorted(CONTRACTS.values(), key=lambda c: c.type)
    envelopes = [Envelope[c.struct] for c in contracts]  # type: ignore[name-defined]
    schemas, components = msgspec.json.schema_components(envelopes, ref_template=_REF)
    channels: dict[str, Any] = {}
    messages: dict[str, Any] = {}
    for contract, schema in zip(contracts, schemas, strict=True):
        name = _dotless(contract.type)
        messages[name] = {
            "name": contract.type,
            "title": contract.type,
            "summary": _first_line(contract.struct),
            "contentType": "application/json",
            "headers": {"type": "object", "properties": {"id": {"type": "string"}, "type": {"const": contract.type}}},
            "payload": {"allOf": [schema, {"properties": {"type": {"const": contract.type}}}]},
            "x-ordered-by": contract.key,
        }
        channel = channels.setdefault(
            contract.topic,
            {"address": contract.topic, "description": f"What {contract.topic} publishes.", "messages": {}},
        )
        channel["messages"][name] = {"$ref": f"#/components/messages/{name}"}
    operations = {
        f"publish_{topic}": {"action": "send", "channel": {"$ref": f"#/channels/{topic}"}} for topic in channels
    }
    document = {
        "asyncapi": "3.0.0",
        "info": {"title": "Merit coins: what happens in town", "version": VERSION, "license": {"name": "EUPL-1.2"}},
        "defaultContentType": "application/json",
        "channels": channels,
        "operations": operations,
        "components": {"messages": messages, "schemas": components},
    }
    return _as_json(document)


@cache
def openapi(service: str) -> dict[str, Any]:
    """OpenAPI 3.1 of one service."""
    room = room_of(service)
    endpoints = [endpoint for endpoint, _ in room.routes.served]
    wanted = [t for e in endpoints for t in (e.request, e.query, e.answer) if t not in (Nothing, bytes, None)]
    types = list(dict.fromkeys([*wanted, Problem]))
    schemas, components = msgspec.json.schema_components(types, ref_template=_REF)
    schema_of = dict(zip(types, schemas, strict=True))
    paths: dict[str, Any] = {}
    for endpoint in endpoints:
        path = _PARAM.sub(r"{\1}", endpoint.path)
        paths.setdefault(path, {})[endpoint.method.lower()] = _operation(endpoint, schema_of, components)
    document = {
        "openapi": "3.1.0",
        "info": {"title": f"Merit coins: {service}", "version": VERSION, "license": {"name": "EUPL-1.2"}},
        "servers": [{"url": f"/api/{service}"}],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {
                "session": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "A person's session, a till's or a service's token.",
                }
            },
        },
    }
    return _as_json(document)


def _operation(endpoint: Endpoint, schema_of: dict[Any, Any], components: dict[str, Any]) -> dict[str, Any]:
    parameters = [
        {
            "name": name,
            "in": "path",
            "required": True,
            "schema": {"type": "integer"}
            if kind == "int"
            else {"type": "string", **({"format": "uuid"} if kind == "uuid" else {})},
        }
        for name, kind in _PARAM.findall(endpoint.path)
    ]
    if endpoint.query is not Nothing:
        fields = components[schema_of[endpoint.query]["$ref"].rpartition("/")[2]]
        parameters += [
            {"name": name, "in": "query", "required": name in fields.get("required", ()), "schema": schema}
            for name, schema in fields["properties"].items()
        ]
    if endpoint.method == "POST" and not endpoint.keyless:
        parameters.append(
            {
                "name": "Idempotency-Key",
                "in": "header",
                "required": True,
                "schema": {"type": "string", "minLength": 8, "maxLength": 100},
            }
        )
    problem = {"application/problem+json": {"schema": schema_of[Problem]}}
    operation: dict[str, Any] = {
        "operationId": endpoint.name,
        "summary": endpoint.summary,
        "parameters": parameters,
        "x-allow": list(endpoint.allow),
        "responses": {
            str(endpoint.status): {"description": "Done", "content": _content(endpoint, schema_of)},
            "default": {
                "description": f"Refused: {', '.join(endpoint.errors) or 'see the problem code'}",
                "content": problem,
            },
        },
    }
    if PUBLIC not in endpoint.allow:
        operation["security"] = [{"session": []}]
    if endpoint.upload:
        binary = {"schema": {"type": "string", "contentMediaType": endpoint.upload}}
        operation["requestBody"] = {"required": True, "content": {endpoint.upload: binary}}
    elif endpoint.request is not Nothing:
        operation["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": schema_of[endpoint.request]}},
        }
    return operation


def _content(endpoint: Endpoint, schema_of: dict[Any, Any]) -> dict[str, Any]:
    if endpoint.answer is Nothing:
        return {"application/json": {"schema": {"type": "object"}}}
    if endpoint.answer in (bytes, None):
        return {endpoint.media: {"schema": {"type": "string", "contentMediaType": endpoint.media}}}
    return {"application/json": {"schema": schema_of[endpoint.answer]}}


def _first_line(struct: type) -> str:
    return (struct.__doc__ or "").strip().partition("\n")[0]


def _as_json(document: dict[str, Any]) -> dict[str, Any]:
    """The document as a reader gets it: default values such as tuples become JSON's own."""
    plain: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(document))
    return plain
