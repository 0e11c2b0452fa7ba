"""ExA 3.f, suppression by sampling: data for a portion of students."""

from __future__ import annotations

import pytest

from p20kit import CellPolicy, Table, audit, tabulate
from p20kit.errors import TableInvalid
from p20kit.treatments import sampling
from tests.disclosure.reader import exposed
from tests.disclosure.spelled import counts, people

STRICT = CellPolicy()
SEED = b"sixteen bytes or more"


def a_table() -> Table:
    cells = {("N", "a"): 300, ("N", "b"): 8, ("S", "a"): 200, ("S", "b"): 400}
    return tabulate(people(cells, ["row", "col"]), ["row", "col"], title="Students")


def persons(table: Table) -> set[str]:
    assert table.basis is not None
    return set(table.basis["P20ID"])


def test_about_the_fraction_is_drawn_and_the_counts_are_theirs() -> None:
    (sample,) = sampling(a_table(), STRICT, seed=SEED).tables
    assert 0.76 < sample.total / 908 < 0.84
    assert sample.basis is not None
    again = tabulate(sample.basis, ["row", "col"])
    assert (again.counts == sample.counts).all()


def test_a_smaller_sample_lies_within_a_larger_one_and_a_seed_draws_the_same() -> None:
    large, small, again = (sampling(a_table(), STRICT, seed=SEED, fraction=f).tables[0] for f in (0.8, 0.5, 0.8))
    other = sampling(a_table(), STRICT, seed=SEED + b"!").tables[0]
    assert persons(small) < persons(large) == persons(again) != persons(other)


def test_a_person_is_in_or_out_of_every_table() -> None:
    frame = people({("N", "a"): 100, ("S", "b"): 100}, ["row", "col"])
    one, two = sampling([tabulate(frame, ["row"]), tabulate(frame.iloc[50:], ["col"])], STRICT, seed=SEED).tables
    assert persons(two) == persons(one) & set(frame.iloc[50:]["P20ID"])


def test_what_is_small_in_the_sample_is_hidden_and_the_attack_finds_nothing() -> None:
    treated = sampling(a_table(), STRICT, seed=SEED, fraction=0.5)
    frame = treated.to_frame().set_index(["row", "col"])
    assert frame.loc[("N", "b"), "display"] == "s"
    assert frame["display"].eq("s").sum() > 1
    assert exposed(treated.disclosed()[0]) == set()
    assert audit(treated, STRICT).findings == ()


def test_the_sample_beside_the_whole_is_found() -> None:
    """All but three of a group in the sample, and the group displayed: three persons are known to be out."""
    table = a_table()
    treated = sampling(table, STRICT, seed=SEED, fraction=0.985)
    out = {
        codes: int(whole - part)
        for codes, whole, part in zip(
            table.labels, table.counts.ravel(), treated.tables[0].counts.ravel(), strict=True
        )
    }
    assert any(0 < n < 6 for n in out.values())
    assert {finding.rule for finding in audit(treated, STRICT, earlier=[table]).findings} >= {"difference"}


def test_the_display_says_the_fraction_and_an_estimate_says_that_it_is_one() -> None:
    treated = sampling(a_table(), STRICT, seed=SEED, weighted=True)
    assert "80% of them" in treated.said() and "estimates" in treated.said()
    assert treated.tables[0].title == "Students (80% sample)"
    frame = treated.to_frame().set_index(["row", "col"])
    count = treated.tables[0].counts.ravel()[-1]
    assert frame.loc[("Total", "Total"), "number"] == round(count / 0.8)
    assert frame.loc[("Total", "Total"), "display"] == f"about {round(count / 0.8)}"


def test_loss_is_measured_against_everybody() -> None:
    loss = sampling(a_table(), STRICT, seed=SEED).loss()
    assert loss.cells == 1.0
    assert 0 < loss.error < 0.1


@pytest.mark.parametrize("fraction", [0.0, 1.0, -0.5, 80])
def test_a_fraction_that_is_none_is_refused(fraction: float) -> None:
    with pytest.raises(TableInvalid, match="not between 0 and 1"):
        sampling(a_table(), STRICT, seed=SEED, fraction=fraction)


def test_persons_that_are_not_known_and_samples_of_nobody_are_refused() -> None:
    with pytest.raises(TableInvalid, match="not known"):
        sampling(counts("  | a \n N | 9"), STRICT, seed=SEED)
    with pytest.raises(TableInvalid, match="nobody"):
        sampling(tabulate(people({("N",): 1}, ["row"]), ["row"]), STRICT, seed=SEED, fraction=1e-9)
