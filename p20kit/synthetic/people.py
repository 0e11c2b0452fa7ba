"""Invented people: students with their families, and everybody else who earns a wage in Connecticut.

A person is a position in the arrays of `People`; the first positions are the students.
"""

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from p20kit.synthetic.families import NOBODY, Households, households
from p20kit.synthetic.schools import Starts
from p20kit.synthetic.streams import Bools, Dates, Floats, Ints, cumulative, distinct, draw
from p20kit.synthetic.tables import SEXES, names, table

ROLES = ("student", "mother", "father", "sibling", "other")
RACES = ("White", "Hispanic", "Black", "Asian", "Two or more", "American Indian", "Pacific Islander")
HISPANIC, ASIAN = 1, 3
ADULT_RACES = cumulative(np.array([64, 16, 10.5, 5, 3.5, 0.3, 0.1]))
JUNIOR = 0.03
SHARED_INITIAL = 0.25


@dataclass(frozen=True)
class People:
    """Everybody, as arrays of one length.

    Attributes
    ----------
    role, race, town, family, twin : ndarray of int64
        Positions in `ROLES`, `RACES`, `towns.csv`; numbers of the family and of the pair of twins (-1: none).
    female, junior : ndarray of int64
        1 or 0.
    birth : ndarray of datetime64[D]
    given, middle, surname, second_surname, married_surname : ndarray of int64
        Positions in the pools of `tables.names()`; -1: none.
    ssn : ndarray of int64
    """

    role: Ints
    family: Ints
    twin: Ints
    female: Ints
    birth: Dates
    race: Ints
    town: Ints
    given: Ints
    middle: Ints
    surname: Ints
    second_surname: Ints
    married_surname: Ints
    junior: Ints
    ssn: Ints

    def __len__(self) -> int:
        """Count the people."""
        return len(self.role)

    def frame(self) -> pd.DataFrame:
        """Return the people in words, one row a person, indexed by person."""
        pools, towns = names(), table("towns")

        def word(pool: npt.NDArray[Any], positions: Ints) -> npt.NDArray[Any]:
            return np.where(positions >= 0, pool[positions], "")

        return pd.DataFrame(
            {
                "role": np.array(ROLES)[self.role],
                "family": self.family,
                "twin": self.twin,
                "sex": np.array(SEXES)[self.female],
                "birth": self.birth.astype("datetime64[s]"),
                "race": np.array(RACES)[self.race],
                "town": towns["town"].to_numpy()[self.town],
                "planning_region": towns["planning_region"].to_numpy()[self.town],
                "first_name": word(pools.given, self.given),
                "middle_name": word(pools.given, self.middle),
                "surname": word(pools.surnames, self.surname),
                "second_surname": word(pools.surnames, self.second_surname),
                "married_surname": word(pools.surnames, self.married_surname),
                "junior": self.junior == 1,
            }
        ).rename_axis("person")


def years(dates: Dates) -> Ints:
    """Return the calendar year of each date."""
    return dates.astype("datetime64[Y]").astype(np.int64) + 1970


def age_in(dates: Dates, year: float) -> Floats:
    """Return the age in years at the decimal `year`."""
    return np.asarray(year - 1970 - dates.astype(np.int64) / 365.2425)


def born_in(rng: np.random.Generator, year: Ints) -> Dates:
    """Draw a day of the given years."""
    first = (year - 1970).astype("datetime64[Y]").astype("datetime64[D]")
    return np.asarray(first + rng.integers(0, 365, len(year)))


def populate(rng: np.random.Generator, starts: Starts, others: int, surname_changed: float) -> People:
    """Make the students with parents and siblings, and `others` unrelated adults."""
    homes = households(rng, starts)
    blocks = [
        _students(rng, homes, surname_changed),
        _mothers(rng, homes),
        _fathers(rng, homes),
        _siblings(rng, homes),
        _others(rng, others, int(homes.size)),
    ]
    joined = {
        each.name: np.concatenate([block[each.name] for block in blocks])
        for each in fields(People)
        if each.name != "ssn"
    }
    _name_children(rng, joined, homes)
    return People(**joined, ssn=_ssns(rng, len(joined["role"])))


