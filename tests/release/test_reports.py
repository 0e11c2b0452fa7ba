"""EM XVII.B: the four registers, activity, where-used, and an export that an auditor verifies alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from enclave.agreement import Signature, Version, of, sign
from enclave.destruction import destroy
from enclave.errors import Refused
from enclave.ledger import Entry, verify_export
from enclave.reports import (
    Register,
    activity,
    export_ledger,
    register,
    registers,
    where_used,
    yearly,
    yearly_page,
    yearly_print,
)
from enclave.terms import Action
from tests.parties import NEWCOMER, ask, attach, let_join, say_yes
from tests.pdf import bars_of, beyond
from tests.release.world import PROJECT, REQUEST, World, open_world

RECEIVED = {"source": "DOL", "destination": "DOL-HUB", "contents": "analytical", "rows": 9, "elements": ["WageYear"]}
STEPS = (
    ("intake.receive", "two", "done", RECEIVED),
    ("intake.refuse", "x", "refused", {"rules": ["row-count"]}),
    ("match.run", f"{PROJECT}/match-01", "done", {"links": 7}),
    ("resultant.deliver", PROJECT, "done", {"persons": 7, "elements": ["SDE.Gender", "DOL.WageYear"]}),
)


@pytest.fixture
def lived(world: World) -> World:
    """A project from the first file to its destruction."""
    world.held()
    with world.store.transaction() as tx:
        for action, thing, outcome, details in STEPS:
            tx.append(Entry("hub", action, thing, PROJECT, "EM XVII.B", outcome, details))
    clearance = world.reviewed()
    world.publish(clearance)
    world.today = date(2022, 8, 30)
    destroy(world.store, world.keystore, world.settings, world.admission("opm", Action.DESTROY))
    return world


def test_files_received_say_who_sent_what_when_and_when_it_was_destroyed(lived: World):
    with lived.store.view() as view:
        rows = register(view, Register.RECEIVED)
    assert [(r.sent_by, r.received_by, r.elements, r.project, r.rows, r.destroyed_on) for r in rows] == [
        ("SDE", "DOL-HUB", ("SASID", "DOB"), PROJECT, 500, "2022-08-30"),
        ("DOL", "DOL-HUB", ("WageYear",), PROJECT, 9, "2022-08-30"),
    ]
    assert all(r.day == "2022-06-01" and r.at for r in rows)


def test_the_other_three_registers(lived: World):
    with lived.store.view() as view:
        found = registers(view, PROJECT)
    assert [r.object for r in found[Register.MATCHES]] == [f"{PROJECT}/match-01"]
    assert [r.action for r in found[Register.MAINTAINED]] == [
        "intake.receive", "intake.receive", "match.run", "resultant.deliver",
    ]  # fmt: skip
    sent = found[Register.SENT]
    assert [(r.object, r.sent_by, r.received_by) for r in sent] == [
        (PROJECT, "DOL-HUB", "WESTED"), (REQUEST, "DOL-HUB", "WESTED"),
    ]  # fmt: skip
    assert [r.destroyed_on for r in sent] == ["2022-08-30", ""]
    assert sent[1].elements == ("sde.Gender",)


def test_a_withdrawn_file_is_gone_on_that_day(world: World):
    world.held()
    world.today = date(2022, 6, 3)
    with world.store.transaction() as tx:
        tx.append(Entry("hub", "intake.withdraw", "one", PROJECT, "DSA II.H"))
    with world.store.view() as view:
        assert [r.destroyed_on for r in register(view, Register.MAINTAINED)] == ["2022-06-03"]


def test_resultant_data_end_where_others_take_their_place(world: World):
    for day in (1, 5):
        world.today = date(2022, 6, day)
        with world.store.transaction() as tx:
            tx.append(Entry("hub", "resultant.deliver", PROJECT, PROJECT, "DSA VI.A", details={"persons": 6}))
    with world.store.view() as view:
        sent = [row for row in register(view, Register.SENT) if row.action == "resultant.deliver"]
    assert [row.destroyed_on for row in sent] == ["2022-06-05", ""]


def test_registers_read_entries_that_say_little(world: World):
    with world.store.transaction() as tx:
        tx.append(Entry("hub", "intake.receive", "bare", "", ""))
    with world.store.view() as view:
        (row,) = register(view, Register.RECEIVED)
    assert (row.elements, row.rows, row.destroyed_on) == ((), None, "")


def test_activity_counts_what_was_done_and_what_was_refused(lived: World):
    with lived.store.view() as view:
        told, later = activity(view), activity(view, date(2022, 8, 1))
    assert told.totals["intake.receive"] == 2
    assert told.totals["intake.refuse"] == 1
    assert told.by_project[PROJECT]["review.confirm"] == 2
    assert told.agreements == {PROJECT: "destroyed"}
    assert told.entries == sum(told.totals.values())
    assert later.totals["destruction.done"] == 1 and "intake.receive" not in later.totals


def test_where_an_element_was_received_delivered_and_released(lived: World):
    with lived.store.view() as view:
        (gender,) = where_used(view, "Gender", "SDE")
        (wages,) = where_used(view, "WageYear")
        assert where_used(view, "ShoeSize") == []
    assert (gender.matching, gender.released, len(gender.delivered)) == (False, (REQUEST,), 1)
    assert (wages.agency, len(wages.received), wages.released) == ("DOL", 1, ())


def test_where_an_element_was_used_is_known_after_an_amendment_took_it_away(lived: World):
    world = lived
    with world.store.transaction() as tx:
        known = of(tx, PROJECT)
        elements = known.policy.agreement.elements
        left = {**elements, "SDE": tuple(each for each in elements["SDE"] if each.name != "Gender")}
        policy = known.policy.model_copy(
            update={"agreement": known.policy.agreement.model_copy(update={"elements": left})}
        )
        tx.write(Version(PROJECT, 1, known.policy, tx.today), Entry("wes", "agreement.amend", PROJECT, PROJECT))
        tx.write(replace(known, policy=policy, version=2), Entry("wes", "agreement.amend", PROJECT, PROJECT))
    with world.store.view() as view:
        (gender,) = where_used(view, "Gender", "SDE")
        (wages,) = where_used(view, "WageYear")
    assert (gender.until, gender.released, len(gender.delivered)) == (date(2022, 8, 30), (REQUEST,), 1)
    assert wages.until is None


def test_an_export_verifies_with_the_public_key_alone(lived: World, tmp_path: Path):
    path = tmp_path / "out" / "ledger.jsonl"
    written = export_ledger(lived.store, lived.ledger_key, path)
    lines = path.read_text("utf-8").splitlines()
    assert verify_export(lines, lived.ledger_key.verifier) == written
    assert written.size == len(lines) - 1


@pytest.mark.parametrize("harm", ["drop", "edit", "swap", "cut"])
def test_an_edited_export_does_not_verify(lived: World, tmp_path: Path, harm: str):
    path = tmp_path / "ledger.jsonl"
    export_ledger(lived.store, lived.ledger_key, path)
    lines = path.read_text("utf-8").splitlines()
    match harm:
        case "drop":
            del lines[3]
        case "edit":
            lines[3] = lines[3].replace("DR-0034", "DR-0035")
        case "swap":
            lines[3], lines[4] = lines[4], lines[3]
        case "cut":
            del lines[-2]
    with pytest.raises(Refused):
        verify_export(lines, lived.ledger_key.verifier)


def test_a_year_counts_what_was_done_in_it_and_what_was_refused(lived: World):
    with lived.store.view() as view:
        year, before = (yearly(view, lived.settings, number) for number in (2022, 2021))
    done = dict(year.done + year.refused + year.trouble)
    assert [a.project for a in year.agreements] == [PROJECT] and before.agreements == ()
    assert (done["Files received"], done["Files turned away"], done["Releases published"]) == (2, 1, 1)
    assert sum(times for _, times in before.done + before.refused) == 0
    assert [month.month for month, times in year.by_month if times] == [6]


def test_a_year_is_printed_word_for_word_and_its_charts_are_as_long_as_their_figures(world: World):
    rows = ["Gender,count,status", *("F,,hidden", "F,31,shown", "M,40,shown", "M,44,shown"), "Total,115,shown"]
    world.publish(world.reviewed(bodies={"t_1.csv": "\n".join(rows).encode()}))
    with world.store.view() as view:
        found = yearly(view, world.settings, 2022)
        again = yearly(view, world.settings, 2022)
    page, printed = yearly_page(found), yearly_print(found)
    assert beyond(printed, page, "P20 WIN in 2022, as of 2022-06-15") == ""
    assert printed == yearly_print(again), "nothing in it depends on the moment"
    assert b"/Lang (en)" in printed and b"/Title (P20 WIN in 2022)" in printed and b"/Helvetica" not in printed
    whole = 160 * 0.75  # the charts of the page are 160 pixels wide
    months = [whole if month == 6 else 0 for month in range(1, 13)]
    (hidden,) = found.hidden
    assert [(group.name, group.share) for group in hidden.groups] == [("F", 0.5), ("M", 0)]
    assert bars_of(printed) == [*months, whole, whole / 2, whole, 0]


def times(world: World, year: int) -> dict[str, tuple[int, int]]:
    """Give how many cases there were of each time, by what it ran to, and the longest."""
    with world.store.view() as view:
        found = yearly(view, world.settings, year).timings
    return {timing.what.rpartition(" to the ")[2]: (timing.cases, timing.longest) for timing in found}


def test_an_agreement_is_signed_when_it_comes_into_force_whoever_signs_what_is_in_force(tmp_path: Path):
    world = open_world(tmp_path)
    with world.store.transaction() as tx:
        ask(tx, world.policy)
        for agency in world.policy.agencies:
            say_yes(tx, PROJECT, agency)
        attach(tx, world.policy)
    for day, party in enumerate(world.policy.signatories, 2):
        assert times(world, 2022) == {}, "not all have signed"
        world.today = date(2022, 6, day)
        with world.store.transaction() as tx:
            sign(tx, PROJECT, Signature(party, "Director", world.today), "opm")
    signed = {"last signature": (1, len(world.policy.signatories))}
    assert times(world, 2022) == signed
    world.today = date(2022, 8, 1)
    with world.store.transaction() as tx:
        let_join(tx, world.policy)
        sign(tx, PROJECT, Signature(NEWCOMER, "Director", world.today), "opm")
    assert times(world, 2022) == signed


def test_time_runs_until_what_was_awaited_and_not_on_to_what_came_again(world: World):
    agreed = Entry("hub", "match.complete", f"{PROJECT}/match-01", PROJECT, "DSA III.F.3")
    cut = Entry("hub", "resultant.deliver", PROJECT, PROJECT, "DSA VI.A", details={"persons": 6})
    for day, entry in ((2, agreed), (5, cut), (20, cut)):
        world.today = date(2022, 6, day)
        world.store.enter(entry)
    assert times(world, 2022)["Resultant Data"] == (1, 3)
