"""Bad input: each is refused with clause and next step, and changes nothing but the ledger."""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from enclave.agreement import compile_agreement
from enclave.errors import Refused
from enclave.settings import PACKAGED_NOTEBOOKS, PACKAGED_POLICIES
from enclave.vault import Header, new_keys, seal_file
from tests.conftest import At
from tests.journey.stages import FIRST, REPRESENTATIVES, approve, enlist, let_in, request_of
from tests.world import (
    CANARY,
    FIRST_DAY,
    Installation,
    Said,
    command,
    rows_of,
    without_side_effect,
    write_rows,
    write_settings,
)

DOL = "DOL.0034.04_11_2022.matching"
Rows = list[list[str]]


@pytest.fixture(scope="module")
def begun(shared: At) -> Installation:
    """One hub for all: whatever is refused leaves it as it was."""
    return shared("begun")


def turned_away(made: Installation, sealed: Path, project: str = "DR-0034") -> Said:
    """Expect that a transmittal is refused, and that no word of the canary is told."""
    said = without_side_effect(made, lambda: made.run("receive", sealed, project, "--json", who="hubert", code=None))
    assert not [word for word in CANARY.words if word in said.text.lower()]
    return said


def of_dol(made: Installation, tmp_path: Path, change: Callable[[Rows], None] = lambda rows: None) -> Path:
    """Give DOL's file as it is, or changed."""
    rows = rows_of(made.agencies / DOL)
    change(rows)
    return write_rows(tmp_path / DOL, rows)


