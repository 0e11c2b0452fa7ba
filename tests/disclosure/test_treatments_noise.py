"""ExA 3.f, adding noise: the persons of a cell determine it, so asking again tells nothing new."""

from __future__ import annotations

import numpy as np
import pytest

from p20kit import CellPolicy, Table, audit, tabulate
from p20kit.errors import TableInvalid
from p20kit.treatments import noise
from p20kit.treatments.noise import perturbation
from tests.disclosure.reader import exposed
from tests.disclosure.spelled import counts, people

STRICT = CellPolicy()
SEED = b"sixteen bytes or more"


def a_table(seed: int = 1, mean: float = 8.0) -> Table:
    generator = np.random.default_rng(seed)
    cells = {(f"x{i}", f"y{j}"): int(generator.poisson(mean)) for i in range(12) for j in range(8)}
    return tabulate(people(cells, ["x", "y"]), ["x", "y"])


def numbers(treated: object, table: int = 0) -> dict[tuple[str, ...], float]:
    frame = treated.to_frame(table)  # type: ignore[attr-defined]
    return {tuple(row[:-2]): row[-1] for row in frame.itertuples(index=False, name=None)}


def test_noise_is_bounded_zeros_stay_and_nothing_from_one_to_five_is_displayed() -> None:
    table = a_table(mean=2.0)
    shown = noise(table, STRICT, seed=SEED).displays[0].number
    assert np.abs(shown - table.counts).max() <= 8
    assert (shown[table.counts == 0] == 0).all() and (table.counts == 0).any()
    assert not ((shown > 0) & (shown < 6)).any()
    assert (shown == 0)[(table.counts > 0) & (table.counts < 6)].any()


def test_the_same_persons_have_the_same_figure_in_every_table() -> None:
    frame = people({(f"x{i}", f"y{j}"): 7 + i + j for i in range(3) for j in range(3)}, ["x", "y"])
    both, one = noise([tabulate(frame, ["x", "y"]), tabulate(frame, ["x"])], STRICT, seed=SEED).displays
    assert (both.number[:, -1] == one.number).all()
    renamed = frame[frame["x"] == "x1"].assign(other="same people")
    (later,) = noise(tabulate(renamed, ["other"]), STRICT, seed=SEED).displays
    assert later.number[0] == one.number[1]


def test_another_seed_gives_other_noise() -> None:
    table = a_table()
    first, again, other = (noise(table, STRICT, seed=s).displays[0].number for s in (SEED, SEED, SEED + b"!"))
    assert (first == again).all()
    assert (first != other).mean() > 0.3


def test_the_noise_of_the_table_of_chances_is_unbiased_and_as_wide_as_stated() -> None:
    chances = perturbation(6, 8, 4.0)
    moves = np.arange(-8, 9)
    assert chances.sum(axis=1) == pytest.approx(1)
    assert chances @ moves == pytest.approx(0, abs=1e-6)
    assert chances[-1] @ moves**2 == pytest.approx(4.0, abs=0.05)
    for count, row in enumerate(chances):
        assert not any(1 <= count + move <= 5 for move in moves[row > 0])


def test_many_cells_follow_the_table_of_chances() -> None:
    generator = np.random.default_rng(5)
    frame = people({(f"x{i}",): int(generator.integers(30, 60)) for i in range(600)}, ["x"])
    table = tabulate(frame, ["x"])
    moved = (noise(table, STRICT, seed=SEED).displays[0].number - table.counts)[:-1]
    assert abs(moved.mean()) < 0.3
    assert 3.0 < moved.var() < 5.0


def test_what_noise_says_of_a_count_is_every_count_it_can_come_from() -> None:
    table = a_table(mean=6.0)
    (disclosed,) = noise(table, STRICT, seed=SEED).disclosed()
    (display,) = noise(table, STRICT, seed=SEED).displays
    assert ((disclosed.lower <= table.counts) & (table.counts <= disclosed.upper)).all()
    assert (disclosed.upper <= display.number + 8).all() and (disclosed.lower >= display.number - 8).all()
    assert set(disclosed.upper[display.number == 0]) == {8.0}


def test_the_attack_finds_nothing_in_noise_of_eight_and_finds_noise_of_five() -> None:
    """A zero from noise of at most 5 says that there are at most 5."""
    table = a_table(mean=4.0)
    eight, five = (noise(table, STRICT, seed=SEED, most=most) for most in (8, 5))
    assert exposed(eight.disclosed()[0]) == set() and audit(eight, STRICT).findings == ()
    assert exposed(five.disclosed()[0]) and audit(five, STRICT).findings


def test_the_reader_is_told_everything_but_the_seed() -> None:
    treated = noise(a_table(), STRICT, seed=SEED)
    assert treated.parameters["at most"] == "8" and treated.parameters["variance"] == "4"
    assert SEED.decode() not in treated.said() and SEED.hex() not in treated._repr_html_()


def test_a_count_that_noise_left_alone_is_still_not_an_exact_figure() -> None:
    treated = noise(a_table(mean=30.0), STRICT, seed=SEED)
    assert (treated.displays[0].number == treated.tables[0].counts).any()
    assert treated.loss().cells == 1.0


def test_persons_that_are_not_known_have_no_noise() -> None:
    with pytest.raises(TableInvalid, match="not known"):
        noise(counts("  | a \n N | 9"), STRICT, seed=SEED)


@pytest.mark.parametrize("wrong", [{"most": 0}, {"variance": 0.0}, {"seed": b"short"}])
def test_noise_that_hides_nothing_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(TableInvalid):
        noise(a_table(), STRICT, **({"seed": SEED} | wrong))  # type: ignore[arg-type]
