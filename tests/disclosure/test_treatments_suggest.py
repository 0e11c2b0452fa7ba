"""`suggest`: every treatment tried, attacked and compared."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import p20kit
from p20kit import CellPolicy, Count, Table, tabulate
from p20kit.errors import TableInvalid
from p20kit.treatments import Suggestions, suggest
from tests.disclosure.spelled import counts, people

ZEROS_SHOWN = CellPolicy(zeros="shown")
METHODS = {"suppression", "ranges", "collapse", "rounding", "controlled rounding", "noise", "sampling"}


def a_table() -> Table:
    generator = np.random.default_rng(3)
    cells = {(f"x{i}", f"y{j}"): int(generator.poisson(8)) for i in range(5) for j in range(4)}
    return tabulate(people(cells, ["x", "y"]), ["x", "y"])


@pytest.fixture(scope="module")
def compared() -> Suggestions:
    return suggest(a_table(), ZEROS_SHOWN)


def test_every_method_is_tried_and_attacked(compared: Suggestions) -> None:
    assert {entry.method for entry in compared.entries} == METHODS
    assert all(entry.audit is not None for entry in compared.entries)


def test_what_the_attack_broke_is_marked_and_comes_after_what_it_did_not(compared: Suggestions) -> None:
    frame = compared.to_frame()
    verdicts = dict(zip(frame["method"], frame["verdict"], strict=True))
    assert verdicts["rounding"] == "unsafe"
    assert all(verdict == "nothing found" for method, verdict in verdicts.items() if method != "rounding")
    assert frame["verdict"].tolist() == ["nothing found"] * 6 + ["unsafe"]
    assert frame["findings"].iloc[-1] > 0 and "follows to lie between" in frame["remark"].iloc[-1]


def test_the_best_is_the_one_that_loses_least_among_the_safe(compared: Suggestions) -> None:
    frame = compared.to_frame()
    safe = frame[frame["verdict"] == "nothing found"]
    assert compared.best is not None
    assert compared.best.method == safe.loc[safe["bits"].idxmin(), "method"] == "ranges"
    assert safe["bits"].is_monotonic_increasing


def test_the_same_table_gives_the_same_comparison(compared: Suggestions) -> None:
    pd.testing.assert_frame_equal(compared.to_frame(), suggest(a_table(), ZEROS_SHOWN).to_frame())


def test_a_method_that_cannot_be_tried_says_why() -> None:
    frame = suggest(counts("  | a | b \n N | 4 | 40 \n S | 31 | 29"), ZEROS_SHOWN).to_frame().set_index("method")
    skipped = frame[frame["verdict"] == "skipped"]
    assert set(skipped.index) == {"noise", "sampling"}
    assert skipped["remark"].str.contains("persons are not known").all()
    assert skipped["bits"].isna().all()


def test_an_earlier_release_that_gives_everything_away_leaves_nothing_to_suggest() -> None:
    table = counts("  | a | b \n N | 4 | 40 \n S | 31 | 29")
    compared = suggest(table, ZEROS_SHOWN, earlier=[table])
    assert compared.best is None
    assert "nothing found" not in set(compared.to_frame()["verdict"])


def test_a_table_too_large_for_the_dense_methods_says_so() -> None:
    big = Table.from_counts(
        pd.DataFrame(
            {"x": [f"x{i // 120}" for i in range(13_200)], "y": [f"y{i % 120}" for i in range(13_200)], "n": 9}
        ),
        ["x", "y"],
    )
    frame = suggest(big, ZEROS_SHOWN).to_frame().set_index("method")
    assert frame.loc["suppression", "verdict"] == "nothing found"
    assert (
        frame.loc[["ranges", "rounding", "controlled rounding", "noise", "sampling"], "verdict"] == "skipped"
    ).all()
    assert "over the limit of 12000" in frame.loc["noise", "remark"]


def test_too_many_cells_nothing_and_other_measures_are_refused() -> None:
    big = Table.from_counts(
        pd.DataFrame(
            {"x": [f"x{i // 250}" for i in range(62_500)], "y": [f"y{i % 250}" for i in range(62_500)], "n": 9}
        ),
        ["x", "y"],
    )
    with pytest.raises(TableInvalid, match="over the limit of 60000"):
        suggest(big, ZEROS_SHOWN)
    with pytest.raises(TableInvalid, match="no tables"):
        suggest([], ZEROS_SHOWN)
    two = Table(**{**vars(a_table()), "measures": (Count(), Count())})
    with pytest.raises(TableInvalid, match="more than counts"):
        suggest(two, ZEROS_SHOWN)


def test_it_reads_well_in_a_notebook_and_tells_no_seed(compared: Suggestions) -> None:
    page = compared._repr_html_()
    assert "<table" in page and "DSA III.G.2.a" in page
    assert all(method in page for method in METHODS)
    assert "suppression: nothing found" in repr(compared)
    treated = compared.entries[0].treated
    assert treated is not None and "<table" in treated._repr_html_()


def test_the_treatments_are_a_room_of_p20kit() -> None:
    assert p20kit.treatments.suggest is suggest
    assert "treatments" in dir(p20kit)