def test_one_altered_bit(begun: Installation, tmp_path: Path) -> None:
    sealed = begun.seal(of_dol(begun, tmp_path), out=tmp_path / "out")
    content = bytearray(sealed.read_bytes())
    content[len(content) // 2] ^= 1
    sealed.write_bytes(content)
    assert turned_away(begun, sealed).rules == ["sealed-signature"]


def test_signed_by_the_wrong_agency(begun: Installation, tmp_path: Path) -> None:
    class Impostor:
        """SDE's signature under DOL's name and fingerprint."""

        owner = "DOL"
        public = begun.keys("DOL").public
        signs = staticmethod(begun.keys("SDE").signs)

    sealed = begun.seal(of_dol(begun, tmp_path), out=tmp_path / "out", sender=Impostor())
    assert turned_away(begun, sealed).rules == ["sealed-signature"]


def test_sealed_to_another_hub(begun: Installation, tmp_path: Path) -> None:
    other = new_keys("DOL-HUB").public
    sealed = begun.seal(of_dol(begun, tmp_path), out=tmp_path / "out", hub=other)
    assert turned_away(begun, sealed).rules == ["destination"]


def test_replayed(begun: Installation) -> None:
    (sealed,) = begun.root.glob(f"sent/*/{FIRST}.sealed")
    assert "replayed" in turned_away(begun, sealed).rules


def test_for_another_data_request(begun: Installation, tmp_path: Path) -> None:
    policies = tmp_path / "policies"
    shutil.copytree(PACKAGED_POLICIES, policies)
    text = (policies / "agreements" / "DR-0034.yaml").read_text("utf-8")
    (policies / "agreements" / "DR-0035.yaml").write_text(text.replace("dr: DR-0034", "dr: DR-0035"), "utf-8")
    plain = write_rows(tmp_path / DOL.replace("0034", "0035"), rows_of(begun.agencies / DOL))
    said = command(
        "seal", plain, "--key", begun.agencies / "keys" / "DOL.private.json",
        "--hub", begun.home / "keys" / "DOL-HUB.public.json", "--project", "DR-0035", "--as-of", FIRST_DAY,
        "--out", tmp_path, "--policies", policies,
    )  # fmt: skip
    assert said.code == 0, said.text
    (sealed,) = tmp_path.glob("*.sealed")
    assert "project" in turned_away(begun, sealed).rules


def test_a_duplicate_person(begun: Installation, tmp_path: Path) -> None:
    def twice(rows: Rows) -> None:
        planted = next(row for row in rows if row[1] == CANARY.ssn)
        rows.append(["DOL-" + "A2" * 8, *planted[1:]])

    sealed = begun.seal(of_dol(begun, tmp_path, twice), out=tmp_path / "out")
    assert turned_away(begun, sealed).rules == ["one-record-per-individual"]


def test_an_element_that_was_not_approved(begun: Installation, tmp_path: Path) -> None:
    def wider(rows: Rows) -> None:
        rows[0].append("HomeAddress")
        for row in rows[1:]:
            row.append("1 Elm Street")

    sealed = begun.seal(of_dol(begun, tmp_path, wider), out=tmp_path / "out")
    said = turned_away(begun, sealed)
    assert {finding["clause"] for finding in said.body["findings"]} == {"DSA VI.A"}
    assert "HomeAddress" in said.text


def test_a_social_security_number_as_generic_identifier(begun: Installation, tmp_path: Path) -> None:
    def bare(rows: Rows) -> None:
        for row in rows[1:]:
            row[0] = f"DOL-{row[1]}"

    sealed = begun.seal(of_dol(begun, tmp_path, bare), out=tmp_path / "out")
    assert "generic-id-contains" in turned_away(begun, sealed).rules


def test_a_hash_of_it_as_generic_identifier(begun: Installation, tmp_path: Path) -> None:
    def hashed(rows: Rows) -> None:
        for row in rows[1:]:
            digest = hashlib.sha256(row[1].encode()).digest()
            row[0] = f"DOL-{base64.b32encode(digest)[:16].decode()}"

    sealed = begun.seal(of_dol(begun, tmp_path, hashed), out=tmp_path / "out")
    assert "generic-id-hash" in turned_away(begun, sealed).rules


def test_a_file_of_an_agency_that_is_no_party(at: At, tmp_path: Path) -> None:
    made, name = at("begun"), "CSCU.0034.04_11_2022.matching"
    plain = made.agencies / name
    made.run("keys", "new", "CSCU", "--out", made.agencies / "keys")
    refused = command(
        "seal", plain, "--key", made.agencies / "keys" / "CSCU.private.json",
        "--hub", made.home / "keys" / "DOL-HUB.public.json", "--project", "DR-0034", "--as-of", FIRST_DAY, "--json",
    )  # fmt: skip
    assert (refused.code, refused.rules) == (3, ["file-expected"])

    made.run("intake", "key", made.agencies / "keys" / "CSCU.public.json", who="hubert")
    keys, hub, rows = made.keys("CSCU"), made.enclave.hub_keys.public, rows_of(plain)
    header = Header.model_validate({
        "id": "3f1c2b9a-0000-4000-8000-000000000001", "source": "CSCU", "source_key": keys.public.fingerprint,
        "destination": "DOL-HUB", "destination_key": hub.fingerprint, "project": "DR-0034", "name": name,
        "contents": "matching", "elements": tuple(rows[0][1:]), "rows": len(rows) - 1, "as_of": FIRST_DAY,
        "created": "2022-04-11T12:00:00Z",
    })  # fmt: skip
    assert turned_away(made, seal_file(plain, tmp_path / f"{name}.sealed", header, keys, hub)).rules == [
        "file-expected"
    ]


def test_a_login_without_exhibit_c(at: At) -> None:
    made = at("delivered")
    enlist(made, "nora")
    approve(made, "nora")
    question = ("people", "may", "nora", "analyse", "DR-0034", "--json")
    asked = without_side_effect(made, lambda: made.run(*question, code=3), asking=True)
    assert asked.rules == ["exhibit-b", "exhibit-c", "training"]
    entered = without_side_effect(made, lambda: logged_in(made, "nora"))
    assert entered.rules == asked.rules
    assert made.actions()[-1] == "session.refuse"
    let_in(made, "nora")
    assert logged_in(made, "nora").code == 0


def logged_in(made: Installation, person: str) -> Said:
    """Ask as the hub asks before it starts a server."""
    try:
        made.enclave.broker().admit(person, made.project)
    except Refused as refusal:
        return Said(3, json.dumps({"findings": [finding.as_dict() for finding in refusal.findings]}))
    return Said(0, "{}")


def test_a_project_past_its_end(at: At, tmp_path: Path) -> None:
    made = at("begun")
    sealed = made.seal(of_dol(made, tmp_path), out=tmp_path / "out")
    made.today(date(2022, 9, 1))
    assert turned_away(made, sealed).rules == ["project-end"]
    assert "project-end" in without_side_effect(made, lambda: logged_in(made, "wren")).rules
    matched = without_side_effect(
        made, lambda: made.run("matching", "run", "DR-0034", "--json", who="hubert", code=3)
    )
    assert "project-end" in matched.rules


def test_a_match_before_all_files_are_there(begun: Installation) -> None:
    said = without_side_effect(begun, lambda: begun.run("matching", "run", "DR-0034", "--json", who="hubert", code=3))
    assert said.rules == ["all-inputs"]
    assert {finding["where"] for finding in said.body["findings"]} >= {"DOL matching", "LEA-HAMDEN finder"}
    assert begun.actions()[-1] == "match.refuse"


def test_a_match_after_its_files_were_destroyed(at: At) -> None:
    made = at("published")
    made.run("destruction", "match-data", "DR-0034", who="hubert")
    said = without_side_effect(made, lambda: made.run("matching", "run", "DR-0034", "--json", who="hubert", code=3))
    assert said.rules == ["all-inputs"]
    assert {"DOL matching", "SDE matching"} <= {finding["where"] for finding in said.body["findings"]}


def test_a_notebook_that_was_not_approved(at: At, tmp_path: Path) -> None:
    made = at("received")
    shutil.copytree(PACKAGED_NOTEBOOKS, tmp_path / "notebooks")
    path = tmp_path / "notebooks" / "match_pair.ipynb"
    notebook = json.loads(path.read_text("utf-8"))
    notebook["cells"][-1]["source"] = [*notebook["cells"][-1]["source"], "\nprint('one more line')"]
    path.write_text(json.dumps(notebook), "utf-8")
    write_settings(home=made.home, notebooks=tmp_path / "notebooks")
    said = without_side_effect(made, lambda: made.run("matching", "run", "DR-0034", "--json", who="hubert", code=3))
    assert said.rules == ["approved-method"]
    assert made.actions()[-1] == "match.refuse"


def test_resultant_data_before_everybody_agreed(at: At) -> None:
    made = at("matched")
    for person in REPRESENTATIVES[:-1]:
        made.run("matching", "agree", "DR-0034", who=person)
    said = without_side_effect(made, lambda: made.run("resultant", "cut", "DR-0034", "--json", who="hubert", code=3))
    assert said.rules == ["match-complete"]


def test_a_match_is_judged_by_the_parties_representatives_only(at: At) -> None:
    made = at("matched")
    said = without_side_effect(made, lambda: made.run("matching", "agree", "DR-0034", "--json", who="hubert", code=3))
    assert said.rules == ["role"]


def test_the_clock_of_a_complete_match_does_not_start_anew(at: At) -> None:
    made = at("agreed")
    made.run("today", "2022-04-18")
    before = made.kept()
    said = made.run("matching", "agree", "DR-0034", "--json", who="sam", code=3)
    assert said.rules == ["match-complete"] and made.kept() == before
    assert made.actions()[-1] == "match.refuse"


@pytest.mark.parametrize("typed", [["today", "2022-99-99"], ["people", "may", "wren", "fly", "DR-0034"], ["sing"]])
def test_a_command_that_makes_no_sense(begun: Installation, typed: list[str]) -> None:
    before, entries = begun.kept(), begun.actions()
    said = begun.run(*typed, code=4)
    assert said.text.startswith("invalid") and "Traceback" not in said.text
    assert (begun.kept(), begun.actions()) == (before, entries)


def test_a_cell_of_five(at: At) -> None:
    made = at("collected")
    few = request_of(made, "few")
    checked = made.run("egress", "check", few, "--project", "DR-0034", "--json", code=3)
    assert checked.body["verdict"] == "refused"
    assert "DSA III.G.2.a" in {finding["clause"] for finding in checked.body["findings"]}
    before, entries = made.kept(), len(made.actions())
    said = made.run("egress", "clear", few, "--project", "DR-0034", "--json", who="olga", code=3)
    assert [f for f in said.body["findings"] if f["clause"] == "DSA III.G.2.a" and f["next"]]
    changed = {name for name, digest in made.kept().items() if before.get(name) != digest}
    assert changed == {f"record request DR-0034/{few}"}, "the request keeps its findings, and nothing else changes"
    assert made.actions()[entries:] == ["egress.refuse"]


def test_loose_files_in_the_outbox(at: At) -> None:
    made = at("collected")
    before, entries = made.kept(), len(made.actions())
    said = made.run("egress", "collect", "DR-0034", "wren", "--json")
    loose = {finding["where"]: finding for finding in said.body["findings"]}
    assert set(loose) == {"rows.csv", "chart.png", "model.pickle"}
    assert all(f["clause"] == "DSA III.G.2.c" and f["next"] for f in loose.values())
    assert len({finding["next"] for finding in loose.values()}) == 3
    assert (made.kept(), made.actions()[entries:]) == (before, ["egress.stray"])


@pytest.mark.parametrize(
    ("old", "new", "code", "rule"),
    [
        ("dr: DR-0034", "dr: DR-0034\nsurprise: 1", 4, "policy-key"),
        ("  minimum_count: 6", "  minimum_count: 5", 3, "policy-floor"),
        ("  minimum_base: 20", "  minimum_base: 10", 3, "policy-floor"),
        ("review_business_days: 10", "review_business_days: 5", 3, "policy-floor"),
    ],
)
def test_an_agreement_with_an_unknown_key_or_below_the_floor(
    begun: Installation, tmp_path: Path, old: str, new: str, code: int, rule: str
) -> None:
    policies = tmp_path / "policies"
    shutil.copytree(PACKAGED_POLICIES, policies)
    path = policies / "agreements" / "DR-0034.yaml"
    text = path.read_text("utf-8")
    assert text.count(old) == 1
    path.write_text(text.replace(old, new), "utf-8")
    write_settings(home=begun.home, policies=policies)
    try:
        said = without_side_effect(begun, lambda: begun.run("agreement", "register", "DR-0034", "--json", code=code))
    finally:
        write_settings(home=begun.home)
    assert said.rules == [rule]
    assert compile_agreement(PACKAGED_POLICIES, "DR-0034").cells.minimum_count == 6
