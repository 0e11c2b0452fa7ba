"""Cumulative shares: two of one base give the group between their points, so these groups are protected."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from p20kit import CellPolicy, CumulativeShare, Rate, Table, audit, chart, protect, tabulate
from p20kit.companions import companions
from p20kit.errors import ChartInvalid, TableInvalid, Unprotectable
from p20kit.layers import barred_figures
from p20kit.protection import Protected
from p20kit.treatments import fewer_points
from tests.disclosure.adversary import Reader, from_shares
from tests.disclosure.measured import exposed, measured

STRICT, ZEROS_SHOWN = CellPolicy(), CellPolicy(zeros="shown")
POINTS = ("1", "2", "3")
ALONG = CumulativeShare.along("quarter", POINTS)
LABELS = [share.label for share in ALONG]


def first_employed(**areas: list[int]) -> pd.DataFrame:
    """Invent people by area: how many were first employed in the first quarter, the second and so on, and never."""
    rows = [
        (area, quarter)
        for area, counts in areas.items()
        for quarter, count in zip([*map(str, range(1, len(counts))), "never"], counts, strict=True)
        for _ in range(count)
    ]
    frame = pd.DataFrame(rows, columns=["area", "quarter"])
    frame.insert(0, "P20ID", [f"P{i:06d}" for i in range(len(frame))])
    return frame


def shares(frame: pd.DataFrame, *which: CumulativeShare, by: str = "area", name: str = "table") -> Table:
    return measured(frame, [by], *(which or ALONG), name=name)


def shown(table: Table, policy: CellPolicy = STRICT, *earlier: Protected) -> pd.DataFrame:
    return protect(table, policy, earlier).to_frame().set_index(list(table.by))[LABELS]


def in_full(table: Table, policy: CellPolicy = STRICT) -> Protected:
    everything = np.ones(table.counts.shape, dtype=bool)
    return Protected((table,), (everything,), policy, (dict.fromkeys(table.figures, everything),))


def test_shares_add_up_from_the_first_point_to_the_last() -> None:
    # of 60: 12, 12 + 10, 12 + 10 + 20; of 80: 20, 40, 60; of 140: 32, 62, 102
    found = shown(shares(first_employed(N=[12, 10, 20, 18], S=[20, 20, 20, 20])))
    assert found.loc["N"].tolist() == [20.0, 36.7, 70.0]
    assert found.loc["S"].tolist() == [25.0, 50.0, 75.0]
    assert found.loc["Total"].tolist() == [22.9, 44.3, 72.9]


def test_a_person_without_a_value_is_not_in_the_base() -> None:
    frame = first_employed(N=[12, 10, 20, 18], S=[20, 20, 20, 20])
    frame.loc[frame.index[52:60], "quarter"] = None
    # 8 of those never employed have no value: 12 of 52
    assert shown(shares(frame)).loc["N", LABELS[0]] == 23.1


def test_three_people_between_two_points_are_not_told_by_the_shares_of_both() -> None:
    frame = first_employed(N=[12, 3, 20, 25], S=[30, 20, 10, 40], E=[30, 22, 11, 40])
    found = shown(shares(frame))
    assert found.loc["N", LABELS[:2]].isna().any() and pd.notna(found.loc["N", LABELS[2]])
    # nor by those of all less those of the other areas
    for label in LABELS[:2]:
        assert found[label].isna().sum() != 1
    assert exposed(protect(shares(frame), STRICT).disclosed()) == []


@pytest.mark.parametrize(("counts", "lost"), [([30, 20, 20, 4], 2), ([4, 30, 20, 20], 0)])
def test_too_few_before_the_first_point_or_after_the_last_hide_that_share(counts: list[int], lost: int) -> None:
    found = shown(shares(first_employed(N=counts, S=[30, 20, 10, 40], E=[30, 22, 11, 40])))
    assert found.loc["N"].isna().tolist() == [at == lost for at in range(3)]


@pytest.mark.parametrize(("counts", "barred"), [([30, 20, 20, 5], 2), ([5, 30, 20, 20], 0), ([30, 20, 20, 6], None)])
def test_the_gate_bars_a_share_of_too_few_by_itself(counts: list[int], barred: int | None) -> None:
    table = shares(first_employed(N=counts, S=[30, 20, 10, 40]))
    found = [bool(barred_figures(table, label, STRICT)[0]) for label in LABELS]
    assert found == [at == barred for at in range(3)]


def test_a_group_between_points_that_are_not_next_to_each_other_is_protected_too() -> None:
    """3 and 2 people lie between the first point and the third; the second is not asked for."""
    frame = first_employed(N=[20, 3, 2, 25], S=[30, 20, 10, 40], E=[30, 22, 11, 40])
    found = protect(shares(frame, ALONG[0], ALONG[2]), STRICT).to_frame().set_index("area")
    assert found.loc["N", [LABELS[0], LABELS[2]]].isna().any()


def test_nobody_between_two_points_is_told_only_where_zeros_are() -> None:
    frame = first_employed(N=[20, 0, 20, 20], S=[30, 20, 10, 40], E=[30, 22, 11, 40])
    assert shown(shares(frame)).loc["N", LABELS[:2]].isna().any()
    assert shown(shares(frame), ZEROS_SHOWN).loc["N"].tolist() == [33.3, 33.3, 66.7]


def test_shares_up_to_other_points_in_a_later_release_are_held_against_the_earlier_ones() -> None:
    frame = first_employed(N=[20, 3, 20, 25], S=[30, 20, 10, 40], E=[30, 22, 11, 40])
    first = protect(shares(frame, ALONG[0], name="first"), STRICT)
    later = protect(shares(frame, ALONG[1], name="later"), STRICT, [first]).to_frame().set_index("area")
    assert pd.isna(later.loc["N", LABELS[1]])
    careless = in_full(shares(frame, ALONG[1], name="later"))
    found = audit(careless, STRICT, [first]).findings
    assert any("area=N" in finding.where for finding in found)


def test_counts_of_the_same_points_in_a_later_table_do_not_give_the_group_between() -> None:
    frame = first_employed(N=[20, 3, 20, 25], S=[30, 20, 10, 40], E=[30, 22, 11, 40])
    first = protect(shares(frame, ALONG[0], name="first"), STRICT)
    frame["by second"] = frame["quarter"].isin(["1", "2"]).map({True: "yes", False: "no"})
    table = tabulate(frame, ["area", "by second"], name="counts")
    later = protect(table, STRICT, [first]).to_frame().set_index(["area", "by second"])
    assert pd.isna(later.loc[("N", "yes"), "count"])


def test_rounding_does_not_blur_a_small_step_in_one_release_or_in_two() -> None:
    # 300 and 303 of 3,000 are 10.0 and 10.1 %: 299 to 301, and 302 to 304, so 1 to 5 lie between
    frame = first_employed(N=[300, 3, 1000, 1697], S=[300, 200, 1000, 1500], E=[310, 210, 1000, 1480])
    together = shares(frame)
    assert shown(together).loc["N", LABELS[:2]].isna().any()
    assert any("area=N" in finding.where for finding in audit(in_full(together), STRICT).findings)
    one, other = (shares(frame, share, name=share.to) for share in ALONG[:2])
    assert audit(in_full(one), STRICT).findings == ()
    assert any("area=N" in finding.where for finding in audit(in_full(other), STRICT, [in_full(one)]).findings)


def test_what_an_earlier_release_gives_away_is_refused() -> None:
    frame = first_employed(N=[12, 3, 20, 25], S=[30, 20, 10, 40])
    with pytest.raises(Unprotectable, match="area=N"):
        protect(shares(frame, name="again"), STRICT, [in_full(shares(frame, name="careless"))])


def test_a_rate_of_one_point_beside_the_shares_is_of_the_same_people() -> None:
    frame = first_employed(N=[12, 9, 20, 25], S=[30, 20, 3, 40], E=[30, 22, 11, 40])
    table = measured(frame, ["area"], *ALONG, Rate("quarter", "3"), Rate("quarter", "2"))
    protected = protect(table, STRICT)
    assert exposed(protected.disclosed()) == []
    assert protected.to_frame().set_index("area")["rate quarter=2"].notna().any()


def test_a_category_may_be_called_as_a_side_of_a_share_is() -> None:
    frame = first_employed(N=[12, 9, 20, 25], S=[30, 20, 13, 40]).replace({"quarter": {"2": "after 1"}})
    along = CumulativeShare.along("quarter", ["1", "after 1", "3"])
    protected = protect(measured(frame, ["area"], *along, Rate("quarter", "after 1")), STRICT)
    found = protected.to_frame().set_index("area")
    assert found.loc["N"].iloc[2:].tolist() == [18.2, 31.8, 62.1, 13.6]
    (behind,) = companions(protected.tables[0])
    assert len(set(behind.table.labels)) == len(behind.table.labels)  # a finding names one group
    assert audit(protected, STRICT).findings == ()


@pytest.mark.parametrize(("order", "to"), [(("1", "2"), "3"), (("1", "2", "1"), "2"), ((), "1")])
def test_what_is_no_order_is_refused(order: tuple[str, ...], to: str) -> None:
    with pytest.raises(TableInvalid, match="named twice, or the share is up to none"):
        CumulativeShare("quarter", order, to)


def test_a_point_with_a_name_that_is_kept_is_refused() -> None:
    with pytest.raises(TableInvalid, match="other values"):
        shares(first_employed(N=[30, 30]), *CumulativeShare.along("quarter", ["1", "other values"]))


# --- fewer points --------------------------------------------------------------------------------------------------


def test_fewer_points_keep_the_most_of_which_nothing_has_to_be_hidden() -> None:
    # between 1 and 2 lie three people of the north, between 3 and 4 two of the south
    frame = first_employed(N=[12, 3, 20, 9, 25], S=[30, 20, 10, 2, 40])
    along = CumulativeShare.along("quarter", ["1", "2", "3", "4"])
    coarser = fewer_points(shares(frame, *along), STRICT)
    assert len(coarser.measures) == 3 and set(coarser.measures) < {*shares(frame, *along).measures}
    protected = protect(coarser, STRICT)
    assert protected.to_frame().notna().all().all() and audit(protected, STRICT).findings == ()
    assert protect(shares(frame, *along), STRICT).to_frame().isna().any().any()


@pytest.mark.parametrize(("counts", "dropped"), [([30, 20, 20, 3], LABELS[2]), ([3, 30, 20, 20], LABELS[0])])
def test_a_point_with_too_few_beyond_it_is_left_out(counts: list[int], dropped: str) -> None:
    table = shares(first_employed(N=counts, S=[30, 20, 10, 40]))
    kept = {measure.label for measure in fewer_points(table, STRICT).measures}
    assert kept == {measure.label for measure in table.measures} - {dropped}


def test_where_no_points_do_the_fewest_groups_are_left_too_small() -> None:
    # four people are employed at all, whatever the point
    frame = first_employed(N=[2, 2, 40], S=[30, 20, 40])
    coarser = fewer_points(shares(frame, *CumulativeShare.along("quarter", ["1", "2"])), STRICT)
    assert len(coarser.measures) == 2


def test_a_cell_on_which_no_share_stands_costs_no_point() -> None:
    frame = first_employed(N=[6, 1, 6, 6], S=[30, 20, 10, 40], E=[30, 22, 11, 40])
    assert len(fewer_points(shares(frame), STRICT).measures) == 4


def test_a_table_without_shares_has_no_points_to_leave_out() -> None:
    with pytest.raises(TableInvalid, match="has no cumulative shares"):
        fewer_points(tabulate(first_employed(N=[30, 30]), ["area"]), STRICT)


# --- an attacker who knows nothing of ours -------------------------------------------------------------------------


def invented(seed: int) -> tuple[pd.DataFrame, CellPolicy]:
    generator = np.random.default_rng(seed)
    n = int(generator.integers(90, 420))
    frame = pd.DataFrame(
        {
            "P20ID": [f"P{i:05d}" for i in range(n)],
            "area": generator.choice(list("pqr"), n, p=[0.55, 0.3, 0.15]),
            "sex": generator.choice(list("FM"), n, p=[0.7, 0.3]),
            "quarter": generator.choice(["1", "2", "3", "4", "never"], n, p=[0.35, 0.06, 0.2, 0.05, 0.34]),
        }
    )
    return frame, CellPolicy(zeros="shown" if seed % 2 else "hidden")


def worked_out(frame: pd.DataFrame, *releases: Protected) -> dict[tuple[str, ...], int]:
    """Attack releases by their published copies: which hidden groups follow to be too few, and how few."""
    read = [from_shares(each.to_published(), "quarter", ("1", "2", "3", "4"), "never") for each in releases]
    reader = Reader([table for table, _ in read], read[0][1])
    smallest = 0 if releases[0].policy.hides_zeros else 1
    found = {}
    for (table, _), sums in zip(read, reader.sums, strict=True):
        for codes, atoms in zip(table.codes, sums, strict=True):
            held = persons(frame, table.by, codes)
            most = reader.most(atoms[None, :], 6)[0] if held is not None and smallest <= held < 6 else 6
            found |= {codes: int(most)} if most < 6 else {}
    return found


def persons(frame: pd.DataFrame, by: list[str], codes: tuple[str, ...]) -> int | None:
    """Count the persons of a cell; None of one that is up to a point."""
    if codes[-1].startswith("up to"):
        return None
    for column, code in zip(by, codes, strict=True):
        frame = frame if code == "Total" else frame[frame[column] == code]
    return len(frame)


@pytest.mark.parametrize("seed", range(8))
def test_random_shares_withstand_an_attacker_who_reads_the_published_copies(seed: int) -> None:
    frame, policy = invented(seed)
    along = CumulativeShare.along("quarter", ["1", "2", "3", "4"])
    first = protect(measured(frame, ["area"], along[0], along[2], name="first"), policy)
    second = protect(measured(frame, ["area", "sex"], *along, name="second"), policy, [first])
    assert worked_out(frame, first, second) == {}
    displayed = second.measured[0]
    hidden = [(label, flat) for label, mask in displayed.items() for flat in np.flatnonzero(~mask)]
    assert hidden and any(mask.any() for mask in displayed.values())


def test_the_attacker_finds_shares_that_were_not_protected() -> None:
    frame, policy = invented(0)
    careless = in_full(measured(frame, ["area"], *CumulativeShare.along("quarter", ["1", "2", "3", "4"])), policy)
    assert worked_out(frame, careless)


def test_a_share_displayed_again_is_found_by_attacker_and_audit_alike() -> None:
    frame = first_employed(N=[12, 3, 20, 8, 25], S=[30, 20, 10, 9, 40], E=[30, 22, 11, 10, 40])
    safe = protect(measured(frame, ["area"], *CumulativeShare.along("quarter", ["1", "2", "3", "4"])), STRICT)
    again = replace(safe, measured=({label: np.ones_like(mask) for label, mask in safe.measured[0].items()},))
    assert worked_out(frame, safe) == {} and audit(safe, STRICT).findings == ()
    assert worked_out(frame, again) == {("N", "2"): 3}
    assert "table by quarter[area=N, quarter=2]" in {finding.where for finding in audit(again, STRICT).findings}


def test_a_chart_draws_the_curve_as_far_as_it_is_displayed() -> None:
    frame = first_employed(N=[12, 3, 20, 25], S=[30, 20, 10, 40], E=[30, 22, 11, 40])
    protected = protect(shares(frame), STRICT)
    curve = chart(protected, "line", x="quarter", colour="area")
    drawn = curve.cells.pivot(index="area", columns="quarter", values="% up to quarter")
    displayed = protected.to_frame().set_index("area").loc[["E", "N", "S"], LABELS]
    np.testing.assert_array_equal(drawn.fillna(-1).to_numpy(), displayed.fillna(-1).to_numpy())
    assert list(dict.fromkeys(curve.cells["quarter"])) == list(POINTS)
    assert chart(protected, **curve.parameters).to_svg() == curve.to_svg()
    assert "line chart of % up to quarter by quarter and area. 2 of 9 are hidden" in curve.description
    with pytest.raises(ChartInvalid, match="not a by-column"):
        chart(protected, x="year")


def test_a_chart_draws_the_shares_up_to_one_point() -> None:
    frame = first_employed(N=[12, 3, 20, 25], S=[30, 20, 10, 40], E=[30, 22, 11, 40])
    drawn = chart(protect(shares(frame), STRICT), x="area", measure=LABELS[2])
    assert drawn.cells[LABELS[2]].tolist() == [61.2, 58.3, 60.0]
    assert "61.2 %" in drawn.to_svg()
