"""The site of the documentation is made without a warning, asks no foreign origin, and states what was measured."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import page
from tests.test_architecture import ROOT

LOADED = re.compile(r"<(?:script|img|link|iframe|source)\b[^>]*?\b(?:src|href)=\"([^\"]+)\"")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make the site as `make site` does."""
    out = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "sphinx", "-q", "-n", "-W", ROOT / "docs", out]
    made = subprocess.run(command, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr
    return out


def test_every_page_of_the_documentation_is_in_the_site(site: Path) -> None:
    pages = {path.relative_to(ROOT / "docs").with_suffix(".html") for path in (ROOT / "docs").rglob("*.md")}
    assert len(pages) > 40
    assert {str(path) for path in pages if not (site / path).is_file()} == set()
    assert (site / "index.html").is_file()


def test_a_page_loads_nothing_from_elsewhere(site: Path) -> None:
    loaded = {
        f"{path.name}: {where}" for path in site.rglob("*.html") for where in LOADED.findall(path.read_text("utf-8"))
    }
    assert loaded
    assert {each for each in loaded if re.search(r": (?:https?:)?//", each)} == set()


def test_the_page_of_benchmarks_is_what_was_measured() -> None:
    assert page.PAGE.read_text("utf-8") == page.page()
