"""Who plays: invented people in the roles of the agreement, with the five contact fields of DSA VI.E."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from enclave import people
from enclave.app import Enclave
from enclave.terms import Role

PROJECT = "DR-0034"
SIGNED = date(2022, 4, 1)
JOINED = date(2021, 7, 1)
"""When the agencies signed the Enterprise MOU."""


@dataclass(frozen=True)
class Player:
    """One invented person on the project's list."""

    id: str
    name: str
    position: str
    organization: str
    role: Role
    basis: str
    agency: str = ""
    government: bool = True
    purpose: str = ""
    justification: str = ""
    signs_exhibit_c: bool = True

    @property
    def person(self) -> people.Person:
        """The record with all five contact fields."""
        return people.Person(
            id=self.id,
            name=self.name,
            position=self.position,
            organization=self.organization,
            email=f"{self.id}@example.org",
            telephone="860-555-0100",
            government=self.government,
        )

    @property
    def listing(self) -> people.Listing:
        """The place on the project's list."""
        return people.Listing(self.id, PROJECT, self.role, self.basis, self.purpose, self.justification, self.agency)


HUB_STAFF = Player("mara", "Mara Lindqvist", "Research Analyst", "Data Integration Hub", Role.HUB_STAFF, "III.F.1")
RESEARCHER = Player("wren", "Wren Halloran", "Research Associate", "WestEd", Role.RESEARCHER, "2.g", government=False)
NEWCOMER = Player(
    "jo", "Jo Castellan", "Research Assistant", "WestEd", Role.RESEARCHER, "2.g", government=False,
    signs_exhibit_c=False,
)  # fmt: skip
ANALYST = Player(
    "noor", "Noor Haddad", "Education Consultant", "Department of Education", Role.AGENCY_ANALYST, "2.h",
    agency="SDE", purpose="b", justification="Subject matter expert for the requestor's analysis.",
)  # fmt: skip
STEWARDS = (
    Player("sage", "Sage Whitfield", "Data Steward", "Department of Education", Role.STEWARD, "office", "SDE"),
    Player("dale", "Dale Okafor", "Data Steward", "Department of Labor", Role.STEWARD, "office", "DOL"),
    Player("hollis", "Hollis Grant", "Director", "Data Integration Hub", Role.STEWARD, "office", "DOL-HUB"),
    Player("wynn", "Wynn Mercer", "Senior Research Associate", "WestEd", Role.STEWARD, "office", "WESTED",
           government=False),
)  # fmt: skip
CHECKER = Player("olive", "Olive Barrow", "Output Checker", "Office of Policy and Management", Role.OPM, "office")
EVERYONE = (HUB_STAFF, RESEARCHER, NEWCOMER, ANALYST, *STEWARDS, CHECKER)


def enlist_all(enclave: Enclave) -> None:
    """Put everyone on the list, with approvals of both agencies and, but for the newcomer, Exhibit C."""
    with enclave.store.transaction() as tx:
        for player in EVERYONE:
            people.enlist(tx, player.person, player.listing, CHECKER.id)
        for player in EVERYONE:
            for steward in STEWARDS[:2]:
                if player.role in (Role.RESEARCHER, Role.AGENCY_ANALYST):
                    people.approve(tx, PROJECT, player.id, steward.agency, steward.id)
            if player.signs_exhibit_c:
                people.sign_exhibit(tx, PROJECT, player.id, "B", SIGNED, player.id)
                people.sign_exhibit(tx, PROJECT, player.id, "C", SIGNED, player.id)
