"""All changes of a system that break none of its sums, as combinations of few; and the smallest that do a job.

Sums of a table are short and most are of three cells, so that elimination by the shortest sum first fills in little.
"""

from __future__ import annotations

import heapq
import itertools

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.cluster.hierarchy import DisjointSet
from scipy.linalg import solve_triangular
from scipy.sparse.csgraph import connected_components

IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]
FloatArray = NDArray[np.float64]


ROUNDS = 12
AT_ONCE = 4
"""Bounds that a smallest change is made to keep in one round, the most broken first."""
ZERO = 1e-9
LEAST = 0.02
"""Room that a column which hardly moves is given, as a share of the furthest: it is held where it is if need be."""


def components(rows: sparse.csr_array) -> IntArray:
    """Number the columns so that those which a chain of rows connects have one number."""
    graph = sparse.block_array([[None, rows], [rows.T, None]])
    return np.asarray(connected_components(graph)[1][rows.shape[0] :], dtype=np.int64)


def neighbours(rows: sparse.csr_array, most: int) -> IntArray:
    """Put columns into groups that few rows go across: those of the shortest rows first, while there is room.

    Of rows that are as short, a fixed draw decides: taken as they stand, those of one by-column would come first.

    Parameters
    ----------
    rows : csr_array, shape (m, n)
    most : int
        Columns of one group.

    Returns
    -------
    ndarray of int64, shape (n,)
        Columns of one group have one number; without the limit, the groups would be the components.
    """
    groups, length = DisjointSet(range(rows.shape[1])), np.diff(rows.indptr)
    for row in np.lexsort((np.random.default_rng(0).random(len(length)), length)).tolist():
        met = list({groups[each] for each in rows.indices[rows.indptr[row] : rows.indptr[row + 1]].tolist()})
        if sum(map(groups.subset_size, met)) <= most:
            for other in met[1:]:
                groups.merge(met[0], other)
    return np.fromiter((groups[column] for column in range(rows.shape[1])), dtype=np.int64)


def crossing(rows: sparse.csr_array | sparse.csc_array, columns: IntArray) -> sparse.csr_array:
    """Give the rows that run through some columns, as far as they are in these."""
    within = sparse.csr_array(rows[:, columns])
    return within[np.diff(within.indptr) > 0]


def tied(rows: sparse.csr_array) -> tuple[sparse.csr_array, sparse.csr_array]:
    """Put columns that can only change together into one.

    Parameters
    ----------
    rows : csr_array of float64, shape (m, n)

    Returns
    -------
    (csr_array, csr_array)
        What one more in each of k columns makes of the n: 1, -1 or nothing, and no column in two; shape (n, k). And
        independent rows of the k; shape (r, k).
    """
    moves = sparse.csr_array(sparse.eye_array(rows.shape[1]))
    while (further := _further(_without_zeros(rows @ moves))) is not None:
        moves = _without_zeros(moves @ further)
    left = _without_zeros(rows @ moves)
    return moves, left[independent(left)]


