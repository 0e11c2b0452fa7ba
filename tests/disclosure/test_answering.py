"""What somebody who may not see UC records can work out of answers about them, knowing everybody's other columns."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from p20kit import CellPolicy
from p20kit.answering import answered, as_known, known_persons, terms_for
from p20kit.delivered import Delivered, Source
from p20kit.errors import RequestInvalid, TableInvalid
from p20kit.message import pack, unpack
from p20kit.question import Question
from p20kit.request import Request, of_a_session
from p20kit.verdict import Agreed, Released, Verdict, judge, rebuilt

POLICY = terms_for(CellPolicy(zeros="shown"))
WAGES, RECORDED = "QuarterlyWages 2021 2", "rate Recorded 2021 2=Y"
AGREED = Agreed("DR-0034", "0" * 64, "wren", frozenset({"R1"}), frozenset({"RQ6"}), frozenset())
SAID: dict[str, Any] = {
    "format": "p20win-release-request/2", "project": "DR-0034", "policy_hash": "0" * 64, "person": "wren",
    "title": "Answer", "report": "R1", "questions": ["RQ6"], "audience": "who asked", "population": "everybody",
    "methods": [], "planned_on": None, "notes": "",
}  # fmt: skip
PERSONS = 400


class World:
    """Invented people in two schools, of whom every second has a wage record with one of twelve employers."""

    def __init__(self, folder: Path, **columns: Sequence[object]) -> None:
        self.folder = folder
        self.people = pd.DataFrame({"P20ID": [f"P{n:07d}" for n in range(PERSONS)]})
        self.people["School"] = np.where(np.arange(PERSONS) < 200, "North", "South")
        self.people = self.people.assign(**columns)
        working = self.people["P20ID"].iloc[::2].reset_index(drop=True)
        self.wages = pd.DataFrame({"P20ID": working, "WageYear": 2021, "WageQuarter": "2"})
        self.wages["EmployerID"] = [f"E{n % 12}" for n in range(len(working))]
        self.wages["QuarterlyWages"] = 5_000.0 + np.arange(len(working)) * 7

    def delivered(self) -> Delivered:
        frames = {"sde": self.people, "dol": self.wages, "crosswalk": self.people[["P20ID"]]}
        for name, frame in frames.items():
            frame.to_parquet(self.folder / f"{name}.parquet", index=False)
        columns = {
            f"{name}.{column}": Source(name.upper(), (), name == "dol", column == "EmployerID")
            for name, frame in frames.items()
            for column in frame.columns
        }
        return Delivered(self.folder, PERSONS, columns, sees_uc=False)

    def ask(self, *by: str, earlier: Sequence[Released] = (), **said: Any) -> tuple[Request, Verdict]:
        """Answer a question about the mean and the total, and judge the answer as the hub does."""
        delivered, question = self.delivered(), asked(*by, **said)
        known = known_persons(question, delivered)
        request = unpack(pack(answered(question, known, delivered, POLICY, earlier, SAID)))
        return request, judge(request, POLICY, AGREED, delivered, [*earlier, as_known(known, POLICY)])


def asked(*by: str, **said: Any) -> Question:
    sources = {
        **{column: f"sde.{column}" for column in by},
        WAGES: "dol.QuarterlyWages",
        "EmployerID": "dol.EmployerID",
    }
    measures = [{"kind": kind, "of": WAGES, "decimals": 0} for kind in ("mean", "total")]
    return Question.model_validate(
        {"format": "p20win-question/1", "name": f"by {' '.join(by)}", "title": "", "records": "dol", "by": list(by),
         "where": {"WageYear": "2021", "WageQuarter": "2"}, "measures": measures, "sources": sources,
         "employer": "EmployerID", **said}
    )  # fmt: skip


def shown(answer: tuple[Request, Verdict], *by: str) -> pd.DataFrame:
    request, verdict = answer
    assert verdict.findings == () and {f.rule for f in verdict.look_at} <= {"wording"}, verdict
    return rebuilt(request, POLICY).protected.to_published().set_index(list(by))


def test_an_honest_question_is_answered_in_full(tmp_path: Path) -> None:
    found = shown(World(tmp_path).ask("School"), "School")
    assert found["count"].tolist() == [200, 200, 400]
    assert found[RECORDED].tolist() == [50.0] * 3
    assert found[f"total {WAGES}"].tolist() == [534_650.0, 604_650.0, 1_139_300.0]


@pytest.mark.parametrize("without", [0, 3, 197, 200])
def test_neither_few_with_a_record_nor_few_without_one_are_told(tmp_path: Path, without: int) -> None:
    """Of 200 persons the asker knows by name, all, nearly all, three or none have a record."""
    world = World(tmp_path)
    north = world.people["P20ID"].iloc[:200]
    working = pd.concat([north.iloc[without:], world.people["P20ID"].iloc[200::2]])
    world.wages = pd.DataFrame({"P20ID": working, "WageYear": 2021, "WageQuarter": "2"})
    world.wages["EmployerID"] = [f"E{n % 12}" for n in range(len(working))]
    world.wages["QuarterlyWages"] = 5_000.0 + np.arange(len(working)) * 7
    found = shown(world.ask("School"), "School")
    assert found.loc["North", [RECORDED, f"mean {WAGES}", f"total {WAGES}"]].isna().all()
    # nor by subtracting the other school from both
    assert found.loc[["South", "Total"], RECORDED].isna().any()
    assert found.loc[["South", "Total"], f"total {WAGES}"].isna().any()


def test_a_cell_of_two_employers_tells_neither_wages_nor_how_many_work_there(tmp_path: Path) -> None:
    world = World(tmp_path, Club=["a"] * 100 + ["b"] * 100 + ["c"] * 200)
    world.wages.loc[:49, "EmployerID"] = ["E0", "E1"] * 25
    found = shown(world.ask("Club"), "Club")
    assert found.loc["a", [RECORDED, f"mean {WAGES}", f"total {WAGES}"]].isna().all()
    assert found[RECORDED].isna().sum() >= 2 and found[f"total {WAGES}"].isna().sum() >= 2


def test_one_employer_that_pays_nearly_everything_is_not_told(tmp_path: Path) -> None:
    world = World(tmp_path, Club=["a"] * 100 + ["b"] * 100 + ["c"] * 200)
    world.wages.loc[:49, "EmployerID"] = ["big"] * 44 + [f"small {n}" for n in range(6)]
    world.wages.loc[44:49, "QuarterlyWages"] = 100.0
    found = shown(world.ask("Club"), "Club")
    assert found.loc["a", [f"mean {WAGES}", f"total {WAGES}"]].isna().all() and found.loc["a", RECORDED] == 50.0


def test_a_group_of_five_is_too_fine_to_be_asked_about(tmp_path: Path) -> None:
    world = World(tmp_path, Club=["a"] * 5 + ["b"] * 395)
    with pytest.raises(TableInvalid) as refused:
        world.ask("Club")
    (finding,) = refused.value.findings
    assert (finding.rule, finding.what) == (
        "too-fine",
        "1 of its 3 cells hold fewer than 6 persons, of whom you know who they are",
    )


@pytest.mark.parametrize("working", [0, 1, 3])
def test_two_questions_that_differ_by_three_people(tmp_path: Path, working: int) -> None:
    """By the second column three people more are in the group; none, one or all of them have a record."""
    moved = [*range(201, 207, 2), *range(200, 206, 2)][working : working + 3]
    world = World(tmp_path, Second=np.where(np.isin(np.arange(PERSONS), [*range(200), *moved]), "in", "out").tolist())
    first = world.ask("School")
    assert shown(first, "School")[RECORDED].notna().all()
    _, verdict = world.ask("Second", earlier=[rebuilt(first[0], POLICY)])
    assert verdict.verdict == "refused" and {f.rule for f in verdict.findings} == {"difference"}


def test_what_was_answered_before_is_not_subtracted_from(tmp_path: Path) -> None:
    """Three of a club have a record: the school's number, told before, must not give them away."""
    world = World(tmp_path, Club=(["a"] * 50 + ["b"] * 150) * 2)
    world.wages = world.wages.drop(index=range(3, 25))
    first = world.ask("School")
    found = shown(first, "School")
    assert found[RECORDED].notna().all()
    earlier = [rebuilt(first[0], POLICY)]
    later = shown(world.ask("School", "Club", earlier=earlier, margins=[["School", "Club"]]), "School", "Club")
    assert later[RECORDED].isna().sum() == 2 and later.loc["North", RECORDED].isna().all()
    assert later.loc["South", f"mean {WAGES}"].notna().all()


def test_a_table_of_the_hub_is_nobody_elses_to_make(tmp_path: Path) -> None:
    request, _ = World(tmp_path).ask("School")
    with pytest.raises(RequestInvalid, match="poses as an answer"):
        of_a_session(request)
