"""Three invented agencies through seal, intake, the approved notebook, agreement and cut, against planted truth."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations

import pandas as pd
import pytest

from enclave import board, matching, people, resultant
from enclave.agreement import Policy
from enclave.board import Decision, MotionKind
from enclave.errors import Refused
from enclave.matching import latest
from enclave.resultant import Delivery, delivery_of, open_table
from enclave.terms import Action
from p20kit import synthetic
from tests.journey.stages import agree, cut, send, steward
from tests.world import FIRST_DAY, Installation, rows_of, without_side_effect

PROJECT = "DR-0101"
AGENCIES = ("SDE", "DOL", "CSCU")
WITHHELD = "New Britain High School"
TERMS = ("Institution", "TermYear", "TermSeason", "Level", "CIPFamily", "DegreeAwarded")


@pytest.fixture(scope="module")
def received(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """Found a hub for three agencies, and receive their files."""
    made = Installation(tmp_path_factory.mktemp("three"), project=PROJECT)
    made.run("init", "--demo")
    made.run("today", FIRST_DAY)
    agree(made)
    world = synthetic.universe(students=1_000, wage_earners=2_000, college_students=800, seed=34)
    files = world.write(made.agencies, dr="0101", as_of=FIRST_DAY)
    for agency in AGENCIES:
        made.run("keys", "new", agency, "--out", made.agencies / "keys")
        made.run("intake", "key", made.agencies / "keys" / f"{agency}.public.json", who="hubert")
    for name in sorted(files.paths):
        send(made, files.paths[name])
    yield made
    made.close()


@pytest.fixture(scope="module")
def delivered(received: Installation) -> tuple[Delivery, dict[str, pd.DataFrame]]:
    """Match, collect every signature, cut; give the delivery and its tables."""
    made = received
    made.run("matching", "run", PROJECT, "--method", "match_many", who="hubert")
    for party in made.policy().signatories:
        if party != "CSCU":
            made.run("matching", "agree", PROJECT, who=steward(party))
    with made.enclave.store.view() as view:
        assert latest(view, PROJECT).completed_on is None
    made.run("matching", "agree", PROJECT, who=steward("CSCU"))
    cut(made)
    with made.enclave.store.view() as view:
        delivery = delivery_of(view, PROJECT)
    for table in delivery.tables:
        open_table(made.enclave.keystore, made.enclave.settings, delivery, table, made.root / table.name)
    return delivery, {table.name: pd.read_parquet(made.root / table.name) for table in delivery.tables}


def truth_of(made: Installation) -> dict[str, dict[str, int]]:
    truth = pd.read_parquet(made.agencies / "truth.0101.parquet")
    return {agency: dict(zip(t["generic_id"], t["person"], strict=True)) for agency, t in truth.groupby("agency")}


def test_a_method_for_two_agencies_is_refused_before_anything_is_opened(received: Installation) -> None:
    said = without_side_effect(
        received, lambda: received.run("matching", "run", PROJECT, "--json", who="hubert", code=3)
    )
    assert said.rules == ["method-agencies"]
    assert "match_many" in said.body["findings"][0]["next"]


def test_whom_the_crosswalk_puts_together_is_one_person(
    received: Installation, delivered: tuple[Delivery, dict[str, pd.DataFrame]]
) -> None:
    _, tables = delivered
    crosswalk, truth = tables["crosswalk"], truth_of(received)
    schools = tables["sde"].set_index("P20ID")["LastReportingSchoolName"]
    asked = crosswalk[crosswalk["P20ID"].map(schools) != WITHHELD]
    for agency, sure in (("DOL", 0.95), ("CSCU", 0.97)):
        linked = asked.dropna(subset=[f"{agency}_GenericID"])
        mine, theirs = linked["SDE_GenericID"].map(truth["SDE"]), linked[f"{agency}_GenericID"].map(truth[agency])
        both = asked["SDE_GenericID"].map(truth["SDE"]).isin(truth[agency].values()).sum()
        assert (mine == theirs).mean() >= sure, agency
        assert (mine == theirs).sum() / both >= 0.85, agency
        assert linked[f"{agency}_GenericID"].is_unique
    assert asked[["DOL_GenericID", "CSCU_GenericID"]].notna().all(axis=1).sum() > 20


def test_each_agency_has_its_table_and_no_identifier(
    received: Installation, delivered: tuple[Delivery, dict[str, pd.DataFrame]]
) -> None:
    delivery, tables = delivered
    assert list(tables) == ["sde", "dol", "cscu", "crosswalk"]
    assert list(tables["crosswalk"]) == ["P20ID", *(f"{agency}_GenericID" for agency in AGENCIES)]
    assert list(tables["cscu"]) == ["P20ID", *TERMS]
    held = tables["crosswalk"].dropna(subset=["CSCU_GenericID"])
    assert set(tables["cscu"]["P20ID"]) == set(held["P20ID"])
    for agency in AGENCIES:
        barred = {e.name for e in received.policy().agreement.elements[agency] if e.matching}
        assert not barred & set(tables[agency.lower()])
    masked = {column.name for column in delivery.table("crosswalk").columns if column.uc}  # type: ignore[union-attr]
    assert masked == {"DOL_GenericID"}


def test_what_is_withheld_for_one_agency_is_delivered_of_another(
    delivered: tuple[Delivery, dict[str, pd.DataFrame]],
) -> None:
    _, tables = delivered
    schools = tables["sde"].set_index("P20ID")["LastReportingSchoolName"]
    theirs = tables["crosswalk"][tables["crosswalk"]["P20ID"].map(schools) == WITHHELD]
    assert len(theirs) > 20
    assert theirs["CSCU_GenericID"].isna().all() and theirs["DOL_GenericID"].notna().any()
    assert not set(theirs["P20ID"]) & set(tables["cscu"]["P20ID"])


def test_the_run_is_kept_with_everything_that_shows_how_it_came_about(
    received: Installation, delivered: tuple[Delivery, dict[str, pd.DataFrame]]
) -> None:
    made = received
    with made.enclave.store.view() as view:
        run = latest(view, PROJECT)
        entry = next(e for e in view.entries(action="match.run"))
    kept = made.home / "reports" / PROJECT / run.id
    digest = {p.suffix: hashlib.sha256(p.read_bytes()).hexdigest() for p in kept.iterdir()}
    assert (run.method, run.agencies, set(run.inputs)) == ("match_many", AGENCIES, set(AGENCIES))
    assert (run.report_sha256, run.executed_sha256) == (digest[".html"], digest[".ipynb"])
    assert {"report": digest[".html"], "executed": digest[".ipynb"], "persons": run.persons}.items() <= entry[
        "details"
    ].items()
    report = json.loads((kept / "match-report.json").read_text("utf-8"))
    assert report["persons"] == run.persons and len(report["pairs"]) == len(list(combinations(AGENCIES, 2)))
    assert made.actions("match.")[-1] == "match.complete"
    assert made.actions("match.").count("match.agree") == len(made.policy().signatories)
    assert made.verified() == len(made.actions())
    executed = (kept / "match-report.ipynb").read_text("utf-8")
    rows = [row for agency in AGENCIES for row in rows_of(made.agencies / f"{agency}.0101.04_11_2022.matching")[1:]]
    assert not {value for row in rows for value in row[:2] if value} & set(re.findall(r"[\w-]+", executed))


def test_a_match_of_others_than_an_amendment_left_is_neither_agreed_to_nor_cut(
    received: Installation, delivered: tuple[Delivery, dict[str, pd.DataFrame]]
) -> None:
    made, policy, enclave = received, received.policy(), received.enclave  # the last of this file: it is amended
    left = policy.agreement.model_copy(
        update={
            "parties": tuple(party for party in policy.agreement.parties if party.code != "CSCU"),
            "elements": {code: each for code, each in policy.agreement.elements.items() if code != "CSCU"},
        }
    )
    with enclave.store.transaction() as tx:
        other = Policy(agreement=left, cells=policy.cells, retention=policy.retention)
        board.amend(
            tx, people.may(tx, steward(policy.recipient), Action.DECIDE, PROJECT), other, "Without the colleges."
        )
        for party in policy.signatories:
            admission = people.may(tx, steward(party), Action.DECIDE, PROJECT)
            board.answer(tx, admission, MotionKind.MODIFICATION, Decision.APPROVAL, "")
        run = latest(tx, PROJECT)
        with pytest.raises(Refused, match="the agreement as amended names SDE, DOL") as to_agree:
            admission = people.may(tx, steward("SDE"), Action.AGREE, PROJECT)
            matching.agree(tx, replace(run, completed_on=None), admission)
    with pytest.raises(Refused) as to_cut:
        resultant.cut(enclave.store, enclave.keystore, enclave.settings, made.admission("hubert", Action.CUT), run)
    assert [each.value.findings[0].rule for each in (to_agree, to_cut)] == ["match-of-others"] * 2
