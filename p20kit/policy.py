"""The cell suppression policy: thresholds a project may tighten, never loosen."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from p20kit.errors import Finding, PolicyInvalid

COUNT_CLAUSE = "DSA III.G.2.a"
FORMULA_CLAUSE = "DSA III.G.2.b"
COMPLEMENTARY_CLAUSE = "DSA III.G.2.d"
RECIPIENT_CLAUSE = "DSA VI.D.2"
EMPLOYER_CLAUSE = "DSA II.F"

FLOOR_COUNT = 6
FLOOR_BASE = 20
FLOOR_EMPLOYERS = 3
MOST_DOMINANT = 0.80
FLOOR_P_PERCENT = 15.0
FLOOR_ROUNDING = 0.01

DERIVED = "*"
"""Stands for every column that does not say which column as delivered it is."""


@dataclass(frozen=True)
class CellPolicy:
    """What may be displayed.

    Source: DSA III.G.2.a; DSA III.G.2.b; DSA II.F; DSA VI.D.2.

    Parameters
    ----------
    minimum_count : int, default 6
        Persons; the smallest count that may be displayed.
    minimum_base : int, default 20
        Persons; the smallest base of a percentage, mean or other formula.
    zeros : {"hidden", "shown"}, default "hidden"
        "Less than 6" as written includes 0, so a zero is hidden unless the parties sign otherwise.
        Structural zeros (impossible by the code set) are shown either way.
    minimum_employers : int, default 3
        Distinct employers a cell needs where a table names the employer.
    dominance_share : float, default 0.80
        The largest part of a total that one contributor may hold: the (n, k) rule with n = 1.
    p_percent : float, default 15
        Percent of the largest contribution by which the second largest contributor must miss it at least.
    quantile_rounding : float, default 0.01
        Medians and quantiles are rounded to a step of at least this share of their value.
    sensitive : tuple of str
        Columns of which no displayed group may be wholly in one category (attribute disclosure): by-columns, or
        "table.Column" as delivered. `DERIVED` stands for the others.
    columns : mapping of str to CellPolicy
        Stricter terms of the agency a column is from: by-column, measured column, or "table.Column" as delivered.
        Those of `DERIVED` hold for a column that says no source. `over` gives what holds where several meet.

    Raises
    ------
    PolicyInvalid
        If a value is not of its kind or is looser than the agreement's floor.
    """

    minimum_count: int = FLOOR_COUNT
    minimum_base: int = FLOOR_BASE
    zeros: Literal["hidden", "shown"] = "hidden"
    minimum_employers: int = FLOOR_EMPLOYERS
    dominance_share: float = MOST_DOMINANT
    p_percent: float = FLOOR_P_PERCENT
    quantile_rounding: float = FLOOR_ROUNDING
    sensitive: tuple[str, ...] = ()
    columns: Mapping[str, CellPolicy] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        """Refuse what is looser than the floor."""
        findings = [
            *_below_floor("minimum_count", self.minimum_count, FLOOR_COUNT, COUNT_CLAUSE),
            *_below_floor("minimum_base", self.minimum_base, FLOOR_BASE, FORMULA_CLAUSE),
            *_below_floor("minimum_employers", self.minimum_employers, FLOOR_EMPLOYERS, EMPLOYER_CLAUSE),
            *_outside("dominance_share", self.dominance_share, 0.0, MOST_DOMINANT, EMPLOYER_CLAUSE),
            *_outside("p_percent", self.p_percent, FLOOR_P_PERCENT, 100.0, EMPLOYER_CLAUSE),
            *_outside("quantile_rounding", self.quantile_rounding, FLOOR_ROUNDING, 1.0, FORMULA_CLAUSE),
        ]
        if self.zeros not in ("hidden", "shown"):
            what = "zeros is neither 'hidden' nor 'shown'"
            findings.append(Finding("policy", COUNT_CLAUSE, "zeros", what, "Name one of the two."))
        if isinstance(self.sensitive, str) or not all(isinstance(column, str) for column in self.sensitive):
            what = "sensitive is not a tuple of columns"
            findings.append(Finding("policy", RECIPIENT_CLAUSE, "sensitive", what, "Name columns in a tuple."))
        if any(not isinstance(terms, CellPolicy) or terms.columns for terms in self.columns.values()):
            what = "the terms of a column are not a CellPolicy without columns of its own"
            findings.append(Finding("policy", RECIPIENT_CLAUSE, "columns", what, "Give one CellPolicy per column."))
        if findings:
            raise PolicyInvalid("policy refused: a project may be stricter, never looser", findings)

    @classmethod
    def of(cls, terms: Mapping[str, Any]) -> CellPolicy:
        """Take the terms as plain values, as an agreement's policy writes them.

        Raises
        ------
        PolicyInvalid
            If a term is unknown, not of its kind, or looser than the floor.
        """
        unknown = set(terms) - set(cls.__dataclass_fields__)
        if unknown:
            what = f"{len(unknown)} terms are not known"
            finding = Finding("policy", RECIPIENT_CLAUSE, "policy", what, "Use this version's terms.")
            raise PolicyInvalid("policy refused: what it asks for is not known", [finding])
        columns = {column: cls.of(stricter) for column, stricter in dict(terms.get("columns", {})).items()}
        return cls(**{**terms, "sensitive": tuple(terms.get("sensitive", ())), "columns": columns})

    @property
    def hides_zeros(self) -> bool:
        """Whether a zero that is not structural is hidden."""
        return self.zeros == "hidden"

    def over(self, columns: Iterable[str]) -> CellPolicy:
        """Give the terms that hold where columns meet: of each term the strictest.

        Source: DSA III.G.2; DSA VI.D.2.

        Parameters
        ----------
        columns : iterable of str
            Every column that contributes to a table. One without terms of its own is under the project's.
        """
        terms = [self, *(self.columns[column] for column in dict.fromkeys(columns) if column in self.columns)]
        return CellPolicy(
            minimum_count=max(t.minimum_count for t in terms),
            minimum_base=max(t.minimum_base for t in terms),
            zeros="hidden" if any(t.hides_zeros for t in terms) else "shown",
            minimum_employers=max(t.minimum_employers for t in terms),
            dominance_share=min(t.dominance_share for t in terms),
            p_percent=max(t.p_percent for t in terms),
            quantile_rounding=max(t.quantile_rounding for t in terms),
            sensitive=tuple(dict.fromkeys(column for t in terms for column in t.sensitive)),
        )


def _below_floor(field: str, value: object, floor: int, clause: str) -> list[Finding]:
    if isinstance(value, bool) or not isinstance(value, int):
        what = f"{field} is not a whole number"
    elif value < floor:
        what = f"{field} is {value}, below the floor of {floor}"
    else:
        return []
    return [Finding("policy", clause, field, what, f"Use {floor} or more.")]


def _outside(field: str, value: object, low: float, high: float, clause: str) -> list[Finding]:
    if isinstance(value, bool) or not isinstance(value, int | float):
        what = f"{field} is not a number"
    elif not (low <= value <= high and value > 0):
        what = f"{field} is {value}, outside {low:g} to {high:g}"
    else:
        return []
    return [Finding("policy", clause, field, what, f"Use a number from {low:g} to {high:g}.")]
