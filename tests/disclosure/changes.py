"""Small systems of changes spelled by hand, and every change in whole persons that fits them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from p20kit.attack import Undecided, components

Bounds = Sequence[float]


def undecided(rows: Sequence[Sequence[int]], down: Bounds, up: Bounds) -> Undecided:
    """Write a system of rows of 1, -1 and 0."""
    matrix = sparse.csr_array(np.array(rows, dtype=float).reshape(len(rows), len(down)))
    matrix.eliminate_zeros()
    low, high = np.array(down, dtype=float), np.array(up, dtype=float)
    return Undecided(np.arange(len(low)), matrix, low, high, components(matrix))


def changes(rows: sparse.csr_array, down: NDArray[np.float64], up: NDArray[np.float64]) -> set[tuple[int, ...]]:
    """Try every change within the bounds along whose rows nothing is left."""
    tried = product(*(range(int(low), int(high) + 1) for low, high in zip(down, up, strict=True)))
    table = np.array(list(tried), dtype=float).reshape(-1, len(down))
    fits = ~(rows @ table.T).any(axis=0) if rows.shape[0] else np.ones(len(table), dtype=bool)
    return {tuple(int(n) for n in row) for row in table[fits]}
