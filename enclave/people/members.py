"""The agencies that take part in the programme today: without it none of their data are open to anyone.

Source: EM XVIII.B.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import ClassVar

from enclave.calendar import MEMBERSHIP
from enclave.store import View


@dataclass(frozen=True)
class Membership:
    """An agency's signature under the Enterprise MOU.

    Parameters
    ----------
    until : date
        Last day: three years after the signature, earlier where the agency left.
    """

    KIND: ClassVar[str] = "membership"
    agency: str
    since: date
    until: date
    project: str = ""

    @property
    def key(self) -> str:
        """The agency."""
        return self.agency

    @property
    def left(self) -> bool:
        """Tell whether it ends, or ended, before the three years were over."""
        return self.until < MEMBERSHIP.due(self.since)


def members(view: View) -> list[str]:
    """Give the codes of the agencies that are members today (EM XVIII.B)."""
    return [each.agency for each in view.find(Membership) if each.until >= view.today]


def missing_members(view: View, agencies: Iterable[str]) -> list[str]:
    """Say of each agency that is no member today that it is none.

    Source: EM XVIII.B.
    """
    said = []
    for agency in agencies:
        known = view.get(Membership, agency)
        if known is None:
            said.append(f"{agency} has not joined the Enterprise MOU")
        elif known.until < view.today:
            said.append(f"the membership of {agency} in the Enterprise MOU ended on {known.until}")
    return said
