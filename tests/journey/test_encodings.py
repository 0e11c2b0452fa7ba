"""Agencies that may not send identifiers: encodings through seal, intake and the approved notebook, against truth."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from enclave import intake
from enclave.agreement import compile_agreement
from enclave.errors import Invalid
from enclave.matching import latest, open_crosswalk
from enclave.resultant import delivery_of
from enclave.settings import PACKAGED_POLICIES
from enclave.vault import read_public, read_secret, unseal_file
from p20kit import synthetic
from p20kit.linkage.encoding import FILTERS, TOKENS
from tests.journey.stages import agree, complete, cut, hub_keys
from tests.world import (
    FIRST_DAY,
    Installation,
    Said,
    canary_in,
    rows_of,
    without_side_effect,
    write_rows,
    write_settings,
)

PROJECT = "DR-0005"
FILES = ("SDE.0005.04_11_2022.matching", "DOL.0005.04_11_2022.matching")
ANALYTICAL = tuple(name.replace("matching", "analytical") for name in FILES)


def agreement(*, encoded: bool) -> dict[str, Any]:
    """Give DR-0034 with its matching files encoded or not, and without flags made of the schools' lists."""
    body: dict[str, Any] = yaml.safe_load((PACKAGED_POLICIES / "agreements" / "DR-0034.yaml").read_text("utf-8"))
    body["dr"] = PROJECT
    body["elements"]["SDE"] = [e for e in body["elements"]["SDE"] if not e.get("made_by_hub")]
    for file in body["files"]:
        file["encoded"] = encoded and file["contents"] == "matching"
    for school in body["schools"]:
        school["finder"] = []
    return body


def policies(folder: Path, *, encoded: bool) -> Path:
    shutil.copytree(PACKAGED_POLICIES, folder)
    text = yaml.safe_dump(agreement(encoded=encoded), sort_keys=False)
    (folder / "agreements" / f"{PROJECT}.yaml").write_text(text, "utf-8")
    return folder


@pytest.fixture(scope="module")
def founded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """Found a hub whose agreement promises encodings, and agencies with files, keys, and a secret without the hub."""
    made = Installation(tmp_path_factory.mktemp("encoded"), project=PROJECT)
    made.run("init", "--demo")
    write_settings(home=made.home, policies=policies(made.agencies / "policies", encoded=True))
    policies(made.agencies / "other", encoded=False)
    made.run("today", FIRST_DAY)
    agree(made)
    synthetic.universe(students=1_500, wage_earners=3_600, seed=34).write(made.agencies, dr="0005", as_of=FIRST_DAY)
    for agency in ("SDE", "DOL"):
        made.run("keys", "new", agency, "--out", made.agencies / "keys")
        made.run("intake", "key", made.agencies / "keys" / f"{agency}.public.json", who="hubert")
    made.run("pprl-secret", PROJECT, "--out", made.agencies / "keys")
    made.run("pprl-secret", PROJECT, "--out", made.agencies / "elsewhere")
    yield made
    made.close()


def secret(made: Installation, folder: str = "keys") -> Path:
    return made.agencies / folder / f"{PROJECT}.encoding-secret.json"


def seal(
    made: Installation, file: str | Path, *more: object, book: str = "policies", code: int = 0
) -> tuple[Path, Said]:
    """Seal a file at its agency, into a folder of its own."""
    name = Path(file).name
    out = made.root / "sent" / str(len(list(made.root.glob("sent/*"))))
    said = made.run(
        "seal", made.agencies / file, "--key", made.agencies / "keys" / f"{name.split('.')[0]}.private.json",
        "--hub", hub_keys(made), "--project", PROJECT, "--as-of", FIRST_DAY, "--out", out,
        "--policies", made.agencies / book, "--json", *more, code=code,
    )  # fmt: skip
    return out / f"{name}.sealed", said


@pytest.fixture(scope="module")
def received(founded: Installation) -> Installation:
    """Receive the encodings and the analytical files of both agencies."""
    for name in (*FILES, *ANALYTICAL):
        sealed, _ = seal(founded, name, *(("--pprl", secret(founded)) if name in FILES else ()))
        founded.run("receive", sealed, PROJECT, who="hubert")
    return founded


