"""What a table displays in each cell, and the figures behind it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from p20kit.errors import Finding, TableInvalid

COUNT = "count"

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class Count:
    """Distinct individuals in the cell, however many rows each of them has.

    Source: DSA III.G.2.a ("grouping of individuals").
    """

    kind: ClassVar[str] = COUNT

    @property
    def label(self) -> str:
        """Name of the column it is read by."""
        return self.kind

    def to_dict(self) -> dict[str, Any]:
        """Return the measure as a release request writes it."""
        return {"kind": self.kind}


@dataclass(frozen=True)
class Rate:
    """Percent of the individuals of a cell whose `of` is `value`; the base is those with any value.

    Source: DSA III.G.2.b; DSA VI.D.2.

    Parameters
    ----------
    of, value : str
        A column with one category per individual, and the category whose share is wanted.
    decimals : int, default 1
        Places of the percentage that is displayed.
    """

    of: str
    value: str
    decimals: int = 1
    kind: ClassVar[str] = "rate"

    @property
    def label(self) -> str:
        """Name of the column it is read by."""
        return f"{self.kind} {self.of}={self.value}"

    @property
    def categories(self) -> tuple[str, ...]:
        """Categories that are told apart."""
        return (self.value,)

    @property
    def numerator(self) -> tuple[str, ...]:
        """Categories of those it counts."""
        return (self.value,)

    @property
    def sides(self) -> tuple[str, str]:
        """What those it counts are called, and the others."""
        return self.value, f"not {self.value}"

    def to_dict(self) -> dict[str, Any]:
        """Return the measure as a release request writes it."""
        return {"kind": self.kind, "of": self.of, "value": self.value, "decimals": self.decimals}


@dataclass(frozen=True)
class CumulativeShare:
    """Percent of the individuals of a cell who have come to a point of an order, or to one before it.

    The base is those with any value of `of`. Two shares of one base give the group between their points, so the
    groups between points obey the threshold, and who has come to none.

    Source: DSA III.G.2.a; DSA III.G.2.b; DSA VI.D.2.

    Parameters
    ----------
    of : str
        A column with one category per individual: the first quarter or year in which something is true of them.
    order : tuple of str
        The points from first to last. Every other category ("never", "not yet") stands in the base alone.
    to : str
        The point up to which is counted.
    decimals : int, default 1
        Places of the percentage that is displayed.

    Raises
    ------
    TableInvalid
        If a point is named twice, or `to` is none of them.
    """

    of: str
    order: tuple[str, ...]
    to: str
    decimals: int = 1
    kind: ClassVar[str] = "cumulative"

    def __post_init__(self) -> None:
        """Refuse what is no order."""
        if self.to not in self.order or len(set(self.order)) != len(self.order):
            what = "a point is named twice, or the share is up to none of them"
            advice = "Name every point once, from first to last."
            finding = Finding("order", "DSA III.G.2.b", self.label, what, advice)
            raise TableInvalid("a cumulative share cannot be asked for", [finding])

    @classmethod
    def along(cls, of: str, order: Sequence[str], decimals: int = 1) -> tuple[CumulativeShare, ...]:
        """Give one share for each point of an order."""
        return tuple(cls(of, tuple(order), to, decimals) for to in order)

    @property
    def label(self) -> str:
        """Name of the column it is read by."""
        return f"share {self.of} up to {self.to}"

    @property
    def categories(self) -> tuple[str, ...]:
        """Categories that are told apart, whether they are asked for or lie between two that are."""
        return self.order

    @property
    def numerator(self) -> tuple[str, ...]:
        """Categories of those it counts."""
        return self.order[: self.order.index(self.to) + 1]

    @property
    def sides(self) -> tuple[str, str]:
        """What those it counts are called, and the others."""
        return f"up to {self.to}", f"after {self.to}"

    def to_dict(self) -> dict[str, Any]:
        """Return the measure as a release request writes it."""
        said = {"of": self.of, "order": list(self.order), "to": self.to, "decimals": self.decimals}
        return {"kind": self.kind, **said}


@dataclass(frozen=True)
class _Of:
    of: str
    kind: ClassVar[str] = ""

    @property
    def label(self) -> str:
        """Name of the column it is read by."""
        return f"{self.kind} {self.of}"

    def to_dict(self) -> dict[str, Any]:
        """Return the measure as a release request writes it."""
        return {"kind": self.kind, "of": self.of}


@dataclass(frozen=True)
class _Sum(_Of):
    decimals: int = 2

    def to_dict(self) -> dict[str, Any]:
        """Return the measure as a release request writes it."""
        return {"kind": self.kind, "of": self.of, "decimals": self.decimals}


@dataclass(frozen=True)
class Total(_Sum):
    """Sum of a numeric column over the individuals of a cell, in the column's own unit.

    Source: DSA III.G.2.b; DSA VI.D.2.

    Parameters
    ----------
    of : str
        A column of amounts, zero or more: the dominance and p-percent rules know no negative contribution.
    decimals : int, default 2
        Places of the figure that is displayed.
    """

    kind: ClassVar[str] = "total"


@dataclass(frozen=True)
class Mean(_Sum):
    """Mean of a numeric column over the individuals of a cell who have a value.

    Source: DSA III.G.2.b; DSA VI.D.2.

    Parameters
    ----------
    of : str
        A column of amounts, zero or more: a mean and its count give the total.
    decimals : int, default 2
        Places of the figure that is displayed.
    """

    kind: ClassVar[str] = "mean"


@dataclass(frozen=True)
class Quantile(_Of):
    """Quantile of a numeric column, rounded so that no observed value is reproduced.

    Source: DSA III.G.2.b; DSA VI.D.2.

    Parameters
    ----------
    of : str
    q : float
        Strictly between 0 and 1: minima and maxima are single observed values.
    """

    q: float = 0.5
    kind: ClassVar[str] = "quantile"

    def __post_init__(self) -> None:
        """Refuse the extremes."""
        if not 0 < self.q < 1:
            what = "q is not between 0 and 1: a minimum or maximum is one individual's value"
            finding = Finding("extremes", "DSA III.G.2.b", self.label, what, "Ask for a quantile inside.")
            raise TableInvalid("a quantile cannot be asked for", [finding])

    @property
    def label(self) -> str:
        """Name of the column it is read by."""
        return f"{self.kind} {self.q:g} {self.of}"

    def to_dict(self) -> dict[str, Any]:
        """Return the measure as a release request writes it."""
        return {"kind": self.kind, "of": self.of, "q": self.q}


@dataclass(frozen=True)
class Median(_Of):
    """The quantile at one half.

    Source: DSA III.G.2.b; DSA VI.D.2.
    """

    kind: ClassVar[str] = "median"
    q: ClassVar[float] = 0.5


Share = Rate | CumulativeShare
Measure = Count | Share | Total | Mean | Quantile | Median


@dataclass(frozen=True, eq=False)
class Figures:
    """One measure in every cell, before any rule is applied. All arrays have the shape of the table's counts.

    Parameters
    ----------
    measure : Rate, CumulativeShare, Total, Mean, Quantile or Median
        Or `Count`, whose figures hold the employers of every cell where the table names them.
    value : ndarray of float64
        What would be displayed, unrounded; NaN where nobody has a value.
    base : ndarray of int64
        Persons with a value.
    part : ndarray of int64, optional
        Persons in the numerator (Rate, CumulativeShare).
    total, largest, second : ndarray of float64, optional
        Sum, and the amounts of the two largest contributors (Total, Mean). A contributor is an employer
        where the table names one, else a person.
    employers : ndarray of int64, optional
        Distinct employers behind the cell, where the table names them.
    """

    measure: Measure
    value: FloatArray
    base: IntArray
    part: IntArray | None = None
    total: FloatArray | None = None
    largest: FloatArray | None = None
    second: FloatArray | None = None
    employers: IntArray | None = None
