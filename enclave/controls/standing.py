"""How every control stands: its statements, and what was found; deviations first.

Source: EM XV.A.1; DSA VI.D.1.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from enclave.controls import entrance, machine, records, seals
from enclave.controls.catalogue import Control
from enclave.controls.evidence import Evidence, Installed

LOOKS: Mapping[str, Callable[[Installed], Evidence]] = {
    look.__name__.replace("_", "-"): look
    for look in (
        machine.closed_home, machine.closed_keys, machine.keys_apart, machine.closed_database,
        machine.runtime_in_memory, machine.no_swap, machine.validated_module, machine.held_sandboxes,
        machine.no_demonstration, entrance.encrypted_browsers, entrance.second_factor,
        entrance.watched_sessions, records.proven_ledger, records.nothing_overdue, records.nothing_held,
        records.nothing_half_done, records.valid_papers, records.unchanged_policies, records.approved_methods,
        seals.intact_seals,
    )
}  # fmt: skip
"""What can be looked at, by the name under which the catalogue asks for it."""


@dataclass(frozen=True)
class Standing:
    """One control and the evidence for it, by the name of the look; none where only tests prove it."""

    control: Control
    evidence: Mapping[str, Evidence]

    @property
    def deviates(self) -> bool:
        """Tell whether anything that was looked at does not hold."""
        return not all(each.holds for each in self.evidence.values())


def look(installed: Installed) -> dict[str, Evidence]:
    """Look at everything once."""
    return {name: at(installed) for name, at in LOOKS.items()}


def standings(catalogue: Sequence[Control], seen: Mapping[str, Evidence]) -> list[Standing]:
    """Say how each control stands: those that deviate first, then those that were looked at.

    Raises
    ------
    KeyError
        If the catalogue asks for a look that there is not.
    """
    found = [Standing(each, {name: seen[name] for name in each.looks}) for each in catalogue]
    return sorted(found, key=lambda standing: (not standing.deviates, not standing.evidence))
