"""From `enclave init` to the proof of the ledger: what was delivered, shown, published and destroyed is as agreed."""

from __future__ import annotations

import json
import re
import shutil
from collections import Counter
from datetime import date
from html import escape
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from enclave.errors import Refused
from enclave.matching import latest
from enclave.resultant import delivery_of, open_table
from enclave.sandbox import Bubblewrap
from enclave.vault import LedgerKey, Seal
from tests.conftest import At
from tests.journey.stages import LAST_DAY, hub_keys, request_of
from tests.pdf import bars_of, beyond
from tests.world import CANARY, FIRST_DAY, Installation, canary_in, command, idle, rows_of

NO_WAGES = ("Hamden High School", "Manchester High School")
ACKNOWLEDGEMENT = (
    "This work would not be possible without data provided by the P20 WIN participating agencies. The findings do "
    "not necessarily reflect the opinions of the State of Connecticut or the organizations and agencies contributing "
    "data."
)


@pytest.fixture(scope="module")
def delivered(shared: At, tmp_path_factory: pytest.TempPathFactory) -> dict[str, pd.DataFrame]:
    """Open every delivered table, as the hub's keys do."""
    made, folder = shared("delivered"), tmp_path_factory.mktemp("opened")
    with made.enclave.store.view() as view:
        delivery = delivery_of(view, made.project)
    for table in delivery.tables:
        open_table(made.enclave.keystore, made.enclave.settings, delivery, table, folder / table.name)
    return {table.name: pd.read_parquet(folder / table.name) for table in delivery.tables}


def test_the_journey_leaves_one_proven_ledger(shared: At) -> None:
    made = shared("destroyed")
    steps = [
        "enclave.init", "agreement.register", "people.enlist", "intake.receive", "match.begin", "match.run",
        "match.complete", "resultant.deliver", "session.open", "egress.request", "egress.clear", "review.open",
        "publication.begin", "publication.done", "session.close", "destruction.done",
    ]  # fmt: skip
    actions = made.actions()
    places = [actions.index(step) for step in steps]
    assert places == sorted(places)
    assert actions.count("review.confirm") >= 1
    assert made.verified() == len(actions)


def test_the_match_finds_who_is_the_same(shared: At, delivered: dict[str, pd.DataFrame]) -> None:
    truth = pd.read_parquet(shared("delivered").agencies / "truth.0034.parquet")
    same = truth.pivot(index="person", columns="agency", values="generic_id").dropna(subset=["SDE", "DOL"])
    both = dict(zip(same["SDE"], same["DOL"], strict=True))
    crosswalk = delivered["crosswalk"]
    schools = delivered["sde"].set_index("P20ID")["LastReportingSchoolName"]
    asked = crosswalk[~crosswalk["P20ID"].map(schools).isin(NO_WAGES)]
    linked = asked.dropna(subset=["DOL_GenericID"])
    right = (linked["SDE_GenericID"].map(both) == linked["DOL_GenericID"]).sum()
    assert right / len(linked) >= 0.97
    assert right / asked["SDE_GenericID"].isin(both).sum() >= 0.9


def test_the_last_agreement_completes_the_match_and_starts_the_clock(shared: At) -> None:
    made = shared("agreed")
    with made.enclave.store.view() as view:
        run = latest(view, made.project)
    assert set(run.agreements) == set(made.policy().signatories)
    # ten business days after Monday, April 11: the 15th is Good Friday
    assert (run.completed_on, run.delete_by) == (FIRST_DAY, date(2022, 4, 26))
    assert made.actions("match.") == ["match.begin", "match.run", *4 * ["match.agree"], "match.complete"]
    due = made.run("destruction", "due", "--json").body
    assert ("DSA III.F.3", "2022-04-26") in {(row["clause"], row["due"]) for row in due}


