"""Clerical review in the hub's own room: who may sit down, what stands open, what stays, and when it goes."""

from __future__ import annotations

import hashlib
import json
import stat
from typing import Any

import pandas as pd
import pytest

from enclave.analysis import Session, sandbox_name
from enclave.errors import Refused
from enclave.matching import latest, open_crosswalk, places
from enclave.sandbox import Bubblewrap, Mount, SandboxSpec, python
from tests.conftest import At
from tests.journey.stages import FAR, letter, record
from tests.web.browser import Browser, served
from tests.web.world import World
from tests.world import CANARY, Installation, canary_in, idle, without_side_effect

PROJECT = "DR-0034"
JUDGE = """
import json, pathlib, sys
import nbformat

reviewer, most, doubts = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
notebook = nbformat.read("/project/templates/match_review.ipynb", as_version=4)
there = {}
for cell in [c for c in notebook.cells if c.cell_type == "code"][:3]:
    exec(cell.source, there)
sample, answers = there["sample"], there["answers"]
desk = there["Desk"](there["order"], sample, answers)
desk.name.value = reviewer
desk.begin.click()
given = answers.by_reviewer() | answers.settling()
began, done = desk.told.value, len(given.get(reviewer, {}))
truth = json.loads(pathlib.Path("/home/analyst/truth.json").read_text())
asked = answers.asked
for pair in asked[done:min(done + most, len(asked))]:
    left, right = sample.pairs.loc[pair, ["left_id", "right_id"]]
    same = truth.get(left) == right
    desk.key.value = "c" if doubts and pair % doubts == 0 else "m" if same else "n"
print(json.dumps({"began": began, "told": desk.told.value, "pairs": len(sample.pairs), "sample": sample.sha256}))
"""


def enlist_staff(made: Installation, person: str) -> None:
    contact = ("--name", f"Invented {person}", "--position", "Staff", "--organization", "DOL-HUB", "--government")
    reached = ("--email", f"{person}@example.org", "--telephone", "555-0100")
    made.run("people", "enlist", PROJECT, person, "hub-staff", *contact, *reached, who="olga")
    record(made, person)
    made.run("papers", "add", "training", letter(made), "--about", person, "--until", FAR)
    made.run("papers", "add", "government-status", letter(made), "--about", person, who="hal")
    made.run("people", "verify", person, who="olga")


def same_persons(made: Installation) -> dict[str, str]:
    truth = pd.read_parquet(made.agencies / "truth.0034.parquet").pivot(
        index="person", columns="agency", values="generic_id"
    )
    both = truth.dropna(subset=["SDE", "DOL"])
    return dict(zip(both["SDE"], both["DOL"], strict=True))


def judge(made: Installation, session: Session, *, most: int = 1_000, doubts: int = 0) -> dict[str, Any]:
    """Let a person judge pairs with the notebook they were given, inside their sandbox."""
    script, truth, log = (made.root / name for name in ("judge.py", "truth.json", "judge.log"))
    script.write_text(JUDGE, "utf-8")
    truth.write_text(json.dumps(same_persons(made)), "utf-8")
    mounts = (Mount(script, "/home/analyst/judge.py"), Mount(truth, "/home/analyst/truth.json"))
    command = (python(), "/home/analyst/judge.py", session.person, str(most), str(doubts))
    name = sandbox_name(PROJECT, session.person)
    with log.open("wb") as out:
        spec = SandboxSpec(name, command, (*session.mounts, *mounts))
        sandbox = Bubblewrap(made.enclave.settings.runtime).start(spec, stdout=out, stderr=out)
        assert sandbox.wait(900) == 0, log.read_text("utf-8")
    said: dict[str, Any] = json.loads(log.read_text("utf-8").splitlines()[-1])
    return said


def entries(made: Installation, action: str) -> list[dict[str, Any]]:
    with made.enclave.store.view() as view:
        return list(view.entries(action=action))


def refused_rules(made: Installation, person: str) -> list[str]:
    with pytest.raises(Refused) as refusal:
        made.enclave.broker().admit(person, PROJECT)
    assert all(f.clause and f.what and f.next for f in refusal.value.findings)
    return [f.rule for f in refusal.value.findings]