def narrowest(moves: sparse.csr_array, down: FloatArray, up: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Find how far columns of tied ones may fall and rise, when each of these keeps its bounds.

    Parameters
    ----------
    moves : csr_array, shape (n, k)
        From `tied`.
    down, up : ndarray of float64, shape (n,)

    Returns
    -------
    (ndarray of float64, ndarray of float64)
        Shape (k,).
    """
    each, column = moves.nonzero()
    ahead = moves.data > 0
    least, most = np.full(moves.shape[1], -np.inf), np.full(moves.shape[1], np.inf)
    np.maximum.at(least, column, np.where(ahead, down[each], -up[each]))
    np.minimum.at(most, column, np.where(ahead, up[each], -down[each]))
    return least, most


def _further(rows: sparse.csr_array) -> sparse.csr_array | None:
    """Tie columns by the rows of one and of two entries; None where there are no such rows."""
    size, length = rows.shape[1], np.diff(rows.indptr)
    first = rows.indptr[:-1]
    lone = rows.indices[first[length == 1]]
    pair = first[length == 2]
    pair = pair[np.abs(rows.data[pair]) == np.abs(rows.data[pair + 1])]
    if not len(lone) + len(pair):
        return None
    one, other = rows.indices[pair], rows.indices[pair + 1]
    opposed = np.where(rows.data[pair] == rows.data[pair + 1], size, 0)
    # each column stands there twice, as itself and as its negative
    ends = (
        np.concatenate([lone, one, one + size]),
        np.concatenate([lone + size, other + opposed, other + size - opposed]),
    )
    graph = sparse.coo_array((np.ones_like(ends[0]), ends), shape=(2 * size, 2 * size))
    label = connected_components(graph)[1]
    itself, negative = label[:size], label[size:]
    free = np.flatnonzero(itself != negative)
    bundles, column = np.unique(np.minimum(itself, negative)[free], return_inverse=True)
    signs = np.where(itself[free] < negative[free], 1.0, -1.0)
    return sparse.csr_array((signs, (free, column)), shape=(size, len(bundles)))


def _without_zeros(matrix: sparse.csr_array) -> sparse.csr_array:
    matrix = sparse.csr_array(matrix)
    matrix.eliminate_zeros()
    return matrix


def independent(rows: sparse.csr_array) -> IntArray:
    """Choose rows that say as much as all of them.

    Parameters
    ----------
    rows : csr_array of float64, shape (m, n)

    Returns
    -------
    ndarray of int64, shape (r,)
        Ascending.
    """
    return np.sort(np.array([row for row, _, _ in _eliminate(rows)], dtype=np.int64))


def moving(rows: sparse.csr_array) -> BoolArray:
    """Tell which columns some change moves that breaks no row; the others follow exactly.

    Parameters
    ----------
    rows : csr_array of float64, shape (m, n)

    Returns
    -------
    ndarray of bool, shape (n,)
    """
    # a change drawn at random moves whatever any change does
    change = np.random.default_rng(0).standard_normal(rows.shape[1])
    for _, column, terms in reversed(_eliminate(rows)):
        change[column] = -sum(factor * change[other] for other, factor in terms.items())
    moved: BoolArray = np.abs(change) > ZERO
    return moved


def null_space(rows: sparse.csr_array) -> sparse.csr_array:
    """Find few changes of which every change that breaks no row is a combination.

    Parameters
    ----------
    rows : csr_array of float64, shape (m, n)

    Returns
    -------
    csr_array of float64, shape (n, n - r)
        A change in each column.
    """
    solved = {column: terms for _, column, terms in _eliminate(rows)}
    size = rows.shape[1]
    free = [column for column in range(size) if column not in solved]
    made_of: dict[int, dict[int, float]] = {column: {at: 1.0} for at, column in enumerate(free)}
    for column, terms in reversed(solved.items()):
        own: dict[int, float] = {}
        for other, factor in terms.items():
            for at, weight in made_of[other].items():
                own[at] = own.get(at, 0.0) - factor * weight
        made_of[column] = {at: weight for at, weight in own.items() if abs(weight) > ZERO}
    entries = [made_of[column] for column in range(size)]
    terms_at = np.fromiter(itertools.chain.from_iterable(entries), dtype=np.int64)
    weights = np.fromiter((weight for own in entries for weight in own.values()), dtype=np.float64)
    starts = np.cumsum([0, *map(len, entries)])
    return sparse.csr_array((weights, terms_at, starts), shape=(size, len(free)))


def _eliminate(matrix: sparse.csr_array) -> list[tuple[int, int, dict[int, float]]]:
    """Solve the shortest row, of these the one that was so first, for the column that fewest others have; put that
    into those, until none is left.

    Returns
    -------
    list of (int, int, dict)
        The row, its column, and the row's other terms when the column's own factor is one; in the order of solving.
    """
    matrix = _without_zeros(matrix)
    starts = matrix.indptr.tolist()
    rows = [
        dict(zip(matrix.indices[begin:end].tolist(), matrix.data[begin:end].tolist(), strict=True))
        for begin, end in itertools.pairwise(starts)
    ]
    holders: list[set[int]] = [set() for _ in range(matrix.shape[1])]
    for row, terms in enumerate(rows):
        for column in terms:
            holders[column].add(row)
    at_first = [len(terms) for terms in rows]
    waiting = [(length, length, row) for row, length in enumerate(at_first) if length]
    heapq.heapify(waiting)
    solved: list[tuple[int, int, dict[int, float]]] = []
    while waiting:
        length, _, row = heapq.heappop(waiting)
        terms = rows[row]
        if length != len(terms):
            continue
        column = min(terms, key=lambda each: (len(holders[each]), each))
        for each in terms:
            holders[each].discard(row)
        factor = terms.pop(column)
        rows[row], own = {}, {each: weight / factor for each, weight in terms.items()}
        solved.append((row, column, own))
        for other in sorted(holders[column]):
            _put(own, rows[other], column, other, holders)
            if rows[other]:
                heapq.heappush(waiting, (len(rows[other]), at_first[other], other))
    return solved


def _put(own: dict[int, float], into: dict[int, float], column: int, row: int, holders: list[set[int]]) -> None:
    """Put what a column is made of into a row that has it."""
    factor = into.pop(column)
    for each, weight in own.items():
        new = into.get(each, 0.0) - factor * weight
        if abs(new) > ZERO:
            into[each] = new
            holders[each].add(row)
        elif each in into:
            del into[each]
            holders[each].discard(row)


class Smallest:
    """Changes that take one column where it is asked to be, and are otherwise as small as can be.

    Small is measured for each column against its room, so that none is likely to break a bound; those that do are
    held at it.

    Parameters
    ----------
    basis : csr_array of float64, shape (n, k)
    down, up : ndarray of float64, shape (n,)
        How far each column may fall (at most 0) and rise (at least 0).
    furthest : float
        Room that is as good as more.
    near : float
        Closer than this is equal.
    """

    def __init__(
        self, basis: sparse.csr_array, down: FloatArray, up: FloatArray, furthest: float, near: float
    ) -> None:
        self._down, self._up, self._near = down, up, near
        self._room = np.clip(np.minimum(-down, up), LEAST * furthest, furthest)
        scaled = sparse.csr_array(basis.multiply(1.0 / self._room[:, None]))
        root = np.linalg.cholesky((scaled.T @ scaled).toarray())
        half = solve_triangular(root, basis.toarray().T, lower=True)
        self._along = half.T @ half

    def change(self, column: int, by: float) -> FloatArray | None:
        """Take a column there; None where that takes more than holding a few others at their bounds.

        Parameters
        ----------
        column : int
        by : float

        Returns
        -------
        ndarray of float64, shape (n,), or None
        """
        held, at = np.array([column]), np.array([by])
        for _ in range(ROUNDS):
            share = np.linalg.lstsq(self._along[np.ix_(held, held)], at, rcond=ZERO)[0]
            change: FloatArray = share @ self._along[held]
            beyond = np.maximum(change - self._up, self._down - change)
            if np.abs(change[held] - at).max() > self._near:
                return None
            broken = np.flatnonzero(beyond > self._near)
            if not len(broken):
                return change
            worst = broken[np.argsort(-beyond[broken] / self._room[broken], kind="stable")[:AT_ONCE]]
            held = np.concatenate([held, worst])
            at = np.concatenate([at, np.clip(change[worst], self._down[worst], self._up[worst])])
        return None
