"""A request says everything that it must before its agencies are asked.

Source: EM II; EM XI.A; ExA 1.f; ExA 2.a; ExA 3.c; DSA III.A; DSA VI.A; DSA XII.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from enclave import board
from enclave.agreement import Policy, compile_agreement, completeness
from enclave.errors import Invalid
from enclave.settings import PACKAGED_POLICIES
from enclave.store import Store
from tests import registry
from tests.parties import SIGNED
from tests.world import Installation

Body = dict[str, Any]
SIX = ["purpose", "method", "elements", "security_plan", "reports", "retention"]


def written(folder: Path, change: Callable[[Body], object], dr: str = "DR-0101") -> Path:
    """Give policies in which an agreement's file was changed."""
    shutil.copytree(PACKAGED_POLICIES, folder)
    path = folder / "agreements" / f"{dr}.yaml"
    body = yaml.safe_load(path.read_text("utf-8"))
    change(body)
    path.write_text(yaml.safe_dump(body), "utf-8")
    return folder


def asked(folder: Path, policy: Policy) -> list[tuple[str, str]]:
    """Ask the agencies; give clause and place of everything that is missing."""
    store = Store(registry.address(folder), lambda: SIGNED)
    try:
        with store.transaction() as tx:
            board.request(tx, policy, "olga")
    except Invalid as error:
        assert {finding.rule for finding in error.findings} == {"incomplete"}
        return [(finding.clause, finding.where) for finding in error.findings]
    finally:
        store.close()
    return []


@pytest.mark.parametrize("dr", ["DR-0034", "DR-0101"])
def test_the_packaged_requests_are_complete_and_the_six_of_the_memorandum_are_ticked(tmp_path: Path, dr: str) -> None:
    policy = compile_agreement(PACKAGED_POLICIES, dr)
    ticks = completeness(policy.agreement)
    assert all(tick.said for tick in ticks)
    assert [tick.where for tick in ticks if tick.clause == "EM II"] == SIX
    assert asked(tmp_path, policy) == []


def of_agency(**change: object) -> Callable[[Body], object]:
    return lambda body: body["parties"][0].update(change)


@pytest.mark.parametrize(
    ("change", "missing"),
    [
        (lambda b: b.update(purpose=" "), ("EM II", "purpose")),
        (lambda b: b.pop("method"), ("EM II", "method")),
        (lambda b: b.pop("security_plan"), ("EM II", "security_plan")),
        (lambda b: b.update(reports=[]), ("EM II", "reports")),
        (lambda b: b["retention"].update(destroy_by="2022-03-01"), ("EM II", "retention")),
        (lambda b: b["requestor"].update(address=""), ("ExA 2.a", "requestor")),
        (lambda b: b.pop("requestor"), ("ExA 2.a", "requestor")),
        (lambda b: b.pop("discussed_with"), ("ExA 1.f", "discussed_with")),
        (lambda b: b["benefit"].update(text=""), ("ExA 3.c", "benefit.text")),
        (lambda b: b.pop("agenda"), ("EM XI.A", "agenda")),
        (lambda b: b["review_board"].update(why=""), ("DSA VI.A", "review_board")),
        (of_agency(legal_basis=""), ("DSA III.A", "parties.SDE.legal_basis")),
        (of_agency(dissemination=""), ("EM XI.A", "parties.SDE.dissemination")),
        (of_agency(representative=""), ("DSA XII", "parties.SDE.representative")),
    ],
)
def test_what_a_request_does_not_say_is_named(
    tmp_path: Path, change: Callable[[Body], object], missing: tuple[str, str]
) -> None:
    policy = compile_agreement(written(tmp_path / "policies", change), "DR-0101")
    assert asked(tmp_path, policy) == [missing]


def of_others(body: Body) -> None:
    body["parties"][2]["government"] = False
    body["benefit"]["evaluates"] = ["CSCU", "OPW"]


def of_others_too(body: Body) -> None:
    of_others(body)
    body["benefit"]["evaluates"].append("SDE")


@pytest.mark.parametrize(("change", "refused"), [(of_others, True), (of_others_too, False)])
def test_a_request_that_evaluates_agencies_alone_that_are_not_the_states_is_not_asked(
    tmp_path: Path, change: Callable[[Body], None], refused: bool
) -> None:
    policy = compile_agreement(written(tmp_path / "policies", change), "DR-0101")
    assert asked(tmp_path, policy) == ([("ExA 3.c", "benefit.evaluates")] if refused else [])


def test_the_command_ticks_off_what_is_said_and_names_what_is_not(tmp_path: Path) -> None:
    office = Installation(tmp_path)
    office.run("init", "--demo")
    ticks = office.run("agreement", "lint", "DR-0101", "--json").body["complete"]
    assert [tick["where"] for tick in ticks][: len(SIX)] == SIX and all(tick["said"] for tick in ticks)
    folder = written(tmp_path / "policies", lambda body: body.pop("security_plan"))
    setting = office.home / "enclave.toml"
    setting.write_text(f'{setting.read_text("utf-8")}\npolicies = "{folder}"\n', "utf-8")
    for command in ("lint", "register"):
        assert office.run("agreement", command, "DR-0101", "--json", code=4).rules == ["incomplete"]


@pytest.mark.parametrize(
    ("declared", "missing"),
    [
        (["Python"], []),
        (["python", "pandas", "statsmodels"], []),
        (["Stata", "Python", "R", " "], ["Stata", "R", " "]),
    ],
)
def test_a_request_that_declares_what_the_lab_has_not_is_returned_with_its_name(
    tmp_path: Path, declared: list[str], missing: list[str]
) -> None:
    policies = written(tmp_path / "policies", lambda body: body.update(software=declared))
    policy = compile_agreement(policies, "DR-0101")
    store = Store(registry.address(tmp_path), lambda: SIGNED)
    try:
        with store.transaction() as tx:
            board.request(tx, policy, "olga")
        said = []
    except Invalid as error:
        assert {(finding.rule, finding.clause) for finding in error.findings} == {("incomplete", "ExA 3.d")}
        said = [finding.what for finding in error.findings]
    finally:
        store.close()
    assert said == [f"it lacks {name} in the lab" for name in missing]
