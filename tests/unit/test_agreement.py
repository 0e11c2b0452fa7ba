"""The agreement compiles to one frozen policy, or says every reason why not.

Source: EM II; EM XIV.A; EM XVIII.F; DSA III.G.2.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from enclave import agreement, papers
from enclave.agreement import InForce, Policy, Signature, compile_agreement
from enclave.errors import Invalid, Refused
from enclave.settings import PACKAGED_POLICIES
from enclave.store import Store
from p20kit import CellPolicy
from tests import registry
from tests.parties import ask, attach, pretend, say_yes

Change = Callable[[dict[str, Any]], None]


@pytest.fixture(scope="module")
def policy() -> Policy:
    return compile_agreement(PACKAGED_POLICIES, "DR-0034")


@pytest.fixture
def compiled(tmp_path: Path) -> Callable[..., Policy]:
    """Give a compiler of the packaged agreement after a change."""

    def compile_changed(change: Change = lambda body: None, file: str = "agreements/DR-0034.yaml") -> Policy:
        folder = tmp_path / "policies"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(PACKAGED_POLICIES, folder)
        body = yaml.safe_load((folder / file).read_text("utf-8"))
        change(body)
        (folder / file).write_text(yaml.safe_dump(body), "utf-8")
        return compile_agreement(folder, "0034")

    return compile_changed


def put(path: str, value: object) -> Change:
    """Set one key, ``cells.minimum_count``."""
    *parents, last = path.split(".")

    def change(body: dict[str, Any]) -> None:
        for name in parents:
            body = body[int(name)] if name.isdigit() else body[name]
        body[last] = value

    return change


def test_the_packaged_agreement_says_what_the_document_says(policy: Policy) -> None:
    assert policy.agencies == ("SDE", "DOL")
    assert policy.signatories == ("SDE", "DOL", "DOL-HUB", "WESTED")
    assert (policy.cells.minimum_count, policy.cells.minimum_base, policy.cells.zeros) == (6, 20, "hidden")
    assert {s.code for s in policy.agreement.schools if "DOL" in s.withholds} == {"LEA-HAMDEN", "LEA-MANCHESTER"}
    assert all(e.uc for e in policy.agreement.elements["DOL"])
    assert ("LEA-HAMDEN", "finder") in policy.expected() and ("DOL", "analytical") in policy.expected()
    assert all(a.reason for a in policy.agreement.assumed)


def test_the_hash_is_of_the_content(policy: Policy, compiled: Callable[..., Policy]) -> None:
    assert compiled().hash == policy.hash
    assert compiled(put("title", "Another")).hash != policy.hash
    assert compiled(put("cells.minimum_count", 10)).hash != policy.hash
    with pytest.raises(ValidationError):
        policy.agreement.title = "frozen"  # type: ignore[misc]


def test_the_strictest_wins_whoever_says_it(compiled: Callable[..., Policy]) -> None:
    assert compiled(put("cells.minimum_count", 10)).cells.minimum_count == 10
    assert compiled(put("cells.minimum_base", 30), "agencies/DOL.yaml").cells.minimum_base == 30
    assert compiled(put("match_data_business_days", 3), "agencies/SDE.yaml").retention.match_data_business_days == 3


def test_what_an_agency_asks_of_one_column_holds_where_it_stands_and_for_what_is_derived(
    compiled: Callable[..., Policy],
) -> None:
    asked = {"QuarterlyWages": {"minimum_count": 10, "minimum_base": 30, "minimum_employers": 5, "p_percent": 20}}
    policy = compiled(put("columns", asked), "agencies/DOL.yaml")
    cells = CellPolicy.of(policy.terms)
    plain, wages = cells.over(["sde.Gender"]), cells.over(["sde.Gender", "dol.QuarterlyWages"])
    assert (plain.minimum_count, plain.minimum_base, plain.minimum_employers) == (6, 20, 3)
    assert (wages.minimum_count, wages.minimum_base, wages.minimum_employers, wages.p_percent) == (10, 30, 5, 20)
    assert cells.over(["*"]) == wages
    assert {"sde.SpecialEd", "dol.QuarterlyWages", "*"} <= set(cells.sensitive)
    assert not {"sde.Gender", "sde.SASID"} & set(cells.sensitive)


@pytest.mark.parametrize(
    ("path", "value", "file"),
    [
        ("cells.minimum_count", 5, "agreements/DR-0034.yaml"),
        ("cells.minimum_base", 19, "agreements/DR-0034.yaml"),
        ("cells.minimum_employers", 2, "agreements/DR-0034.yaml"),
        ("cells.minimum_count", 1, "agencies/SDE.yaml"),
        ("cells.dominance_share", 0.81, "agencies/DOL.yaml"),
        ("cells.dominance_share", 0.0, "agencies/DOL.yaml"),
        ("cells.p_percent", 14.9, "agencies/DOL.yaml"),
        ("columns", {"QuarterlyWages": {"minimum_count": 5, "minimum_base": 20}}, "agencies/DOL.yaml"),
        ("retention.review_business_days", 9, "agreements/DR-0034.yaml"),
        (
            "kinds_of_data",
            [{"name": "lunch", "elements": {"SDE": ["Gender"]}, "cells": {"minimum_count": 5, "minimum_base": 20},
              "why": "It is a service."}],
            "agreements/DR-0034.yaml",
        ),
    ],
)  # fmt: skip
def test_nothing_is_looser_than_the_floor(
    compiled: Callable[..., Policy], path: str, value: object, file: str
) -> None:
    with pytest.raises(Refused) as caught:
        compiled(put(path, value), file)
    assert [finding.rule for finding in caught.value.findings] == ["policy-floor"]


SERVICES = {
    "name": "services for children",
    "elements": {"SDE": ["SpecialEd", "FreeReducedLunchEligible"]},
    "cells": {"minimum_count": 12, "minimum_base": 40},
    "why": "Who receives a service is known in a small town.",
}


def test_a_kind_of_data_has_stricter_rules_wherever_one_of_its_elements_stands(
    compiled: Callable[..., Policy],
) -> None:
    def change(body: dict[str, Any]) -> None:
        body["kinds_of_data"] = [SERVICES]

    policy = compiled(change)
    cells = CellPolicy.of(policy.terms)
    plain, services = cells.over(["sde.Gender"]), cells.over(["sde.Gender", "sde.SpecialEd"])
    assert (plain.minimum_count, plain.minimum_base) == (6, 20)
    assert (services.minimum_count, services.minimum_base, services.zeros) == (12, 40, "hidden")
    assert cells.over(["sde.FreeReducedLunchEligible"]) == services == cells.over(["*"])
    less = policy.without({"SDE": ["SpecialEd"]})
    assert list(less.columns) == ["sde.FreeReducedLunchEligible"]
    assert less.agreement.kinds_of_data[0].elements == {"SDE": ("FreeReducedLunchEligible",)}


def test_what_the_agency_and_the_agreement_ask_of_one_element_is_merged(tmp_path: Path) -> None:
    shutil.copytree(PACKAGED_POLICIES, tmp_path / "policies")
    for file, key, value in (
        ("agencies/SDE", "columns", {"SpecialEd": {"minimum_count": 15, "minimum_base": 20}}),
        ("agreements/DR-0034", "kinds_of_data", [SERVICES]),
    ):
        path = tmp_path / "policies" / f"{file}.yaml"
        path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text("utf-8")) | {key: value}), "utf-8")
    cells = compile_agreement(tmp_path / "policies", "DR-0034").columns["sde.SpecialEd"]
    assert (cells.minimum_count, cells.minimum_base) == (15, 40)


@pytest.mark.parametrize("elements", [{"SDE": ["SASID"]}, {"SDE": ["Unknown"]}, {"CSCU": ["SpecialEd"]}])
def test_a_kind_of_data_is_of_elements_that_are_delivered(
    compiled: Callable[..., Policy], elements: dict[str, list[str]]
) -> None:
    with pytest.raises(Invalid) as caught:
        compiled(put("kinds_of_data", [SERVICES | {"elements": elements}]))
    assert [(f.rule, f.clause) for f in caught.value.findings] == [("kind-of-data", "SDP 4.a")]


def test_the_second_example_has_what_the_first_lacks(policy: Policy) -> None:
    second = compile_agreement(PACKAGED_POLICIES, "DR-0101")
    assert second.agencies == ("SDE", "DOL", "CSCU") and policy.agencies == ("SDE", "DOL")
    assert second.signatories == ("SDE", "DOL", "CSCU", "DOL-HUB", "OPW")
    recipient = second.party("OPW")
    assert recipient is not None and recipient.government
    assert (second.cells.minimum_count, second.retention.match_data_business_days) == (10, 5)
    cells = CellPolicy.of(second.terms)
    assert cells.over(["cscu.DegreeAwarded"]).minimum_count == 15 == cells.over(["*"]).minimum_count
    assert cells.over(["sde.Gender", "cscu.Institution"]).minimum_count == 10
    assert second.agreement.assumed == () and second.ends_on(date(2022, 4, 11)) == date(2024, 4, 11)
    assert not any(element.assumed for elements in second.agreement.elements.values() for element in elements)
    assert {school.name for school in second.agreement.schools if "CSCU" in school.withholds} == {
        "New Britain High School"
    }


@pytest.mark.parametrize("left", [("SDE",), ()])
def test_a_request_to_fewer_than_two_agencies_goes_to_that_agency(
    compiled: Callable[..., Policy], left: tuple[str, ...]
) -> None:
    def ask_one(body: dict[str, Any]) -> None:
        agencies = "participating agency"
        body["parties"] = [p for p in body["parties"] if p["kind"] != agencies or p["code"] in left]

    with pytest.raises(Refused) as caught:
        compiled(ask_one)
    (finding,) = caught.value.findings
    assert (finding.rule, finding.clause) == ("two-agencies", "EM XI")
    assert not left or "Department of Education" in finding.next


@pytest.mark.parametrize("kind", ["data integration hub", "data recipient"])
def test_a_hub_and_a_recipient_sign(compiled: Callable[..., Policy], kind: str) -> None:
    def leave_out(body: dict[str, Any]) -> None:
        body["parties"] = [party for party in body["parties"] if party["kind"] != kind]

    with pytest.raises(Invalid) as caught:
        compiled(leave_out)
    assert [finding.rule for finding in caught.value.findings] == ["party"]


def test_what_differs_is_named_by_where_it_stands(policy: Policy, compiled: Callable[..., Policy]) -> None:
    assert agreement.diff(policy, policy) == ()
    assert agreement.diff(policy, compiled(put("elements.SDE.7.definition", "As recorded."))) == (
        agreement.Change("agreement.elements.SDE.Gender.definition", "Gender as reported.", "As recorded."),
    )
    assert {change.where for change in agreement.diff(policy, compiled(put("cells.minimum_count", 10)))} == {
        "agreement.cells.minimum_count", "cells.minimum_count",
    }  # fmt: skip


def test_longer_match_retention_than_the_floor_is_refused(compiled: Callable[..., Policy]) -> None:
    def longer(body: dict[str, Any]) -> None:
        body["match_data_business_days"] = 11

    # the strictest of three wins, so all must be longer before the floor is reached
    assert compiled(longer, "agencies/SDE.yaml").retention.match_data_business_days == 10


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("surprise", 1),
        ("cells.surprise", 1),
        ("elements.SDE.0.surprise", 1),
        ("cells.zeros", "perhaps"),
        ("approved_on", "soon"),
        ("parties.0.kind", "friend"),
        ("elements.SDE.0.questions", ["RQ99"]),
        ("files.0.elements", ["NoSuchElement"]),
        ("files.0.contents", "secret"),
    ],
)
def test_what_is_unknown_or_does_not_resolve_is_invalid(
    compiled: Callable[..., Policy], path: str, value: object
) -> None:
    with pytest.raises(Invalid) as caught:
        compiled(put(path, value))
    assert all(finding.clause and finding.where and finding.next for finding in caught.value.findings)


def test_every_finding_is_told_at_once(compiled: Callable[..., Policy]) -> None:
    def many(body: dict[str, Any]) -> None:
        body["one"], body["two"] = 1, 2
        del body["title"]

    with pytest.raises(Invalid) as caught:
        compiled(many)
    assert {finding.where for finding in caught.value.findings} == {"one", "two", "title"}
    with pytest.raises(Invalid):
        compile_agreement(PACKAGED_POLICIES, "DR-9999")
    with pytest.raises(Invalid):
        compile_agreement(PACKAGED_POLICIES, "../DR-0034")


def test_it_is_in_force_when_all_have_signed_until_the_earliest_end(
    policy: Policy, compiled: Callable[..., Policy], tmp_path: Path
) -> None:
    store = Store(registry.address(tmp_path), lambda: date(2022, 4, 11))
    with store.transaction() as tx:
        ask(tx, policy)
        with pytest.raises(Refused, match="have not approved"):
            agreement.sign(tx, "DR-0034", Signature("SDE", "Representative", date(2022, 4, 1)), "olga")
        for agency in policy.agencies:
            say_yes(tx, "DR-0034", agency)
        attach(tx, policy)
        known = agreement.of(tx, "DR-0034")
        with pytest.raises(Invalid, match="has not come yet"):
            agreement.sign(tx, "DR-0034", Signature("SDE", "Representative", date(2022, 4, 12)), "olga")
        for day, party in enumerate(policy.signatories, start=1):
            assert known.effective_on is None and known.reasons_not_in_force(date(2022, 4, 11))[0][0] == "signatures"
            known = agreement.sign(tx, "DR-0034", Signature(party, "Representative", date(2022, 4, day)), "olga")
        with pytest.raises(Refused):
            agreement.sign(tx, "DR-0034", Signature("CSCU", "President", date(2022, 4, 1)), "olga")
        with pytest.raises(Refused, match="signed"):
            agreement.register(tx, compiled(put("cells.minimum_count", 10)), "olga")
    store.close()
    assert known.effective_on == date(2022, 4, 4)
    days = (date(2022, 4, 3), date(2022, 4, 4), date(2022, 8, 31), date(2022, 9, 1))
    assert [rules(known, day) for day in days] == [["effective"], [], [], ["project-end"]]


def rules(known: InForce, day: date) -> list[str]:
    return [rule for rule, _, _ in known.reasons_not_in_force(day)]


def test_nobody_signs_before_the_exhibits_are_attached_and_their_digests_are_entered(tmp_path: Path) -> None:
    policy = compile_agreement(PACKAGED_POLICIES, "DR-0101")  # a review board must approve it
    signature = Signature("SDE", "Commissioner", date(2022, 4, 1))
    store = Store(registry.address(tmp_path), lambda: date(2022, 4, 11))
    with store.transaction() as tx:
        ask(tx, policy)
        for agency in policy.agencies:
            say_yes(tx, "DR-0101", agency)

        def missing() -> list[str]:
            with pytest.raises(Refused) as caught:
                agreement.sign(tx, "DR-0101", signature, "olga")
            return [finding.where for finding in caught.value.findings]

        assert missing() == [f"exhibit-{letter}" for letter in "abcdef"]
        attach(tx, policy)
        unsigned = papers.add(tx, "exhibit-a", pretend(), "olga", project="DR-0101")
        papers.withdraw(tx, "exhibit-a/DR-0101/001", "olga")
        assert missing() == ["exhibit-a"]
        for statement in unsigned.of.items:
            assert missing() == ["exhibit-a"]
            papers.tick(tx, unsigned.key, statement, "wes")
        agreement.sign(tx, "DR-0101", signature, "olga")
        (entry,) = tx.entries(action="agreement.sign")
    store.close()
    assert entry["details"]["exhibits"] == [f"exhibit-{letter} {pretend().sha256}" for letter in "abcdef"]


def test_an_element_says_what_it_goes_with_in_an_adopted_standard(policy: Policy) -> None:
    gender = policy.element("SDE", "Gender")
    assert gender is not None and str(gender.standard) == "CEDS 000255 Sex"
    mapped = {
        f"{agency}.{element.name}": element.standard
        for agency, elements in policy.agreement.elements.items()
        for element in elements
        if element.standard is not None
    }
    assert {standard.of for standard in mapped.values()} == {"CEDS"}
    assert all(len(standard.id) == 6 and standard.id.isdigit() for standard in mapped.values())
    bare = policy.agreement.without_standard
    assert "SDE.BirthYear" in bare and not {*bare} & {*mapped}
    assert len(bare) + len(mapped) == sum(map(len, policy.agreement.elements.values()))
