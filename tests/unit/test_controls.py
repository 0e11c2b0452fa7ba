"""How controls stand is looked at in a real installation: each deviation is provoked once.

Source: EM XV.A.1; DSA VI.D.1.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes

from enclave import controls, incidents, people, vault
from enclave.controls import (
    LOOKS,
    Control,
    Entrance,
    Evidence,
    Installed,
    Standing,
    last_seen,
    read_catalogue,
    standings,
)
from enclave.destruction import Destruction, Scope, take_back
from enclave.errors import Invalid
from enclave.intake import Holding
from enclave.ledger import Entry
from enclave.matching import Review
from enclave.matching.reviewed import seal_answers
from enclave.scratch import scratch
from enclave.settings import PACKAGED_NOTEBOOKS, PACKAGED_POLICIES
from enclave.store import View
from enclave.terms import Action
from scripts.requirements import exists, is_test
from tests import registry
from tests.conftest import At
from tests.journey.stages import send
from tests.parties import record
from tests.world import FIRST_DAY, Installation, write_settings

ENTRANCE = Entrance("https://enclave.example.gov", "https://id.example.gov", ("mfa",), "bubblewrap", 1_000_000, 15)
REQUIREMENTS = (22, 3, 9, 9, 11, 3, 6, 9, 2, 6, 3, 4, 16, 7)
"""How many requirements each family of Revision 2 has: 110 in all."""


@pytest.fixture
def made(at: At, tmp_path: Path) -> Installation:
    """Give an installation that holds a file, on a machine with a tmpfs, no swap, and control groups."""
    installation = at("begun")
    (tmp_path / "mounts").write_text("disk / ext4 rw 0 0\nmemory /dev/shm tmpfs rw 0 0\n", "utf-8")
    (tmp_path / "swaps").write_text("Filename Type Size Used Priority\n", "utf-8")
    (tmp_path / "groups").mkdir()
    (tmp_path / "groups" / "cgroup.controllers").write_text("cpu memory pids\n", "utf-8")
    return installation


def looked(made: Installation, name: str, tmp_path: Path, entrance: Entrance | None = ENTRANCE) -> Evidence:
    with made.enclave.store.view() as view:
        return LOOKS[name](installed(made, view, entrance, tmp_path, tmp_path / "groups"))


def installed(made: Installation, view: View, *rest: Any, **settings: object) -> Installed:
    enclave = made.enclave
    own = enclave.settings.model_copy(update=settings)
    return Installed(own, enclave.store, view, enclave.keystore, enclave.ledger_key, *rest)


Provoke = Callable[[Installation, Path], object]


def open_home(made: Installation, _: Path) -> None:
    made.home.chmod(0o750)


def open_key(made: Installation, _: Path) -> None:
    (made.enclave.settings.keys / "DOL-HUB.private.json").chmod(0o440)


def on_a_disk(_: Installation, tmp_path: Path) -> None:
    (tmp_path / "mounts").write_text("disk / ext4 rw 0 0\n", "utf-8")


def with_swap(_: Installation, tmp_path: Path) -> None:
    with (tmp_path / "swaps").open("a") as file:
        file.write("/swapfile file 1048572 0 -2\n")


def without_groups(_: Installation, tmp_path: Path) -> None:
    shutil.rmtree(tmp_path / "groups")


def edit_ledger(made: Installation, _: Path) -> None:
    forged = "update ledger set body = replace(body, '\"done\"', '\"DONE\"') where seq = 2"
    registry.forge(made.enclave.settings.database, forged)


def other_ledger_key(made: Installation, _: Path) -> None:
    (made.enclave.settings.keys / "ledger.key").unlink()


def let_time_pass(made: Installation, _: Path) -> None:
    made.today(date(2022, 9, 1))


def hold(made: Installation, _: Path) -> None:
    made.run("incident", "hold", made.project, who="olga")


def report_a_breach(made: Installation, _: Path) -> None:
    text = "A printed table was lost."
    breach = incidents.Breach(text, "a user", "paper", ("SDE",), 0, text, incidents.Status.INVESTIGATION, text)
    at = datetime(2022, 4, 11, 9, tzinfo=UTC)
    with made.enclave.store.transaction() as tx:
        incidents.report_breach(tx, made.project, breach, at, at, "olga")


def interrupt_a_destruction(made: Installation, _: Path) -> None:
    begun = Destruction(made.project, Scope.MATCH, 1, "erase", "hubert", date(2022, 4, 11), ("match-DR-0034",))
    with made.enclave.store.transaction() as tx:
        tx.write(begun, Entry("hubert", "destruction.begin", begun.key, made.project, "DSA III.F.3"))


def withdraw_a_training(made: Installation, _: Path) -> None:
    made.run("papers", "withdraw", "training/wren/001")


def forget_to_review(made: Installation, _: Path) -> None:
    with made.enclave.store.transaction() as tx:
        known = people.listing_of(tx, made.project, "wren")
        tx.write(replace(known, listed_on=date(2021, 10, 10)), Entry("olga", "test", "wren", made.project))


def let_papers_run_out(made: Installation, _: Path) -> None:
    with made.enclave.store.transaction() as tx:
        record(tx, made.project, "wren", "C", signed_on=date(2021, 5, 10))


def change_a_policy(made: Installation, tmp_path: Path) -> None:
    policies = tmp_path / "policies"
    shutil.copytree(PACKAGED_POLICIES, policies)
    terms = policies / "agencies" / "DOL.yaml"
    terms.write_text(terms.read_text("utf-8").replace("minimum_count: 6", "minimum_count: 7"), "utf-8")
    opened_with(made, policies=policies)


def change_a_notebook(made: Installation, tmp_path: Path) -> None:
    notebooks = tmp_path / "notebooks"
    shutil.copytree(PACKAGED_NOTEBOOKS, notebooks)
    notebook = json.loads((notebooks / "match_pair.ipynb").read_text("utf-8"))
    notebook["cells"][-1]["source"] = "print('all of them')"
    (notebooks / "match_pair.ipynb").write_text(json.dumps(notebook), "utf-8")
    opened_with(made, notebooks=notebooks)


def opened_with(made: Installation, **folders: Path) -> None:
    write_settings(home=made.home, **folders)
    made.close()
    vars(made).pop("enclave", None)


@pytest.mark.parametrize(
    ("name", "provoke", "says"),
    [
        ("closed-home", open_home, "hub 0750"),
        pytest.param("closed-database", open_home, "hub 0750", marks=pytest.mark.sqlite("about its file")),
        ("closed-keys", open_key, "DOL-HUB.private.json 0440"),
        ("runtime-in-memory", on_a_disk, "ext4"),
        ("no-swap", with_swap, "1 areas of swap"),
        ("held-sandboxes", without_groups, "single processes"),
        ("proven-ledger", edit_ledger, "do not give the signed root"),
        ("proven-ledger", other_ledger_key, "not the one that its first entry names"),
        ("nothing-overdue", let_time_pass, "project data of DR-0034 since 2022-08-31"),
        ("nothing-held", hold, "project DR-0034 is held since 2022-04-11"),
        ("nothing-held", report_a_breach, "breach notice DR-0034/1 is not resolved"),
        ("nothing-half-done", interrupt_a_destruction, "DR-0034/match/1"),
        ("valid-papers", let_papers_run_out, "wren: Exhibit C runs out on 2022-05-10"),
        ("valid-papers", withdraw_a_training, "wren: no record of training stands"),
        ("valid-papers", forget_to_review, "wren: whether access is needed was to be looked at by 2022-04-10"),
        ("unchanged-policies", change_a_policy, "DR-0034"),
        ("approved-methods", change_a_notebook, "match_pair: its content is not the approved content"),
    ],
)
def test_a_deviation_is_found(made: Installation, tmp_path: Path, name: str, provoke: Provoke, says: str) -> None:
    assert looked(made, name, tmp_path).holds
    provoke(made, tmp_path)
    vars(made.enclave).pop("ledger_key", None)
    found = looked(made, name, tmp_path)
    assert not found.holds and says in found.found and found.next


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("encrypted-browsers", {"public_url": "http://enclave.example.gov"}),
        ("encrypted-browsers", {"issuer": "http://127.0.0.1:9000"}),
        ("second-factor", {"second_factors": ()}),
        ("watched-sessions", {"asked_every": 3600}),
        ("watched-sessions", {"shown_bytes": None}),
    ],
)
def test_a_door_that_deviates_is_found(
    made: Installation, tmp_path: Path, name: str, change: dict[str, object]
) -> None:
    assert looked(made, name, tmp_path).holds
    found = looked(made, name, tmp_path, replace(ENTRANCE, **change))
    assert not found.holds and found.next
    unknown = looked(made, name, tmp_path, None)
    assert not unknown.holds and "not named" in unknown.found


@pytest.mark.parametrize(
    ("query", "well"),
    [
        ("db.example.gov/enclave", False),
        ("db.example.gov/enclave?sslmode=require", False),
        ("db.example.gov/enclave?sslmode=verify-full", True),
        ("/enclave?host=/run/postgresql", True),
        ("/enclave", True),
    ],
)
def test_a_database_elsewhere_is_reached_by_a_socket_or_a_checked_certificate(
    made: Installation, query: str, well: bool
) -> None:
    with made.enclave.store.view() as view:
        found = LOOKS["closed-database"](
            installed(made, view, database=f"postgresql+psycopg://enclave:canary@{query}")
        )
    assert found.holds is well and bool(found.next) is not well and "canary" not in found.found


def test_keys_and_a_calendar_of_its_own_deviate_until_they_are_moved(made: Installation, tmp_path: Path) -> None:
    assert not looked(made, "keys-apart", tmp_path).holds
    assert not looked(made, "no-demonstration", tmp_path).holds
    moved = made.enclave.settings.runtime / "keys"
    made.enclave.settings.runtime.mkdir(exist_ok=True)
    shutil.copytree(made.home / "keys", moved)
    with made.enclave.store.view() as view:
        apart = installed(made, view, ENTRANCE, keys=moved, demo=False)
        assert LOOKS["keys-apart"](apart).holds and LOOKS["no-demonstration"](apart).holds


def test_the_module_is_asked_for_its_mode(made: Installation, tmp_path: Path) -> None:
    try:
        hashes.Hash(hashes.MD5())
        refuses = False
    except UnsupportedAlgorithm:
        refuses = True
    assert vault.module().fips is refuses is looked(made, "validated-module", tmp_path).holds
    assert "OpenSSL" in vault.module().version


SEALED = (
    "holdings/DR-0034/*.sealed", "match-DR-0034/*.crosswalk", "match-DR-0034/*.answers",
    "project-DR-0034/*.resultant", "project-DR-0034/homes/*.home", "project-DR-0034/requests/*.request",
    "project-DR-0034/released/*.release", "papers/*.sealed",
)  # fmt: skip
"""One pattern for each kind of what is sealed."""


@pytest.fixture
def full(at: At) -> Installation:
    """Give an installation that keeps something sealed of every kind."""
    made = at("published")
    enclave = made.enclave
    enclave.broker().release(f"{made.project.lower()}-wren")
    review = Review(made.project, "match-01", "hubert", FIRST_DAY, "0" * 64)
    said = {"0" * 16: {1: "match"}}
    with scratch(enclave.settings.runtime, "answers") as folder:
        digest = seal_answers(enclave.keystore, enclave.settings, review, "hubert", folder, said)
    with enclave.store.transaction() as tx:
        answered = replace(review, answers={"hubert": digest})
        tx.write(answered, Entry("hubert", "match.review", review.key, made.project, "EM VII.B.1.c"))
    return made


def test_a_flipped_byte_in_any_kind_of_sealed_file_is_found_and_so_is_a_file_that_is_lost_or_strange(
    full: Installation, tmp_path: Path
) -> None:
    root = full.enclave.settings.sealed
    kinds = [next(root.glob(pattern)) for pattern in SEALED]
    assert looked(full, "intact-seals", tmp_path).holds
    for path in kinds:
        path.chmod(0o600)
        whole, name = path.read_bytes(), path.relative_to(root)
        for at in (0, len(whole) // 2, len(whole) - 1):
            path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
            assert found_of(full, tmp_path) == f"1 altered: {name}"
        path.unlink()
        assert found_of(full, tmp_path) == f"1 missing: {name}"
        path.write_bytes(whole)
        strange = path.with_name(f"another-{path.name}")
        strange.write_bytes(whole)
        assert found_of(full, tmp_path) == f"1 named by no record: {strange.relative_to(root)}"
        strange.unlink()
    one, other = kinds[5], kinds[6]
    one.write_bytes(other.read_bytes())  # signed by the hub, for another place
    assert found_of(full, tmp_path) == f"1 altered: {one.relative_to(root)}"


def test_a_home_of_before_in_the_place_of_the_last_is_found(full: Installation, tmp_path: Path) -> None:
    home = next(full.enclave.settings.sealed.glob(SEALED[4]))
    before, broker = home.read_bytes(), full.enclave.broker()
    broker.admit("wren", full.project)
    broker.release(f"{full.project.lower()}-wren")
    assert looked(full, "intact-seals", tmp_path).holds
    home.write_bytes(before)
    assert found_of(full, tmp_path) == f"1 altered: {home.relative_to(full.enclave.settings.sealed)}"


@pytest.mark.parametrize("of", ["match-DR-0034.", "papers"])
@pytest.mark.parametrize("half", ["wrap", "kek"])
def test_a_key_that_does_not_open_any_more_is_found(made: Installation, tmp_path: Path, of: str, half: str) -> None:
    settings, key = made.enclave.settings, made.enclave.keystore.named(of)[0]
    path = settings.sealed / "wraps" / f"{key}.wrap" if half == "wrap" else settings.keys / f"{key}.kek"
    path.chmod(0o600)
    path.write_bytes(bytes(len(path.read_bytes())))
    assert found_of(made, tmp_path) == f"the key {key}: its key does not open"


def found_of(made: Installation, tmp_path: Path) -> str:
    """Give what deviates of the seals, without how many there are."""
    found = looked(made, "intact-seals", tmp_path)
    assert not found.holds and found.next
    return found.found.partition(": ")[2]


def test_what_is_sealed_while_it_is_looked_at_is_no_deviation(made: Installation, tmp_path: Path) -> None:
    """The look began before a file came, and before another went."""
    with made.enclave.store.view() as view:
        assert len(view.find(Holding)) == 1  # from now on it sees what was there
        send(made, made.agencies / "DOL.0034.04_11_2022.matching")
        (first,) = (each for each in view.find(Holding) if each.source == "SDE")
        enclave, admission = made.enclave, made.admission("hubert", Action.RECEIVE)
        take_back(enclave.store, enclave.keystore, enclave.settings, admission, first.id)
        found = LOOKS["intact-seals"](installed(made, view))
    assert found.holds, found.found


def test_a_place_of_keys_that_does_not_answer_is_no_key_that_opens(made: Installation, tmp_path: Path) -> None:
    assert made.enclave.keystore  # opened while it was there
    (made.enclave.settings.keys / "DOL-HUB.private.json").rename(tmp_path / "away")
    assert "the volume of the keys is not there" in found_of(made, tmp_path)


def test_seals_that_were_destroyed_are_not_missed_and_one_that_came_back_is_found(
    full: Installation, tmp_path: Path
) -> None:
    root = full.enclave.settings.sealed
    crosswalk = next(root.glob(SEALED[1]))
    content = crosswalk.read_bytes()
    full.run("destruction", "match-data", full.project, who="hubert")
    send(full, full.agencies / "SDE.0034.04_11_2022.matching")  # for another match, under a key of the same name
    assert looked(full, "intact-seals", tmp_path).holds
    crosswalk.parent.mkdir()
    crosswalk.write_bytes(content)
    assert found_of(full, tmp_path) == f"1 named by no record: {crosswalk.relative_to(root)}"
    full.run("destruction", "project", full.project, who="hubert")
    found = looked(full, "intact-seals", tmp_path)
    papers = len(list(root.glob("papers/*.sealed")))
    assert found.holds and found.found.startswith(f"{papers} of {papers}")  # which outlive the data


def test_deviations_stand_first_and_what_only_tests_prove_last() -> None:
    def control(id: str, *looks: str) -> Control:
        return Control(id=id, does=id, by=("x",), proven=("y",), looks=looks)

    seen = {"good": Evidence(True, "fine"), "bad": Evidence(False, "broken", "mend it")}
    catalogue = [control("tested"), control("holds", "good"), control("deviates", "good", "bad")]
    found = standings(catalogue, seen)
    assert [each.control.id for each in found] == ["deviates", "holds", "tested"]
    assert [each.deviates for each in found] == [True, False, False]
    assert found[0] == Standing(catalogue[2], seen)
    with pytest.raises(KeyError):
        standings([control("none", "nowhere")], seen)


def test_the_command_prints_deviations_first(made: Installation, tmp_path: Path) -> None:
    hub = tmp_path / "hub.json"
    identity = {"issuer": ENTRANCE.issuer, "client_id": "enclave", "client_secret": "x", "amr": ["mfa"]}
    told = {"home": str(made.home), "runtime_dir": str(made.enclave.settings.runtime), "identity": identity}
    hub.write_text(json.dumps(told | {"public_url": ENTRANCE.public_url, "demo": True}), "utf-8")
    hold(made, tmp_path)
    body = made.run("report", "controls", "--hub", hub, "--json").body
    deviates = [each["deviates"] for each in body]
    assert deviates == sorted(deviates, reverse=True) and len(body) == len(read_catalogue(PACKAGED_POLICIES))
    by_id = {each["id"]: each for each in body}
    assert by_id["stopped-at-once"]["deviates"] and not by_id["second-factor"]["deviates"]
    assert by_id["sealed-in-transit"]["evidence"]["encrypted-browsers"]["holds"]
    assert by_id["unalterable-ledger"]["evidence"]["proven-ledger"]["holds"]
    text = made.run("report", "controls").text
    assert text.startswith("deviates") and "project DR-0034 is held" in text and "3.13.16" in text
    with made.enclave.store.view() as view:
        kept = last_seen(view)
        (*_, entry) = view.entries(action="controls.look")
    assert kept is not None and kept.held + kept.tested + len(kept.deviating) == len(body)
    assert entry["details"] == {"held": kept.held, "tested": kept.tested, "deviating": len(kept.deviating)}
    assert any("project DR-0034 is held" in found for each in kept.deviating for found in each.found)
    hub.write_text("{}", "utf-8")
    assert made.run("report", "controls", "--hub", hub, "--json", code=4).rules == ["hub-file"]


def test_the_catalogue_names_what_exists() -> None:
    catalogue = read_catalogue(PACKAGED_POLICIES)
    assert len({each.id for each in catalogue}) == len(catalogue)
    assert [name for each in catalogue for name in each.by if not exists(name)] == []
    assert [test for each in catalogue for test in each.proven if not is_test(test)] == []
    assert {look for each in catalogue for look in each.looks} == set(LOOKS) == set(controls.LOOKS)
    for each in catalogue:
        families = [tuple(map(int, id.split("."))) for id in each.r2]
        assert all(three == 3 and 1 <= number <= REQUIREMENTS[family - 1] for three, family, number in families)
        assert each.r2 or each.satre
        for statement, parts in [*((id, (2, 2, 2)) for id in each.r3), *((id, (1, 1, 2)) for id in each.satre)]:
            assert tuple(map(len, statement.split("."))) == parts and statement.replace(".", "").isdigit(), statement


def test_a_catalogue_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    for text in ("- id: x\n  surprise: 1\n", "7\n", "- [\n"):
        (tmp_path / "controls.yaml").write_text(text, "utf-8")
        with pytest.raises(Invalid):
            read_catalogue(tmp_path)
