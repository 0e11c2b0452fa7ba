"""What a match report shows of the project around it, and a method that does not fit two agencies."""

from __future__ import annotations

import hashlib
import json
import re

import pytest

from enclave.matching import latest
from enclave.reports import Register, register
from tests.conftest import At
from tests.world import without_side_effect

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


def test_the_register_of_matches_names_the_data_elements(shared: At) -> None:
    """EM XVII.B names them among its fields."""
    made = shared("matched")
    with made.enclave.store.view() as view:
        (row,) = (row for row in register(view, Register.MATCHES) if row.action == "match.run")
    assert {"SDE.SASID", "SDE.LastName", "DOL.LastName"} <= set(row.elements)
    assert "SDE.RaceEthnicityReportingText" not in row.elements


def test_the_report_is_kept_as_a_pdf_too_printed_in_the_room_without_network(shared: At) -> None:
    made = shared("matched")
    printed = (made.home / "reports" / "DR-0034" / "match-01" / "match-report.pdf").read_bytes()
    assert b"/Title (Match report, DR-0034 match-01)" in printed and len(re.findall(rb"/Type /Page\b", printed)) > 3
    with made.enclave.store.view() as view:
        run = latest(view, "DR-0034")
        entered = next(view.entries(action="match.run"))["details"]["printed"]
    assert hashlib.sha256(printed).hexdigest() == run.printed_sha256 == entered


def test_a_kept_model_matches_again_and_gives_the_same_links(at: At) -> None:
    made = at("matched")
    made.run("matching", "run", "DR-0034", "--model", "match-01", "-p", "seed=35", who="hubert")
    first, second = (made.home / "reports" / "DR-0034" / run for run in ("match-01", "match-02"))
    reports = [json.loads((kept / "match-report.json").read_text("utf-8")) for kept in (first, second)]
    assert reports[0]["links_sha256"] == reports[1]["links_sha256"]
    assert (first / "match-model.json").read_bytes() == (second / "match-model.json").read_bytes()
    with made.enclave.store.view() as view:
        record = latest(view, "DR-0034")
        entered = list(view.entries(action="match.run"))[-1]["details"]
    digest = hashlib.sha256((first / "match-model.json").read_bytes()).hexdigest()
    assert (record.model_from, record.model_sha256) == ("match-01", digest)
    assert (entered["model_from"], entered["model"]) == ("match-01", digest)
    page = (second / "match-report.html").read_text("utf-8")
    assert "kept from an earlier run; none was trained" in page and digest in page


@pytest.mark.parametrize("model", ["match-07", "match-01"])
def test_a_model_that_was_not_kept_or_was_altered_is_refused(at: At, model: str) -> None:
    made = at("matched")
    kept = made.home / "reports" / "DR-0034" / "match-01" / "match-model.json"
    kept.write_bytes(kept.read_bytes().replace(b"0.9", b"0.8", 1))
    run = ("matching", "run", "DR-0034", "--model", model, "--json")
    said = without_side_effect(made, lambda: made.run(*run, who="hubert", code=3))
    assert said.rules == ["kept-model"] and made.actions()[-1] == "match.refuse"


@pytest.mark.parametrize("method", ["match_many", "match_review"])
def test_a_method_that_does_not_match_two_agencies_is_refused(at: At, method: str) -> None:
    made = at("received")
    run = ("matching", "run", "DR-0034", "--method", method, "--json")
    said = without_side_effect(made, lambda: made.run(*run, who="hubert", code=3))
    assert said.rules == ["method-agencies"]
    assert made.actions()[-1] == "match.refuse"