def test_two_judge_and_what_they_say_stands_beside_the_report(at: At) -> None:
    made = at("matched")
    broker, runtime = made.enclave.broker(), made.enclave.settings.runtime
    for person in ("hilda", "hugo"):
        enlist_staff(made, person)
    made.run("matching", "open-review", PROJECT, who="hubert")
    assert places(made.enclave.settings) == []  # nothing stands open before somebody sits down

    first = judge(made, broker.admit("hubert", PROJECT), most=40)
    assert "0 of 200 judged" in first["began"] and "40 of 200 judged" in first["told"]
    made.enclave.recover()  # the hub came back and found no server: nothing stands open any more
    assert places(made.enclave.settings) == []
    again = judge(made, broker.admit("hubert", PROJECT))
    assert "40 of 200 judged" in again["began"] and "200 of 200 judged" in again["told"]
    broker.release("dr-0034-hubert", {"shown_bytes_today": 0})

    hilda = broker.admit("hilda", PROJECT)
    assert stat.S_IMODE(hilda.folder.parent.stat().st_mode) == 0o700
    assert not list((hilda.folder / "out").glob("review-*"))  # nobody sees what the other said
    assert "0 of 200 judged" in judge(made, hilda, doubts=20)["began"]
    assert refused_rules(made, "hugo") == ["two-reviewers"]
    close = ("matching", "close-review", PROJECT, "--json")
    said = without_side_effect(made, lambda: made.run(*close, who="hubert", code=3))
    assert set(said.rules) == {"still-open", "two-reviewers"}  # what hilda said is not put away yet
    broker.release("dr-0034-hilda", {"shown_bytes_today": 0})
    closed = made.run(*close, who="hubert").body
    assert places(made.enclave.settings) == [] and not list(runtime.glob("scratch-*"))

    with made.enclave.store.view() as view:
        run = latest(view, PROJECT)
    kept = made.home / "reports" / PROJECT / run.id
    found = json.loads((kept / "match-review.json").read_text("utf-8"))
    assert found["agreement"]["same"] == 190 and found["agreement"]["pairs"] == 200
    open_crosswalk(made.enclave.keystore, made.enclave.settings, run, made.root / "crosswalk")
    links = pd.read_parquet(made.root / "crosswalk")
    right = (links["SDE"].map(same_persons(made)) == links["DOL"]).mean()
    assert found["precision"]["low"] <= right <= found["precision"]["high"]
    assert not set(pd.concat([links["SDE"], links["DOL"]])) & set(
        (kept / "match-review.ipynb").read_text("utf-8").split('"')
    )
    assert not list(canary_in(kept))

    (entry,) = entries(made, "match.review")
    page = hashlib.sha256((kept / "match-review.html").read_bytes()).hexdigest()
    told = {"pairs": 200, "sample": first["sample"], "page": page, "judged": ["hilda 200", "hubert 200"]}
    assert told.items() <= entry["details"].items() and entry["actor"] == "hubert"
    assert closed["page_sha256"] == page
    assert len(entries(made, "match.review-begin")) == 3
    assert made.verified() == len(made.actions())

    with served(World(made.enclave, "", "")) as base:
        pages = Browser(base, "hubert")
        assert "judged by hilda and hubert" in pages.of("/matching").text
        assert pages.of("/matching/match-01/review").content == (kept / "match-review.html").read_bytes()

    answers = sorted((made.enclave.settings.sealed / f"match-{PROJECT}").glob("*.answers"))
    assert len(answers) == 2
    made.run("destruction", "match-data", PROJECT, who="hubert")
    assert not any(path.exists() for path in answers)
    assert (kept / "match-review.html").exists()


def test_refusals_say_why(at: At) -> None:
    made = at("matched")
    open_, close = (("matching", verb, PROJECT, "--json") for verb in ("open-review", "close-review"))
    assert without_side_effect(made, lambda: made.run(*close, who="hubert", code=3)).rules == ["no-review"]
    assert without_side_effect(made, lambda: made.run(*open_, who="sam", code=3)).rules == ["role"]
    made.run(*open_, who="hubert")
    assert without_side_effect(made, lambda: made.run(*open_, who="hubert", code=3)).rules == ["review-once"]
    assert without_side_effect(made, lambda: made.run(*close, who="hubert", code=3)).rules == ["two-reviewers"]
    assert "not-delivered" in refused_rules(made, "wren")  # a researcher's server is for Resultant Data, as ever
    made.run("destruction", "match-data", PROJECT, who="hubert")
    assert refused_rules(made, "hubert") == ["match-data"]
    assert without_side_effect(made, lambda: made.run(*close, who="hubert", code=3)).rules == ["match-data"]


