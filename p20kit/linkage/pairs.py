"""Candidate pairs where they are kept: proposed, compared and weighed by DuckDB on this machine.

They are the bulk of a match. Whoever keeps them (`spark` is the other one) runs the same queries over them and hands
back what is small: counts of agreement vectors, and the pairs that are not hopeless.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd

from p20kit.linkage.blocking import Rule, propose
from p20kit.linkage.comparison import Comparison
from p20kit.linkage.vectors import Patterns, both_sides, columns_of, compare, patterns

Engine = Literal["duckdb", "spark"]

Weighed = dict[str, npt.NDArray[np.generic]]
"""Columns l, r, rule, pattern and match_weight (log2) of pairs."""


class CandidatePairs(Protocol):
    """The candidate pairs of two standardised files."""

    def propose(self, rules: Sequence[Rule]) -> None:
        """Take every pair that some rule proposes, once, under the first."""

    def compare(self, comparisons: Sequence[Comparison]) -> Patterns:
        """Find the agreement vector of every pair; give how often each was seen."""

    def weigh(self, weights: pd.DataFrame, lowest: float) -> Weighed:
        """Give the pairs from the lowest weight on.

        Parameters
        ----------
        weights : DataFrame
            `pattern`, its `weight` before the rarity of values, and `always`: its pairs are given however light.
        lowest : float
        """


def weighed(lowest: float) -> str:
    """Give the query for the pairs of `vectors` from a weight on, by the weights of `pattern_weights`."""
    return (
        "select l, r, rule, v.pattern as pattern, w.weight + v.rarity as match_weight"  # noqa: S608
        " from vectors v join pattern_weights w on v.pattern = w.pattern"
        f" where w.always or w.weight + v.rarity >= {lowest}"
    )


@dataclass(frozen=True)
class PairsInDuckDB:
    """Candidate pairs in DuckDB, in memory.

    Parameters
    ----------
    con : duckdb.DuckDBPyConnection
    tables : tuple of str
        Of the two standardised files; the same one twice for duplicates within a file.
    """

    con: Any
    tables: tuple[str, str]

    def propose(self, rules: Sequence[Rule]) -> None:
        """Take every pair that some rule proposes, once, under the first."""
        propose(self.con, self.tables, rules, "candidates")

    def compare(self, comparisons: Sequence[Comparison]) -> Patterns:
        """Find the agreement vector of every pair; give how often each was seen."""
        columns = columns_of(self.con, self.tables[0])
        compare(self.con, both_sides(columns, self.tables, "candidates"), columns, comparisons, "vectors")
        self.con.execute("drop table candidates")
        return patterns(self.con, "vectors", comparisons)

    def weigh(self, weights: pd.DataFrame, lowest: float) -> Weighed:
        """Give the pairs from the lowest weight on."""
        self.con.register("pattern_weights", weights)
        found: Weighed = self.con.execute(weighed(lowest)).fetchnumpy()
        self.con.unregister("pattern_weights")
        return found