def test_no_identifier_is_delivered(shared: At, delivered: dict[str, pd.DataFrame]) -> None:
    made = shared("delivered")
    elements = made.policy().agreement.elements
    numbers = {row[1] for agency in ("SDE", "DOL") for row in files(made, agency)[1:]} - {""}
    assert CANARY.ssn in numbers and CANARY.sasid in numbers
    for name, frame in delivered.items():
        assert not {e.name for e in elements.get(name.upper(), ()) if e.matching} & set(frame.columns), name
        for column in frame:
            values = set(frame[column].dropna().astype(str))
            assert not values & numbers, f"{name}.{column}"
            assert not {v for v in values if any(word in v.lower() for word in CANARY.words)}, f"{name}.{column}"


def files(made: Installation, agency: str) -> list[list[str]]:
    return rows_of(made.agencies / f"{agency}.0034.04_11_2022.matching")


def test_two_schools_have_no_wages(delivered: dict[str, pd.DataFrame]) -> None:
    sde, dol, crosswalk = delivered["sde"], delivered["dol"], delivered["crosswalk"]
    theirs = set(sde[sde["LastReportingSchoolName"].isin(NO_WAGES)]["P20ID"])
    assert len(theirs) > 20
    assert not theirs & set(dol["P20ID"])
    assert set(dol["P20ID"]) <= set(sde["P20ID"])
    # Whether somebody has wages at all is Confidential UC Information too (DSA I).
    assert crosswalk[crosswalk["P20ID"].isin(theirs)]["DOL_GenericID"].isna().all()
    assert crosswalk["DOL_GenericID"].notna().sum() > 100


def test_one_row_is_one_student_and_ids_say_nothing(delivered: dict[str, pd.DataFrame]) -> None:
    sde, crosswalk = delivered["sde"], delivered["crosswalk"]
    assert sde["P20ID"].is_unique and set(sde["P20ID"]) == set(crosswalk["P20ID"])
    assert crosswalk["SDE_GenericID"].is_unique
    assert sde["P20ID"].str.fullmatch("P[A-Z2-7]{16}").all()
    in_order = crosswalk.sort_values("P20ID")["SDE_GenericID"].rank()
    assert abs(in_order.reset_index(drop=True).corr(pd.Series(range(len(in_order)), dtype=float))) < 0.2


def test_who_is_not_of_the_government_sees_no_wage_record(shared: At) -> None:
    made = shared("asked")
    with made.enclave.store.view() as view:
        delivery = delivery_of(view, made.project)
    hidden = {(table.name, column.name) for table in delivery.tables for column in table.columns if column.uc}
    assert ("dol", "QuarterlyWages") in hidden and ("crosswalk", "DOL_GenericID") in hidden
    wren = mounted(made, "wren")
    assert not {(table, column) for table, columns in wren.items() for column in columns} & hidden
    assert project_json(made, "wren")["policy"]["minimum_employers"] == made.policy().cells.minimum_employers
    assert "dol" not in wren and "QuarterlyWages" not in project_json(made, "wren")["tables"].get("dol", {})
    made.enclave.broker().admit("grace", made.project)
    assert set(mounted(made, "grace")["dol"]) >= {"P20ID", "QuarterlyWages", "EmployerNAICS"}
    made.enclave.broker().release("dr-0034-grace")


def mounted(made: Installation, person: str) -> dict[str, list[str]]:
    folder = session(made, person) / "data"
    return {path.stem: list(pd.read_parquet(path).columns) for path in folder.glob("*.parquet")}


def project_json(made: Installation, person: str) -> Any:
    return json.loads((session(made, person) / "project.json").read_text("utf-8"))


def session(made: Installation, person: str) -> Path:
    return made.enclave.settings.runtime / "sessions" / f"dr-0034-{person}" / "project"


@pytest.mark.parametrize("stage", ["matched", "asked", "published", "destroyed"])
def test_the_canary_is_nowhere_in_the_open(shared: At, stage: str) -> None:
    made = shared(stage)
    assert list(canary_in(made.agencies)), "nobody was planted: this proves nothing"
    with made.enclave.store.view() as view:
        assert made.actions() and not [b for b in view.bodies() if any(w in b.lower() for w in CANARY.words)]
    assert list(canary_in(made.home)) == []
    assert list(canary_in(made.enclave.settings.runtime)) == []
    transcript = (made.root / "transcript.txt").read_text("utf-8").lower()
    assert transcript and not [word for word in CANARY.words if word in transcript]


