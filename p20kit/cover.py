"""The cell suppression problem, exactly: cut generation after Fischetti and Salazar, on HiGHS.

The master program chooses what to hide at least weight. The attacker answers with every cell in need that the choice
leaves exposed; each answer is a combination of relations, and becomes a cut: of the displayed cells it leans on, some
must be hidden as well. When nothing is exposed, the choice is optimal.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import highspy
import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from p20kit.changes import exposed
from p20kit.solver import INFINITE, TOLERANCE, has_solution, program, solution
from p20kit.system import BoolArray, FloatArray, IntArray, System

ROUNDS, NODES = 60, 2_000
"""Limits of the exact method."""
EXACT_BOUNDED = 60
"""Cells that may be displayed or hidden, up to which the exact method is used where intervals are asked for; beyond,
its cuts say too little, and what single relations ask is solved nearly, and mended."""
SHORT = 1 - 1e-3
"""Share of its gap under which a cell must stay to be exposed: below it by more than the solver's tolerance."""
NEARLY = (("mip_rel_gap", 0.02), ("mip_max_nodes", 1), ("mip_heuristic_effort", 0.0))
Cut = tuple[IntArray, FloatArray, float]
"""Columns, coefficients, and what they must come to at least."""


@dataclass(frozen=True)
class Covered:
    """What the exact method came to.

    Parameters
    ----------
    hidden : ndarray of bool, shape (n_cells,)
    bound : float
        No choice has less weight of complementary cells than this.
    hopeless : ndarray of int64
        Cells that stay exposed though everything that can be hidden is.
    finished : bool
        Whether nothing else is exposed.
    """

    hidden: BoolArray
    bound: float
    hopeless: IntArray
    finished: bool


def cover(system: System) -> Covered:
    """Choose what to hide at least weight, for a system of some hundred cells.

    Parameters
    ----------
    system : System

    Returns
    -------
    Covered
        Beyond the limits of rounds and nodes it is not finished; `bound` holds all the same.
    """
    everything = system.hidden | ~system.fixed
    hopeless = exposed(system, everything, system.in_need)
    targets = np.setdiff1d(system.in_need, hopeless)
    if not len(targets):
        return Covered(system.hidden.copy(), 0.0, hopeless, True)
    master = _Master(system, targets)
    hidden, bound = master.choose()
    for _ in range(ROUNDS if _exactly(system) else 0):
        bare = exposed(system, hidden, targets)
        if not len(bare):
            return Covered(hidden, bound, hopeless, True)
        for cell in bare.tolist():
            master.add(_cut(system, hidden, cell))
        hidden, bound = master.choose()
    return Covered(hidden, bound, hopeless, False)


def line_bound(system: System) -> float:
    """Give a weight that no choice of complementary cells stays under: what single relations ask, in fractions."""
    master = _Master(system, system.in_need)
    n = len(master.open)
    master.model.changeColsIntegrality(n, np.arange(n, dtype=np.int32), np.zeros(n, dtype=np.uint8))
    master.model.run()
    return max(float(master.model.getInfo().objective_function_value), 0.0)


def _exactly(system: System) -> bool:
    return system.recovery or len(system.open) <= EXACT_BOUNDED


class _Master:
    """The covering program over the cells that may be displayed or hidden."""

    def __init__(self, system: System, targets: IntArray) -> None:
        self.system = system
        self.open = system.open
        self.column = np.full(system.size, -1, dtype=np.int64)
        self.column[self.open] = np.arange(len(self.open))
        cuts = [cut for each in _line_cuts(system, targets) if (cut := self._reduce(each)) is not None]
        self.model = _covering(cuts, system.weight[self.open])
        for option, limit in (("mip_max_nodes", NODES),) if _exactly(system) else NEARLY:
            self.model.setOptionValue(option, limit)
        self.chosen = np.zeros(len(self.open))

    def add(self, cut: Cut) -> None:
        """Add one more cut."""
        reduced = self._reduce(cut)
        if reduced is not None:
            columns, coefficients, least = reduced
            self.model.addRow(least, INFINITE, len(columns), columns.astype(np.int32), coefficients)

    def choose(self) -> tuple[BoolArray, float]:
        """Choose the lightest cells that satisfy every cut; and the bound that is proven."""
        self.model.run()
        found = self.model.getInfo()
        if has_solution(self.model):
            self.chosen = np.array(self.model.getSolution().col_value)
        hidden = self.system.hidden.copy()
        hidden[self.open[self.chosen > 0.5]] = True
        bound = found.mip_dual_bound if np.isfinite(found.mip_dual_bound) else 0.0
        return hidden, max(float(bound), 0.0)

    def _reduce(self, cut: Cut) -> Cut | None:
        """Take out what is hidden anyway; None where nothing is left to ask."""
        cells, coefficients, least = cut
        least -= coefficients[self.system.hidden[cells]].sum()
        free = self.column[cells] >= 0
        columns, coefficients = self.column[cells[free]], coefficients[free]
        if least <= TOLERANCE and (coefficients >= 0).all():
            return None
        if least > 0:
            coefficients = np.minimum(coefficients, least) / least
            least = 1.0
        return columns, coefficients, least


