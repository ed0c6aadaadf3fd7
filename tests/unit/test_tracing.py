"""Trace context as the W3C writes it: read where it is valid, and only there."""

from __future__ import annotations

import subprocess
import sys
from uuid import UUID

import pytest
from werkzeug.datastructures import Headers

from services.kit.tracing import Place, caller, message_headers, traceparent

TRACE = "0af7651916cd43dd8448eb211c80319c"
ID = UUID(hex=TRACE)
GOOD = f"00-{TRACE}-b7ad6b7169203331-01"


@pytest.mark.parametrize(
    ("header", "place"),
    [
        (GOOD, Place(ID, 0xB7AD6B7169203331, traced=True)),
        (GOOD[:-1] + "0", Place(ID, 0xB7AD6B7169203331)),
        (f"cc{GOOD[2:]}-what-comes-later", Place(ID, 0xB7AD6B7169203331, traced=True)),
        (f"{GOOD}-more", None),  # version 00 says no more
        (f"ff{GOOD[2:]}", None),
        (f"00-{'0' * 32}-b7ad6b7169203331-01", None),
        (f"00-{TRACE}-{'0' * 16}-01", None),
        (GOOD.upper(), None),
        (GOOD[:-1], None),
        ("", None),
    ],
)
def test_a_valid_traceparent_is_read_and_no_other(header: str, place: Place | None) -> None:
    assert caller(Headers({"traceparent": header})) == place


def test_the_correlation_id_counts_where_there_is_no_valid_traceparent() -> None:
    other = "018f3b5e-0000-7000-8000-000000000001"
    assert caller(Headers({"traceparent": "00-none", "X-Correlation-ID": other})) == Place(UUID(other))
    assert caller(Headers({"traceparent": GOOD, "X-Correlation-ID": other})) == Place(ID, 0xB7AD6B7169203331, True)
    assert caller(Headers({"X-Correlation-ID": "Maria"})) is None


def test_what_is_written_is_read_again() -> None:
    place = Place(ID, 0x1F, traced=True)
    assert traceparent(place) == f"00-{TRACE}-000000000000001f-01"
    assert caller(Headers({"traceparent": traceparent(place) or ""})) == place
    assert traceparent(Place(ID)) is None


def test_the_envelopes_correlation_id_is_found_and_not_one_the_event_holds() -> None:
    value = f'{{"causation_id":null,"correlation_id":"{ID}","data":{{"correlation_id":"{UUID(int=1)}"}}}}'.encode()
    [(name, said)] = message_headers(UUID(int=7), value, traced=False)
    assert (name, said) == ("traceparent", f"00-{TRACE}-0000000000000007-00".encode())
    assert message_headers(UUID(int=7), b"{}", traced=True) == ()


def test_nothing_of_opentelemetry_is_loaded_where_no_traces_are_collected() -> None:
    said = "import sys, infra.one_service, infra.web, infra.workers, infra.wiring; print([m for m in sys.modules if 'opentelemetry' in m])"
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", said], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
