"""Suppression of totals: the sums behind totals and means, protected like counts but as amounts.

A mean and its count give a total, so both measures of one column are one layer. A total is displayed only where the
count of its cell is; an unsafe one must be able to be larger by its protection level, whatever else is displayed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from p20kit.aims import Aim
from p20kit.complementary import complementary
from p20kit.differencing import small_differences
from p20kit.errors import Finding, Unprotectable
from p20kit.linked import link, populations
from p20kit.measures import Figures
from p20kit.needs import terms_of, total_needs
from p20kit.policy import COMPLEMENTARY_CLAUSE, CellPolicy
from p20kit.progress import Step
from p20kit.suppression import cell_to_hide, known_cells, refuse_hopeless
from p20kit.system import IntArray, System, relations, spread
from p20kit.tables import Table

BoolArray = NDArray[np.bool_]
FloatArray = NDArray[np.float64]
UNITS = 10_000.0
"""What the grand total comes to in the optimiser's units: of the size at which its tolerances are of no account."""
LEAST = 1e-6
ROUNDS = 16


@dataclass(frozen=True, eq=False)
class Totals:
    """The totals of one column in the cells of a table.

    Parameters
    ----------
    table : Table
    figures : Figures
        Of a Total or Mean.
    allowed : ndarray of bool, shape of the counts
        Where a total may be displayed as far as counts go; for an earlier release, where it was.
    nobody : ndarray of bool, shape of the counts
        Where a displayed count of zero, or the code set, says that the total is zero.
    """

    table: Table
    figures: Figures
    allowed: BoolArray
    nobody: BoolArray

    @property
    def amount(self) -> FloatArray:
        """The totals themselves."""
        if self.figures.total is None:
            raise TypeError("figures of a Total or Mean are needed")
        return self.figures.total


def suppress_totals(
    new: Sequence[Totals], earlier: Sequence[Totals], policy: CellPolicy, step: Step
) -> tuple[BoolArray, ...]:
    """Choose the totals that are displayed.

    Source: DSA II.F; DSA III.G.2.b; DSA III.G.2.d; DSA VI.D.2.

    Parameters
    ----------
    new, earlier : sequence of Totals
        Of one column.
    policy : CellPolicy
    step : Step
        Told how far the search is.

    Returns
    -------
    tuple of ndarray of bool
        Per new table: True = displayed.

    Raises
    ------
    Unprotectable
        If earlier releases give some total away, or hidden totals together stay too few.
    """
    everything = [*new, *earlier]
    numbers = _people(everything)
    public = known_cells([(totals.table, totals.allowed) for totals in earlier], numbers[len(new) :])
    forced = [np.zeros(totals.table.counts.shape, dtype=bool) for totals in new]
    tables = [totals.table for totals in everything]
    before = [totals.allowed for totals in earlier]
    # groups whose totals are known and that differ by fewer than a base give a total of too few
    bases = replace(policy, minimum_count=policy.minimum_base, columns={})
    for _ in range(ROUNDS):
        shown = _decide(new, earlier, numbers, forced, policy, step)
        known = [*shown, *before]
        differences = small_differences(list(zip(tables, known, strict=True)), before, bases)
        apart = [cell_to_hide(each, len(new), tables, known, public, numbers) for each in differences]
        thin = [(i, flat) for i, totals in enumerate(new) for flat in _thin_rests(totals, shown[i], policy)]
        if not apart and not thin:
            return shown
        for table, flat in (*apart, *thin):
            forced[table].ravel()[flat] = True
    what = f"{len(apart) + len(thin)} totals of too few individuals follow from others"
    raise Unprotectable(
        "totals cannot be protected",
        [Finding("total", COMPLEMENTARY_CLAUSE, tables[0].name, what, "Merge categories or drop the measure.")],
    )


def _people(everything: Sequence[Totals]) -> list[int]:
    """Number the populations; amounts that differ are not the same column, whatever its name."""
    people = populations([totals.table for totals in everything])
    grand = [(n, f"{totals.amount.ravel()[-1]:.10g}") for n, totals in zip(people, everything, strict=True)]
    return [list(dict.fromkeys(grand)).index(one) for one in grand]


def _decide(
    new: Sequence[Totals],
    earlier: Sequence[Totals],
    numbers: Sequence[int],
    forced: Sequence[BoolArray],
    policy: CellPolicy,
    step: Step,
) -> tuple[BoolArray, ...]:
    shown = [np.zeros(totals.table.counts.shape, dtype=bool) for totals in new]
    for number in dict.fromkeys(numbers[: len(new)]):
        mine = [i for i in range(len(new)) if numbers[i] == number]
        before = [totals for totals, n in zip(earlier, numbers[len(new) :], strict=True) if n == number]
        system, places = _system([new[i] for i in mine], before, [forced[i] for i in mine], policy)
        outcome = complementary(system, step)
        tables = [totals.table for totals in (*(new[i] for i in mine), *before)]
        refuse_hopeless(outcome.unprotected.tolist(), tables, places)
        for i, place in zip(mine, places, strict=False):
            shown[i] = ~outcome.hidden[place].reshape(shown[i].shape) & new[i].allowed
    return tuple(shown)


def _system(
    new: Sequence[Totals], earlier: Sequence[Totals], forced: Sequence[BoolArray], policy: CellPolicy
) -> tuple[System, tuple[IntArray, ...]]:
    """Put the totals of one population into one system, in units of which the grand total has `UNITS`."""
    everything = [*new, *earlier]
    linked = link([totals.table for totals in everything])
    places, size = linked.unknowns, linked.size
    unit = max(float(everything[0].amount.ravel()[-1]), 1.0) / UNITS
    value, need, weight = np.zeros((3, size))
    for totals, place in zip(everything, places, strict=True):
        asked = np.where(totals.nobody.ravel(), 0.0, total_needs(totals.table, totals.figures, policy).ravel())
        value[place] = totals.amount.ravel() / unit
        np.maximum.at(need, place, asked / unit)
        np.maximum.at(weight, place, Aim().weigh(totals.table, 0).ravel())
    for totals, place, mask in zip(new, places, forced, strict=False):
        cells = place[mask.ravel()]
        level = (1 + terms_of(totals.table, policy).p_percent / 100) * value[cells] + 1
        need[cells] = np.maximum(need[cells], level)
    allowed = spread(places, [totals.allowed for totals in everything], size)
    public = spread(places[len(new) :], [totals.allowed for totals in earlier], size)
    nobody = spread(places, [totals.nobody for totals in everything], size)
    short = need > value + LEAST
    hidden = np.where(public, short, (~allowed | short) & ~nobody)
    gap = np.where(short, need - value, 0.0)
    return System(gap, value, hidden, public | nobody, weight, *relations(linked), whole=False), places


def _thin_rests(totals: Totals, shown: BoolArray, policy: CellPolicy) -> list[int]:
    """Find lines whose hidden totals are known together and of too few individuals; choose one more to hide."""
    base, seen = totals.figures.base.ravel(), shown.ravel()
    terms = terms_of(totals.table, policy)
    chosen = []
    for parents, children in totals.table.relations():
        hidden = ~seen[children]
        rest = np.where(hidden, base[children], 0).sum(axis=1)
        thin = seen[parents] & (rest > 0) & (rest < terms.minimum_base)
        for parent, parts in zip(parents[thin].tolist(), children[thin], strict=True):
            displayed = parts[seen[parts] & (base[parts] > 0)]
            chosen.append(int(displayed[np.argmin(base[displayed])]) if len(displayed) else parent)
    return chosen
