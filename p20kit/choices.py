"""What would pass: the ways to protect tables that the gate releases, each tried; and others, to compare with.

The gate recomputes every cell from its evidence, so it releases what it can make again: counts and figures, some of
them hidden, of categories that may have been merged and of points that may have been left out. Ranges, rounding,
noise and samples in the place of hidden cells are compared with them, for publications that do not pass the gate.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from p20kit.errors import P20KitError
from p20kit.measures import Count, CumulativeShare
from p20kit.policy import CellPolicy
from p20kit.protection import Protected, protect
from p20kit.tables import Table
from p20kit.treatments.collapse import find_merges, merged
from p20kit.treatments.points import fewer_points
from p20kit.treatments.suggest import LOOKS, suggest
from p20kit.treatments.treated import Treated

MOST_CELLS = 3_000
"""Cells of all tables together beyond which nothing is compared: the attack on rounded cells looks at every one."""
GATE = ("suppression", "collapse")
"""Methods of `suggest` that are among the gate's own ways."""


@dataclass(frozen=True, eq=False)
class Choice:
    """One way to protect the tables.

    Parameters
    ----------
    name : str
    protected : Protected or None
        What the gate would be asked for; None for a method it does not release, or where the way leads nowhere.
    treated : Treated or None
        What a method that the gate does not release would display.
    why_not : str
        Why it cannot be asked for; empty where it can.
    """

    name: str
    protected: Protected | None = None
    treated: Treated | None = None
    why_not: str = ""

    @property
    def displayed(self) -> Protected | Treated | None:
        """What is seen of it."""
        return self.protected or self.treated

    @property
    def shown(self) -> tuple[int, int]:
        """How many counts and figures are displayed exactly, and of how many."""
        if self.treated is not None:
            cells = sum(int(table.published.sum()) for table in self.treated.tables)
            return round(cells * (1 - self.treated.loss().cells)), cells
        return _shown(self.protected) if self.protected is not None else (0, 0)


def choices(
    tables: Sequence[Table], policy: CellPolicy, earlier: Sequence[Protected | Table] = ()
) -> tuple[Choice, ...]:
    """Try every way to protect tables that are asked for together.

    Source: DSA III.G.2.a; DSA III.G.2.b; DSA III.G.2.d; ExA 3.f.

    Parameters
    ----------
    tables : sequence of Table
    policy : CellPolicy
    earlier : sequence of Protected or Table

    Returns
    -------
    tuple of Choice
        What can be asked for first. Ways that change nothing are left out.
    """
    found = [_tried("hide the fewest cells", lambda: protect(tables, policy, earlier))]
    fewest = _tried("hide the fewest persons", lambda: protect(tables, policy, earlier, weights="persons"))
    found += [fewest] if _differ(found[0].protected, fewest.protected) else []
    coarser = _coarser(tables, policy)
    if [table.measures for table in coarser] != [table.measures for table in tables]:
        found.append(_tried("fewer points", lambda: protect(coarser, policy, earlier)))
    counts = all(tuple(table.measures) == (Count(),) and table.employer is None for table in tables)
    merges = find_merges(tables, policy) if counts else {}
    if merges:
        found.append(_tried("merge categories", lambda: protect(merged(tables, merges), policy, earlier)))
    if counts and sum(table.counts.size for table in tables) <= MOST_CELLS:
        found += _compared(tables, policy, earlier)
    return tuple(sorted(found, key=lambda choice: choice.protected is None))


def _differ(one: Protected | None, other: Protected | None) -> bool:
    """Tell whether two ways display other cells."""
    if one is None or other is None:
        return False
    pairs = zip(one.shown, other.shown, strict=True)
    return any(not np.array_equal(mine, theirs) for mine, theirs in pairs)


def _coarser(tables: Sequence[Table], policy: CellPolicy) -> list[Table]:
    cumulative = [any(isinstance(measure, CumulativeShare) for measure in table.measures) for table in tables]
    return [fewer_points(t, policy) if has else t for t, has in zip(tables, cumulative, strict=True)]


def _tried(name: str, way: Callable[[], Protected]) -> Choice:
    try:
        return Choice(name, way())
    except P20KitError as error:
        return Choice(name, why_not="; ".join(dict.fromkeys(str(f) for f in error.findings)) or str(error))


def _compared(tables: Sequence[Table], policy: CellPolicy, earlier: Sequence[Protected | Table]) -> Iterator[Choice]:
    why_not = "The gate does not release it: it is here to compare with, for publications of others."
    for entry in suggest(tables, policy, earlier).entries:
        if entry.method not in GATE and entry.verdict == LOOKS["safe"]:
            yield Choice(entry.method, treated=entry.treated, why_not=why_not)


def _shown(protected: Protected) -> tuple[int, int]:
    """Count what is displayed: counts, and the figures beside them."""
    masks = list(protected.shown)
    masks += [mask for figures in protected.measured for mask in figures.values()]
    of = [t.published for t in protected.tables]
    of += [t.published for t, figures in zip(protected.tables, protected.measured, strict=False) for _ in figures]
    displayed = sum(int((mask.ravel() & part).sum()) for mask, part in zip(masks, of, strict=True))
    return displayed, int(np.sum([part.sum() for part in of]))
