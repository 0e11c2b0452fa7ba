"""A trial of a match at the workbench: the links of a run, nothing kept, and gone with the job."""

from __future__ import annotations

import stat
from pathlib import Path

import pandas as pd
import pytest

from enclave.analysis import Session, sandbox_name
from enclave.errors import Refused
from enclave.matching import latest, open_crosswalk, places
from enclave.sandbox import Bubblewrap, Mount, SandboxSpec, python
from tests.conftest import At
from tests.journey.test_match_review import enlist_staff, entries
from tests.world import CANARY, Installation, canary_in, idle

PROJECT = "DR-0034"
CELLS = """
import nbformat
there = {}
for cell in nbformat.read("/project/templates/match_pair.ipynb", as_version=4).cells:
    if cell.cell_type == "code":
        exec(cell.source, there)
"""


def trials(made: Installation) -> list[str]:
    return places(made.enclave.settings, kind="trials")


def run_cells(made: Installation, session: Session) -> None:
    """Run the notebook's cells one after the other inside the person's sandbox."""
    script, log = made.root / "cells.py", made.root / "cells.log"
    script.write_text(CELLS, "utf-8")
    command = (python(), "/home/analyst/cells.py")
    mounts = (*session.mounts, Mount(script, "/home/analyst/cells.py"))
    spec = SandboxSpec(sandbox_name(PROJECT, session.person), command, mounts)
    with log.open("wb") as out:
        sandbox = Bubblewrap(made.enclave.settings.runtime).start(spec, stdout=out, stderr=out)
        assert sandbox.wait(900) == 0, log.read_text("utf-8")


def links_of(path: Path) -> set[tuple[str, ...]]:
    return set(pd.read_parquet(path).itertuples(index=False, name=None))


def test_a_trial_gives_the_links_of_a_run_and_leaves_nothing(at: At) -> None:
    made = at("matched")
    broker, settings = made.enclave.broker(), made.enclave.settings
    kept = {path for path in made.home.rglob("*") if path.is_file()}
    session = broker.admit("hubert", PROJECT)
    assert stat.S_IMODE(session.folder.parent.stat().st_mode) == 0o700 and trials(made) == ["dr-0034-hubert"]
    assert session.only is not None and session.only.name == "match_pair.ipynb"
    assert "threshold: float" in session.only.numbers
    assert {mount.target for mount in session.mounts} == {"/job/job.json", "/job/inputs", "/job/out", "/project"}
    assert [mount.target for mount in session.mounts if mount.writable] == ["/job/out"]
    run_cells(made, session)
    with made.enclave.store.view() as view:
        run = latest(view, PROJECT)
    counted = made.root / "crosswalk"
    open_crosswalk(made.enclave.keystore, settings, run, counted)
    tried = links_of(session.folder / "out" / "crosswalk.parquet")
    assert tried == links_of(counted) and len(tried) == run.persons
    broker.release(session.name, {"shown_bytes_today": 12}, {"code that is not the approved notebook's": 3})
    assert trials(made) == [] and not session.folder.exists()
    new = {path for path in made.home.rglob("*") if path.is_file()} - kept
    assert {path.name.partition("-")[0] for path in new} <= {"enclave.db"}  # SQLite's own files beside the ledger
    (begun,), (ended,) = entries(made, "match.trial-begin"), entries(made, "match.trial-end")
    assert begun["details"]["notebook"] == run.notebook_sha256 and begun["actor"] == "hubert"
    assert [name.split(".")[0] for name in begun["details"]["files"]] == ["SDE", "DOL"]
    assert ended["details"] == {"shown_bytes_today": 12, "refused": ["code that is not the approved notebook's: 3"]}
    assert made.actions().count("match.run") == 1 and made.verified() == len(made.actions())
    assert not list(canary_in(made.home, words=CANARY.words))


def test_a_trial_needs_every_file_and_no_open_review(at: At) -> None:
    early = at("begun")
    with pytest.raises(Refused) as refusal:
        early.enclave.broker().admit("hubert", PROJECT)
    assert {f.rule for f in refusal.value.findings} == {"all-inputs"} and trials(early) == []
    assert not entries(early, "match.trial-begin")
    made = at("matched")
    broker = made.enclave.broker()
    bench = broker.admit("hubert", PROJECT).only
    assert bench is not None and bench.name == "match_pair.ipynb"
    broker.release("dr-0034-hubert")
    made.run("matching", "open-review", PROJECT, who="hubert")
    desk = broker.admit("hubert", PROJECT).only
    assert desk is not None and desk.name == "match_review.ipynb"
    assert desk.numbers == ""  # another number would be another sample than the other reviewer's
    broker.release("dr-0034-hubert")


def test_a_trial_is_for_the_hubs_staff_of_the_project(at: At) -> None:
    made = at("received")
    broker = made.enclave.broker()
    for person in ("wren", "sam", "nobody"):
        with pytest.raises(Refused):
            broker.admit(person, PROJECT)
    enlist_staff(made, "hilda")
    broker.admit("hilda", PROJECT)
    assert broker.still_admitted("hilda", PROJECT) == [] and trials(made) == ["dr-0034-hilda"]
    made.run("incident", "suspend", PROJECT, "hilda", who="olga")
    assert broker.still_admitted("hilda", PROJECT)
    with pytest.raises(Refused):
        broker.admit("hilda", PROJECT)
    broker.release("dr-0034-hilda")


def test_the_last_day_ends_a_trial_and_what_stands_open_for_it(at: At) -> None:
    made = at("agreed")
    broker, settings = made.enclave.broker(), made.enclave.settings
    session = broker.admit("hubert", PROJECT)
    running = Bubblewrap(settings.runtime).start(idle(made, "hubert"))
    assert {path.stem for path in (session.folder / "inputs").iterdir()} >= {"SDE", "DOL"}
    made.run("destruction", "match-data", PROJECT, who="hubert")
    assert running.wait(60) != 0
    assert not session.folder.exists() and trials(made) == []
    before = made.actions()
    broker.release("dr-0034-hubert", {"shown_bytes_today": 0})
    assert made.actions() == before
    with pytest.raises(Refused):
        broker.admit("hubert", PROJECT)


def test_what_was_refused_is_entered_once_a_session_and_counted_at_its_end(at: At) -> None:
    made = at("received")
    broker = made.enclave.broker()
    for _ in range(2):
        name = broker.admit("hubert", PROJECT).name
        for times in range(1, 6):
            broker.refused(name, {"code that is not the approved notebook's": times})
        broker.refused(name, {"code that is not the approved notebook's": 9, "a message that cannot be read": 1})
        broker.release(
            name,
            {"shown_bytes_today": 0},
            {"code that is not the approved notebook's": 9, "a message that cannot be read": 1},
        )
    found = entries(made, "match.refuse-inside")
    assert [entry["details"]["what"] for entry in found] == [
        "code that is not the approved notebook's", "a message that cannot be read",
    ] * 2  # fmt: skip
    assert {(e["actor"], e["object"], e["outcome"], e["clause"]) for e in found} == {
        ("hubert", "dr-0034-hubert", "refused", "EM VII.B.1.c")
    }
    *_, ended = entries(made, "match.trial-end")
    assert "code that is not the approved notebook's: 9" in ended["details"]["refused"]
