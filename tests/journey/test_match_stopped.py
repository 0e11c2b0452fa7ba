"""A match that runs ends when its project is stopped: its identifiers are open no longer.

Source: EM A1.2; EM VII.B.1.c.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from demo.hub_client import until
from enclave import matching
from enclave.errors import Refused
from enclave.sandbox import Sandboxes
from enclave.terms import Action
from tests.conftest import At
from tests.world import PROJECT


def test_a_match_that_runs_ends_with_the_stop_of_its_project_and_nothing_is_kept(at: At) -> None:
    made = at("received")
    enclave, sandboxes = made.enclave, Sandboxes(made.enclave.settings.runtime)
    stopped: list[str] = []
    made_by_then: list[Path] = []

    def follow(event: dict[str, Any]) -> None:
        runs = [sandbox.name for sandbox in sandboxes.running()]
        if runs and not stopped:
            stopped.extend(runs)
            made.run("incident", "hold", PROJECT, who="olga")
            until(lambda: not list(sandboxes.running()))
            made_by_then.extend(made.enclave.settings.runtime.glob("**/crosswalk.parquet"))

    with pytest.raises(Refused) as refused:
        matching.run(
            enclave.store, enclave.keystore, enclave.settings, made.admission("hubert", Action.MATCH), progress=follow
        )
    assert made_by_then == [], "it went on to its end"
    assert stopped == ["dr-0034-match-01"] and "suspended" in {each.rule for each in refused.value.findings}
    with enclave.store.view() as view:
        assert matching.runs(view, PROJECT) == []
        assert [each["action"] for each in view.entries(project=PROJECT)][-1] == "match.refuse"
    assert not list(enclave.settings.sealed.glob("match-*/*.crosswalk"))
    made.run("incident", "lift", PROJECT, who="olga")
    matching.run(enclave.store, enclave.keystore, enclave.settings, made.admission("hubert", Action.MATCH))
    with enclave.store.view() as view:
        assert [run.id for run in matching.runs(view, PROJECT)] == ["match-01"]
