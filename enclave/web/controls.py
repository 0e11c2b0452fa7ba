"""How the controls of NIST SP 800-171 and SATRE stood when they were last looked at, for who governs and audits.

Looking recomputes the whole ledger and needs the hub's own file: it is taken by a command, not by a page.

Source: EM XV.A.1; DSA VI.D.1.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from enclave.controls import Standing, last_seen
from enclave.web.access import governing
from enclave.web.visit import Page, Visit


@dataclass(frozen=True)
class Controls:
    """Every control with what was found: those that deviate, that hold, and of which tests alone tell.

    Parameters
    ----------
    looked_on : date or None
        None where nobody has looked.
    by : str
        Login of who looked.
    """

    looked_on: date | None
    by: str
    deviate: list[Standing]
    hold: list[Standing]
    tested: list[Standing]


def show(visit: Visit) -> Page[Controls]:
    """Show how each control stood at the last look."""
    with visit.view() as view:
        governing(view, visit.me.name, "controls", "EM XV.A.1")
        seen = last_seen(view)
    found = seen.standings if seen else ()
    model = Controls(
        looked_on=seen.looked_on if seen else None,
        by=seen.by if seen else "",
        deviate=[each for each in found if each.deviates],
        hold=[each for each in found if each.evidence and not each.deviates],
        tested=[each for each in found if not each.evidence],
    )
    return Page("controls", "Security controls", model)
