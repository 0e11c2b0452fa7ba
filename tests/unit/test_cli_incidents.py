"""What only functions did: problems, breaches, FOIA requests, subpoenas, suspensions, votes, at the command line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.journey.stages import attach, letter
from tests.unit.test_cli import WHO
from tests.world import Installation

DR = "DR-0034"
BREACH = (
    "--description", "A laptop was left on a train.", "--roles", "one user", "--type", "loss", "--party", "SDE",
    "--party", "WESTED", "--estimated", "0", "--mitigation", "It was found.", "--corrective-action", "None planned.",
)  # fmt: skip


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Installation]:
    """DR-0034 registered; wren, the stewards of two agencies, and olga of the Operating Group are listed."""
    made = Installation(tmp_path)
    for arguments in (("init", "--demo"), ("today", "2022-04-11"), ("agreement", "register", DR)):
        made.run(*arguments)
    made.run("people", "enlist", DR, "wren", "researcher", *WHO)
    for person, role, agency in (("sam", "steward", "SDE"), ("dora", "steward", "DOL"), ("olga", "opm", "")):
        made.run("people", "enlist", DR, person, role, *WHO, "--agency", agency)
    yield made
    made.close()


def test_a_user_reports_a_problem_and_the_operating_group_acts(office: Installation) -> None:
    said = office.run("incident", "open", "problem", "A page lay open.", "--project", DR, "--json", who="wren")
    assert said.body["told"] == ["Operating Group", "SDE", "DOL"]
    office.run("incident", "open", "problem", "A page.", "--project", DR, "--json", who="nobody", code=3)
    said = office.run(
        "incident", "open", "problem", "It was 123-45-6789.", "--project", DR, "--json", who="wren", code=4
    )
    assert said.rules == ["confidential"] and "6789" not in said.text
    said = office.run("incident", "step", "problem-001", "Locked away.", "--close", "--json", who="olga")
    assert said.body["closed"] is True
    assert office.run("incident", "cases", "--json").body[0]["state"] == "closed"


def test_foia_requests_and_subpoenas_have_their_hours(office: Installation) -> None:
    came = ("--came-at", "2022-04-10T09:00-04:00")
    said = office.run("incident", "open", "foia", "Minutes are asked for.", *came, "--json", who="olga")
    assert said.body["due_at"].startswith("2022-04-11T13:00")
    said = office.run("incident", "open", "subpoena", "A court asks.", *came, "--project", DR, "--json", who="olga")
    assert said.body["due_at"] == said.body["came_at"] and said.body["told"][1:] == ["SDE", "DOL"]
    assert office.run("incident", "step", "foia-001", "Sent on.", "--json", who="olga").body["steps"]
    late = {case["case"]: case["late"] for case in office.run("incident", "cases", "--json").body}
    assert late == {"foia-001": "yes", "subpoena-001": ""}
    office.run("incident", "open", "foia", "Minutes.", "--came-at", "2022-04-10", "--json", code=4)


def test_a_breach_is_reported_supplemented_and_resolved(office: Installation) -> None:
    times = ("--discovered-at", "2022-04-10T09:00-04:00", "--reported-at", "2022-04-11T10:00-04:00")
    said = office.run("incident", "breach", DR, *BREACH, *times, "--json", who="wren")
    assert said.body["recipients"] == ["Operating Group", "SDE", "DOL"] and said.body["number"] == 1
    assert "after the 24 hours" in office.run("incident", "breach", DR, *BREACH, *times, who="wren").text
    more = ("incident", "supplement", f"{DR}/1", "It is back.", "--json")
    assert office.run(*more, code=3).rules == ["spokesman"]
    assert office.run(*more, who="sam").body["supplements"]
    wider = ("incident", "affects", f"{DR}/1", "DOL", "Its records lay there too.", "--json")
    assert office.run(*wider, who="wren", code=3).rules == ["spokesman"]
    known = ("--known-at", "2022-04-10T09:30-04:00")
    (found,) = office.run(*wider, *known, who="sam").body["affected"]
    assert (found["party"], found["due_at"]) == ("DOL", "2022-04-11T13:30:00Z")
    assert office.run(*wider, *known, who="olga", code=4).rules == ["item"]
    resolved = ("resolve", f"{DR}/1", "not a breach", "Locks help.", "--json")
    assert office.run("incident", *resolved, who="olga", code=3).rules == ["matter"]
    matters = ("--impact", "None.", "--suspension", "Nobody.", "--measures", "None.", "--inquiries", "Nothing.")
    office.run("incident", "review", f"{DR}/1", *matters, who="olga")
    assert office.run("incident", "secured", f"{DR}/1", "SDE", "Locked.", "--json", who="sam").body["secured"]["SDE"]
    said = office.run("incident", "resolve", f"{DR}/1", "not a breach", "Locks help.", "--json", who="olga")
    assert said.body["determination"] == "not a breach"
    assert office.run("incident", "supplement", f"{DR}/1", "More.", "--json", who="olga", code=3).rules == ["notice"]
    shown = {who: office.run("incident", "breaches", "--json", who=who).body for who in ("sam", "olga", "wren")}
    assert [(row["notice"], row["state"], row["lessons"]) for row in shown["sam"]] == [
        (f"{DR}/2", "under investigation", ""), (f"{DR}/1", "not a breach", "Locks help."),
    ]  # fmt: skip
    assert shown["olga"] == shown["sam"] and shown["wren"] == []
    assert [row["not yet secure"] for row in shown["sam"]] == ["SDE, WESTED", "WESTED, DOL"]


def test_suspensions_are_given_lifted_and_listed(office: Installation) -> None:
    office.run("agency", "suspend", "SDE", "2022-04-12", "It moves.", "--json", who="sam", code=3)
    office.run("agency", "suspend", "SDE", "2022-04-13", "It moves.", "--until", "2022-05-13", who="sam")
    longer = office.run("agency", "suspend", "SDE", "2022-05-14", "Still.", "--until", "2022-06-13", who="sam")
    assert "from 2022-04-13 until 2022-06-13" in longer.text
    office.run("agency", "complain", "DOL", "Files lay open.", who="olga")
    office.run("agency", "act", "complaint-001", "suspended", "At once.", "--json", who="olga", code=3)
    for agency in ("SDE", "DOL"):
        office.run("agency", "join", agency, "2022-04-01", who="olga")
    office.run("agency", "act", "complaint-001", "suspended", "At once.", who="olga")
    office.run("incident", "refuse-recipient", "WESTED", "DOL", who="dora")
    office.run("incident", "resume-recipient", "WESTED", "--json", who="sam", code=3)
    office.run("incident", "resume-recipient", "WESTED", who="dora")
    office.run("agency", "reinstate", "DOL", "--json", who="olga", code=3)
    assert {row["what"] for row in office.run("agency", "case", "complaint-001", "--json").body} == {
        "suspended", "asked: suspension", "meeting of the board on a complaint", "reasons of a suspension"
    }  # fmt: skip
    against = ("disapproval", "--reason", "It was mended.")
    office.run("agency", "vote", "complaint-001", "suspension", "DOL", *against, "--json", who="dora", code=3)
    office.run("agency", "vote", "complaint-001", "suspension", "SDE", *against, who="sam")
    log = {row["whom"]: (row["since"], row["until"], row["lifted"], row["times with cause"]) for row in
           office.run("incident", "log", "--json").body}  # fmt: skip
    assert log == {
        "agency SDE by its own notice (2022-04-13)": ("2022-04-13", "2022-06-13", None, 0),
        "agency DOL for cause (complaint-001)": ("2022-04-11", None, "2022-04-11", 1),
        "data recipient WESTED by DOL": ("2022-04-11", None, "2022-04-11", 1),
    }  # fmt: skip
    assert office.run("ledger", "show", "--action", "incident.refuse", "--json").body


def test_only_the_operating_group_stops_suspends_and_lifts_and_whom_it_refuses_is_entered(
    office: Installation,
) -> None:
    steps = (("hold", DR), ("lift", DR), ("suspend", DR, "olga"))
    for step in steps:
        for who in ("wren", "sam", "operator"):
            assert office.run("incident", *step, "--json", who=who, code=3).rules == ["spokesman"]
    entered = office.run("ledger", "show", "--action", "incident.refuse", "--json").body
    assert [(each["object"], each["outcome"]) for each in entered[::3]] == [
        (DR, "refused"), (DR, "refused"), ("olga", "refused"),
    ]  # fmt: skip
    office.run("incident", "hold", DR, who="olga")
    office.run("incident", "lift", DR, who="olga")
    office.run("incident", "suspend", DR, "wren", who="olga")


def test_a_person_is_suspended_and_reinstated_by_the_operating_group_alone(office: Installation) -> None:
    contact, agency = (*WHO, "--agency"), "SDE"
    office.run("incident", "suspend", DR, "sam", who="olga")
    said = office.run("people", "enlist", DR, "sam", "steward", *contact, agency, "--json", who="olga", code=3)
    assert said.rules == ["suspended"] and f"enclave incident reinstate {DR} sam" in said.text
    assert office.run("incident", "reinstate", DR, "sam", "--json", who="dora", code=3).rules == ["spokesman"]
    assert office.run("incident", "log", "--json").body[0]["lifted"] is None
    assert office.run("incident", "reinstate", DR, "sam", "--json", who="olga").body["suspension"] is None
    assert office.run("incident", "reinstate", DR, "sam", "--json", who="olga", code=3).rules == ["not-suspended"]
    assert office.run("incident", "log", "--json").body[0]["lifted"] == "2022-04-11"


def test_votes_and_terms_stand_in_the_groups_of_their_rooms(office: Installation) -> None:
    office.run("agreement", "vote", DR, "approval", "--json", who="sam", code=3)
    office.run("agreement", "available", DR, who="sam")
    office.run("agreement", "refuse-element", DR, "SpecialEd", "--reason", "Not needed.", who="sam")
    office.run("agreement", "vote", DR, "approval", who="sam")
    assert office.run("agreement", "sign", DR, "SDE", "Commissioner", "2022-04-11", "--json", code=3).rules == [
        "not-approved"
    ]
    office.run("agreement", "available", DR, who="dora")
    assert office.run("agreement", "vote", DR, "approval", "--json", who="dora").body["carried"] is True
    signing = ("agreement", "sign", DR, "SDE", "Commissioner", "2022-04-11")
    assert office.run(*signing, "--json", code=3).rules == ["exhibit"]
    attach(office)
    office.run(*signing)
    assert office.run("agreement", "motions", DR, "--json").body[0]["state"] == "carried"
    assert office.run("agreement", "show", DR, "--json").body["not shared"] == "SDE.SpecialEd"
    assert office.run("agreement", "diff", DR, "--json").body == []
    again = ("--again", "SDE.SpecialEd", "--json")
    wanted = "agreement.elements.SDE.SpecialEd"
    assert wanted in {row["where"] for row in office.run("agreement", "diff", DR, *again).body}
    assert office.run("agreement", "diff", DR, "--again", "SDE.Gender", "--json", code=3).rules == ["not-refused"]
    for asked in (("extend", "2023-01-01"), ("terminate",), ("amend",)):
        first, *rest = asked
        said = office.run("agreement", first, DR, *rest, "--reason", "Why.", "--json", who="sam", code=3)
        assert said.rules == ["signatures"]
    assert office.run("matching", "keep", DR, "2023-01-01", "--reason", "Why.", "--json", who="sam", code=3).rules
    join = ("agency", "join", "SDE", "2021-07-01", "--json")
    for who in ("operator", "sam"):
        assert office.run(*join, who=who, code=3).rules == ["spokesman"]
    assert len(office.run("ledger", "show", "--action", "agency.refuse", "--json").body) == 2
    assert office.run(*join, who="olga").body["until"] == "2024-07-01"
    assert office.run("agency", "leave", "SDE", "--json", who="sam", code=3).rules == ["spokesman"]
    assert office.run("agency", "leave", "SDE", "--json", who="olga").body["until"] == "2022-05-11"
    office.run("agency", "leave", "SDE", "--breach", who="olga")
    assert office.run(*join, who="olga", code=3).rules == ["membership"]


def test_the_hub_says_who_still_needs_access_and_each_party_who_speaks_for_it(office: Installation) -> None:
    office.run("people", "enlist", DR, "hal", "steward", *WHO, "--agency", "DOL-HUB", who="olga")
    review = ("people", "review", DR, "wren")
    assert office.run(*review, "needed", "--json", who="sam", code=3).rules == ["spokesman"]
    assert office.run(*review, "needed", "--json", who="hal").body["reviewed_on"] == "2022-04-11"
    assert office.run(*review, "not-needed", "--json", who="hal").body["suspension"]["clause"] == "EM XVII.C"
    assert office.run("people", "designate", DR, "DOL-HUB", "sam", letter(office), "--json", code=3).rules
    office.run("people", "designate", DR, "DOL-HUB", "hal", letter(office), "--since", "2022-04-01")
    speaks = {
        row["party"]: row["representative"] for row in office.run("people", "representatives", DR, "--json").body
    }
    assert speaks == {"SDE": "none", "DOL": "none", "DOL-HUB": "hal", "WESTED": "none"}


def test_clocks_go_round_and_are_shown(office: Installation) -> None:
    office.run("agency", "join", "SDE", "2019-04-20", who="olga")
    assert office.run("clocks", "round", "--json").body["noted"][0]["about"] == "SDE"
    assert office.run("clocks", "show", "--json").body == [
        {"about": "SDE", "what": "membership of the Enterprise MOU", "clause": "EM XVIII.B", "unit": "months",
         "due": "2022-04-20", "left": "9 days are left"}
    ]  # fmt: skip
    office.run("today", "2022-04-10")
    assert office.run("clocks", "round", "--json", code=3).rules == ["clock-back"]
    office.run("clocks", "accept", who="olga")
    assert office.run("clocks", "round", "--json").body["doubts"] == []


def test_what_is_before_the_boards_is_entered_moved_and_voted_on(office: Installation) -> None:
    for agency in ("SDE", "DOL"):
        office.run("agency", "join", agency, "2022-04-01", who="olga")
    opened = ("proposal", "open", "application", "ohe", "It asks to join.", "--on", "2022-04-08")
    assert office.run(*opened, "--json", who="sam", code=3).rules == ["spokesman"]
    said = office.run(*opened, who="olga").text
    assert "application-001 is entered; meeting of the board on an application by 2022-05-23" in said
    (row,) = office.run("proposal", "list", "--json").body
    assert [row[name] for name in ("proposal", "about", "came", "last")] == [
        "application-001", "OHE", "2022-04-08", "came in",
    ]  # fmt: skip
    move = ("proposal", "move", "application-001")
    assert office.run(*move, "signed", "Signed.", "--json", who="olga", code=3).rules == ["turn"]
    office.run(*move, "recommended", "No concerns.", who="olga")
    vote = ("proposal", "vote", "application-001")
    office.run(*vote, "SDE", "approval", who="sam")
    assert office.run(*vote, "DOL", "approval", "--json", who="dora").body["done"][-1]["what"] == "accepted"
    office.run(*move, "signed", "All have signed.", who="olga")
    assert office.run(*move, "signed", "Again.", "--json", who="olga", code=3).rules == ["proposal"]
    (joined,) = office.run("ledger", "show", "--action", "agency.join", "--last", "1", "--json").body
    assert joined["object"] == "OHE"
    assert len(office.run("ledger", "show", "--action", "proposal.refuse", "--json").body) == 3
