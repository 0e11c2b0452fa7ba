"""Which columns a person may see: by employment, and for an agency's person by the purpose they are listed for.

Source: ExA 2.h; DSA VI.E.
"""

from __future__ import annotations

from dataclasses import dataclass

from enclave.agreement import Policy, of
from enclave.agreement.model import PartyKind
from enclave.people.register import Listing
from enclave.people.status import is_government
from enclave.store import View

CLAUSE = "ExA 2.h"


@dataclass(frozen=True)
class Sight:
    """What is closed to a person.

    Parameters
    ----------
    government : bool
        Whether unit records of UC data are open.
    purpose : str
        ``a``, ``b`` or ``c`` of 2.h; empty otherwise.
    closed : frozenset of str
        Agencies whose columns the purpose does not extend to.
    """

    government: bool
    purpose: str = ""
    closed: frozenset[str] = frozenset()

    def hides(self, owner: str, uc: bool) -> str:
        """Say why a column is hidden from the person; empty when it is not.

        Source: ExA 2.h; DSA I.
        """
        if uc and not self.government:
            return "only state government employees or officials may see UC unit records"
        if owner in self.closed:
            return f"purpose {self.purpose} does not extend to data of {owner}"
        return ""


def sight_of(view: View, listing: Listing) -> Sight:
    """Say what is closed to a person on a project's list.

    Who supports the matching (a) sees their own agency's data; who compares (c) these, and what others hold that are
    no education records; who advises on the requestor's analysis (b) sees what the requestor sees.

    Source: ExA 2.h.
    """
    closed = _closed(of(view, listing.project).policy, listing) if listing.basis == "2.h" else frozenset()
    return Sight(is_government(view, listing.person), listing.purpose, closed)


def _closed(policy: Policy, listing: Listing) -> frozenset[str]:
    if listing.purpose == "b":
        return frozenset()
    parties = [party for party in policy.agreement.parties if party.kind is PartyKind.AGENCY]
    return frozenset(
        party.code
        for party in parties
        if party.code != listing.agency and (party.education or listing.purpose != "c")
    )
