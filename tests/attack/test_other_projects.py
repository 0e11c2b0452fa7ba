"""Two projects on the same people: what one may publish, less what the other did, must not come to a few persons."""

from __future__ import annotations

import shutil
from dataclasses import replace

import pandas as pd
import pytest

from enclave import egress
from enclave.egress import Artefact, Clearance
from enclave.egress.memory import Remembered
from enclave.ledger import Entry
from p20kit.measures import Mean, Total
from tests.attack.asking import Body, asked, cleared, judged, looks, mounted, one, rules, sent
from tests.conftest import At
from tests.world import Installation

BY = ("ManufacturingStudent", "RaceEthnicityReportingText")
TOTAL, MEAN = Total("BirthYear"), Mean("BirthYear", 4)
OTHER, NUMBER = "DR-0099", "out-00000000abcd"


def of_another_project(made: Installation, clearance: Clearance, place: str = "cleared") -> None:
    """Let what was cleared here have been cleared for another project instead, and lie where `place` says."""
    settings = made.enclave.settings
    target = settings.home / place / (NUMBER if place == "cleared" else f"{OTHER}-{NUMBER}")
    shutil.move(egress.rendered(settings, clearance.request_id), target)
    artefacts: list[Artefact] = []
    for artefact in clearance.artefacts:
        name = artefact.name.replace(clearance.request_id, NUMBER)
        (target / artefact.name).rename(target / name)
        artefacts.append(replace(artefact, name=name))
    moved = replace(clearance, project=OTHER, request_id=NUMBER, artefacts=tuple(artefacts))
    entry = Entry("olga", "egress.clear", NUMBER, OTHER, "DSA VI.D.2")
    with made.enclave.store.transaction() as tx:
        tx.write(moved, entry)
        tx.delete(clearance, entry)
        for remembered in tx.find(Remembered):
            tx.delete(remembered, entry)


def published_elsewhere(
    made: Installation, students: pd.DataFrame, place: str = "cleared", *measures: Mean | Total
) -> None:
    cleared_elsewhere(made, asked(made, one(students, BY, measures=measures)), place)


def cleared_elsewhere(made: Installation, body: Body, place: str = "cleared") -> None:
    (request,) = sent(made, body)
    clearance = cleared(made, request)
    assert isinstance(clearance, Clearance)
    of_another_project(made, clearance, place)


@pytest.fixture
def made(at: At) -> Installation:
    return at("delivered")


@pytest.fixture
def students(made: Installation) -> pd.DataFrame:
    return mounted(made, "sde")


def commonest(students: pd.DataFrame) -> pd.DataFrame:
    taking_part, race = students[list(BY)].value_counts().index[0]
    return students[(students[BY[0]] == taking_part) & (students[BY[1]] == race)]


def all_but(students: pd.DataFrame, few: int) -> pd.DataFrame:
    """Leave a few of the commonest persons out."""
    left_out = commonest(students)["P20ID"].drop_duplicates().iloc[:few]
    return students[~students["P20ID"].isin(left_out)]


def summed(made: Installation, students: pd.DataFrame, *measures: Mean | Total) -> list[str]:
    """Ask for sums; give what is said of other projects' to a person."""
    found = judged(made, asked(made, one(students, BY, measures=measures)))
    assert rules(found) == set()
    return [finding.what for finding in found.look_at if finding.rule == "other-project"]


@pytest.mark.parametrize("place", ["cleared", "published"])
def test_a_count_that_differs_by_three_from_another_projects_goes_to_a_person(
    made: Installation, students: pd.DataFrame, place: str
) -> None:
    published_elsewhere(made, students, place)
    found = judged(made, asked(made, one(all_but(students, 3), BY)))
    mine = [finding for finding in found.look_at if finding.rule == "other-project"]
    assert (found.verdict, rules(found)) == ("needs-review", set())
    assert any(finding.where == "t[Total]" for finding in mine) and len(mine) >= 4
    assert all(NUMBER in finding.what and finding.clause == "DSA VI.D.2" and finding.next for finding in mine)


def test_the_same_counts_and_counts_that_differ_by_many_are_no_news(
    made: Installation, students: pd.DataFrame
) -> None:
    published_elsewhere(made, students)
    assert judged(made, asked(made, one(students, BY))).verdict == "cleared"
    far = judged(made, asked(made, one(all_but(students, 60), BY)))
    assert "other-project" not in looks(far) and "chosen-persons" in looks(far)


def test_counts_in_ranges_come_close_to_nothing(made: Installation, students: pd.DataFrame) -> None:
    """What two ranges leave between them is no number of persons; wherever they were displayed."""
    ranges = one(students, BY) | {"coding": {"counts": "ranges", "step": 20, "top": 500}}
    named = {"methods": ["ranges", "top and bottom coding"]}
    cleared_elsewhere(made, asked(made, ranges, **named))
    (file,) = egress.rendered(made.enclave.settings, NUMBER).glob("*_1.csv")
    assert " to " in file.read_text("utf-8") and ",500 or more," in file.read_text("utf-8")
    for table, said in ((one(all_but(students, 3), BY), {}), (ranges, named)):
        assert "other-project" not in looks(judged(made, asked(made, table, **said)))


def test_only_what_was_cleared_is_held_against(made: Installation, students: pd.DataFrame) -> None:
    """A file that is not the one that was cleared says nothing of another project."""
    published_elsewhere(made, students)
    (file,) = egress.rendered(made.enclave.settings, NUMBER).glob("*_1.csv")
    file.write_text(file.read_text("utf-8") + "\n", "utf-8")
    assert "other-project" not in looks(judged(made, asked(made, one(all_but(students, 3), BY))))


def test_sums_of_groups_that_differ_by_twelve_people_go_to_a_person(
    made: Installation, students: pd.DataFrame
) -> None:
    """A total less the other, or what a mean and its count make of it, is of fewer than twenty."""
    published_elsewhere(made, students, "cleared", TOTAL)
    for measure in (TOTAL, MEAN):
        said = summed(made, all_but(students, 12), measure)
        assert len(said) == 4  # the cell, its margins, and everybody
        assert all("sum of sde.BirthYear is of fewer than 20 individuals more or less" in what for what in said)
    assert summed(made, all_but(students, 60), TOTAL) == []
    assert summed(made, all_but(students, 12)) == []
    assert summed(made, students, MEAN) == []


def test_another_sum_of_as_many_people_goes_to_a_person(made: Installation, students: pd.DataFrame) -> None:
    """One person was exchanged for another: the counts are the same, and the sums tell two amounts apart."""
    common = commonest(students).drop_duplicates("BirthYear")
    one_year, other_year = common["P20ID"].iloc[:2]
    published_elsewhere(made, students[students["P20ID"] != one_year], "cleared", TOTAL)
    said = summed(made, students[students["P20ID"] != other_year], TOTAL)
    assert said and all("another than the one of as many individuals" in what for what in said)