def test_only_answers_are_kept_of_what_a_session_wrote(at: At) -> None:
    made = at("matched")
    broker = made.enclave.broker()
    made.run("matching", "open-review", PROJECT, who="hubert")
    session = broker.admit("hubert", PROJECT)
    (out,) = (mount.source for mount in session.mounts if mount.writable)
    own = out / "review-0123456789abcdef.jsonl"
    lines: list[object] = [
        {"reviewer": CANARY.last, "pair": 3, "answer": "match", "note": CANARY.ssn},
        {"reviewer": "hubert", "pair": 3, "answer": "no match"},
        {"reviewer": "hubert", "pair": int(CANARY.ssn), "answer": "match"},
        {"reviewer": "hubert", "pair": True, "answer": "match"},
        {"reviewer": "hubert", "pair": 5, "answer": CANARY.first},
        [CANARY.sasid],
    ]
    own.write_text("".join(f"{json.dumps(line)}\n" for line in lines) + "{torn", "utf-8")
    (out / "review-fedcba9876543210.jsonl").symlink_to(own)
    (out / "rows.csv").write_text(CANARY.ssn)
    broker.release("dr-0034-hubert", {"shown_bytes_today": 7})
    (entry,) = entries(made, "match.review-end")
    assert entry["details"]["answers"] == 1 and entry["details"]["shown_bytes_today"] == 7
    out = next(mount.source for mount in broker.admit("hubert", PROJECT).mounts if mount.writable)
    written = {path.name: path.read_text("utf-8") for path in out.iterdir() if path.name != "report.json"}
    assert written == {own.name: '{"reviewer": "hubert", "pair": 3, "answer": "no match"}\n'}


def test_the_last_day_ends_a_review_and_what_stands_open_for_it(at: At) -> None:
    made = at("agreed")
    broker, settings = made.enclave.broker(), made.enclave.settings
    made.run("matching", "open-review", PROJECT, who="hubert")
    session = broker.admit("hubert", PROJECT)
    running = Bubblewrap(settings.runtime).start(idle(made, "hubert"))
    assert {path.stem for path in (session.folder / "inputs").iterdir()} == {"SDE", "DOL"}
    made.run("destruction", "match-data", PROJECT, who="hubert")
    assert running.wait(60) != 0
    assert not session.folder.exists() and places(settings) == []
    before = made.actions()
    broker.release("dr-0034-hubert", {"shown_bytes_today": 0})
    assert made.actions() == before


def test_a_third_settles_where_two_differ_and_sees_nothing_else(at: At) -> None:
    made = at("matched")
    broker = made.enclave.broker()
    for person in ("hilda", "hugo", "hanna"):
        enlist_staff(made, person)
    made.run("matching", "open-review", PROJECT, who="hubert")
    mark, pairs = "0123456789abcdef", range(6)
    answer(broker.admit("hubert", PROJECT), mark, dict.fromkeys(pairs, "match"))
    broker.release("dr-0034-hubert")
    hilda = broker.admit("hilda", PROJECT)
    answer(hilda, mark, {pair: "no match" if pair in (2, 5) else "match" for pair in pairs if pair != 1})
    broker.release("dr-0034-hilda")
    assert refused_rules(made, "hugo") == ["two-reviewers"]  # hilda has not judged all that hubert did
    answer(broker.admit("hilda", PROJECT), mark, {1: "match"})
    assert refused_rules(made, "hugo") == ["two-reviewers"]  # she still sits
    broker.release("dr-0034-hilda")

    hugo = broker.admit("hugo", PROJECT)
    order = json.loads((hugo.folder / "job.json").read_text("utf-8"))
    assert order["review"] == {"reviewer": "hugo", "settles": {mark: [2, 5]}}
    assert not list((hugo.folder / "out").glob("review-*"))
    answer(hugo, mark, {2: "match", 4: "no match"})
    for other in ("hubert", "hilda", "hanna"):
        assert refused_rules(made, other) == ["two-reviewers"]
    broker.release("dr-0034-hugo")
    (own,) = (broker.admit("hugo", PROJECT).folder / "out").glob("review-*")
    assert json.loads(own.read_text("utf-8").splitlines()[0])["settles"] is True
    broker.release("dr-0034-hugo")
    *_, begun = entries(made, "match.review-begin")
    assert begun["details"]["to_settle"] == 2


def answer(session: Session, mark: str, given: dict[int, str]) -> None:
    """Leave answers as the desk writes them."""
    with (session.folder / "out" / f"review-{mark}.jsonl").open("a", encoding="utf-8") as file:
        for pair, said in given.items():
            file.write(json.dumps({"reviewer": session.person, "pair": pair, "answer": said}) + "\n")
