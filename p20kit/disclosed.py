"""What a reader of a release knows of each cell of one table: an interval.

Everything that releases cells (suppression, rounding, ranges, noise) says here what it tells a reader, and the
auditor attacks nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from p20kit.tables import Table

COUNT = "count"

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Disclosed:
    """One additive layer of one table as it is released. All arrays have the shape of the table's counts.

    Parameters
    ----------
    table : Table
    truth : ndarray of float64
        The figure itself: persons, or the sum of a numeric column. It adds up along every relation of the table.
    lower, upper : ndarray of float64
        What the release says of the figure; equal where it is displayed exactly, (0, inf) where it is hidden.
    need : ndarray of float64
        What a reader must still think possible (the largest figure consistent with everything released);
        0 where nothing is asked. DSA III.G.2.a, d.
    layer : str, default "count"
        `count`, or the label of the measure whose sum this is; layers are separate unknowns.
    whole : bool, default True
        Whether the figure is whole (persons).
    """

    table: Table
    truth: FloatArray
    lower: FloatArray
    upper: FloatArray
    need: FloatArray
    layer: str = COUNT
    whole: bool = True


class Discloses(Protocol):
    """Anything that can be attacked: it says what a reader will know."""

    def disclosed(self) -> tuple[Disclosed, ...]:
        """Give every additive layer of every table that is released."""
        ...
