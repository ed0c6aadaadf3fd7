"""The broker's jars: fetched once by Maven into `var/kafka/jars`, and used only if every byte is one we know."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
from pathlib import Path

from infra.embedded import CannotStart

HERE = Path(__file__).parent
LEAST_JAVA = 17
WAIT_S = 600


def jars_under(var: Path) -> Path:
    return var / "kafka" / "jars"


def known() -> dict[str, str]:
    """File name -> SHA-256 of every jar a broker is made of."""
    lines = (HERE / "checksums.txt").read_text().split("\n")
    return {name: digest for digest, name in (line.split() for line in lines if line)}


def wrong(folder: Path) -> list[str]:
    """The names that are missing, not known, or not the bytes we know."""
    expected = known()
    found = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.glob("*.jar")}
    return sorted(name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name))


def java() -> str:
    """The path of a Java that is new enough. Raises CannotStart with what to install."""
    path = shutil.which("java")
    need = f"A Kafka broker needs Java {LEAST_JAVA} or newer"
    if path is None:
        raise CannotStart(f"{need}, and there is no `java` here: install a JRE (Debian: openjdk-17-jre-headless).")
    said = subprocess.run([path, "-version"], capture_output=True, text=True, timeout=30, check=False).stderr
    version = re.search(r'version "(\d+)', said)
    if version is None or int(version.group(1)) < LEAST_JAVA:
        first = said.splitlines()[0] if said else "nothing"
        raise CannotStart(f"{need}; the one here says: {first}.")
    return path


def get_jars(var: Path) -> Path:
    """The folder of verified jars, fetched if they are not there yet. Raises CannotStart naming what is missing."""
    folder = jars_under(var)
    if not wrong(folder):
        return folder
    java()
    maven = shutil.which("mvn")
    if maven is None:
        raise CannotStart("Getting a Kafka broker needs Maven, and there is no `mvn` here: install it (Debian: maven).")
    shutil.rmtree(folder, ignore_errors=True)
    done = subprocess.run(
        [
            maven, "--batch-mode", "--quiet", "--file", str(HERE / "pom.xml"), "dependency:copy-dependencies",
            f"-DoutputDirectory={folder.resolve()}", "-DincludeScope=runtime",
        ],
        capture_output=True, text=True, timeout=WAIT_S, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        raise CannotStart(f"Maven could not get the Kafka broker: {(done.stdout + done.stderr).strip()[-500:]}")
    if bad := wrong(folder):
        raise CannotStart(f"These files of the Kafka broker are not the ones in checksums.txt: {', '.join(bad)}.")
    return folder
