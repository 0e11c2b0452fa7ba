"""What a rate, mean, total and quantile come to in every cell, margins and parents included: DSA III.G.2.b."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from p20kit.errors import TableInvalid
from p20kit.measures import Mean, Median, Quantile, Rate, Total
from tests.disclosure.measured import measured, persons

TOWNS = {"town": {"Avon": "Hartford", "Bolton": "Tolland", "Canton": "Hartford"}}


def by_town() -> pd.DataFrame:
    values = {("Avon",): [10.0, 20.0, 60.0], ("Bolton",): [5.0, None], ("Canton",): [40.0]}
    return persons(values, ["town"], "wage")


def test_every_figure_in_towns_counties_and_the_state() -> None:
    table = measured(
        by_town(), ["town"], Mean("wage"), Total("wage"), Median("wage"), Quantile("wage", 0.25), hierarchies=TOWNS
    )
    assert table.dimensions[0].codes == ("Avon", "Bolton", "Canton", "Hartford", "Tolland", "Total")
    mean, total = table.figures["mean wage"], table.figures["total wage"]
    assert table.counts.tolist() == [3, 2, 1, 4, 2, 6]
    assert total.base.tolist() == [3, 1, 1, 4, 1, 5]
    assert total.value.tolist() == [90, 5, 40, 130, 5, 135]
    assert mean.value.tolist() == [30, 5, 40, 32.5, 5, 27]
    assert (mean.largest is not None and mean.second is not None) is True
    assert total.largest is not None and total.largest.tolist() == [60, 5, 40, 60, 5, 60]
    assert total.second is not None and total.second.tolist() == [20, 0, 0, 40, 0, 40]
    assert table.figures["median wage"].value.tolist() == [20, 5, 40, 30, 5, 20]
    assert table.figures["quantile 0.25 wage"].value.tolist() == [15, 5, 40, 17.5, 5, 10]


def test_a_rate_stands_on_those_with_a_value() -> None:
    frame = persons(
        {("N", "F"): ["Yes", "No", None], ("S", "F"): ["Yes"], ("S", "M"): [None]}, ["area", "sex"], "works"
    )
    figure = measured(frame, ["area", "sex"], Rate("works", "Yes")).figures["rate works=Yes"]
    assert figure.part is not None
    assert figure.part.tolist() == [[1, 0, 1], [1, 0, 1], [2, 0, 2]]
    assert figure.base.tolist() == [[2, 0, 2], [1, 0, 1], [3, 0, 3]]
    assert figure.value[:, 2].round(2).tolist() == [50, 100, 66.67]
    assert np.isnan(figure.value[0, 1])


def test_employers_are_distinct_in_every_margin_and_are_the_contributors() -> None:
    rows = [
        ("P1", "N", "acme", 10.0), ("P1", "N", "bolt", 5.0), ("P2", "N", "acme", 20.0),
        ("P3", "S", "acme", 7.0), ("P3", "S", "coil", 1.0), ("P4", "S", "dune", None),
    ]  # fmt: skip
    frame = pd.DataFrame(rows, columns=["P20ID", "area", "employer", "wage"])
    table = measured(frame, ["area"], Total("wage"), Median("wage"), employer="employer")
    total, everyone = table.figures["total wage"], table.figures["count"]
    assert everyone.employers is not None and everyone.employers.tolist() == [2, 3, 4]
    assert total.employers is not None and total.employers.tolist() == [2, 2, 3]
    assert total.base.tolist() == [2, 1, 3]
    assert total.value.tolist() == [35, 8, 43]
    assert total.largest is not None and total.largest.tolist() == [30, 7, 37]
    assert total.second is not None and total.second.tolist() == [5, 1, 5]
    # a person's wages with two employers are one amount: 15, 20 and 8
    assert table.figures["median wage"].value.tolist() == [17.5, 8, 15]


@pytest.mark.parametrize(
    ("measure", "says"),
    [
        (Rate("note", "Total"), "Rename the category"),
        (Mean("town"), "Rename the column"),
        (Total("change"), "6 amounts are below zero"),
    ],
)
def test_measures_that_make_no_sense_are_refused(measure: Total | Mean | Rate, says: str) -> None:
    frame = by_town().assign(note="many", change=-1.0).rename(columns={"town": "mean town"}).assign(town=1.0)
    with pytest.raises(TableInvalid, match=says):
        measured(frame, ["mean town"], measure)
