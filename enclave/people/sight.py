"""Which columns a person may see: by employment, for an agency's person by purpose, and what an amendment left.

Source: ExA 2.h; DSA VI.E; DSA VII.
"""

from __future__ import annotations

from dataclasses import dataclass

from enclave.agreement import Policy, of, taken_away
from enclave.agreement.model import PartyKind
from enclave.people.register import Listing
from enclave.people.status import is_government
from enclave.store import View

CLAUSE = "ExA 2.h"
_TAKEN = "an amendment took it away"


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
    taken : frozenset of str
        What an amendment took away, from everybody: ``agency.element``, or an agency.
    """

    government: bool
    purpose: str = ""
    closed: frozenset[str] = frozenset()
    taken: frozenset[str] = frozenset()

    def took(self, owner: str, name: str) -> bool:
        """Tell whether an amendment took a column away.

        Source: DSA VII.
        """
        return not self.taken.isdisjoint((owner, f"{owner}.{name}"))

    def hides(self, owner: str, name: str, uc: bool) -> str:
        """Say why a column is hidden from the person; empty when it is not.

        Source: ExA 2.h; DSA I; DSA VII.
        """
        if self.took(owner, name):
            return _TAKEN
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
    government, taken = is_government(view, listing.person), taken_away(view, listing.project)
    return Sight(government, listing.purpose, closed, taken)


def clause_of(why: str) -> str:
    """Give the clause by which a column is hidden."""
    return "DSA VII" if why == _TAKEN else CLAUSE


def _closed(policy: Policy, listing: Listing) -> frozenset[str]:
    if listing.purpose == "b":
        return frozenset()
    parties = [party for party in policy.agreement.parties if party.kind is PartyKind.AGENCY]
    return frozenset(
        party.code
        for party in parties
        if party.code != listing.agency and (party.education or listing.purpose != "c")
    )
