"""Every event type has a committed sample; one loop covers them all."""

from __future__ import annotations

import json
import re
from pathlib import Path

import jsonschema
import msgspec
import pytest

from infra.documents import asyncapi
from services.events import CONTRACTS, Unreadable, decode, encode

HERE = Path(__file__).parent
SAMPLES = sorted((HERE / "samples").glob("*.json"))
PERSONAL = re.compile(r"e?mail|phone|birth|national|permit|fiscal|passport|address|surname|nickname|latitude|gps")


@pytest.mark.parametrize("path", SAMPLES, ids=lambda p: p.stem)
def test_a_committed_sample_still_decodes_and_is_written_back_the_same(path: Path) -> None:
    envelope = decode(path.read_bytes())
    assert envelope.type == path.stem
    assert json.loads(encode(envelope)) == json.loads(path.read_bytes())
    assert envelope.key == str(getattr(envelope.data, CONTRACTS[envelope.type].key))


def test_every_event_type_has_a_sample_and_every_sample_a_type() -> None:
    assert {path.stem for path in SAMPLES} == set(CONTRACTS)


@pytest.mark.parametrize("contract", CONTRACTS.values(), ids=lambda c: c.type)
def test_a_contract_is_frozen_versioned_and_carries_no_personal_data(contract: object) -> None:
    struct = contract.struct  # type: ignore[attr-defined]
    assert struct.__struct_config__.frozen
    assert re.fullmatch(r"[a-z]+\.[a-z]+\.v\d+", contract.type)  # type: ignore[attr-defined]
    assert not [field for field in struct.__struct_fields__ if PERSONAL.search(field)]


def test_a_field_nobody_knows_yet_is_passed_over_so_that_fields_can_be_added() -> None:
    sample = json.loads(SAMPLES[0].read_bytes())
    sample["data"]["added_later"] = 1
    assert decode(msgspec.json.encode(sample)).type == sample["type"]


@pytest.mark.parametrize(
    "change", [{"type": "no.such.v1"}, {"occurred_at": "2026-05-01T10:00:00"}, {"data": {}}, {"id": 7}]
)
def test_a_message_that_breaks_its_contract_is_unreadable(change: dict[str, object]) -> None:
    sample = json.loads(SAMPLES[0].read_bytes()) | change
    with pytest.raises(Unreadable):
        decode(msgspec.json.encode(sample))


def test_the_asyncapi_document_is_valid_by_the_official_schema() -> None:
    schema = json.loads((HERE / "asyncapi-3.0.0.schema.json").read_text())
    jsonschema.Draft7Validator(schema).validate(asyncapi())


@pytest.mark.parametrize("path", SAMPLES, ids=lambda p: p.stem)
def test_every_sample_is_valid_by_the_asyncapi_document(path: Path) -> None:
    document = asyncapi()
    message = next(m for m in document["components"]["messages"].values() if m["name"] == path.stem)
    schema = {**message["payload"], "components": document["components"]}
    jsonschema.Draft202012Validator(schema).validate(json.loads(path.read_bytes()))
