"""The command line: `--json` on every command, also on bad input; exit codes 0, 3, 4, 70; never a traceback."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.main import get_command

from enclave.cli import app
from enclave.store import VERSION
from enclave.store.schema import connect, migrate
from tests import registry
from tests.world import Installation, command

NOT_TEXT = b"\x80\x81\xff" * 40
WHO = ("--name", "Invented", "--position", "Staff", "--organization", "Office", "--email", "a@example.org",
       "--telephone", "555-0100")  # fmt: skip


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Installation]:
    """A demonstration with DR-0034 registered, and files that are none of what is asked for."""
    made = Installation(tmp_path)
    for arguments in (("init", "--demo"), ("today", "2022-04-11"), ("agreement", "register", "DR-0034")):
        made.run(*arguments)
    (tmp_path / "bytes").write_bytes(NOT_TEXT)
    yield made
    made.close()


def test_a_command_begins_without_what_few_commands_need() -> None:
    """Each of these takes longer to load than most commands take."""
    heavy = {"altair", "jsonschema", "jupyterhub", "nbformat", "papermill", "splink", "statsmodels"}
    loaded = "import enclave.cli, json, sys; print(json.dumps([*sys.modules]))"
    told = subprocess.run((sys.executable, "-c", loaded), capture_output=True, text=True, check=True)
    assert heavy & set(json.loads(told.stdout)) == set()


def test_every_command_prints_json() -> None:
    def leaves(group: object, way: tuple[str, ...]) -> list[tuple[tuple[str, ...], object]]:
        inner = getattr(group, "commands", None)
        if inner is None:
            return [(way, group)]
        return [leaf for name, part in inner.items() for leaf in leaves(part, (*way, name))]

    commands = leaves(get_command(app), ())
    assert len(commands) > 40
    assert [way for way, leaf in commands if not any("--json" in p.opts for p in leaf.params)] == []  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("nonsense",), 4),
        (("egress", "check"), 4),
        (("today", "2022-13-40"), 4),
        (("ledger", "show", "--last", "x"), 4),
        (("people", "may", "wren", "fly", "DR-0034"), 4),
        (("people", "may", "wren", "analyse", "DR-0099"), 3),
        (("people", "enlist", "DR-0099", "wren", "researcher", *WHO), 3),
        (("people", "enlist", "DR-0034", "../wren", "researcher", *WHO), 4),
        (("people", "enlist", "DR-0034", "wren", "researcher", *WHO, "--agency", "SDE"), 4),
        (("agreement", "show", "DR-0099"), 3),
        (("agreement", "lint", "DR-0099"), 4),
        (("agreement", "sign", "DR-0034", "SDE", "Commissioner", "4/1/2022"), 4),
        (("egress", "list", "DR-0099"), 3),
        (("intake", "own-key", "rot13"), 4),
        (("intake", "key", "{bytes}", "--agency", "SDE"), 4),
        (("intake", "key", "{bytes}", "--agency", "../SDE"), 4),
        (("intake", "pick-up", "{none}"), 4),
        (("publication", "catalogue", "open-data"), 4),
        (("publication", "count", "{bytes}"), 4),
        (("publication", "count", "{folder}"), 4),
        (("egress", "collect", "DR-0034", "../../etc"), 3),
        (("report", "registers", "--project", "DR-0099"), 3),
        (("incident", "hold", "DR-0034", "--clause", "XYZ 1"), 4),
        (("ledger", "verify", "{none}", "--key", "a+b+c"), 4),
        (("ledger", "verify", "{bytes}", "--key", "a+b+c"), 4),
        (("ledger", "verify", "{folder}", "--key", "a+b+c"), 4),
        (("ledger", "verify", "{enclave}", "--key", "{bytes}"), 4),
        (("ledger", "verify", "{enclave}", "--key", "a+b+c", "--held", "{bytes}"), 4),
        (("ledger", "verify-receipt", "{bytes}", "--key", "a+b+c"), 4),
        (("ledger", "verify-receipt", "{enclave}", "--key", "a+b+c"), 4),
        (("ledger", "receipt", "99999", "{new}"), 4),
        (("ledger", "receipt", "0", "{folder}"), 4),
        (("ledger", "checkpoint", "{folder}"), 4),
        (("ledger", "export", "{folder}"), 4),
        (("intake", "key", "{none}"), 4),
        (("intake", "key", "{bytes}"), 4),
        (("intake", "key", "{folder}"), 4),
        (("receive", "{folder}", "DR-0034"), 4),
        (("receive", "{bytes}", "DR-0034"), 3),
        (("dictionary", "import", "{bytes}"), 4),
        (("move", "nonsense"), 4),
        (("move", "mysql://enclave@localhost/enclave"), 4),
        (("keys", "new", "SDE", "--out", "{bytes}"), 4),
        (("publication", "verify", "{none}", "--hub", "{none}"), 4),
        (("publication", "verify", "{bytes}", "--hub", "{bytes}"), 4),
    ],
    ids=lambda value: " ".join(map(str, value)) if isinstance(value, tuple) else "",
)
def test_bad_input_is_json_too(office: Installation, arguments: tuple[str, ...], code: int) -> None:
    places = {
        "{none}": office.root / "none", "{bytes}": office.root / "bytes", "{folder}": office.root,
        "{enclave}": office.home / "enclave.toml", "{new}": office.root / "new",
    }  # fmt: skip
    before = office.kept()
    said = office.run(*(places.get(a, a) for a in arguments), "--json", code=code)
    body = json.loads(said.text)
    assert body["findings"] and all(set(f) == {"rule", "clause", "where", "what", "next"} for f in body["findings"])
    assert office.kept() == before


def test_what_nobody_expected_is_a_fault_and_shows_no_value(office: Installation) -> None:
    said = office.run("keys", "new", "SDE", "--out", "/proc/nobody-writes-here", "--json", code=70)
    assert said.rules == ["unexpected"]
    assert "nobody-writes-here" not in said.text and "Traceback" not in said.text


@pytest.mark.sqlite("about SQLite's own files")
def test_a_command_leaves_the_database_in_one_file(office: Installation) -> None:
    assert [path.name for path in office.home.glob("enclave.db*")] == ["enclave.db"]
    assert command("--home", office.home, "people", "may", "wren", "analyse", "DR-0099").code == 3
    assert [path.name for path in office.home.glob("enclave.db*")] == ["enclave.db"]


def test_an_agency_holds_the_ledger_to_what_it_kept(office: Installation, tmp_path: Path) -> None:
    key, note, receipt, ledger = (tmp_path / name for name in ("key", "note", "receipt", "ledger"))
    key.write_text(office.run("ledger", "key").text, "utf-8")
    office.run("receive", office.root / "bytes", "DR-0034", code=3)
    office.run("ledger", "checkpoint", note)
    office.run("ledger", "receipt", "0", receipt)
    office.run("receive", office.root / "bytes", "DR-0034", code=3)
    office.run("ledger", "export", ledger)
    found = office.run("ledger", "verify", ledger, "--key", key, "--held", note, "--json").body
    assert found["checkpoints held"] == 1 and found["entries"] == int(note.read_text("utf-8").split("\n")[1]) + 1
    assert office.run("ledger", "verify-receipt", receipt, "--key", key, "--json").body["seq"] == 0
    early = tmp_path / "early"
    early.write_text("\n".join(ledger.read_text("utf-8").splitlines()[-1:]) + "\n", "utf-8")
    office.run("ledger", "verify", early, "--key", key, "--held", note, code=3)


def test_an_older_database_is_upgraded_by_its_command_alone(office: Installation) -> None:
    registry.drop(office.home)
    engine = connect(registry.address(office.home))
    with engine.begin() as connection:
        migrate(connection, "0001")
    engine.dispose()
    assert office.run("ledger", "show", "--json", code=3).rules == ["registry-version"]
    assert office.run("upgrade", "--json").body == {"from": "0001", "to": VERSION}
    (first,) = office.run("ledger", "show", "--json").body
    assert first["what"] == "store.upgrade"


def test_seal_writes_into_a_folder_and_over_nothing(office: Installation, tmp_path: Path) -> None:
    office.run("keys", "new", "SDE", "--out", tmp_path / "keys")
    plain = tmp_path / "SDE.0034.04_11_2022.matching"
    plain.write_text("GenericID\tSASID\tFirstName\tMiddleName\tLastName\tDOB\tGender\n", "utf-8")
    how = ("--key", tmp_path / "keys" / "SDE.private.json", "--hub", office.home / "keys" / "DOL-HUB.public.json",
           "--project", "DR-0034", "--as-of", "2022-04-11", "--out")  # fmt: skip
    office.run("seal", plain, *how, tmp_path / "bytes", code=4)
    assert (tmp_path / "bytes").read_bytes() == NOT_TEXT
    office.run("seal", plain, *how, tmp_path / "new")
    assert [path.name for path in (tmp_path / "new").iterdir()] == [f"{plain.name}.sealed"]


def test_a_person_is_enlisted_by_the_operating_group_once_there_is_one(office: Installation) -> None:
    enlist = ("people", "enlist", "DR-0034")
    office.run(*enlist, "oona", "opm", *WHO, "--json", who="anybody")
    for who in ("anybody", "operator", "ann"):
        assert office.run(*enlist, "ann", "opm", *WHO, "--json", who=who, code=3).rules == ["spokesman"]
    said = office.run(*enlist, "ann", "agency-analyst", *WHO, "--agency", "SDE", "--json", who="oona", code=4)
    assert said.rules == ["purpose"]
    purpose = ("--agency", "SDE", "--purpose", "c", "--justification", "Why.", "--until", "2022-06-30")
    said = office.run(*enlist, "ann", "agency-analyst", *WHO, *purpose, "--json", who="oona")
    assert (said.body["basis"], said.body["listed_on"]) == ("2.h", "2022-04-11")
    office.run("incident", "suspend", "DR-0034", "oona", who="oona")
    office.run(*enlist, "olive", "opm", *WHO, who="operator")
    office.run("incident", "reinstate", "DR-0034", "oona", who="olive")


def test_an_exhibit_is_not_signed_in_the_future_nor_a_person_approved_by_a_stranger(office: Installation) -> None:
    office.run("people", "enlist", "DR-0034", "wren", "researcher", *WHO)
    office.run("people", "enlist", "DR-0034", "olga", "opm", *WHO)
    signed = ("people", "signed", "DR-0034", "wren", "C", office.root / "bytes", "--signed-on")
    office.run(*signed, "2022-04-12", who="olga", code=4)
    for who, rule in (("operator", "spokesman"), ("wren", "own-exhibit")):
        assert office.run(*signed, "2022-04-11", "--json", who=who, code=3).rules == [rule]
        assert office.actions()[-1] == "people.refuse"
    added = ("papers", "add", "exhibit-c-signed", office.root / "bytes", "--project", "DR-0034", "--about", "wren")
    assert office.run(*added, "--status", "paper", "--until", "2099-12-31", "--json", code=3).rules == ["paper-by"]
    kept = office.run(*signed, "2022-04-11", "--json", who="olga").body
    office.run("papers", "open", "exhibit-c-signed/DR-0034/wren/001", office.root / "scan")
    assert (office.root / "scan").read_bytes() == (office.root / "bytes").read_bytes()
    assert (kept["status"], kept["until"]) == ("paper", "2023-04-11")
    office.run("people", "approve", "DR-0034", "wren", "WESTED", code=3)
    assert office.run("people", "approve", "DR-0034", "wren", "DOL", "--json", code=3).rules == ["spokesman"]
    for steward, agency in (("sam", "SDE"), ("dora", "DOL")):
        office.run("people", "enlist", "DR-0034", steward, "steward", *WHO, "--agency", agency, who="olga")
    said = office.run("people", "approve", "DR-0034", "wren", "DOL", "--json", who="sam", code=3)
    assert said.rules == ["spokesman"]
    office.run("people", "approve", "DR-0034", "wren", "DOL", who="dora")
    assert office.run("people", "withdraw", "DR-0034", "wren", "DOL", "--json", who="sam", code=3).rules == [
        "spokesman"
    ]
    office.run("people", "withdraw", "DR-0034", "wren", "DOL", who="dora")
