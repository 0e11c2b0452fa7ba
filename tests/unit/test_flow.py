"""The flow of an agreement's data is drawn from the agreement, in a picture and in words that say the same.

Source: EM XII.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from itertools import pairwise
from pathlib import Path

import pytest

from enclave.agreement import Flow, Policy, compile_agreement, flow_of
from enclave.settings import PACKAGED_POLICIES
from tests.world import Installation

NAME = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def policy() -> Policy:
    return compile_agreement(PACKAGED_POLICIES, "DR-0034")


def texts(flow: Flow) -> list[str]:
    return [element.text or "" for element in ET.fromstring(flow.svg).iter(f"{NAME}text")]


def test_every_stage_says_what_the_agreement_says(policy: Policy) -> None:
    files, matched, tables, lab, gate = flow_of(policy).words
    for said in ("SDE matching, 6 elements", "DOL analytical, 5 elements", "Schools finder, 13 schools"):
        assert said in files
    assert "SDE, by sasid, sex, first name, middle name, last name, dob" in matched
    assert "10 business days" in matched
    assert "dol, 5 columns, none for Hamden High School and Manchester High School" in tables
    assert "WestEd" in lab and "2022-08-31" in lab
    assert all(report.title in gate for report in policy.agreement.reports)


def test_the_picture_has_the_words_for_whoever_does_not_see_it_and_fits_its_boxes(policy: Policy) -> None:
    flow = flow_of(policy)
    root = ET.fromstring(flow.svg)
    assert root.get("role") == "img"
    title, described = root.find(f"{NAME}title"), root.find(f"{NAME}desc")
    assert title is not None and described is not None
    assert root.get("aria-labelledby") == f"{title.get('id')} {described.get('id')}"
    assert described.text == " ".join(flow.words)
    shown = " ".join(texts(flow))
    for stage in flow.stages:
        assert stage.name in shown
        for box_title, said in stage.boxes:
            assert box_title.split()[0] in shown and said.split()[-1] in shown
    assert all(len(text) <= 36 for text in texts(flow))
    boxes = [(float(r.get("y", 0)), float(r.get("height", 0)), r.get("x")) for r in root.iter(f"{NAME}rect")]
    for (top, height, x), (below, _, next_x) in pairwise(boxes):
        assert x != next_x or top + height < below
    assert len(list(root.iter(f"{NAME}path"))) == len(flow.stages) - 1


def test_another_policy_has_another_picture_and_a_name_is_no_markup(policy: Policy) -> None:
    less = flow_of(policy.without({"SDE": ["SpecialEd"]}))
    assert less.svg != flow_of(policy).svg and "sde, " in less.words[2]
    party = policy.agreement.parties[-1].model_copy(update={"name": "<script>alert(1)</script> & Co"})
    parties = (*policy.agreement.parties[:-1], party)
    changed = policy.model_copy(update={"agreement": policy.agreement.model_copy(update={"parties": parties})})
    assert "<script>" not in flow_of(changed).svg and "<script>alert(1)</script>" in " ".join(texts(flow_of(changed)))


def test_the_command_writes_the_picture_and_prints_the_words(tmp_path: Path) -> None:
    office = Installation(tmp_path)
    office.run("init", "--demo")
    said = office.run("agreement", "flow", "0034", tmp_path / "flow.svg").text
    assert "Matched at the hub" in said
    assert ET.fromstring((tmp_path / "flow.svg").read_text("utf-8")).tag == f"{NAME}svg"
    office.close()
