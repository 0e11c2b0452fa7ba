"""What was published to everybody: packages whose audience names the public.

Source: DSA VI.G.1.
"""

from __future__ import annotations

import re

from enclave.egress import Clearance
from enclave.publication.record import Publication, State
from enclave.store import View

_PUBLIC = frozenset({"public", "the public", "general public", "the general public", "everyone", "anyone"})


def is_public(audience: str) -> bool:
    """Tell whether an audience names the public: among others, but in words that can mean nothing less."""
    parts = re.split(r"[,;/&]|\band\b", audience.casefold())
    return any(part.strip(" .") in _PUBLIC for part in parts)


def published(view: View) -> list[tuple[Publication, Clearance]]:
    """Give what was published to the public, newest first.

    Source: DSA VI.G.1.
    """
    cleared = [(each, view.get(Clearance, each.request_id)) for each in view.find(Publication, state=State.DONE)]
    found = [(each, clearance) for each, clearance in cleared if clearance and is_public(clearance.audience)]
    return sorted(found, key=lambda each: (each[0].published_on, each[0].folder), reverse=True)
