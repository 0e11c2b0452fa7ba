"""What `pyproject.toml` asks for is what is installed: pinned, with hashes, from no named host."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


def plain(requirement: str) -> str:
    """Give the normalised name of a requirement."""
    return re.sub(r"[-_.]+", "-", re.split(r"[\[<>=!~; ]", requirement, maxsplit=1)[0]).lower()


def pinned(name: str) -> dict[str, list[str]]:
    """Give name -> hashes of every pin in a requirements file."""
    found: dict[str, list[str]] = {}
    current = ""
    for line in (ROOT / "requirements" / name).read_text("utf-8").splitlines():
        if match := re.match(r"([A-Za-z0-9._-]+)==", line):
            current = plain(match.group(1))
            found[current] = []
        found.get(current, []).extend(re.findall(r"--hash=sha256:([0-9a-f]{64})", line))
    return found


@pytest.mark.parametrize(("name", "groups"), [("runtime.txt", ()), ("test.txt", ("demo", "test"))])
def test_everything_asked_for_is_pinned_with_hashes(name: str, groups: tuple[str, ...]) -> None:
    asked = list(PROJECT["project"]["dependencies"])
    for group in groups:
        asked += [entry for entry in PROJECT["dependency-groups"][group] if isinstance(entry, str)]
    pins = pinned(name)
    assert {plain(requirement) for requirement in asked} <= set(pins)
    assert [package for package, hashes in pins.items() if not hashes] == []


def test_what_spark_asks_for_is_pinned_with_hashes() -> None:
    pins = pinned("spark.txt")
    assert {plain(requirement) for requirement in PROJECT["project"]["optional-dependencies"]["spark"]} <= set(pins)
    assert [package for package, hashes in pins.items() if not hashes] == []


def test_no_registry_is_named() -> None:
    for path in (ROOT / "requirements").glob("*.txt"):
        assert "://" not in path.read_text("utf-8"), path.name
