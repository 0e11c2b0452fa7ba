"""Households of the students: who are brothers and sisters, who are twins, where they live, what they are called."""

from dataclasses import dataclass

import numpy as np

from p20kit.synthetic.schools import Starts
from p20kit.synthetic.streams import Bools, Dates, Ints, cumulative, draw
from p20kit.synthetic.tables import names, table

TWIN_SHARE = 0.016
BIRTH_GAP_DAYS = 300
NEW_FAMILY = 0.72
NOBODY = -1


@dataclass(frozen=True)
class Households:
    """The families; the first four arrays are per student, the others per family.

    Attributes
    ----------
    of_student, twin : ndarray of int64
        Number of the family; of the pair of twins (-1: none).
    second_twin : ndarray of bool
        The twin stands at the position before.
    birth : ndarray of datetime64[D]
    """

    of_student: Ints
    twin: Ints
    second_twin: Bools
    birth: Dates
    race: Ints
    town: Ints
    father_surname: Ints
    mother_surname: Ints
    child_surname: Ints
    child_second_surname: Ints
    eldest_birth: Dates
    youngest_birth: Dates
    mother_birth: Dates
    father_birth: Dates

    @property
    def size(self) -> int:
        """Number of families."""
        return len(self.race)


def households(rng: np.random.Generator, starts: Starts) -> Households:
    """Form the families of the students in `starts`."""
    twin, second = _twins(rng, starts)
    birth = _births(rng, starts, second)
    family = _families(rng, starts, birth, second)
    _, head = np.unique(family, return_index=True)
    eldest = _extreme(np.minimum, family, birth)
    race = _races(rng, starts.school[head])
    surnames = _surnames(rng, race)
    mother_birth = eldest - (365.25 * np.clip(rng.normal(28, 5.5, len(head)), 16.5, 44)).astype(np.int64)
    older = (365.25 * rng.normal(2, 4, len(head))).astype(np.int64)
    youngest_father = eldest - np.timedelta64(int(16.5 * 365.25), "D")
    return Households(
        of_student=family,
        twin=twin,
        second_twin=second,
        birth=birth,
        race=race,
        town=_towns(rng, starts.school[head]),
        father_surname=surnames[0],
        mother_surname=surnames[1],
        child_surname=surnames[2],
        child_second_surname=surnames[3],
        eldest_birth=eldest,
        youngest_birth=_extreme(np.maximum, family, birth),
        mother_birth=mother_birth,
        father_birth=np.minimum(mother_birth - older, youngest_father),
    )


def _twins(rng: np.random.Generator, starts: Starts) -> tuple[Ints, Bools]:
    """Make neighbours of one school, fall and grade twins."""
    size = len(starts.school)
    first = np.arange(0, size - 1, 2)
    code = (starts.school * 10_000 + starts.fall) * 100 + starts.grade
    first = first[code[first] == code[first + 1]]
    first = rng.permutation(first)[: round(size * TWIN_SHARE / 2)]
    twin = np.full(size, NOBODY, dtype=np.int64)
    twin[first] = twin[first + 1] = np.arange(len(first))
    second = np.zeros(size, dtype=bool)
    second[first + 1] = True
    return twin, second


def _births(rng: np.random.Generator, starts: Starts, second: Bools) -> Dates:
    """Grade g is begun in the year one turns g + 5; some repeated a year, a few skipped one."""
    size = len(starts.school)
    late = np.array([-1, 0, 1, 2])[draw(rng, cumulative(np.array([2, 90, 7, 1])), size)]
    first = (starts.fall - starts.grade - 5 - late - 1970).astype("datetime64[Y]").astype("datetime64[D]")
    birth = first + rng.integers(0, 365, size)
    born = np.flatnonzero(second)
    birth[born] = birth[born - 1]
    return np.asarray(birth)


def _families(rng: np.random.Generator, starts: Starts, birth: Dates, second: Bools) -> Ints:
    """Group the students of a district into families, births of one mother 300 days apart at least."""
    districts = table("schools")["district"].astype("category").cat.codes.to_numpy(dtype=np.int64)
    unit = np.cumsum(~second) - 1
    first = np.flatnonzero(~second)
    district = districts[starts.school[first]]
    order = np.lexsort((rng.random(len(first)), district))
    begins = rng.random(len(order)) < NEW_FAMILY
    begins[0] = True
    begins[1:] |= district[order][1:] != district[order][:-1]
    of_unit = np.empty(len(order), dtype=np.int64)
    of_unit[order] = np.cumsum(begins)
    # Within a family sorted by birth, whoever comes too soon after the sibling before begins a new family.
    days = birth[first].astype(np.int64)
    order = np.lexsort((days, of_unit))
    begins = np.ones(len(order), dtype=bool)
    begins[1:] = of_unit[order][1:] != of_unit[order][:-1]
    begins[1:] |= np.diff(days[order]) < BIRTH_GAP_DAYS
    of_unit[order] = np.cumsum(begins) - 1
    return np.asarray(of_unit[unit])


def _extreme(pick: np.ufunc, family: Ints, birth: Dates) -> Dates:
    order = np.argsort(family, kind="stable")
    heads = np.flatnonzero(np.r_[True, np.diff(family[order]) > 0])
    days = pick.reduceat(birth.astype(np.int64)[order], heads)
    return np.asarray(days.astype("datetime64[D]"))


def _races(rng: np.random.Generator, school: Ints) -> Ints:
    schools = table("schools")
    race = np.empty(len(school), dtype=np.int64)
    for number, shares in enumerate(schools[["white", "hispanic", "black", "asian"]].to_numpy(dtype=float)):
        chosen = np.flatnonzero(school == number)
        weights = np.concatenate([shares / shares.sum() * 96, [3.6, 0.3, 0.1]])
        race[chosen] = draw(rng, cumulative(weights), len(chosen))
    return race


def _towns(rng: np.random.Generator, school: Ints) -> Ints:
    """A town's own school draws from the town, a regional one from its planning region by population."""
    towns, schools = table("towns"), table("schools")
    position = {name: number for number, name in enumerate(towns["town"])}
    population = towns["population"].to_numpy(dtype=float)
    region = towns["planning_region"].to_numpy()
    town = np.array([position[name] for name in schools["town"]])[school]
    away = (schools["draws_from"] == "region").to_numpy()[school] | (rng.random(len(school)) < 0.05)
    for number, name in enumerate(schools["town"]):
        chosen = np.flatnonzero(away & (school == number))
        near = np.where(region == region[position[name]], population, 0.0)
        town[chosen] = draw(rng, cumulative(near), len(chosen))
    return np.asarray(town, dtype=np.int64)


def _surnames(rng: np.random.Generator, race: Ints) -> tuple[Ints, Ints, Ints, Ints]:
    """Surnames of father, mother at birth, children; second surname of the children (-1: none)."""
    size, hispanic = len(race), race == 1
    origin = np.select([hispanic, race == 3], [1, 2], 0).astype(np.int64)
    father = names().draw_surnames(rng, origin)
    mother = names().draw_surnames(rng, np.where(rng.random(size) < 0.88, origin, 0))
    chance = rng.random(size)
    child = np.where(chance < 0.12, mother, father)
    doubled = np.where(hispanic, (chance > 0.12) & (chance < 0.67), (chance > 0.12) & (chance < 0.145))
    return father, mother, child, np.where(doubled, mother, NOBODY)
