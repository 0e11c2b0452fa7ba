"""A request is judged before its checker opens it.

Source: DSA VI.G.1.
"""

from __future__ import annotations

import threading

import pytest

from demo.hub_client import until
from enclave import egress
from enclave.web import judged_ahead
from tests.web.browser import Browser
from tests.web.world import World


def test_who_opens_a_request_finds_it_judged(world: World, own_pages: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each that waits is judged once, while nobody waits for it."""
    waiting = sorted([world.good, world.unsafe])
    asked: list[tuple[str, str]] = []
    really = egress.judge

    def noted(*arguments: object) -> egress.Verdict:
        verdict: egress.Verdict = really(*arguments)  # type: ignore[arg-type]
        asked.append((threading.current_thread().name, str(arguments[-1])))
        return verdict

    monkeypatch.setattr(egress, "judge", noted)
    with judged_ahead(world.enclave):
        until(lambda: len(asked) == len(waiting))
        page = Browser(own_pages, "olga").of(f"/requests/{world.good}")
    assert "<table" in page.text
    assert sorted(asked) == [("judged ahead", request) for request in waiting]
