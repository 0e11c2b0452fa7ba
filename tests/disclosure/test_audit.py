"""The auditor: what it says of releases, and its bounds against an attacker of the tests' own."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from p20kit import CellPolicy, Table, audit, tabulate
from p20kit.audit import Audit
from p20kit.disclosed import Disclosed
from p20kit.errors import TableInvalid
from p20kit.protection import Protected
from tests.disclosure.adversary import Published, Reader
from tests.disclosure.spelled import counts, people, released

STRICT = CellPolicy()


class Layered:
    """A release of one layer, as it is told."""

    def __init__(self, *layers: Disclosed) -> None:
        self.layers = layers

    def disclosed(self) -> tuple[Disclosed, ...]:
        return self.layers


def random_release(seed: int, sizes: tuple[int, ...], mean: float, hidden: float) -> Protected:
    """Hide what is small, and others by the throw of a coin."""
    generator = np.random.default_rng(seed)
    values = generator.poisson(generator.gamma(0.7, mean / 0.7, size=sizes))
    rows = [(*(f"c{i}" for i in at), int(n)) for at, n in np.ndenumerate(values)]
    by = list("abcd")[: len(sizes)]
    table = Table.from_counts(pd.DataFrame(rows, columns=[*by, "n"]), by)
    return Protected((table,), ((table.counts >= 6) & (generator.random(table.counts.shape) > hidden),), STRICT)


def short(release: Protected) -> set[str]:
    return {f.where for f in audit(release, STRICT).findings if f.rule == "bounds"}


def short_by_programs(release: Protected) -> set[str]:
    table, published = release.tables[0], Published(release.to_published())
    reader = Reader([published], {})
    small = np.flatnonzero(~published.shown & (table.counts.ravel() < 6))
    most = reader.most(reader.sums[0][small], 6)
    return {table.where(int(flat)) for flat, most_there in zip(small, most, strict=True) if most_there < 6}


@pytest.mark.parametrize("seed", range(30))
def test_bounds_are_those_of_every_whole_table(seed: int) -> None:
    generator = np.random.default_rng(seed)
    rows = [(f"r{i}", f"c{j}", int(generator.integers(0, 5))) for i in range(2) for j in range(3)]
    table = Table.from_counts(pd.DataFrame(rows, columns=["a", "b", "n"]), ["a", "b"])
    shown = np.ones(table.counts.shape, dtype=bool)
    shown[:2, :2] = False
    shown[tuple(generator.integers(0, 3, 2))] = False
    release = Protected((table,), (shown,), STRICT)
    published = Published(release.to_published())
    reader = Reader([published], {})
    possible = reader.whole_tables()
    assert possible is not None
    bounds = {b.where: b for b in audit(release, STRICT).bounds}
    for flat in np.flatnonzero(~published.shown):
        values = possible @ reader.sums[0][flat, reader.alive]
        bound = bounds[table.where(int(flat))]
        assert (bound.lower, bound.upper) == (values.min(), values.max())


@pytest.mark.parametrize(("sizes", "hidden"), [((5, 6), 0.3), ((4, 4, 3), 0.4), ((8, 5, 3), 0.3)])
def test_what_the_programs_of_the_tests_bound_is_found_and_nothing_else(
    sizes: tuple[int, ...], hidden: float
) -> None:
    weak = 0
    for seed in range(4):
        release = random_release(seed, sizes, 8.0, hidden)
        expected = short_by_programs(release)
        assert expected == short(release), seed
        weak += len(expected)
    assert weak > 5


def test_a_large_connected_part_is_decided_cell_by_cell_on_the_sums_around_it() -> None:
    release = random_release(1, (22, 8, 4), 8.0, 0.5)
    expected = short_by_programs(release)
    assert expected and short(release) == expected
    bounds = audit(release, STRICT).bounds
    asked = [b for b in bounds if b.need]
    assert all(b.falls_short or (b.reaches or 0) >= 6 or b.upper is None for b in asked)
    assert len(bounds) > 600


def test_a_sum_of_wages_that_follows_too_closely() -> None:
    table = counts("  | a | b \n N | 30 | 40 \n S | 31 | 29")
    truth = np.array([[100.0, 50, 150], [60, 40, 100], [160, 90, 250]])
    lower, upper, need = truth.copy(), truth.copy(), np.zeros((3, 3))
    lower[:2, :2], upper[:2, :2] = 0, np.inf
    need[0, 0] = 115
    told = Disclosed(table, truth, lower, upper, need, "total wages", whole=False)
    assert audit(Layered(told), STRICT).findings == ()
    lower[1, 0], upper[1, 0] = 50, 62
    found = audit(Layered(told), STRICT).findings
    assert [(f.rule, f.where) for f in found] == [("magnitude-bounds", "t[row=N, col=a] total wages")]
    assert "4.35 % smaller" in found[0].what


def test_layers_are_unknowns_of_their_own() -> None:
    table = counts("  | a | b \n N | 4 | 40 \n S | 31 | 29")
    need = np.where(table.counts < 6, 6, 0)
    truth = table.counts.astype(float)
    hidden = Disclosed(table, truth, np.zeros((3, 3)), np.full((3, 3), np.inf), need.astype(float))
    wages = Disclosed(table, 10 * truth, 10 * truth, 10 * truth, 0 * truth, "total wages", whole=False)
    found = audit(Layered(hidden, wages), STRICT)
    assert found.findings == () and [b.upper for b in found.bounds] == [None] * 9


def test_a_release_is_held_to_the_policy_of_today() -> None:
    table = counts("  | a | b | c \n N | 0 | 9 | 40 \n S | 9 | 8 | 50")
    loose = CellPolicy(zeros="shown")
    shown = np.ones(table.counts.shape, dtype=bool)
    release = Protected((table,), (shown,), loose)
    assert audit(release, loose).findings == ()
    assert [f.rule for f in audit(release, STRICT).findings] == ["threshold"]


def test_an_audit_says_how_it_decided() -> None:
    release = random_release(3, (4, 4, 3), 8.0, 0.4)
    text = audit(release, STRICT).ran[1]
    assert text.startswith("bounds: ") and "in whole persons" in text and "every sum of hidden counts" in text


SQUARE = """
   | a  | b  | c
 N | 3* | 9* | 40
 S | 8* | 7* | 30"""


def said(found: Audit, rule: str) -> list[tuple[str, str, str, str]]:
    return [(f.clause, f.where, f.what, f.next) for f in found.findings if f.rule == rule]


def test_nothing_to_audit_is_refused() -> None:
    with pytest.raises(TableInvalid, match="no tables to audit"):
        audit([], STRICT)
    with pytest.raises(TableInvalid, match="no tables to audit"):
        audit([], STRICT, earlier=[counts(" | a \n N | 40")])


@pytest.mark.parametrize("minimum", [6, 10])
def test_counts_under_the_threshold_that_are_displayed_are_named(minimum: int) -> None:
    table = counts(" | a | b \n N | 3 | 40 \n S | 9 | 29")
    found = audit(table, CellPolicy(minimum_count=minimum))
    small = ["t[row=N, col=a]", "t[row=S, col=a]"][: 1 + (minimum > 9)]
    what, advice = f"a count under {minimum} is displayed", "Hide it: use protect()."
    assert said(found, "threshold") == [("DSA III.G.2.a", where, what, advice) for where in small]
    assert len(found.findings) == len(small)
    assert found.bounds == ()
    assert found.not_ran == ("differences with t: its people are not known",)
    assert found.ran[0] == "threshold: 9 displayed cells"
    assert len(found.ran) == 2 and found.ran[1].startswith("bounds: 0 hidden cells, of which 0 must be able")


def test_one_table_is_a_sequence_of_one() -> None:
    release = released(SQUARE, STRICT)
    assert audit(release, STRICT) == audit([release], STRICT)
    assert audit([release, release], STRICT).findings == audit(release, STRICT).findings


def test_what_the_code_set_rules_out_may_be_displayed() -> None:
    rows = pd.DataFrame({"a": ["x", "x", "y", "y"], "b": ["p", "q", "p", "q"], "n": [0, 9, 8, 7]})
    ruled_out = rows.loc[:0, ["a", "b"]]
    assert audit(Table.from_counts(rows, ["a", "b"], impossible=ruled_out), STRICT).findings == ()
    assert [f.rule for f in audit(Table.from_counts(rows, ["a", "b"]), STRICT).findings] == ["threshold"]


def test_too_few_employers_are_named_as_such() -> None:
    cells = {("N", f"e{i % 4}"): 9 for i in range(4)} | {("S", "e0"): 3, ("S", "e1"): 3}
    frame = people(cells, ["area", "firm"])
    table = tabulate(frame, by=["area"], unit="P20ID", employer="firm", name="jobs")
    found = audit(table, STRICT)
    what, advice = "a count of too few employers is displayed", "Hide it: use protect()."
    assert said(found, "threshold") == [("DSA III.G.2.a", "jobs[area=S]", what, advice)]


def test_a_cell_that_follows_is_named_with_its_bounds() -> None:
    found = audit(released(" | a | b \n N | 3* | 40 \n S | 31 | 29", STRICT), STRICT)
    what = (
        "the hidden count follows to lie between 3 and 3, where 6 must be possible "
        "(interval bounds over all releases given)"
    )
    bounds = ("DSA III.G.2.d", "t[row=N, col=a]", what, "Hide a further cell: use protect().")
    assert said(found, "bounds") == [bounds] and len(found.findings) == 1
    assert [(b.where, b.lower, b.upper) for b in found.bounds] == [("t[row=N, col=a]", 3, 3)]
    assert found.ran[0] == "threshold: 8 displayed cells"
    assert found.ran[1] == (
        "bounds: 1 hidden cells, of which 1 must be able to be larger: 0 decided in whole persons, 0 in fractions of "
        "persons, 1 by intervals alone; with them every sum of hidden counts that follows exactly"
    )


def test_how_cells_were_decided_is_counted_over_those_that_must_be_able_to_be_larger() -> None:
    ran = audit(released(SQUARE, STRICT), STRICT).ran[1]
    assert ran.startswith(
        "bounds: 4 hidden cells, of which 1 must be able to be larger: 1 decided in whole persons, 0 in"
    )


LINE = """
   | a  | b  | c
 N | 2* | 3* | 40
 S | 9* | 8* | 30"""


def test_a_line_whose_hidden_cells_come_to_too_few_is_named_by_its_sum() -> None:
    found = audit(released(LINE, STRICT), STRICT)
    what, advice = (
        "45 in all less 40 known leaves 5 in 2 hidden cells of the line",
        "Hide a further cell of the line: ",
    )
    line = ("DSA III.G.2.d", "t[row=N, col=Total]", what, advice + "use protect().")
    assert said(found, "sum") == [line]
    assert len(said(found, "bounds")) == 2


def test_lines_of_earlier_releases_are_not_named_again() -> None:
    earlier, other = released(LINE, STRICT), counts(" | y | z \n old | 30 | 31", "new")
    found = audit(other, STRICT, earlier=[earlier])
    assert said(found, "sum") == []
    # bounds are: together with what comes now they may be news
    assert len(said(found, "bounds")) == 2
    assert found.ran[0] == "threshold: 6 displayed cells"
    assert [f.rule for f in audit(other, STRICT, earlier=[counts(" | a \n N | 3", "old")]).findings] == []


def test_a_line_is_named_by_the_first_new_table_that_has_it() -> None:
    one, two = released(LINE, STRICT, "one"), released(LINE, STRICT, "two")
    assert [where for _, where, _, _ in said(audit([one, two], STRICT), "sum")] == ["one[row=N, col=Total]"]
    assert [where for _, where, _, _ in said(audit([two], STRICT, earlier=[one]), "sum")] == ["two[row=N, col=Total]"]


def test_tables_whose_people_are_not_known_are_named() -> None:
    blind = counts(" | a | b \n N | 30 | 40 \n S | 31 | 29", "blind")
    known = tabulate(people({("N",): 30, ("S",): 31}, ["row"]), by=["row"], unit="P20ID", name="known")
    again = tabulate(people({("N",): 30, ("S",): 40}, ["row"]), by=["row"], unit="P20ID", name="again")
    alone = audit(known, STRICT)
    assert alone.not_ran == () and alone.ran[2:] == ("differences: groups of 1 table with a basis",)
    for found in (audit(blind, STRICT), audit([blind, known], STRICT)):
        assert found.not_ran == ("differences with blind: its people are not known",)
    two = audit([known, again], STRICT)
    assert two.not_ran == () and two.ran[2:] == ("differences: groups of 2 tables with a basis",)
    assert audit([known, blind], STRICT, earlier=[again]).ran[2:] == two.ran[2:]


def cohorts(fewer: int) -> list[Table]:
    """Count the people of a club, and then again without some of them."""
    frame = people({("F",): 30, ("M",): 20 + fewer}, ["sex"])
    return [tabulate(part, by=["sex"], unit="P20ID", name=f"t{len(part)}") for part in (frame, frame[:50])]


def test_two_groups_that_differ_by_too_few_are_named() -> None:
    found = audit(cohorts(4), STRICT)
    assert audit(cohorts(6), STRICT).findings == ()
    advice = "Hide one of the two, or use the same groups in both tables."
    assert {(f[0], f[3]) for f in said(found, "difference")} == {("DSA III.G.2.d", advice)}
    assert {where for _, where, _, _ in said(found, "difference")} == {"t54[sex=M]", "t54[sex=Total]"}
    assert {what for _, _, what, _ in said(found, "difference")} == {
        "24 individuals less the 20 of t50[sex=M], all among them, leaves 4",
        "54 individuals less the 50 of t50[sex=Total], all among them, leaves 4",
    }
    later, before = cohorts(4)
    assert said(audit(later, STRICT, earlier=[before]), "difference") == said(found, "difference")
    assert not audit(counts(" | a \n N | 99", "new"), STRICT, earlier=[later, before]).findings


def test_overlaps_that_come_to_too_few_are_named() -> None:
    frame = people({("N",): 20, ("S",): 30, ("",): 4}, ["part"]).assign(club="x")
    parts = [frame, frame[frame["part"] == "N"], frame[frame["part"] == "S"]]
    found = audit([tabulate(p, by=["club"], unit="P20ID", name=f"t{i}") for i, p in enumerate(parts)], STRICT)
    advice = "Ask for the same persons as in the other tables."
    what = "4 individuals follow from 3 groups of persons that overlap"
    assert ("DSA III.G.2.d", "overlap[Total]", what, advice) in said(found, "overlap")


def test_what_a_release_asked_for_does_not_bind_the_policy_of_today() -> None:
    text = SQUARE.replace("3*", "7*")
    then = released(text, CellPolicy(minimum_count=8))
    assert audit(then, then.policy).bounds[0].need == 8
    assert audit(then, STRICT).bounds[0].need == 0
    now = CellPolicy(minimum_count=10)
    assert audit(then, now).bounds[0].need == 10
    layered = Layered(*then.disclosed())
    # who says what it tells without a policy is held to both
    assert [b.need for b in audit(layered, STRICT).bounds] == [8, 0, 0, 8]
    assert [b.need for b in audit(layered, now).bounds] == [10, 10, 10, 10]


def test_an_audit_is_plain_values() -> None:
    found = audit(released(LINE, STRICT), STRICT).to_dict()
    assert set(found) == {"findings", "bounds", "ran", "not_ran"}
    assert found["findings"][0]["rule"] == "bounds" and found["bounds"][0]["where"] == "t[row=N, col=a]"
