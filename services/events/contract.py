"""How an event contract is declared, enveloped, written and read.

A contract is a frozen `msgspec.Struct` with a type such as `attendance.confirmed.v1`: subject, past tense, version. Add optional
fields only; a break is a new `.v2` beside the old one. Ids, dates and amounts only: topics are kept for good, so no personal data.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Generic, TypeVar
from uuid import UUID

import msgspec

E = TypeVar("E", bound=msgspec.Struct)


class Contract(msgspec.Struct, frozen=True):
    """One event type: its struct, the service that publishes it (= its topic) and the field whose values must stay in order."""

    struct: type[msgspec.Struct]
    type: str
    topic: str
    key: str


CONTRACTS: dict[str, Contract] = {}
_BY_STRUCT: dict[type[msgspec.Struct], Contract] = {}


def event(type_: str, *, key: str) -> Callable[[type[E]], type[E]]:
    """Register a struct as the contract of `type_`, published by the service its module is named after."""

    def register(struct: type[E]) -> type[E]:
        if type_ in CONTRACTS:
            raise ValueError(f"event type {type_} is declared twice")
        if key not in struct.__struct_fields__:
            raise ValueError(f"{type_} has no field {key} to be ordered by")
        contract = Contract(struct, type_, struct.__module__.rpartition(".")[2], key)
        CONTRACTS[type_] = contract
        # Now, while there is one thread: see `services.apis.endpoint.read_early`.
        _decoders[type_.encode()] = msgspec.json.Decoder(Envelope[struct])  # type: ignore[valid-type]
        _BY_STRUCT[struct] = contract
        return struct

    return register


def contract_of(struct: type[msgspec.Struct]) -> Contract:
    """The contract a struct was registered under. Raises KeyError for a struct that is no event."""
    return _BY_STRUCT[struct]


class Envelope(msgspec.Struct, Generic[E], frozen=True, kw_only=True):
    """What travels: an event with its identity, moment and cause. `correlation_id` is shared by all that one request set off."""

    id: UUID
    type: str
    occurred_at: datetime
    key: str
    correlation_id: UUID
    causation_id: UUID | None = None
    data: E


class Unreadable(ValueError):
    """A message that is no event of ours: bad JSON, an unknown type, or a contract violation. It is parked at once."""


class _Typed(msgspec.Struct):
    type: str


_encoder = msgspec.json.Encoder(order="sorted")
_typed = msgspec.json.Decoder(_Typed)
_decoders: dict[bytes, msgspec.json.Decoder[Any]] = {}
_TYPE = b'"type":"'


def encode(envelope: Envelope[Any]) -> bytes:
    """The envelope as JSON with sorted keys: the same event is always the same bytes."""
    return _encoder.encode(envelope)


def decode(value: bytes) -> Envelope[Any]:
    """Read and validate one message. Raises `Unreadable` with the reason."""
    # `encode` writes the type last, so that it is found without reading the rest: then one pass reads all.
    type_ = value[value.rfind(_TYPE) + len(_TYPE) : -2]
    decoder = _decoders.get(type_) or _decoder_of(value)
    try:
        envelope: Envelope[Any] = decoder.decode(value)
    except msgspec.DecodeError as error:
        raise Unreadable(str(error)) from error
    if contract_of(type(envelope.data)).type != envelope.type:
        raise Unreadable(f"the content is not that of {envelope.type}")
    if envelope.occurred_at.tzinfo is None:
        raise Unreadable("occurred_at carries no time zone")
    return envelope


def _decoder_of(value: bytes) -> msgspec.json.Decoder[Any]:
    try:
        type_ = _typed.decode(value).type
    except msgspec.DecodeError as error:
        raise Unreadable(str(error)) from error
    decoder = _decoders.get(type_.encode())
    if decoder is None:
        raise Unreadable(f"unknown event type {type_}")
    return decoder
