"""Clusters of records of one person: heaviest pairs first, no two records of an agency, no chains by transitivity."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
import numpy.typing as npt
import pandas as pd

Ints = npt.NDArray[np.int64]

UNSEEN_ACROSS, UNSEEN_WITHIN = -2.0, -1.0
"""Match weight (log2) of two records no blocking rule proposed: rather not one person. Within a file it is a weaker
sign, since a person's many records differ in many ways."""


@dataclass(frozen=True, eq=False)
class Clusters:
    """Who was put together, and what was refused on the way.

    Attributes
    ----------
    of_record : ndarray of int64
        Number of the cluster of each record; a record alone has one of its own.
    doubled : int
        Pairs refused because the cluster would hold two records of one agency.
    chained : int
        Pairs refused because the other records of the two clusters speak against it.
    tied : int
        Pairs refused because another of the same weight wanted the same record.
    """

    of_record: Ints
    doubled: int
    chained: int
    tied: int


def merge(pairs: pd.DataFrame, group: Ints | None, size: int, least: float = 0.0) -> Clusters:
    """Merge records into clusters, heaviest pair first.

    Two clusters become one if they hold no two records of one agency, and if the mean weight of all pairs between
    them is above 0: a record is not joined to a cluster through one of its members alone.

    Parameters
    ----------
    pairs : DataFrame
        `left`, `right` (record numbers, each pair once) and `match_weight` (log2); also those below `least`,
        as evidence.
    group : ndarray of int64 or None
        Agency of each record; None within one file, where a person may have any number of records.
    size : int
        Number of records.
    least : float
        Lowest match weight of a pair that may join two clusters.
    """
    left, right = pairs["left"].to_numpy(), pairs["right"].to_numpy()
    weight = pairs["match_weight"].to_numpy()
    heavy = np.flatnonzero(weight >= least)
    order = heavy[np.lexsort((right[heavy], left[heavy], -weight[heavy]))]
    merging = _Merging(left, right, weight, group, size)
    for equal in np.split(order, np.flatnonzero(np.diff(weight[order])) + 1):
        merging.join([(int(left[i]), int(right[i])) for i in equal])
    return merging.clusters()


class _Merging:
    """The clusters as they grow."""

    def __init__(
        self, left: Ints, right: Ints, weight: npt.NDArray[np.float64], group: Ints | None, size: int
    ) -> None:
        self.weights = dict(zip(zip(left.tolist(), right.tolist(), strict=True), weight.tolist(), strict=True))
        self.group = group
        self.unseen = UNSEEN_WITHIN if group is None else UNSEEN_ACROSS
        self.members: dict[int, list[int]] = {}
        self.cluster = list(range(size))
        self.refused = {"doubled": 0, "chained": 0, "tied": 0}

    def join(self, pairs: Sequence[tuple[int, int]]) -> None:
        """Join what pairs of one weight hold together."""
        wanted = [(a, b) for a, b in pairs if self.cluster[a] != self.cluster[b] and self._may(a, b)]
        tied = self._rivals(wanted, self.group) if self.group is not None else set()
        for a, b in wanted:
            if (a, b) in tied:
                self.refused["tied"] += 1
            elif self.cluster[a] != self.cluster[b] and self._may(a, b):
                self._unite(self.cluster[a], self.cluster[b])

    def clusters(self) -> Clusters:
        return Clusters(np.array(self.cluster, dtype=np.int64), **self.refused)

    def _of(self, cluster: int) -> list[int]:
        return self.members.get(cluster, [cluster])

    def _may(self, a: int, b: int) -> bool:
        one, other = self._of(self.cluster[a]), self._of(self.cluster[b])
        if self.group is not None and {self.group[i] for i in one} & {self.group[j] for j in other}:
            self.refused["doubled"] += 1
            return False
        total: float = sum(
            self.weights.get((i, j), self.weights.get((j, i), self.unseen)) for i, j in product(one, other)
        )
        if total <= 0:
            self.refused["chained"] += 1
        return total > 0

    def _rivals(self, pairs: Sequence[tuple[int, int]], group: Ints) -> set[tuple[int, int]]:
        """Pairs of one weight that would put two records of an agency into one cluster."""
        wants: dict[tuple[int, int], set[int]] = defaultdict(set)
        for a, b in pairs:
            wants[self.cluster[a], int(group[b])].add(self.cluster[b])
            wants[self.cluster[b], int(group[a])].add(self.cluster[a])
        return {
            (a, b)
            for a, b in pairs
            if len(wants[self.cluster[a], int(group[b])]) > 1 or len(wants[self.cluster[b], int(group[a])]) > 1
        }

    def _unite(self, one: int, other: int) -> None:
        kept, gone = min(one, other), max(one, other)
        moved = self.members.pop(gone, [gone])
        for record in moved:
            self.cluster[record] = kept
        self.members[kept] = sorted([*self._of(kept), *moved])


def sizes(clusters: Ints) -> dict[int, int]:
    """Count clusters by size, smallest first."""
    of_size = np.bincount(np.bincount(clusters))
    return {size: int(n) for size, n in enumerate(of_size) if size and n}