def _block(rng: np.random.Generator, role: str, size: int, **known: Any) -> dict[str, npt.NDArray[Any]]:
    """Fill in what a group of people has in common: names by year of birth and sex, no second surname."""
    nothing = np.full(size, NOBODY, dtype=np.int64)
    block: dict[str, npt.NDArray[Any]] = {
        "role": np.full(size, ROLES.index(role), dtype=np.int64),
        "twin": nothing,
        "second_surname": nothing,
        "married_surname": nothing,
        "junior": np.zeros(size, dtype=np.int64),
        **known,
    }
    year, hispanic = years(block["birth"]), block["race"] == HISPANIC
    block["given"] = names().draw_given(rng, year, block["female"], hispanic)
    middle = names().draw_given(rng, year, block["female"], hispanic)
    block["middle"] = np.where(rng.random(size) < 0.08, NOBODY, middle)
    return block


def _students(rng: np.random.Generator, homes: Households, changed: float) -> dict[str, npt.NDArray[Any]]:
    home, size = homes.of_student, len(homes.of_student)
    female = (rng.random(size) < 0.49).astype(np.int64)
    second = np.flatnonzero(homes.second_twin)
    alike = rng.random(len(second)) < 0.64
    female[second] = np.where(alike, female[second - 1], 1 - female[second - 1])
    race = homes.race[home]
    age = age_in(homes.birth, 2022.0)
    marries = (female == 1) & (rng.random(size) < changed * np.clip((age - 20) / 8, 0, 1))
    husband = names().draw_surnames(rng, origin(race))
    return _block(
        rng,
        "student",
        size,
        family=home,
        twin=homes.twin,
        female=female,
        birth=homes.birth,
        race=race,
        town=homes.town[home],
        surname=homes.child_surname[home],
        second_surname=homes.child_second_surname[home],
        married_surname=np.where(marries, husband, NOBODY),
    )


def _mothers(rng: np.random.Generator, homes: Households) -> dict[str, npt.NDArray[Any]]:
    size = homes.size
    takes = rng.random(size) < np.where(homes.race == HISPANIC, 0.3, 0.66)
    return _block(
        rng,
        "mother",
        size,
        family=np.arange(size),
        female=np.ones(size, dtype=np.int64),
        birth=homes.mother_birth,
        race=homes.race,
        town=homes.town,
        surname=homes.mother_surname,
        married_surname=np.where(takes, homes.father_surname, NOBODY),
    )


def _fathers(rng: np.random.Generator, homes: Households) -> dict[str, npt.NDArray[Any]]:
    size = homes.size
    return _block(
        rng,
        "father",
        size,
        family=np.arange(size),
        female=np.zeros(size, dtype=np.int64),
        birth=homes.father_birth,
        race=homes.race,
        town=homes.town,
        surname=homes.father_surname,
    )


def _siblings(rng: np.random.Generator, homes: Households) -> dict[str, npt.NDArray[Any]]:
    """Brothers and sisters outside the SDE file: at most one older, one younger than all in it."""
    families = np.arange(homes.size)
    gap = rng.integers(420, 2900, (2, homes.size))
    older, younger = homes.eldest_birth - gap[0], homes.youngest_birth + gap[1]
    grown = older - homes.mother_birth > np.timedelta64(int(16.5 * 365.25), "D")
    has_older = (rng.random(homes.size) < 0.3) & grown
    has_younger = (rng.random(homes.size) < 0.15) & (younger < np.datetime64("2007-01-01"))
    home = np.concatenate([families[has_older], families[has_younger]])
    return _block(
        rng,
        "sibling",
        len(home),
        family=home,
        female=rng.integers(0, 2, len(home)),
        birth=np.concatenate([older[has_older], younger[has_younger]]),
        race=homes.race[home],
        town=homes.town[home],
        surname=homes.child_surname[home],
        second_surname=homes.child_second_surname[home],
    )


