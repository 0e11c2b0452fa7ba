"""The documentation can be followed: its links lead somewhere, and its commands are those of the program."""

from __future__ import annotations

import re
import shlex
from itertools import pairwise

import pytest
from typer.main import get_command

from enclave.cli import app
from tests.test_architecture import ROOT

PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
COMMAND = re.compile(r"^(?:\$ )?(enclave (?:[^\n\\]|\\\n)+)", re.MULTILINE)


def commands(text: str) -> list[str]:
    blocks = re.findall(r"```(?:sh)?\n(.*?)```", text, re.DOTALL)
    typed = [line for block in blocks for line in COMMAND.findall(block)]
    return [re.sub(r"\\\n\s*", " ", line).partition(" #")[0].strip() for line in typed]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_to_files_that_are_there(page):
    links = re.findall(r"\]\(([^)\s]+)\)", page.read_text("utf-8"))
    missing = [
        link
        for link in links
        if not link.startswith(("http", "#")) and not (page.parent / link.partition("#")[0]).exists()
    ]
    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_are_those_of_the_program(page):
    for line in commands(page.read_text("utf-8")):
        understood(line)


def understood(line: str) -> None:
    """Read a command as the program would, without running it; files it names need not be here."""
    words, command = shlex.split(line)[1:], get_command(app)
    while inner := getattr(command, "commands", None):
        assert words and words[0] in inner, f"{line}: no such command"
        command, words = inner[words[0]], words[1:]
    options = {name for each in command.params if each.param_type_name == "option" for name in each.opts}
    assert [word for word in words if word.startswith("-") and word not in options] == [], line
    needed = [each.name for each in command.params if each.param_type_name == "argument" and each.required]
    values = {word for before, word in pairwise(words) if before in options}
    given = [word for word in words if not word.startswith("-") and word not in values]
    assert len(given) >= len(needed), f"{line}: {needed} are needed"


def test_there_is_a_guide_for_each_role_and_the_readme_names_it():
    readme = (ROOT / "README.md").read_text("utf-8")
    guides = sorted((ROOT / "docs" / "guides").glob("*.md"))
    assert [guide.stem for guide in guides] == ["hub", "opm", "researcher", "steward"]
    assert all(f"(docs/guides/{guide.name})" in readme for guide in guides)
    typed = [line for page in PAGES for line in commands(page.read_text("utf-8"))]
    assert len(typed) > 20
