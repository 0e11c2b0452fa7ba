"""DSA II.H: what is being made of a file while its agency takes it back is not kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from enclave import intake, matching, resultant
from enclave.errors import EnclaveError, Refused
from enclave.intake import Holding
from enclave.resultant import Delivery
from enclave.sandbox import Sandboxes
from enclave.terms import Action, listen
from tests.conftest import At
from tests.world import PROJECT, Installation


def of(made: Installation, source: str, contents: str) -> Holding:
    with made.enclave.store.view() as view:
        held = intake.holdings(view, PROJECT)
    return next(each for each in held if (each.source, each.contents) == (source, contents))


@contextmanager
def at_point(label: str, then: Callable[[], object]) -> Iterator[None]:
    """Do something once, when a point is reached."""

    def hear(here: str) -> None:
        if here == label:
            listen(lambda here: None)
            then()

    listen(hear)
    try:
        yield
    finally:
        listen(lambda here: None)


def taken_back(made: Installation, file: Holding) -> Callable[[], object]:
    return lambda: made.run("intake", "withdraw", PROJECT, file.id, who="hubert")


def test_links_of_a_file_that_was_taken_back_are_not_kept(at: At) -> None:
    made = at("received")
    enclave = made.enclave
    admission = made.admission("hubert", Action.MATCH)
    with at_point("matching.sealed", taken_back(made, of(made, "SDE", "matching"))), pytest.raises(Refused) as caught:
        matching.run(enclave.store, enclave.keystore, enclave.settings, admission)
    assert [(each.rule, each.where) for each in caught.value.findings] == [("taken-back", "SDE matching")]
    with enclave.store.view() as view:
        assert matching.runs(view, PROJECT) == [] and ("SDE", "matching") not in {
            (each.source, each.contents) for each in intake.holdings(view, PROJECT)
        }
    assert not list(enclave.settings.sealed.glob("match-*/*.crosswalk"))


def test_a_match_that_has_the_file_open_ends_when_it_is_taken_back(at: At) -> None:
    made = at("received")
    enclave = made.enclave
    sandboxes, file, ended = Sandboxes(enclave.settings.runtime), of(made, "SDE", "matching"), list[str]()

    def follow(event: dict[str, Any]) -> None:
        running = [sandbox.name for sandbox in sandboxes.running()]
        if running and not ended:
            ended.extend(running)
            made.run("intake", "withdraw", PROJECT, file.id, who="hubert")

    with pytest.raises(EnclaveError):
        matching.run(
            enclave.store, enclave.keystore, enclave.settings, made.admission("hubert", Action.MATCH), progress=follow
        )
    assert ended == ["dr-0034-match-01"] and not list(sandboxes.running())
    with enclave.store.view() as view:
        assert matching.runs(view, PROJECT) == []
    assert not list(enclave.settings.sealed.glob("match-*/*.crosswalk"))


def test_resultant_data_of_a_file_that_was_taken_back_are_not_kept(at: At) -> None:
    made = at("agreed")
    enclave = made.enclave
    admission = made.admission("hubert", Action.CUT)
    with enclave.store.view() as view:
        run = matching.runs(view, PROJECT)[-1]
    with at_point("resultant.sealed", taken_back(made, of(made, "DOL", "analytical"))), pytest.raises(Refused) as why:
        resultant.cut(enclave.store, enclave.keystore, enclave.settings, admission, run)
    assert [(each.rule, each.where) for each in why.value.findings] == [("taken-back", "DOL analytical")]
    with enclave.store.view() as view:
        assert view.get(Delivery, PROJECT) is None
    assert not list(enclave.settings.sealed.glob("project-*/*.resultant"))