def test_the_match_report_is_kept_and_shows_no_person(shared: At) -> None:
    made = shared("matched")
    report = made.home / "reports" / "DR-0034" / "match-01" / "match-report.html"
    page = report.read_text("utf-8")
    numbers = {row[1] for agency in ("SDE", "DOL") for row in files(made, agency)[1:]}
    ids = {row[0] for agency in ("SDE", "DOL") for row in files(made, agency)[1:]}
    assert not [value for value in numbers | ids if value and value in page]


def test_the_package_is_signed_and_acknowledges(shared: At, tmp_path: Path) -> None:
    made = shared("published")
    package = made.home / "published" / f"DR-0034-{request_of(made)}"
    archive = package.with_name(f"{package.name}.zip")
    for path in (package, archive):
        assert command("publication", "verify", path, "--hub", hub_keys(made)).code == 0
    manifest = json.loads((package / "manifest.json").read_text("utf-8"))
    assert manifest["acknowledgement"] == ACKNOWLEDGEMENT
    assert ACKNOWLEDGEMENT in " ".join((package / "README.txt").read_text("utf-8").split())
    assert ACKNOWLEDGEMENT in (package / "README.html").read_text("utf-8")
    tables = [path for path in sorted((package / "results").glob("*.csv")) if not path.name.endswith("codebook.csv")]
    counts = [n for path in tables for n in shown_counts(path)]
    assert counts and min(counts) >= 6

    altered = tmp_path / "altered"
    shutil.copytree(package, altered)
    csv = next((altered / "results").glob("*.csv"))
    csv.write_bytes(csv.read_bytes().replace(b"\n", b" \n", 1))
    said = command("publication", "verify", altered, "--hub", hub_keys(made), "--json")
    assert (said.code, said.rules) == (3, ["package-files"])
    other = made.agencies / "keys" / "SDE.public.json"
    assert command("publication", "verify", package, "--hub", other).code == 3


def shown_counts(path: Path) -> list[int]:
    frame = pd.read_csv(path, comment="#")
    return [int(n) for n in pd.to_numeric(frame["count"], errors="coerce").dropna()]


def test_an_edited_cut_or_reordered_ledger_is_refused(shared: At, tmp_path: Path) -> None:
    made = shared("destroyed")
    made.verified()
    lines = (made.root / "ledger.jsonl").read_text("utf-8").splitlines()
    forged = {
        "edited": [*lines[:20], lines[20].replace('"outcome":"done"', '"outcome":"DONE"'), *lines[21:]],
        "cut": [*lines[:20], *lines[21:]],
        "cut short": [*lines[:-3], lines[-1]],
        "reordered": [*lines[:20], lines[21], lines[20], *lines[22:]],
        "repeated": [*lines[:-1], lines[-2], lines[-1]],
        "unsigned": lines[:-1],
    }
    for what, text in forged.items():
        assert text != lines, what
        path = tmp_path / f"{what}.jsonl"
        path.write_text("\n".join(text) + "\n", "utf-8")
        assert command("ledger", "verify", path, "--key", made.root / "ledger.pub").code == 3, what
    other = LedgerKey.open(tmp_path, "p20win-enclave/ledger")
    key = other.verifier.line
    assert command("ledger", "verify", made.root / "ledger.jsonl", "--key", key).code == 3


def test_destroyed_match_data_cannot_be_opened_again(at: At, tmp_path: Path) -> None:
    made = at("published")
    with made.enclave.store.view() as view:
        run = latest(view, made.project)
    crosswalk = made.enclave.settings.sealed / "match-DR-0034" / "match-01.crosswalk"
    stolen = tmp_path / "stolen.crosswalk"
    seal = Seal(stolen, "match-DR-0034", "DR-0034|match-01|crosswalk", run.crosswalk_sha256)
    shutil.copyfile(crosswalk, stolen)
    made.enclave.keystore.unseal(seal, tmp_path / "before")

    made.run("destruction", "match-data", "DR-0034", who="hubert")
    assert not crosswalk.exists()
    with pytest.raises(Refused, match="destroyed"):
        made.enclave.keystore.unseal(seal, tmp_path / "after")
    assert not (tmp_path / "after").exists()
    again = made.run("destruction", "match-data", "DR-0034", "--json", who="hubert", code=3)
    assert again.rules == ["destroyed"]
    assert made.verified() == len(made.actions())