def _others(rng: np.random.Generator, size: int, first_family: int) -> dict[str, npt.NDArray[Any]]:
    age = np.arange(16, 75)
    weight = np.interp(age, [16, 20, 25, 55, 62, 68, 74], [0.4, 1.0, 1.1, 1.0, 0.8, 0.3, 0.1])
    birth = born_in(rng, 2021 - age[draw(rng, cumulative(weight), size)])
    race = draw(rng, ADULT_RACES, size)
    female = rng.integers(0, 2, size)
    came = origin(race)
    married = (female == 1) & (rng.random(size) < 0.62 * np.clip((age_in(birth, 2022.0) - 21) / 14, 0, 1))
    doubled = (race == HISPANIC) & (rng.random(size) < 0.5)
    husband, second = names().draw_surnames(rng, came), names().draw_surnames(rng, came)
    return _block(
        rng,
        "other",
        size,
        family=first_family + np.arange(size),
        female=female,
        birth=birth,
        race=race,
        town=draw(rng, cumulative(table("towns")["population"].to_numpy()), size),
        surname=names().draw_surnames(rng, came),
        second_surname=np.where(doubled, second, NOBODY),
        married_surname=np.where(married & ~doubled, husband, NOBODY),
    )


def origin(race: Ints) -> Ints:
    """Return the origin of a surname (a position in `tables.ORIGINS`) that goes with a race."""
    return np.select([race == HISPANIC, race == ASIAN], [1, 2], 0).astype(np.int64)


def _name_children(rng: np.random.Generator, people: dict[str, npt.NDArray[Any]], homes: Households) -> None:
    """Give Juniors their father's names, some twins one initial, and no two children of a family one name."""
    role = people["role"]
    child = np.flatnonzero(np.isin(role, [ROLES.index("student"), ROLES.index("sibling")]))
    father = np.flatnonzero(role == ROLES.index("father"))
    family = people["family"][child]
    boys = (people["female"][child] == 0) & (people["surname"][child] == homes.father_surname[family])
    boys &= rng.random(len(child)) < JUNIOR
    named, first = np.unique(family[boys], return_index=True)
    juniors = child[np.flatnonzero(boys)[first]]
    people["junior"][juniors] = 1
    people["given"][juniors] = people["given"][father[named]]
    people["middle"][juniors] = people["middle"][father[named]]
    _share_initials(rng, people, np.flatnonzero(homes.second_twin))
    fixed = people["junior"][child] == 1
    # Juniors sort first within the family: whoever else was given that name gets another.
    child = child[np.lexsort((~fixed, family))]
    pool = len(names().given)
    while True:
        key = people["family"][child] * pool + people["given"][child]
        _, firsts = np.unique(key, return_index=True)
        repeated: Bools = np.ones(len(child), dtype=bool)
        repeated[firsts] = False
        again = child[repeated]
        if not len(again):
            return
        people["given"][again] = names().draw_given(
            rng, years(people["birth"][again]), people["female"][again], people["race"][again] == HISPANIC
        )


def _share_initials(rng: np.random.Generator, people: dict[str, npt.NDArray[Any]], second: Ints) -> None:
    chosen = second[(rng.random(len(second)) < SHARED_INITIAL) & (people["junior"][second] == 0)]
    initials = names().initials
    year, female = years(people["birth"][chosen]), people["female"][chosen]
    for _ in range(12):
        wanted = initials[people["given"][chosen - 1]]
        fresh = names().draw_given(rng, year, female, people["race"][chosen] == HISPANIC)
        unlike = initials[people["given"][chosen]] != wanted
        better = unlike & (initials[fresh] == wanted)
        people["given"][chosen] = np.where(better, fresh, people["given"][chosen])


def _ssns(rng: np.random.Generator, size: int) -> Ints:
    """Distinct nine-digit numbers, 60 % with the area numbers once issued in Connecticut (040 to 049).

    So that the wrong digit of one person's number may well be another's.
    """
    local = int(size * 0.6)

    def number(code: Ints, first_area: int) -> Ints:
        area, rest = np.divmod(code, 99 * 9999)
        group, serial = np.divmod(rest, 9999)
        area = area + first_area
        area = area + (area >= 666)
        return np.asarray(area * 1_000_000 + (group + 1) * 10_000 + serial + 1)

    here = number(distinct(rng, 0, 10 * 99 * 9999, local), 40)
    elsewhere = number(distinct(rng, 0, 840 * 99 * 9999, size - local), 50)
    return rng.permutation(np.concatenate([here, elsewhere]))
