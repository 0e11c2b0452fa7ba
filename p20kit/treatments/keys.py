"""Keys that stand in for chance: the same person, or the same cell, draws the same number in every table.

The seed is the project's secret. Whoever has it can undo noise, so it never stands in a request or a display.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from p20kit.errors import Finding, TableInvalid

IntArray = NDArray[np.int64]
ONE = 2**32
"""Keys are whole numbers under ONE; a key divided by it lies in [0, 1)."""
SHORTEST = 16


def draw(names: Iterable[str], seed: bytes, purpose: str) -> IntArray:
    """Draw a number for each name, from HMAC-SHA256 under the project's seed.

    Source: ExA 3.f (perturbation; sampling).

    Parameters
    ----------
    names : iterable of str
        Unit ids, or names of cells.
    seed : bytes
    purpose : str
        Keys for two purposes tell nothing of each other.

    Returns
    -------
    ndarray of int64
        Uniform on 0 to `ONE` - 1.

    Raises
    ------
    TableInvalid
        If the seed is shorter than 16 bytes.
    """
    if len(seed) < SHORTEST:
        what = f"the seed has fewer than {SHORTEST} bytes"
        raise TableInvalid("nothing was drawn", [Finding("seed", "ExA 3.f", "seed", what, "Use the project's.")])
    secret = hmac.digest(seed, purpose.encode(), hashlib.sha256)
    drawn = [int.from_bytes(hmac.digest(secret, name.encode(), "sha256")[:4], "big") for name in names]
    return np.array(drawn, dtype=np.int64)
