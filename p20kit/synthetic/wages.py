"""Employers and quarterly wages: sixteen quarters of the wage file, person by person.

Source: ExA 3.b (RQ6, employment in manufacturing).
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from p20kit.synthetic.people import People, age_in
from p20kit.synthetic.streams import Bools, Floats, Ints, Texts, cumulative, draw, generic_ids, stream
from p20kit.synthetic.tables import table

FIRST_YEAR, QUARTERS = 2018, 16
SPRING_2020 = 9
CHUNK = 100_000
MANUFACTURING = range(311, 340)
ENTRY, CAREER, SHOP_FLOOR = range(3)
PROGRAMME_SHOP_FLOOR = 0.3


@dataclass(frozen=True)
class Employers:
    """Employers, sorted by subsector, sizes heavily skewed.

    Attributes
    ----------
    ids : ndarray of str
        Generic, `DOLE-` and 16 random characters.
    subsector : ndarray of int64
        Position in `subsectors.csv`.
    shares : ndarray of float64
        Within a subsector, the running share of its jobs; plus the position of the subsector.
    """

    ids: Texts
    subsector: Ints
    shares: Floats

    def hire(self, rng: np.random.Generator, subsector: Ints) -> Ints:
        """Draw an employer of each subsector, the larger the likelier."""
        chance = subsector + rng.random(len(subsector)) * (1 - 1e-9)
        return np.asarray(np.searchsorted(self.shares, chance, side="right"))


def employers(seed: int, wage_earners: int) -> Employers:
    """Make about one employer per 14 wage earners, at least three in each subsector."""
    rng = stream(seed, "employers")
    jobs = table("subsectors")["employment"].to_numpy(dtype=float)
    counts = np.maximum(3, np.round(jobs / jobs.sum() * wage_earners / 14)).astype(np.int64)
    subsector = np.repeat(np.arange(len(jobs)), counts)
    size = 1 + rng.pareto(1.1, len(subsector))
    size = np.minimum(size, 0.05 * wage_earners)
    total = np.bincount(subsector, weights=size)
    before = np.concatenate([[0.0], np.cumsum(total)[:-1]])
    shares = subsector + (np.cumsum(size) - before[subsector]) / total[subsector]
    last = np.flatnonzero(np.r_[np.diff(subsector) > 0, True])
    shares[last] = subsector[last] + 1.0
    return Employers(generic_ids(rng, "DOLE", len(subsector)), subsector, shares)


def wage_rows(
    seed: int, people: People, who: Ints, programme: Bools, ids: Texts, firms: Employers
) -> Iterator[pa.Table]:
    """Yield the wage file in pieces of 100,000 people, sorted by generic identifier, year and quarter.

    Parameters
    ----------
    who : ndarray of int64
        Wage earners in the order of their generic identifiers.
    programme : ndarray of bool
        Per wage earner: was in a manufacturing programme.
    ids : ndarray of str
        Their generic identifiers, ascending.

    Yields
    ------
    pyarrow.Table
        GenericID, WageYear, WageQuarter, QuarterlyWages (dollars and cents), EmployerID, EmployerNAICS; text.
    """
    for number, start in enumerate(range(0, len(who), CHUNK)):
        part = slice(start, start + CHUNK)
        rng = stream(seed, "wages", number)
        birth = people.birth[who[part]]
        ages = age_in(birth, FIRST_YEAR)[:, None] + np.arange(QUARTERS)[None, :] / 4
        working = _spells(rng, ages)
        firm = _jobs(rng, ages, working, programme[part], firms)
        yield _rows(rng, ages, working, firm, ids[part], firms)


def _spells(rng: np.random.Generator, ages: Floats) -> Bools:
    """Say who works in which quarter; everybody in at least one."""
    size = len(ages)
    # First job: most between 15 and 20; whoever was older when the file begins has begun.
    begin = 15.2 + rng.gamma(2.2, 1.1, size)
    may = ages >= np.minimum(begin, ages[:, -1])[:, None]
    grown = ages[:, 0] >= 22
    attachment = np.where(grown, rng.beta(3.2, 1.8, size), rng.beta(3, 1.8, size))
    working = np.zeros((size, QUARTERS), dtype=bool)
    now = may[:, 0] & (rng.random(size) < attachment)
    for quarter in range(QUARTERS):
        chance = np.where(now, 0.72 + 0.27 * attachment, 0.55 * attachment)
        chance = chance * (0.84 if quarter == SPRING_2020 else 1.0)
        now = may[:, quarter] & (rng.random(size) < chance)
        working[:, quarter] = now
    idle = np.flatnonzero(~working.any(axis=1))
    first = may[idle].argmax(axis=1)
    working[idle, first + (rng.random(len(idle)) * (QUARTERS - first)).astype(np.int64)] = True
    return working


def _jobs(rng: np.random.Generator, ages: Floats, working: Bools, programme: Bools, firms: Employers) -> Ints:
    """Position of the main employer in each quarter; former programme students turn to the shop floor."""
    sectors = table("subsectors")
    entry = sectors["entry_employment"].to_numpy(dtype=float)
    career = sectors["employment"].to_numpy(dtype=float)
    floor = np.where(sectors["naics"].isin(MANUFACTURING), career, 0.0)
    mixes = [cumulative(mix) for mix in (entry, career, floor)]
    inclined = programme & (rng.random(len(programme)) < 0.75)
    firm = np.zeros((len(ages), QUARTERS), dtype=np.int64)
    current = np.full(len(ages), -1, dtype=np.int64)
    before = np.zeros(len(ages), dtype=bool)
    for quarter in range(QUARTERS):
        age = ages[:, quarter]
        leaves = rng.random(len(age)) < np.where(age < 22, 0.16, 0.045)
        returns = ~before & (rng.random(len(age)) < 0.6)
        hired = np.flatnonzero(working[:, quarter] & ((current < 0) | leaves | returns))
        mix = np.where(age[hired] < 21.5, ENTRY, CAREER)
        on_floor = inclined[hired] & (age[hired] >= 17.5) & (rng.random(len(hired)) < PROGRAMME_SHOP_FLOOR)
        mix = np.where(on_floor, SHOP_FLOOR, mix)
        for kind, shares in enumerate(mixes):
            chosen = hired[mix == kind]
            current[chosen] = firms.hire(rng, draw(rng, shares, len(chosen)))
        before = working[:, quarter]
        firm[:, quarter] = current
    return firm


def _rows(
    rng: np.random.Generator, ages: Floats, working: Bools, firm: Ints, ids: Texts, firms: Employers
) -> pa.Table:
    person, quarter = np.nonzero(working)
    copies = 1 + (rng.random(len(person)) < 0.06)
    person, quarter = np.repeat(person, copies), np.repeat(quarter, copies)
    second = np.r_[False, (np.diff(person) == 0) & (np.diff(quarter) == 0)]
    job = firm[person, quarter]
    entry = cumulative(table("subsectors")["entry_employment"].to_numpy(dtype=float))
    job[second] = firms.hire(rng, draw(rng, entry, int(second.sum())))
    # A second row with the first employer would be one employer reporting twice.
    second_again = np.flatnonzero(second & (job == np.r_[-1, job[:-1]]))
    job[second_again] = (job[second_again] + 1) % len(firms.ids)
    cents = _cents(rng, ages, person, quarter, second, firms.subsector[job])
    naics = table("subsectors")["naics"].astype(str).to_numpy()
    return pa.table(
        {
            "GenericID": _words(ids, person),
            "WageYear": _words([str(year) for year in range(FIRST_YEAR, FIRST_YEAR + 4)], quarter // 4),
            "WageQuarter": _words(["1", "2", "3", "4"], quarter % 4),
            "QuarterlyWages": _dollars(cents),
            "EmployerID": _words(firms.ids, job),
            "EmployerNAICS": _words(naics, firms.subsector[job]),
        }
    )


def _cents(
    rng: np.random.Generator, ages: Floats, person: Ints, quarter: Ints, second: Bools, subsector: Ints
) -> Ints:
    pay = table("subsectors")["monthly_wage"].to_numpy(dtype=float)[subsector] * 3
    skill = rng.lognormal(0, 0.33, len(ages))[person]
    by_age = np.interp(
        ages[person, quarter], [15, 17, 19, 22, 26, 35, 50, 70], [0.2, 0.3, 0.48, 0.7, 0.85, 1, 1.1, 0.8]
    )
    started = np.r_[True, (np.diff(person) != 0) | (np.diff(quarter) > 1)]
    worked = np.where(started, rng.uniform(0.15, 1, len(person)), 1.0) * np.where(second, 0.35, 1.0)
    growth = 1.03 ** (quarter / 4)
    dollars = pay * skill * by_age * worked * growth * rng.lognormal(0, 0.1, len(person))
    return np.asarray(np.maximum(np.round(dollars * 100), 500), dtype=np.int64)


def _words(words: Texts | list[str], positions: Ints) -> pa.Array:
    dictionary = pa.array(list(words), type=pa.string())
    return dictionary.take(pa.array(positions))


def _dollars(cents: Ints) -> pa.Array:
    """Write cents as dollars with two decimals, exactly: a 128-bit decimal is two little-endian words."""
    words = np.zeros((len(cents), 2), dtype="<i8")
    words[:, 0] = cents
    decimals = pa.Array.from_buffers(pa.decimal128(14, 2), len(cents), [None, pa.py_buffer(words)])
    return decimals.cast(pa.string())
