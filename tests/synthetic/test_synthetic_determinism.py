"""The same seed gives the same bytes; another seed gives other people; every size works."""

import hashlib
from datetime import date

import pytest

from p20kit import synthetic

DAY = date(2022, 4, 11)


def digests(directory, **sizes):
    files = synthetic.universe(**sizes).write(directory, as_of=DAY)
    everything = [*files.paths.values(), *files.finder, files.truth]
    return {str(path.relative_to(directory)): hashlib.sha256(path.read_bytes()).hexdigest() for path in everything}


def test_one_seed_gives_the_same_bytes(tmp_path):
    sizes = {"students": 600, "wage_earners": 1_500, "seed": 7}
    assert digests(tmp_path / "first", **sizes) == digests(tmp_path / "second", **sizes)


def test_another_seed_gives_other_people(tmp_path):
    first = digests(tmp_path / "first", students=600, wage_earners=1_500, seed=7)
    other = digests(tmp_path / "other", students=600, wage_earners=1_500, seed=8)
    tables = [name for name in first if not name.startswith("finder")]
    assert len(tables) == 7
    assert all(first[name] != other[name] for name in tables)


def test_a_frame_is_the_same_whenever_it_is_asked_for(world):
    assert world.matching("DOL").equals(world.matching("DOL"))


@pytest.mark.parametrize(("students", "wage_earners"), [(14, 1), (200, 50), (200, 500), (3_000, 100)])
def test_small_universes_hold_the_numbers_asked_for(tmp_path, students, wage_earners):
    files = synthetic.universe(students=students, wage_earners=wage_earners, seed=1).write(tmp_path, as_of=DAY)
    assert files.rows[files.paths["SDE.matching"].name] == students
    assert files.rows[files.paths["DOL.matching"].name] == wage_earners


def test_sizes_that_make_no_universe_are_refused():
    with pytest.raises(ValueError, match="at least 14 students"):
        synthetic.universe(students=13, wage_earners=10, seed=1)


def test_progress_runs_from_nothing_to_all(tmp_path):
    told = []
    synthetic.universe(students=200, wage_earners=300, seed=1).write(
        tmp_path, as_of=DAY, progress=lambda what, share: told.append((what, share))
    )
    shares = [share for _, share in told]
    assert shares == sorted(shares) and shares[0] == 0 and shares[-1] == 1
    assert {"SDE.matching", "DOL.analytical", "finder"} <= {what for what, _ in told}