@pytest.fixture(scope="module")
def crosswalk(received: Installation) -> pd.DataFrame:
    """Match with the approved notebook, and open what it found."""
    received.run("matching", "run", PROJECT, "-p", "threshold=0.5", who="hubert")
    with received.enclave.store.view() as view:
        run = latest(view, PROJECT)
    target = received.root / "crosswalk.parquet"
    open_crosswalk(received.enclave.keystore, received.enclave.settings, run, target)
    return pd.read_parquet(target)


def test_identifiers_are_not_sealed_where_encodings_are_promised(founded: Installation) -> None:
    sealed, said = seal(founded, FILES[0], code=3)
    assert said.rules == ["encodings-promised"] and "--pprl" in said.body["findings"][0]["next"]
    assert not sealed.exists()


def test_a_file_with_identifiers_is_turned_away_unopened(founded: Installation) -> None:
    sealed, _ = seal(founded, FILES[0], book="other")

    def receive() -> Said:
        return founded.run("receive", sealed, PROJECT, "--json", who="hubert", code=3)

    assert "encodings-promised" in without_side_effect(founded, receive).rules


def test_encodings_are_not_sealed_where_none_are_promised(founded: Installation) -> None:
    _, said = seal(founded, FILES[0], "--pprl", secret(founded), book="other", code=3)
    assert said.rules == ["encodings-not-promised"]


def test_what_the_hub_cannot_check_is_checked_before_encoding(founded: Installation) -> None:
    header, *rows = rows_of(founded.agencies / FILES[0])
    wrong = [[f"SDE-{row[1]}ABCDEF", *row[1:]] for row in rows]
    path = write_rows(founded.agencies / "wrong" / FILES[0], [header, *wrong])
    _, said = seal(founded, path.relative_to(founded.agencies), "--pprl", secret(founded), code=3)
    assert "generic-id-contains" in said.rules


def test_files_of_two_secrets_are_refused(received: Installation) -> None:
    """The first file is held already, so the second one is sent in its place."""
    with received.enclave.store.view() as view:
        held = {holding.source: holding for holding in intake.holdings(view, PROJECT)}
    assert held["SDE"].key_check == held["DOL"].key_check != ""
    sealed, _ = seal(received, FILES[1], "--pprl", secret(received, "elsewhere"))

    def receive() -> Said:
        return received.run("receive", sealed, PROJECT, "--json", who="hubert", code=3)

    said = without_side_effect(received, receive)
    assert "encoding-secret" in said.rules
    (found,) = [finding for finding in said.body["findings"] if finding["rule"] == "encoding-secret"]
    assert "another secret than the file of SDE" in found["what"]


def test_no_identifier_is_in_what_was_sent(received: Installation) -> None:
    sealed, _ = seal(received, FILES[0], "--pprl", secret(received))
    opened = received.root / "opened"
    sender = read_public(received.agencies / "keys" / "SDE.public.json")
    unseal_file(sealed, opened, received.enclave.hub_keys, sender)
    header, *sent = rows_of(opened)
    own, *plain = rows_of(received.agencies / FILES[0])
    assert header[0] == own[0] == "GenericID" and not set(header[1:]) & set(own[1:])
    assert [row[0] for row in sent] == sorted(row[0] for row in plain)
    fields = {field.upper() for row in sent for field in row[1:] if field}
    assert fields and not fields & {value.upper() for row in plain for value in row[1:]}
    text = opened.read_text("utf-8").upper()
    names = {row[i].upper() for row in plain for i in (own.index("FirstName"), own.index("LastName"))}
    assert not [name for name in names if len(name) > 4 and name in text]


def test_the_hub_holds_neither_secret_nor_identifier(received: Installation, crosswalk: pd.DataFrame) -> None:
    value = read_secret(secret(received)).value.hex()
    names = {row[3].lower() for row in rows_of(received.agencies / FILES[0])[1:] if len(row[3]) > 8}
    assert list(canary_in(received.home, words=[value, *names])) == []
    received.run("ledger", "export", received.root / "ledger.jsonl")
    assert value not in (received.root / "ledger.jsonl").read_text("utf-8")


