"""The house keeps its shape: what people forget is found here."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from infra.documents import asyncapi
from infra.rooms import ROOMS
from infra.verify import migration_problems
from infra.wiring import folder_of, room_of
from services.events import CONTRACTS, contract_of

ROOT = Path(__file__).parents[2]
CODE = sorted(
    path
    for top in ("services", "ledger", "infra", "volunteer_app", "merchant_app", "tests")
    for path in (ROOT / top).rglob("*.py")
)
LONGEST_FILE = 300
LONGEST_FUNCTION = 60
ROOM_FILES = {"__init__.py", "domain.py", "models.py", "handlers.py", "routes.py", "checks.py", "migrations"}
FORBIDDEN = re.compile(
    r"nationality|permit|asylum|passport|document_number|fiscal_code|birth|photo|biometric|religion|health|gps|latitude|longitude"
)


def test_no_file_is_longer_than_three_hundred_lines() -> None:
    long = {str(p.relative_to(ROOT)): n for p in CODE if (n := len(p.read_text().splitlines())) > LONGEST_FILE}
    assert long == {}


def test_no_function_is_longer_than_sixty_lines() -> None:
    long = [
        f"{path.relative_to(ROOT)}:{node.lineno} {node.name}"
        for path in CODE
        if "migrations" not in path.parts
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef)
        and node.end_lineno is not None
        and node.end_lineno - node.lineno >= LONGEST_FUNCTION
    ]
    assert long == []


@pytest.mark.parametrize("name", ROOMS)
def test_every_room_looks_the_same_inside(name: str) -> None:
    room = folder_of(name).parent
    assert {p.name for p in room.iterdir()} >= ROOM_FILES
    said = (ast.get_docstring(ast.parse((room / "__init__.py").read_text())) or "").lower()
    for word in ("owns", "publishes", "consumes", "hard rule"):
        assert word in said, f"{name}/__init__.py does not say what it {word}"


@pytest.mark.parametrize("name", ROOMS)
def test_what_a_room_consumes_is_what_it_says(name: str) -> None:
    said = (folder_of(name).parent / "__init__.py").read_text()
    for struct in room_of(name).handlers:
        assert contract_of(struct).type.removesuffix(".v1") in said, (
            f"{name} does not mention {contract_of(struct).type}"
        )


@pytest.mark.parametrize("contract", CONTRACTS.values(), ids=lambda c: c.type)
def test_every_event_is_published_by_its_own_service(contract: object) -> None:
    package = folder_of(contract.topic).parent  # type: ignore[attr-defined]
    called = re.compile(rf"\b{contract.struct.__name__}\b")  # type: ignore[attr-defined]
    assert any(called.search(p.read_text()) for p in package.glob("handlers*.py")) or any(
        called.search(p.read_text()) for p in package.glob("*.py")
    )


def test_every_event_is_heard_by_somebody_or_kept_for_the_record() -> None:
    heard = {struct for name in ROOMS for struct in room_of(name).handlers}
    record_only = {c.type for c in CONTRACTS.values() if c.struct not in heard}
    text = (ROOT / "services" / "__init__.py").read_text()
    missing = [t for t in sorted(record_only) if t.removesuffix(".v1") not in text]
    assert missing == [], "say in services/__init__.py who these are for"


@pytest.mark.parametrize("name", ROOMS)
def test_migrations_are_numbered_have_one_head_and_equal_the_models(name: str, postgres_url: str) -> None:
    assert migration_problems(postgres_url, name) == []


@pytest.mark.parametrize("name", ROOMS)
def test_no_table_has_a_column_the_scheme_forbids(name: str) -> None:
    columns = [f"{t.name}.{c.name}" for t in room_of(name).metadata.tables.values() for c in t.columns]
    assert [c for c in columns if FORBIDDEN.search(c)] == []


@pytest.mark.parametrize("name", ROOMS)
def test_every_room_has_invariants_of_its_own(name: str) -> None:
    assert room_of(name).checks


def test_every_topic_of_the_asyncapi_document_is_a_service() -> None:
    assert set(asyncapi()["channels"]) <= set(ROOMS)


def test_only_declared_vendors_are_imported_where_the_house_allows() -> None:
    allowed = {"kafka": ("infra",), "stripe": ("services/funding/stripe_gateway.py",)}
    for vendor, places in allowed.items():
        pattern = re.compile(rf"^\s*(?:import|from) {vendor}\b", re.MULTILINE)
        users = [str(p.relative_to(ROOT)) for p in CODE if pattern.search(p.read_text()) and "tests" not in p.parts]
        assert [u for u in users if not u.startswith(places)] == []
