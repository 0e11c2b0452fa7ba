"""What a match report says beside the run before it, and where it is signed."""

import re
from pathlib import Path

import pytest

from p20kit.linkage import Linked, Method, link_pair
from p20kit.linkage import display as show
from p20kit.linkage.quality import rate
from tests.linkage.agencies import STATE_ROLES, students_and_wage_earners


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[Linked]:
    directory: Path = tmp_path_factory.mktemp("files")
    sde, dol, _ = students_and_wage_earners(directory, 1_000, 1_500)
    return [link_pair(sde, dol, roles=STATE_ROLES, method=Method(threshold=cut)) for cut in (0.5, 0.99)]


def cells(page: str) -> dict[str, list[str]]:
    rows = (re.findall(r"<td[^>]*>(.*?)</td>", row) for row in page.split("</tr>") if "<thead" not in row)
    return {row[0]: row[1:] for row in rows if row}


def test_what_changed_since_the_last_run_is_marked(runs):
    last, this = ({**run.report, "job": f"match-{i:02}"} for i, run in enumerate(runs, 1))
    said = cells(show.last_run(this, last).data)
    assert said["Run"] == ["match-01", "match-02", ""]
    assert said["Threshold"] == ["0.5", "0.99", "changed"]
    assert said["Records of SDE"] == ["1,000", "1,000", ""]
    then, now, mark = said["Match rate of SDE"]
    assert mark == "changed" and float(then.split(" %")[0]) > float(now.split(" %")[0])
    assert said["SHA-256 of the model"][2] == ""
    assert not [what for what, row in cells(show.last_run(this, this).data).items() if row[2]]


def test_groups_stand_beside_those_of_the_last_run_and_what_was_hidden_stays_hidden(runs):
    def group(name: str, linked: int | None) -> dict[str, object]:
        return (
            {"group": name, "suppressed": True}
            if linked is None
            else {"group": name, "suppressed": False, **rate(linked, 100)}
        )

    def grouped(**linked: int | None) -> dict[str, object]:
        groups = [group(name, n) for name, n in linked.items()]
        return {**runs[0].report, "by_group": [{"grouping": "Sex", "groups": groups}]}

    then, now = grouped(F=50, M=40, U=None, X=None, old=30), grouped(F=48, M=40, U=20, X=None, new=70)
    rows = re.findall(r"<tr><td[^>]*>Sex</td>(.*?)</tr>", show.last_run(now, then).data)
    said = {row[0]: row[1:] for row in (re.findall(r"<td[^>]*>(.*?)</td>", each) for each in rows)}
    assert said["F"] == ["50.0 % (40.4 % to 59.6 %)", "48.0 % (38.5 % to 57.7 %)", "-2.0 points"]
    assert said["M"][2] == "none"
    assert said["U"] == ["hidden", "20.0 % (13.3 % to 28.9 %)", ""]
    assert said["X"] == ["hidden", "hidden", ""]
    assert said["old"][1:] == ["", ""] and said["new"][::2] == ["", ""]


def test_a_first_run_says_so(runs):
    assert "No earlier run" in show.last_run(runs[0].report, None).data


def test_a_run_of_other_agencies_is_set_beside_too(runs):
    rates = runs[0].report["match_rate"]
    other = {**rates, "by_agency": {"CSCU": rates["by_agency"]["SDE"]}}
    said = cells(show.last_run(runs[1].report, {**runs[0].report, "match_rate": other}).data)
    assert said["Records of CSCU"] == ["1,000", "", "changed"] and said["Records of SDE"] == ["", "1,000", "changed"]


def test_the_chart_of_thresholds_marks_the_one_in_force(runs):
    drawn = [show.thresholds_chart(run.report).data for run in runs]
    assert all("false links" in svg and "missed matches" in svg and "0.999" in svg for svg in drawn)
    assert drawn[0] != drawn[1]


def test_representatives_sign_in_the_order_they_are_named_by_title():
    page = show.signature_block([("SDE", "Chief <Officer>"), ("DOL", "Director")]).data
    assert "min-width" in page
    assert cells(page) == {"SDE": ["Chief &lt;Officer&gt;", "", "", ""], "DOL": ["Director", "", "", ""]}
    assert "no party that signs" in show.signature_block([]).data
