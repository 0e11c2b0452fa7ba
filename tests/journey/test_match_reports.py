"""What a match report shows of the project around it, and a method that does not fit two agencies."""

from __future__ import annotations

import re

from tests.conftest import At

TITLE = "Chief Performance Officer"


def test_the_second_report_stands_beside_the_first_and_ends_where_it_is_signed(at: At) -> None:
    made = at("matched")
    made.run("matching", "run", "DR-0034", "-p", "threshold=0.97", who="hubert")
    first, second = (
        (made.home / "reports" / "DR-0034" / run / "match-report.html").read_text("utf-8")
        for run in ("match-01", "match-02")
    )
    assert "No earlier run of this project" in first
    beside = second[second.index("Beside the last run") :]
    assert re.search(r"Threshold</td><td[^>]*>0.9</td><td[^>]*>0.97</td><td[^>]*>changed", beside)
    for page in (first, second):
        agreed = page[page.index(">Agreed") :]
        assert all(title in agreed for title in (TITLE, "Director of Research", "Senior Research Associate"))


def test_a_method_for_several_agencies_keeps_nothing_of_two(at: At) -> None:
    made = at("received")
    made.run("matching", "run", "DR-0034", "--method", "match_many", who="hubert", code=70)
    assert made.actions()[-1] == "match.fail"
    assert not (made.home / "reports" / "DR-0034").exists()
