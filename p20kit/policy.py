"""The cell suppression policy: thresholds a project may tighten, never loosen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from p20kit.errors import Finding, PolicyInvalid

COUNT_CLAUSE = "DSA III.G.2.a"
FORMULA_CLAUSE = "DSA III.G.2.b"
COMPLEMENTARY_CLAUSE = "DSA III.G.2.d"
RECIPIENT_CLAUSE = "DSA VI.D.2"

FLOOR_COUNT = 6
FLOOR_BASE = 20


@dataclass(frozen=True)
class CellPolicy:
    """What may be displayed.

    Source: DSA III.G.2.a; DSA III.G.2.b; DSA VI.D.2.

    Parameters
    ----------
    minimum_count : int, default 6
        Persons; the smallest count that may be displayed.
    minimum_base : int, default 20
        Persons; the smallest base of a percentage, mean or other formula.
    zeros : {"hidden", "shown"}, default "hidden"
        "Less than 6" as written includes 0, so a zero is hidden unless the parties sign otherwise.
        Structural zeros (impossible by the code set) are shown either way.

    Raises
    ------
    PolicyInvalid
        If a value is not of its kind or is looser than the agreement's floor.
    """

    minimum_count: int = FLOOR_COUNT
    minimum_base: int = FLOOR_BASE
    zeros: Literal["hidden", "shown"] = "hidden"

    def __post_init__(self) -> None:
        """Refuse what is looser than the floor."""
        findings = [
            *_below_floor("minimum_count", self.minimum_count, FLOOR_COUNT, COUNT_CLAUSE),
            *_below_floor("minimum_base", self.minimum_base, FLOOR_BASE, FORMULA_CLAUSE),
        ]
        if self.zeros not in ("hidden", "shown"):
            what = "zeros is neither 'hidden' nor 'shown'"
            findings.append(Finding("policy", COUNT_CLAUSE, "zeros", what, "Name one of the two."))
        if findings:
            raise PolicyInvalid("policy refused: a project may be stricter, never looser", findings)

    @property
    def hides_zeros(self) -> bool:
        """Whether a zero that is not structural is hidden."""
        return self.zeros == "hidden"


def _below_floor(field: str, value: object, floor: int, clause: str) -> list[Finding]:
    if isinstance(value, bool) or not isinstance(value, int):
        what = f"{field} is not a whole number"
    elif value < floor:
        what = f"{field} is {value}, below the floor of {floor}"
    else:
        return []
    return [Finding("policy", clause, field, what, f"Use {floor} or more.")]
