"""The tables that are protected: Connecticut-like students by town in county, and by what schools report.

An instance comes from a file where `P20_BENCH_DATA` names a folder that has it, else from a seed. The
files are CSV, one row per inner cell: town, county, the other by-columns, `n` (persons); they are not
part of the repository. What the seed makes has the same shape and about the same share of small cells.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from p20kit import Table

FOLDER = "P20_BENCH_DATA"
SEED = 34

COUNTIES = {
    "Fairfield": 23,
    "Hartford": 29,
    "Litchfield": 26,
    "Middlesex": 15,
    "NewHaven": 27,
    "NewLondon": 21,
    "Tolland": 13,
    "Windham": 15,
}
TOWN_LOG_MEAN, TOWN_LOG_SPREAD, SMALLEST_TOWN = 5.95, 1.2, 34
RACES = {"Asian": 0.04, "Black": 0.11, "Hispanic": 0.20, "Other": 0.035, "White": 0.615}
RACE_EVENNESS = 40.0
"""Of the Dirichlet distribution of a town's shares by race; large towns lean away from White."""
POVERTY = {"Asian": 0.32, "Black": 0.55, "Hispanic": 0.55, "Other": 0.42, "White": 0.25}
LEARNERS = {"Asian": 0.12, "Black": 0.03, "Hispanic": 0.22, "Other": 0.03, "White": 0.02}
GRADES = ("G09", "G10", "G11", "G12")
MORE_GRADES = ("G07", "G08", *GRADES)


@dataclass(frozen=True)
class Shape:
    """What an instance is cut by.

    Parameters
    ----------
    by : tuple of str
        By-columns; `town` lies in `county`.
    grades : tuple of str
    counties : int
        How many of the counties there are.
    """

    by: tuple[str, ...]
    grades: tuple[str, ...] = GRADES
    counties: int = len(COUNTIES)


SHAPES = {
    "ct500": Shape(("town", "race", "grade"), counties=1),
    "ct5k": Shape(("town", "race", "grade")),
    "ct50k": Shape(("town", "race", "grade", "gender", "frpl")),
    "ct200k": Shape(("town", "race", "grade", "gender", "frpl", "el"), MORE_GRADES),
}
"""With margins 510, 5,340, 48,060 and 201,852 cells."""


@dataclass(frozen=True, eq=False)
class Instance:
    """Inner counts of one table.

    Parameters
    ----------
    name : str
    by : tuple of str
    cells : DataFrame
        The by-columns as text, `county`, and `n` (persons, int64).
    source : str
        Where it is from: the seed, or the file's name.
    """

    name: str
    by: tuple[str, ...]
    cells: pd.DataFrame
    source: str

    def table(self) -> Table:
        """Make the table, towns within counties, with every margin."""
        parents = dict(zip(self.cells["town"], self.cells["county"], strict=True))
        return Table.from_counts(self.cells, self.by, "n", hierarchies={"town": parents}, name=self.name)

    def persons(self) -> pd.DataFrame:
        """Give one row per person: `pid` and the by-columns as text."""
        rows = self.cells.loc[self.cells.index.repeat(self.cells["n"]), list(self.by)].reset_index(drop=True)
        rows.insert(0, "pid", [f"P{i:07d}" for i in range(len(rows))])
        return rows


def instance(name: str) -> Instance:
    """Read an instance from the folder `P20_BENCH_DATA`, or make it from the seed.

    Parameters
    ----------
    name : {"ct500", "ct5k", "ct50k", "ct200k"}
    """
    shape = SHAPES[name]
    file = Path(os.environ.get(FOLDER, "")) / f"{name}_inner.csv"
    if FOLDER in os.environ and file.is_file():
        return Instance(name, shape.by, pd.read_csv(file, dtype=dict.fromkeys(shape.by, str)), file.name)
    return Instance(name, shape.by, invent(shape, SEED), f"seed {SEED}")


def invent(shape: Shape, seed: int) -> pd.DataFrame:
    """Invent the inner counts of a table; the same for the same seed.

    Returns
    -------
    DataFrame
        One row per combination: `town`, `county`, the other by-columns, `n` (persons).
    """
    generator = np.random.default_rng(seed)
    towns = [(f"{county[:4]}{i:02d}", county) for county, n in _counties(shape) for i in range(1, n + 1)]
    sizes = np.maximum(generator.lognormal(TOWN_LOG_MEAN, TOWN_LOG_SPREAD, len(towns)), SMALLEST_TOWN)
    frames = []
    for (town, county), size in zip(towns, sizes, strict=True):
        chances = _chances(generator, float(size), shape)
        persons = round(size * len(shape.grades) / len(GRADES))
        counts = generator.multinomial(persons, chances.to_numpy() / chances.sum())
        frames.append(chances.index.to_frame(index=False).assign(n=counts, town=town, county=county))
    inner = pd.concat(frames, ignore_index=True)
    return inner.groupby(["county", *shape.by], sort=True)["n"].sum().reset_index()


def _counties(shape: Shape) -> Iterator[tuple[str, int]]:
    # the single county of the smallest instance is the last
    return iter(list(COUNTIES.items())[-shape.counties :])


def _chances(generator: np.random.Generator, size: float, shape: Shape) -> pd.Series[float]:
    """Give a town's probability of every combination, all columns but the town."""
    lean = np.clip((np.log(size) - TOWN_LOG_MEAN) / TOWN_LOG_SPREAD, -1.5, 2.5) * 0.12
    center = np.array(list(RACES.values()))
    center = center * np.where(np.array(list(RACES)) == "White", 1 - lean, 1 + lean * 1.6)
    races = generator.dirichlet(RACE_EVENNESS * center / center.sum())
    tilt = float(np.exp(generator.normal(0.0, 0.25)))
    parts: dict[str, NDArray[np.float64]] = {}
    for race, share in zip(RACES, races, strict=True):
        parts[race] = share * _within(generator, race, tilt, shape)
    codes = [list(RACES), list(shape.grades), ["F", "M"], ["No", "Yes"], ["No", "Yes"]]
    index = pd.MultiIndex.from_product(codes, names=["race", "grade", "gender", "frpl", "el"])
    return pd.Series(np.concatenate(list(parts.values())), index=index)


def _within(generator: np.random.Generator, race: str, tilt: float, shape: Shape) -> NDArray[np.float64]:
    grades = generator.dirichlet(np.full(len(shape.grades), 400.0))
    poor, learner = min(POVERTY[race] * tilt, 0.9), LEARNERS[race]
    axes = (grades, np.array([0.49, 0.51]), np.array([1 - poor, poor]), np.array([1 - learner, learner]))
    cells = axes[0]
    for axis in axes[1:]:
        cells = np.multiply.outer(cells, axis)
    return cells.ravel()