def _covering(cuts: list[Cut], weight: FloatArray) -> highspy.Highs:
    rows = np.repeat(np.arange(len(cuts)), [len(columns) for columns, _, _ in cuts])
    columns = np.concatenate([c for c, _, _ in cuts] or [np.zeros(0, dtype=np.int64)])
    entries = np.concatenate([e for _, e, _ in cuts] or [np.zeros(0)])
    matrix = sparse.csr_matrix((entries, (rows, columns)), shape=(len(cuts), len(weight)))
    least = np.array([at_least for _, _, at_least in cuts])
    n = len(weight)
    model = program(matrix, weight, np.zeros(n), np.ones(n), least, np.full(len(cuts), INFINITE))
    model.changeColsIntegrality(n, np.arange(n, dtype=np.int32), np.ones(n, dtype=np.uint8))
    return model


def _line_cuts(system: System, targets: IntArray) -> Iterator[Cut]:
    """Yield what single relations ask.

    A cell in need must find its gap among the others of each of its lines. A cell that is hidden only for others is
    of use only if every line of it holds another hidden cell.
    """
    target = np.zeros(system.size, dtype=bool)
    target[targets] = True
    matrix = system.matrix
    for row in range(matrix.shape[0]):
        span = slice(matrix.indptr[row], matrix.indptr[row + 1])
        usable = ~system.fixed[matrix.indices[span]]
        cells, signs = matrix.indices[span][usable].astype(np.int64), matrix.data[span][usable]
        for place, cell in enumerate(cells.tolist()):
            others = np.delete(cells, place)
            if target[cell]:
                gap = system.gap[cell]
                # along one relation a cell rises when those of its own sign fall, or those of the other sign rise
                falls = np.delete(signs, place) == signs[place]
                yield others, np.where(falls, np.minimum(system.drop[others], gap), gap), gap
            elif not system.hidden[cell]:
                yield np.append(others, cell), np.append(np.ones(len(others)), -1.0), 0.0


def _cut(system: System, hidden: BoolArray, cell: int) -> Cut:
    """Find the combination of relations that exposes a cell and leans on the fewest displayed cells."""
    combination = _certificate(system, hidden, cell)
    shown = np.flatnonzero(~hidden & ~system.fixed)
    gap = system.gap[cell]
    if combination is None:
        return shown, np.full(len(shown), gap), gap
    leans = system.matrix.T @ combination
    leans[cell] = 0.0
    leans[system.fixed | (np.abs(leans) < TOLERANCE)] = 0.0
    with np.errstate(invalid="ignore"):
        falls = np.minimum(leans * system.drop, gap)
    needed = np.flatnonzero(leans)
    return needed, np.where(leans > 0, falls, gap)[needed], gap


def _certificate(system: System, hidden: BoolArray, cell: int) -> NDArray[np.float64] | None:
    """Give weights of relations by which the cell follows to stay under its gap; None where no linear one does."""
    mine = np.flatnonzero(hidden)
    shown = np.flatnonzero(~hidden & ~system.fixed)
    lines = system.matrix.shape[0]
    transposed = system.matrix.T.tocsr()
    split = sparse.hstack([transposed[shown], -sparse.identity(len(shown)), sparse.identity(len(shown))])
    drop = system.drop[mine]
    finite = np.isfinite(drop)
    spent = sparse.csr_matrix(np.where(finite & (mine != cell), np.where(finite, drop, 0.0), 0.0)) @ transposed[mine]
    rows = sparse.vstack([
        sparse.hstack([transposed[mine], sparse.csr_matrix((len(mine), 2 * len(shown)))]),
        split,
        sparse.hstack([spent, sparse.csr_matrix((1, 2 * len(shown)))]),
    ]).tocsr()  # fmt: skip
    itself = mine == cell
    lower = np.concatenate([itself.astype(np.float64), np.zeros(len(shown)), [-INFINITE]])
    upper = np.concatenate(
        [np.where(itself, 1.0, np.where(finite, INFINITE, 0.0)), np.zeros(len(shown)), [SHORT * system.gap[cell]]]
    )
    cost = np.concatenate([np.zeros(lines), np.ones(2 * len(shown))])
    floor = np.concatenate([np.full(lines, -INFINITE), np.zeros(2 * len(shown))])
    model = program(rows, cost, floor, np.full(len(cost), INFINITE), lower, upper)
    found = solution(model)
    return None if found is None else found[:lines]