def test_destruction_ends_the_sessions_that_run(at: At) -> None:
    made = at("asked")
    sandboxes = Bubblewrap(made.enclave.settings.runtime)
    running = sandboxes.start(idle(made, "wren"))
    made.today(LAST_DAY)
    made.run("destruction", "project", "DR-0034", who="hubert")
    running.wait(60)
    assert not session(made, "wren").exists()
    assert list(made.enclave.settings.runtime.rglob("*.parquet")) == []


def test_after_the_end_only_the_ledger_certificates_and_packages_are_left(shared: At) -> None:
    made = shared("destroyed")
    sealed = made.enclave.settings.sealed
    left = {path.relative_to(sealed) for path in sealed.rglob("*") if path.is_file()}
    assert {path for path in left if path.parts[0] != "papers"} == {Path("wraps/papers.wrap")}
    assert not [path for path in (made.home / "keys").iterdir() if "DR-0034" in path.name]
    assert (made.home / "certificates" / "DR-0034-project-1.html").exists()
    assert command("publication", "verify", next((made.home / "published").glob("*.zip")),
                   "--hub", hub_keys(made)).code == 0  # fmt: skip
    for again in ("match-data", "project"):
        assert made.run("destruction", again, "DR-0034", "--json", who="hubert", code=3).rules == ["destroyed"]
    with pytest.raises(Refused):
        made.enclave.broker().admit("wren", made.project)
    assert not list((made.home / "published").glob(f"*{request_of(made, 'few')}*"))


def test_the_report_of_the_year_says_who_is_linked_and_what_stays_hidden(shared: At, tmp_path: Path) -> None:
    made, path = shared("published"), tmp_path / "out" / "p20-win-2022.html"
    said = made.run("report", "year", 2022, "--out", path.parent, "--json", who="olga").body
    linked = {each["grouping"]: {g["name"]: g for g in each["groups"]} for each in said["linked"]}
    assert said["matches"] and linked["Gender"].keys() == {"F", "M", "U"}
    (sent,) = made.agencies.glob("SDE.*.matching")
    header, *rows = rows_of(sent)
    sexes = Counter(row[header.index("Gender")] for row in rows)
    assert all(g["of"] in (None, sexes[name]) for name, g in linked["Gender"].items())
    assert 0.3 < linked["Gender"]["M"]["share"] < 0.9
    (file,) = (made.home / "published").glob("*/results/*_1.csv")
    cells = pd.read_csv(file)
    found = next(each for each in said["hidden"] if each["where"] == file.stem)
    by = cells[cells[found["grouping"]] != "Total"].groupby(found["grouping"])["status"]
    shares = by.agg(lambda status: (status == "hidden").mean()).to_dict()
    assert {g["name"]: g["share"] for g in found["groups"]} == pytest.approx(shares) and max(shares.values()) > 0
    (timing,) = (t for t in said["timings"] if t["what"].startswith("from the release asked for"))
    assert (timing["cases"], timing["longest"]) == (1, (date.fromisoformat(said["today"]) - FIRST_DAY).days)
    text = path.read_text("utf-8")
    assert not re.search(r"(src|href)=|https?:", text) and not any(word in text for word in CANARY.words)
    assert all(escape(g["name"]) in text for each in said["linked"] + said["hidden"] for g in each["groups"])
    printed = path.with_suffix(".pdf").read_bytes()
    assert beyond(printed, text, f"P20 WIN in 2022, as of {said['today']}") == ""
    assert len(bars_of(printed)) == text.count("<rect") > 12
