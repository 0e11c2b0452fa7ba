"""Suppression of totals: the sums behind totals and means, protected like counts but as amounts.

A mean and its count give a total, so both measures of one column are one layer. A total is displayed only where the
count of its cell is; an unsafe one must be able to be larger by its protection level, whatever else is displayed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from p20kit.complementary import complementary
from p20kit.differencing import small_differences
from p20kit.errors import Finding, Unprotectable
from p20kit.linked import populations
from p20kit.measures import Figures
from p20kit.needs import terms_of, total_needs
from p20kit.policy import COMPLEMENTARY_CLAUSE, CellPolicy
from p20kit.suppression import cell_to_hide, known_cells, refuse_hopeless
from p20kit.system import System, join
from p20kit.tables import Table

BoolArray = NDArray[np.bool_]
FloatArray = NDArray[np.float64]
UNITS = 10_000_000
"""Into so many the grand total is divided: the optimiser's numbers are whole."""
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


def suppress_totals(new: Sequence[Totals], earlier: Sequence[Totals], policy: CellPolicy) -> tuple[BoolArray, ...]:
    """Choose the totals that are displayed.

    Source: DSA II.F; DSA III.G.2.b; DSA III.G.2.d; DSA VI.D.2.

    Parameters
    ----------
    new, earlier : sequence of Totals
        Of one column.
    policy : CellPolicy

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
    public = known_cells([(t.table, t.allowed) for t in earlier], numbers[len(new) :])
    forced = [np.zeros(totals.table.counts.shape, dtype=bool) for totals in new]
    tables = [totals.table for totals in new]
    # groups whose totals are known and that differ by fewer than a base give a total of too few
    bases = replace(policy, minimum_count=policy.minimum_base, columns={})
    for _ in range(ROUNDS):
        shown = _decide(new, earlier, numbers, forced, policy)
        known = [*zip(tables, shown, strict=True), *((t.table, t.allowed) for t in earlier)]
        apart = [cell_to_hide(d, tables, shown, public, numbers) for d in small_differences(known, len(new), bases)]
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
) -> tuple[BoolArray, ...]:
    shown = [np.zeros(totals.table.counts.shape, dtype=bool) for totals in new]
    for number in dict.fromkeys(numbers[: len(new)]):
        mine = [i for i in range(len(new)) if numbers[i] == number]
        before = [totals for totals, n in zip(earlier, numbers[len(new) :], strict=True) if n == number]
        system = _system([new[i] for i in mine], before, [forced[i] for i in mine], policy)
        outcome = complementary(system)
        refuse_hopeless(outcome.unprotected.tolist(), system, [new[i].table for i in mine])
        for i, place in zip(mine, system.places, strict=False):
            shown[i] = ~outcome.hidden[place].reshape(shown[i].shape) & new[i].allowed
    return tuple(shown)


def _system(
    new: Sequence[Totals], earlier: Sequence[Totals], forced: Sequence[BoolArray], policy: CellPolicy
) -> System:
    """Put the totals of one population into one system, in units of which the grand total has `UNITS`."""
    everything = [*new, *earlier]
    system = join([totals.table for totals in everything], (), 0, (), policy)
    unit = max(float(everything[0].amount.ravel()[-1]), 1.0) / UNITS
    allowed = np.zeros(len(system.value), dtype=bool)
    system.need[:] = 0
    system.fixed[:] = False
    for totals, place in zip(everything, system.places, strict=True):
        amount, nobody = totals.amount.ravel(), totals.nobody.ravel()
        need = np.where(nobody, 0.0, total_needs(totals.table, totals.figures, policy).ravel())
        system.value[place] = np.floor(amount / unit).astype(np.int64)
        system.need[place] = np.maximum(system.need[place], np.ceil(need / unit).astype(np.int64))
        system.fixed[place[nobody]] = True
        allowed[place[totals.allowed.ravel()]] = True
    for (totals, place), mask in zip(zip(new, system.places, strict=False), forced, strict=True):
        cells = place[mask.ravel()]
        level = (1 + terms_of(totals.table, policy).p_percent / 100) * system.value[cells]
        system.need[cells] = np.maximum(system.need[cells], np.ceil(level).astype(np.int64) + 1)
    system.hidden[:] = (~allowed | (system.need > system.value)) & ~system.fixed
    for totals, place in zip(earlier, system.places[len(new) :], strict=True):
        public = place[totals.allowed.ravel()]
        system.fixed[public] = True
        system.hidden[public] = system.need[public] > system.value[public]
    return system


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
