"""The registry of approved methods: what runs is the last version listed, and every version has its own approval."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import nbformat
import pytest
import yaml

from enclave.errors import EnclaveError, Invalid, Refused
from enclave.matching import approved_method
from p20kit.runner import content_hash

TODAY = date(2022, 4, 12)


def a_notebook(folder: Path, name: str, source: str) -> Path:
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)]), folder / name)
    return folder / name


@pytest.fixture
def notebooks(tmp_path: Path) -> list[Path]:
    return [a_notebook(tmp_path, f"{i}.ipynb", f"{i} + 1") for i in range(3)]


def version(notebook: Path, number: str, approved_on: date) -> dict[str, Any]:
    return {
        "version": number,
        "sha256": content_hash(notebook),
        "approved_by": "Data Governing Board",
        "approved_on": approved_on,
    }


def registry(folder: Path, *versions: dict[str, Any]) -> Path:
    method = {
        "id": "match_pair",
        "title": "Two agencies",
        "does": "match",
        "agencies": {"fewest": 2, "most": 2},
        "file": "0.ipynb",
        "clause": "EM VII.B.1.c",
        "versions": list(versions),
    }
    (folder / "matching_methods.yaml").write_text(yaml.safe_dump({"methods": [method]}))
    return folder


def two(notebooks: list[Path], second: date = date(2022, 4, 11)) -> list[dict[str, Any]]:
    return [version(notebooks[0], "1.0", date(2022, 4, 8)), version(notebooks[1], "1.1", second)]


def said(error: pytest.ExceptionInfo[EnclaveError]) -> str:
    return error.value.findings[0].what


def test_the_last_version_runs(tmp_path, notebooks):
    method = approved_method(registry(tmp_path, *two(notebooks)), "match_pair", notebooks[1], TODAY)
    assert (method.version, method.sha256) == ("1.1", content_hash(notebooks[1]))
    assert (method.does, method.agencies.fewest, method.agencies.most) == ("match", 2, 2)


def test_a_superseded_version_stays_listed_and_is_not_run(tmp_path, notebooks):
    with pytest.raises(Refused) as refusal:
        approved_method(registry(tmp_path, *two(notebooks)), "match_pair", notebooks[0], TODAY)
    assert said(refusal) == "version 1.0 was superseded on 2022-04-11 by version 1.1"


def test_an_approval_still_to_come_is_none(tmp_path, notebooks):
    policies = registry(tmp_path, *two(notebooks, second=date(2022, 4, 13)))
    with pytest.raises(Refused) as refusal:
        approved_method(policies, "match_pair", notebooks[1], TODAY)
    assert said(refusal) == "version 1.1 is approved from 2022-04-13 on"
    assert approved_method(policies, "match_pair", notebooks[1], date(2022, 4, 13)).version == "1.1"


@pytest.mark.parametrize(("method", "notebook"), [("match_pair", 2), ("match_all", 1)])
def test_what_is_not_listed_is_not_run(tmp_path, notebooks, method, notebook):
    with pytest.raises(Refused) as refusal:
        approved_method(registry(tmp_path, *two(notebooks)), method, notebooks[notebook], TODAY)
    assert said(refusal) in {"its content is not the approved content", "it is not in the registry of methods"}


@pytest.mark.parametrize(
    "wrong",
    [
        {"version": "1.0"},
        {"version": "0.9"},
        {"version": "2"},
        {"approved_on": date(2022, 4, 7)},
        {"approved_on": None},
        {"sha256": "0" * 63},
        {"sha256": None},
    ],
)
def test_a_version_that_does_not_follow_the_one_before_makes_the_registry_invalid(tmp_path, notebooks, wrong):
    first, second = two(notebooks)
    changed = {**second, **{key: first[key] if value is None else value for key, value in wrong.items()}}
    if wrong == {"approved_on": None}:
        del changed["approved_on"]
    with pytest.raises(Invalid) as error:
        approved_method(registry(tmp_path, first, changed), "match_pair", notebooks[1], TODAY)
    assert [finding.rule for finding in error.value.findings] == ["method-registry"]


def test_a_hash_that_changes_in_place_leaves_the_approved_notebook_unapproved(tmp_path, notebooks):
    first, second = two(notebooks)
    policies = registry(tmp_path, first, {**second, "sha256": content_hash(notebooks[2])})
    with pytest.raises(Refused, match="not the approved content"):
        approved_method(policies, "match_pair", notebooks[1], TODAY)
