"""One installation for the folder; a copy for each test that changes something."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Browser as Chromium

from enclave.app import Enclave
from enclave.settings import load
from tests.chromium import chromium as running_chromium
from tests.web.browser import served
from tests.web.keyboard import Keyboard, Sit
from tests.web.world import World, build
from tests.world import once


@pytest.fixture(scope="session")
def built(snapshots: Path) -> World:
    """Give the installation that is copied, made once for all workers; nobody opens it, nobody writes to it."""
    folder = snapshots / "web"

    def make() -> None:
        folder.mkdir()
        made = build(folder / "hub")
        made.close()
        (folder / "requests.json").write_text(json.dumps([made.good, made.unsafe]), "utf-8")

    once(folder, make)
    return World(Enclave(load(folder / "hub")), *json.loads((folder / "requests.json").read_text("utf-8")))


@pytest.fixture(scope="session")
def matched(built: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Give the installation all tests of this folder look at; none changes its records."""
    made = built.copy(tmp_path_factory.mktemp("looked-at") / "home")
    yield made
    made.close()


@pytest.fixture(scope="session")
def pages(matched: World) -> Iterator[str]:
    """Serve it."""
    with served(matched) as base:
        yield base


@pytest.fixture(scope="module")
def chromium() -> Iterator[Chromium]:
    """Start Debian's Chromium; for a module, since it keeps a loop running that no other test may meet."""
    with running_chromium() as browser:
        yield browser


@pytest.fixture
def world(built: World, tmp_path: Path) -> Iterator[World]:
    """Give a copy to change."""
    made = built.copy(tmp_path / "home")
    yield made
    made.close()


@pytest.fixture
def own_pages(world: World) -> Iterator[str]:
    """Serve the copy."""
    with served(world) as base:
        yield base


@pytest.fixture
def sit(chromium: Chromium) -> Iterator[Sit]:
    """Seat persons at keyboards."""
    with ExitStack() as stack:

        def seat(base: str, person: str) -> Keyboard:
            keyboard = Keyboard(chromium, base, person)
            stack.callback(keyboard.leave)
            return keyboard

        yield seat
