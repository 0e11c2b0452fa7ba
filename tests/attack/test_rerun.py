"""A notebook that came with a request is run again on the same data: what it proves is cleared without a look."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from enclave import egress
from enclave.egress import Rerun
from enclave.egress.memory import Remembered
from enclave.errors import Refused
from enclave.terms import Action
from tests.notebooks import CELLS, asked
from tests.world import PROJECT, Installation, a_copy


@pytest.fixture
def made(resting: Callable[[str], Path], tmp_path: Path) -> Iterator[Installation]:
    installation = a_copy(of=resting("delivered"), to=tmp_path / "delivered")
    yield installation
    installation.close()


def taken(made: Installation) -> list[str]:
    made.enclave.broker().release(f"{PROJECT.lower()}-wren")
    enclave = made.enclave
    collected = egress.take_in(enclave.store, enclave.keystore, enclave.settings, PROJECT, "wren")
    return [request.id for request in collected.taken]


def cleared(made: Installation, request: str, **said: str) -> egress.Clearance:
    enclave = made.enclave
    admission = made.admission("olga", Action.CHECK)
    return egress.clear(enclave.store, enclave.keystore, enclave.settings, admission, request, **said)


def test_what_the_notebook_derives_is_cleared_once_it_made_the_same_again(made: Installation) -> None:
    asked(made.enclave, "wren", PROJECT, CELLS)
    (request,) = taken(made)
    enclave = made.enclave
    before = egress.judge(enclave.store, enclave.keystore, enclave.settings, PROJECT, request)
    assert (before.verdict, {f.rule for f in before.look_at}) == ("needs-review", {"derived-column"})
    clearance = cleared(made, request)
    assert "egress.rerun" in made.actions()
    with enclave.store.view() as view:
        (run,) = view.find(Rerun, PROJECT)
        assert run.same and [known.request_id for known in view.find(Remembered, PROJECT)] == [request]
    assert clearance.record["kinds"] == {"chart": 1, "count": 1, "rate": 1}
    names = {artefact.name.removeprefix(f"{request}_") for artefact in clearance.artefacts}
    assert names == {
        "1.csv", "1.html", "chart_1.svg", "chart_1.png", "chart_1.vl.json", "codebook.csv", "tables.xlsx",
    }  # fmt: skip
    assert set(clearance.agencies) == {"SDE", "DOL"}


def test_code_that_makes_something_else_proves_nothing(made: Installation) -> None:
    """The request says other code than the one that made it; a failing cell and a waiver are told apart."""
    outbox = asked(made.enclave, "wren", PROJECT, CELLS)
    (path,) = outbox.glob("*/request.json")
    honest = json.loads(path.read_text())
    other = honest | {"notebook": [cell.replace("> 20", "> 18") for cell in honest["notebook"]]}
    failing = honest | {"notebook": [*honest["notebook"][:2], "raise KeyError('4711')", *honest["notebook"][2:]]}
    for number, body in enumerate((other, failing)):
        folder = outbox / f"out-{number:012x}"
        folder.mkdir()
        (folder / "request.json").write_text(json.dumps(body))
    path.unlink()
    requests = taken(made)
    assert len(requests) == 2
    for request in requests:
        with pytest.raises(Refused) as refusal:
            cleared(made, request)
        assert {f.rule for f in refusal.value.findings} == {"derived-column"}
    with made.enclave.store.view() as view:
        runs = view.find(Rerun, PROJECT)
        assert [run.same for run in runs] == [False, False] and view.find(Remembered, PROJECT) == []
    assert {run.why for run in runs} == {"it left 1 requests, none of them this one", "cell 3 fails: KeyError"}
    clearance = cleared(made, requests[0], looked_at="the code and the labels", waived="the server is busy")
    assert "Not run again: the server is busy" in clearance.looked_at
