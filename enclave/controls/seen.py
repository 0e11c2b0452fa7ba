"""What was found when the controls were last looked at, kept for whoever asks how they stand.

A look recomputes the whole ledger and reads everything sealed: it is taken by a command, not by a page.

Source: DSA VI.D.1; EM XV.A.1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import ClassVar

from enclave.controls.standing import Standing
from enclave.ledger import Details, Entry
from enclave.store import Transaction, View

_KEY = "controls"


@dataclass(frozen=True)
class Deviating:
    """A control that deviates: what it does, and what was found."""

    does: str
    found: tuple[str, ...]


@dataclass(frozen=True)
class Seen:
    """The last look: how each control stood, deviations first."""

    KIND: ClassVar[str] = "controls-seen"
    looked_on: date
    by: str
    standings: tuple[Standing, ...]
    project: str = ""

    @property
    def key(self) -> str:
        """There is one."""
        return _KEY

    @property
    def deviating(self) -> tuple[Deviating, ...]:
        """What deviated, in a few words."""
        return tuple(
            Deviating(each.control.does, tuple(look.found for look in each.evidence.values() if not look.holds))
            for each in self.standings
            if each.deviates
        )

    @property
    def tested(self) -> int:
        """Controls of which tests alone tell."""
        return sum(not each.evidence for each in self.standings)

    @property
    def held(self) -> int:
        """Controls that held as looked at."""
        return len(self.standings) - self.tested - len(self.deviating)


def keep(tx: Transaction, found: Sequence[Standing], actor: str) -> Seen:
    """Keep what was found, in place of what was found before.

    Source: DSA VI.D.1; EM XV.A.1.
    """
    seen = Seen(tx.today, actor, tuple(found))
    details: Details = {"held": seen.held, "tested": seen.tested, "deviating": len(seen.deviating)}
    tx.write(seen, Entry(actor, "controls.look", _KEY, "", "DSA VI.D.1", details=details))
    return seen


def last_seen(view: View) -> Seen | None:
    """Give the last look; None where nobody has looked."""
    return view.get(Seen, _KEY)
