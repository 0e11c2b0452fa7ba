"""What a protection aims at: against which reader, at what cost of each hidden cell, and with how much effort."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from p20kit.errors import Finding, TableInvalid
from p20kit.policy import COMPLEMENTARY_CLAUSE
from p20kit.tables import Table

BoolArray = NDArray[np.bool_]
FloatArray = NDArray[np.float64]

Against = Literal["inference", "bounds", "recovery"]
Costs = Literal["balanced", "cells", "persons", "log"]

MARGIN_WEIGHT = 1.5
COUNT_WEIGHT = 0.1


@dataclass(frozen=True, eq=False)
class Aim:
    """How complementary cells are chosen.

    Parameters
    ----------
    against : {"inference", "bounds", "recovery"}
        "inference": a reader must think the threshold possible for every hidden count, though they know that counts
        are not negative and that where zeros are displayed a hidden count is not zero. "bounds": the same, but a
        hidden count may be zero. "recovery": no hidden count may follow exactly; weaker than the agreement, for
        comparison with other tools.
    weights : {"balanced", "cells", "persons", "log"} or sequence of ndarray of float64
        What hiding a cell costs: the same for all; its count; 1 + log(1 + count); or "balanced", 1 + 1.5 for each
        margin it is of + 0.1 log(1 + count). Or per table an array of the shape of its counts, above 0.
    keep : sequence of ndarray of bool
        Per table: cells that must be displayed. Empty: none.
    fast : bool or None
        Take the first choice that protects, without looking for the least; None: where the tables are large.
    seconds : float or None
        After so much time what is left is done as `fast` does it.
    """

    against: Against = "inference"
    weights: Costs | Sequence[FloatArray] = "balanced"
    keep: Sequence[BoolArray] = ()
    fast: bool | None = None
    seconds: float | None = None

    def checked(self, tables: Sequence[Table]) -> Aim:
        """Return the aim once it fits the tables.

        Raises
        ------
        TableInvalid
            If a choice is none of those named, or arrays do not fit.
        """
        findings = []
        if self.against not in get_args(Against):
            findings.append(_wrong("against", f"{self.against!r} is none of {', '.join(get_args(Against))}"))
        if isinstance(self.weights, str):
            if self.weights not in get_args(Costs):
                findings.append(_wrong("weights", f"{self.weights!r} is none of {', '.join(get_args(Costs))}"))
        elif [np.shape(w) for w in self.weights] != [t.counts.shape for t in tables]:
            findings.append(_wrong("weights", "the arrays do not have the shapes of the tables"))
        elif not all((np.isfinite(w) & (np.asarray(w) > 0)).all() for w in self.weights):
            findings.append(_wrong("weights", "a weight is not a number above 0"))
        if len(self.keep) and [np.shape(k) for k in self.keep] != [t.counts.shape for t in tables]:
            findings.append(_wrong("keep", "the arrays do not have the shapes of the tables"))
        if findings:
            raise TableInvalid("the tables cannot be protected so", findings)
        return self

    def weigh(self, table: Table, position: int) -> FloatArray:
        """Say what hiding each cell of the table at this position costs; shape of the counts."""
        counts = table.counts
        if not isinstance(self.weights, str):
            return (
                np.asarray(self.weights[position], float) if position < len(self.weights) else np.ones(counts.shape)
            )
        match self.weights:
            case "cells":
                return np.ones(counts.shape)
            case "persons":
                return np.maximum(counts, 1).astype(np.float64)
            case "log":
                return 1.0 + np.log1p(counts)
            case _:
                return 1.0 + MARGIN_WEIGHT * _margins(table) + COUNT_WEIGHT * np.log1p(counts)

    def kept(self, table: Table, position: int) -> BoolArray:
        """Mark the cells of the table at this position that must be displayed."""
        if position < len(self.keep):
            return np.asarray(self.keep[position], bool)
        return np.zeros(table.counts.shape, dtype=bool)


def _margins(table: Table) -> FloatArray:
    """Count of how many columns each cell is a total."""
    number = np.zeros(table.counts.shape)
    for axis, dimension in enumerate(table.dimensions):
        total = np.array([code == "Total" for code in dimension.codes], dtype=np.float64)
        number += total.reshape([-1 if i == axis else 1 for i in range(number.ndim)])
    return number


def _wrong(where: str, what: str) -> Finding:
    return Finding(
        "protect",
        COMPLEMENTARY_CLAUSE,
        where,
        what,
        "Take a choice that protect() names, or one array per table, of the shape of its counts.",
    )


@dataclass(frozen=True)
class Optimality:
    """How good a choice of complementary cells is.

    Parameters
    ----------
    weight : float
        What the complementary cells cost together.
    bound : float
        No choice that protects every cell costs less.
    """

    weight: float = 0.0
    bound: float = 0.0

    @property
    def gap(self) -> float:
        """By how much of the bound the choice costs more at most; infinite where nothing is proven."""
        return self.weight / self.bound - 1.0 if self.bound else float("inf") if self.weight else 0.0

    def __add__(self, other: Optimality) -> Optimality:
        """Put two choices together that have nothing to do with each other."""
        return Optimality(self.weight + other.weight, self.bound + other.bound)