def test_the_match_finds_whom_the_truth_says(received: Installation, crosswalk: pd.DataFrame) -> None:
    truth = pd.read_parquet(received.agencies / "truth.0005.parquet")
    person = {agency: dict(zip(t["generic_id"], t["person"], strict=True)) for agency, t in truth.groupby("agency")}
    right = (crosswalk["SDE"].map(person["SDE"]) == crosswalk["DOL"].map(person["DOL"])).sum()
    both = set(person["SDE"].values()) & set(person["DOL"].values())
    assert right / len(crosswalk) >= 0.96
    assert right / len(both) >= 0.85


def test_resultant_data_are_cut_from_a_match_of_encodings(received: Installation, crosswalk: pd.DataFrame) -> None:
    complete(received)
    cut(received)
    with received.enclave.store.view() as view:
        delivery = delivery_of(view, PROJECT)
    assert [table.name for table in delivery.tables] == ["sde", "dol", "crosswalk"]
    assert not {c.name for table in delivery.tables for c in table.columns} & {*TOKENS, *FILTERS}
    assert 0 < delivery.persons <= len(rows_of(received.agencies / FILES[0])) - 1


def test_the_report_says_that_it_was_of_encodings(received: Installation, crosswalk: pd.DataFrame) -> None:
    kept = received.home / "reports" / PROJECT / "match-01"
    report = json.loads((kept / "match-report.json").read_text("utf-8"))
    assert report["encoded"] and report["match_rate"]["overall"]["linked"] == len(crosswalk)
    assert report["by_group"]
    page = (kept / "match-report.html").read_text("utf-8")
    assert "Privacy-preserving" in page and "in the clear" in page


def test_a_secret_is_made_once_and_never_thought_up(founded: Installation, tmp_path: Path) -> None:
    said = founded.run("pprl-secret", PROJECT, "--out", founded.agencies / "keys", "--json", code=4)
    assert said.rules == ["secret-exists"]
    assert secret(founded).stat().st_mode & 0o777 == 0o400
    guessed = tmp_path / "secret.json"
    guessed.write_text(json.dumps({"p20win-encoding-secret": 1, "project": PROJECT, "secret": "cafe"}))
    with pytest.raises(Invalid, match="no secret of the expected kind"):
        read_secret(guessed)


def test_a_secret_is_of_one_project(founded: Installation, tmp_path: Path) -> None:
    founded.run("pprl-secret", "DR-0034", "--out", tmp_path)
    _, said = seal(founded, FILES[0], "--pprl", tmp_path / "DR-0034.encoding-secret.json", code=3)
    assert said.rules == ["secret-project"]


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        (lambda body: body["files"][0].update(encoded=False), "encoding-all"),
        (lambda body: body["files"][0].update(elements=["FirstName", "LastName"]), "encoding-roles"),
        (lambda body: body["elements"]["SDE"][1].update(made_by_hub=True), "encoding-flags"),
        (lambda body: body.update(encoding={"bits": 300}), "policy-key"),
    ],
)
def test_a_promise_that_cannot_be_kept_does_not_compile(tmp_path: Path, change: Any, rule: str) -> None:
    folder = policies(tmp_path / "policies", encoded=True)
    body = agreement(encoded=True)
    change(body)
    (folder / "agreements" / f"{PROJECT}.yaml").write_text(yaml.safe_dump(body), "utf-8")
    with pytest.raises(Invalid) as caught:
        compile_agreement(folder, PROJECT)
    assert rule in {finding.rule for finding in caught.value.findings}


def test_other_parameters_than_those_agreed_are_refused(founded: Installation) -> None:
    body = agreement(encoded=True) | {"encoding": {"bits": 512}}
    folder = founded.agencies / "longer"
    shutil.copytree(founded.agencies / "policies", folder)
    (folder / "agreements" / f"{PROJECT}.yaml").write_text(yaml.safe_dump(body, sort_keys=False), "utf-8")
    sealed = intake.seal_transmittal(
        founded.agencies / FILES[1],
        policy=compile_agreement(folder, PROJECT),
        sender=founded.keys("DOL"),
        hub=founded.enclave.hub_keys.public,
        as_of=FIRST_DAY,
        out=founded.root,
        created=datetime(2022, 4, 11, 12, tzinfo=UTC),
        secret=read_secret(secret(founded)),
    )

    def receive() -> Said:
        return founded.run("receive", sealed, PROJECT, "--json", who="hubert", code=3)

    assert "encoding-parameters" in without_side_effect(founded, receive).rules
