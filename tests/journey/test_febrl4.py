"""FEBRL 4, which nobody here made, through seal, intake, the approved notebook, agreement and cut."""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from benchmarks.linkage_ours import febrl
from enclave.resultant import delivery_of, open_table
from tests.journey.stages import agree, complete, cut, match, send
from tests.world import FIRST_DAY, Installation, write_rows, write_settings

POLICIES = Path(__file__).resolve().parents[1] / "golden" / "febrl4" / "policies"
METHODS = Path(__file__).resolve().parents[2] / "policies" / "matching_methods.yaml"
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"


def transmittal(made: Installation, agency: str, table: pd.DataFrame) -> dict[str, str]:
    """Write a file as its agency would, under generic identifiers; give which of them is which person."""
    draw = random.Random(f"febrl4 {agency}")
    ids = [f"{agency}-{''.join(draw.choices(LETTERS, k=16))}" for _ in range(len(table))]
    people = table["rec_id"].str.split("-").str[1]
    filed = table.drop(columns="rec_id")
    filed.insert(0, "GenericID", ids)
    rows = [list(filed.columns), *filed.sort_values("GenericID").to_numpy().tolist()]
    send(made, write_rows(made.agencies / f"{agency}.0004.04_11_2022.matching", rows))
    return dict(zip(ids, people, strict=True))


@pytest.fixture(scope="module")
def delivered(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[dict[str, pd.DataFrame], list[dict[str, str]]]]:
    """Go the whole way; give the delivered tables, and the truth of each file."""
    made = Installation(tmp_path_factory.mktemp("febrl4"), project="DR-0004")
    made.run("init", "--demo")
    own = made.agencies / "policies"
    shutil.copytree(POLICIES, own)
    shutil.copy(METHODS, own)
    write_settings(home=made.home, policies=own)
    made.run("today", FIRST_DAY)
    agree(made)
    for agency in ("SDE", "DOL"):
        made.run("keys", "new", agency, "--out", made.agencies / "keys")
        made.run("intake", "key", made.agencies / "keys" / f"{agency}.public.json", who="hubert")
    truth = [transmittal(made, agency, febrl(f"dataset4{letter}")) for agency, letter in (("SDE", "a"), ("DOL", "b"))]
    match(made)
    complete(made)
    cut(made)
    with made.enclave.store.view() as view:
        delivery = delivery_of(view, "DR-0004")
    for table in delivery.tables:
        open_table(made.enclave.keystore, made.enclave.settings, delivery, table, made.root / table.name)
    yield {table.name: pd.read_parquet(made.root / table.name) for table in delivery.tables}, truth
    made.close()


def test_precision_and_recall_are_at_least_99_per_cent(
    delivered: tuple[dict[str, pd.DataFrame], list[dict[str, str]]],
) -> None:
    tables, (left, right) = delivered
    links = tables["crosswalk"].dropna(subset=["DOL_GenericID"])
    right_ones = (links["SDE_GenericID"].map(left) == links["DOL_GenericID"].map(right)).sum()
    assert len(left) == len(right) == 5_000
    assert right_ones / len(links) >= 0.99
    assert right_ones / 5_000 >= 0.99


def test_only_the_state_is_delivered(delivered: tuple[dict[str, pd.DataFrame], list[dict[str, str]]]) -> None:
    tables, _ = delivered
    assert {name: list(table.columns) for name, table in tables.items()} == {
        "sde": ["P20ID", "state"],
        "dol": ["P20ID", "state"],
        "crosswalk": ["P20ID", "SDE_GenericID", "DOL_GenericID"],
    }
    assert len(tables["sde"]) == len(tables["crosswalk"]) == 5_000
    assert len(tables["dol"]) == tables["crosswalk"]["DOL_GenericID"].notna().sum()
