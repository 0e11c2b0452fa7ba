"""What a table displays in each cell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True)
class Count:
    """Distinct individuals in the cell, however many rows each of them has.

    Source: DSA III.G.2.a ("grouping of individuals").
    """

    kind: ClassVar[str] = "count"

    def to_dict(self) -> dict[str, str]:
        """Return the measure as a release request writes it."""
        return {"kind": self.kind}
