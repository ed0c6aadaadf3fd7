"""Getting a broker: what is missing is said in one sentence, and bytes we do not know are not run."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.embedded import CannotStart
from infra.kafka.jars import get_jars, jars_under, known, wrong


def a_program(folder: Path, name: str, says: str) -> None:
    folder.mkdir(exist_ok=True)
    program = folder / name
    program.write_text(f"#!/bin/sh\necho '{says}' >&2\n")
    program.chmod(0o755)


def test_without_java_one_sentence_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CannotStart, match="needs Java 17 or newer, and there is no `java` here: install"):
        get_jars(tmp_path)


def test_a_java_that_is_too_old_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    a_program(tmp_path / "bin", "java", 'openjdk version "11.0.2"')
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/bin:/usr/bin")
    with pytest.raises(CannotStart, match=r'the one here says: openjdk version "11\.0\.2"'):
        get_jars(tmp_path)


def test_without_maven_one_sentence_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    a_program(tmp_path / "bin", "java", 'openjdk version "17.0.9"')
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    with pytest.raises(CannotStart, match="there is no `mvn` here: install"):
        get_jars(tmp_path)


def test_a_jar_with_other_bytes_or_another_name_is_not_accepted(tmp_path: Path) -> None:
    folder = jars_under(tmp_path)
    folder.mkdir(parents=True)
    name = min(known())
    (folder / name).write_bytes(b"not the jar")
    (folder / "stranger.jar").write_bytes(b"")
    assert set(wrong(folder)) == {*known(), "stranger.jar"}
