"""Who withdrew consent is left out of what is cut later; what was cut before is said to hold them still."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from enclave import intake
from enclave.resultant import Delivery, delivery_of, open_table
from p20kit.project import open_project
from tests.conftest import At
from tests.journey.stages import all_files, complete, cut, hub_keys, match, send
from tests.world import FIRST_DAY, Installation


def linked(made: Installation) -> pd.DataFrame:
    """Give the true pairs: one row a person, with the generic identifiers of SDE and DOL."""
    truth = pd.read_parquet(made.agencies / "truth.0034.parquet")
    return truth.pivot(index="person", columns="agency", values="generic_id").dropna(subset=["SDE", "DOL"])


def withdrawn(made: Installation, agency: str, ids: list[str]) -> None:
    """Let an agency send a list, as it does, with the program's own commands."""
    plain = made.agencies / f"{agency}.0034.04_12_2022.withdrawn"
    plain.write_text("\n".join(["GenericID", *ids]) + "\n", "utf-8")
    send(made, plain)


def opened(made: Installation, to: Path) -> tuple[Delivery, dict[str, pd.DataFrame]]:
    """Open every delivered table."""
    to.mkdir()
    with made.enclave.store.view() as view:
        delivery = delivery_of(view, made.project)
    for table in delivery.tables:
        open_table(made.enclave.keystore, made.enclave.settings, delivery, table, to / table.name)
    return delivery, {table.name: pd.read_parquet(to / table.name) for table in delivery.tables}


def test_the_first_agencys_persons_and_the_others_records_are_left_out(at: At, tmp_path: Path) -> None:
    made = at("delivered")
    before, tables = opened(made, tmp_path / "before")
    crosswalk = tables["crosswalk"].dropna(subset=["DOL_GenericID"])
    gone, unlinked = crosswalk["SDE_GenericID"].iloc[0], crosswalk["DOL_GenericID"].iloc[1]
    stays = crosswalk["SDE_GenericID"].iloc[1]
    withdrawn(made, "SDE", [gone])
    withdrawn(made, "DOL", [unlinked])
    assert opened(made, tmp_path / "meanwhile")[0] == before and before.withdrawals == ()
    made.run("resultant", "cut", made.project, who="hubert")
    after, tables = opened(made, tmp_path / "after")
    crosswalk = tables["crosswalk"]
    assert after.persons == before.persons - 1
    assert gone not in set(crosswalk["SDE_GenericID"])
    assert crosswalk.loc[crosswalk["SDE_GenericID"] == stays, "DOL_GenericID"].isna().all()
    assert not set(tables["dol"]["P20ID"]) & set(crosswalk.loc[crosswalk["DOL_GenericID"].isna(), "P20ID"])
    with made.enclave.store.view() as view:
        assert after.withdrawals == tuple(held.id for held in intake.withdrawals(view, made.project))


def test_what_the_agencies_say_of_their_data_reaches_who_works_with_them(at: At) -> None:
    made = at("founded")
    said = "Middle names are missing before 2015."
    plain = made.agencies / "SDE.0034.04_11_2022.matching"
    out = made.root / "sent"
    made.run(
        "seal", plain, "--key", made.agencies / "keys" / "SDE.private.json", "--hub", hub_keys(made), "--project",
        made.project, "--as-of", FIRST_DAY, "--out", out, "--limitations", said, "--consent", "obtained",
        "--policies", made.enclave.settings.policies,
    )  # fmt: skip
    made.run("receive", out / f"{plain.name}.sealed", made.project, "--channel", "vpn", who="hubert")
    for stage in (all_files, match, complete, cut):
        stage(made)
    session = made.enclave.broker().admit("wren", made.project)
    project = open_project(session.folder / "project")
    assert [(one.owner, one.contents, one.text) for one in project.limitations] == [("SDE", "matching", said)]
    assert said in project._repr_html_()
