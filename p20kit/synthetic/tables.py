"""The tables behind the invented people: names, nicknames, towns, schools, finder tables, subsectors."""

from dataclasses import dataclass
from functools import cache
from importlib import resources

import numpy as np
import pandas as pd

from p20kit.synthetic.streams import Floats, Ints, Texts, cumulative, draw

PERIODS = np.array([1945, 1955, 1965, 1975, 1985, 1990, 1995, 2000, 2005])
ORIGINS = ("general", "hispanic", "asian")
SEXES = ("M", "F")


@cache
def table(name: str) -> pd.DataFrame:
    """Read one of the package's tables; `data/SOURCE.md` says where each comes from."""
    source = resources.files("p20kit.synthetic") / "data" / f"{name}.csv"
    with source.open(encoding="utf-8") as lines:
        return pd.read_csv(lines, keep_default_na=False)


@dataclass(frozen=True)
class Names:
    """Pools of names with their running shares.

    Attributes
    ----------
    given, surnames : ndarray of str
        The pools; a person holds positions in them.
    initials : ndarray of int64, shape (len(given),)
    """

    given: Texts
    surnames: Texts
    initials: Ints
    given_shares: tuple[tuple[Floats, ...], tuple[Floats, ...]]
    puerto_rican_shares: tuple[Floats, Floats]
    surname_shares: tuple[Floats, Floats, Floats]

    def draw_given(self, rng: np.random.Generator, year: Ints, female: Ints, hispanic: Ints) -> Ints:
        """Draw given names by year of birth and sex; every second Hispanic person from Puerto Rico's."""
        period = np.abs(year[:, None] - PERIODS[None, :]).argmin(axis=1)
        island = (hispanic > 0) & (rng.random(len(year)) < 0.55)
        group = np.where(island, len(PERIODS), period)
        names = np.empty(len(year), dtype=np.int64)
        for sex in (0, 1):
            for number in range(len(PERIODS) + 1):
                chosen = np.flatnonzero((group == number) & (female == sex))
                last = number == len(PERIODS)
                shares = self.puerto_rican_shares[sex] if last else self.given_shares[sex][number]
                names[chosen] = draw(rng, shares, len(chosen))
        return names

    def draw_surnames(self, rng: np.random.Generator, origin: Ints) -> Ints:
        """Draw surnames by origin (a position in `ORIGINS`)."""
        names = np.empty(len(origin), dtype=np.int64)
        for number, shares in enumerate(self.surname_shares):
            chosen = np.flatnonzero(origin == number)
            names[chosen] = draw(rng, shares, len(chosen))
        return names


@cache
def names() -> Names:
    """Load the pools of names."""
    given, last = table("given_names"), table("surnames")
    pool = np.array(sorted(set(given["name"])), dtype=object)
    position = np.searchsorted(pool.astype(str), given["name"].to_numpy(dtype=str))

    def shares(column: str, sex: str) -> Floats:
        weights = np.zeros(len(pool))
        rows = (given["sex"] == sex).to_numpy()
        weights[position[rows]] = given[column].to_numpy()[rows]
        return cumulative(weights)

    by_period = tuple(tuple(shares(str(year), sex) for year in PERIODS) for sex in SEXES)
    general, hispanic, asian = (cumulative(last[origin].to_numpy()) for origin in ORIGINS)
    surnames = [_title(name) for name in last["name"]]
    return Names(
        given=pool,
        surnames=np.array(surnames, dtype=object),
        initials=np.array([ord(name[0]) for name in pool]),
        given_shares=(by_period[0], by_period[1]),
        puerto_rican_shares=(shares("pr", "M"), shares("pr", "F")),
        surname_shares=(general, hispanic, asian),
    )


@cache
def nicknames() -> dict[str, tuple[str, ...]]:
    """Nicknames by formal given name."""
    return {str(formal): tuple(rows["nickname"]) for formal, rows in table("nicknames").groupby("formal", sort=True)}


def _title(name: str) -> str:
    if name.startswith("MC") and len(name) > 4:
        return "Mc" + name[2:].title()
    return name.title()
