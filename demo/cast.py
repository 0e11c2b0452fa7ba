"""Who plays: invented people in the roles of the agreement, with the five contact fields of DSA VI.E."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path

from enclave import agreement, papers, people
from enclave.app import Enclave
from enclave.store import Transaction
from enclave.terms import Role

PROJECT = "DR-0034"
SIGNED = date(2022, 4, 1)
JOINED = date(2021, 7, 1)
"""When the agencies signed the Enterprise MOU."""
TRAINED_UNTIL = date(2024, 3, 31)
DOCUMENT = "An invented document, in the place of a signed one.\n"


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
    signs_exhibits: bool = True

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
        until = date(2023, 3, 31) if self.basis == "2.h" else None
        return people.Listing(
            self.id, PROJECT, self.role, self.basis, self.purpose, self.justification, self.agency, until=until
        )

    @property
    def touches_records(self) -> bool:
        """Whether data are open to them, so that papers are asked for."""
        return self.role in (Role.HUB_STAFF, Role.RESEARCHER, Role.AGENCY_ANALYST)


HUB_STAFF = Player(
    "mara", "Mara Lindqvist", "Research Analyst", "Connecticut Department of Labor, Data Integration Hub",
    Role.HUB_STAFF, "III.F.1",
)  # fmt: skip
RESEARCHER = Player("wren", "Wren Halloran", "Research Associate", "WestEd", Role.RESEARCHER, "2.g", government=False)
NEWCOMER = Player(
    "jo", "Jo Castellan", "Research Assistant", "WestEd", Role.RESEARCHER, "2.g", government=False,
    signs_exhibits=False,
)  # fmt: skip
ANALYST = Player(
    "noor", "Noor Haddad", "Education Consultant", "Connecticut State Department of Education",
    Role.AGENCY_ANALYST, "2.h", agency="SDE", purpose="b",
    justification="Subject matter expert for the requestor's analysis.",
)  # fmt: skip
STEWARDS = (
    Player("sage", "Sage Whitfield", "Data Steward", "Department of Education", Role.STEWARD, "office", "SDE"),
    Player("dale", "Dale Okafor", "Data Steward", "Department of Labor", Role.STEWARD, "office", "DOL"),
    Player("hollis", "Hollis Grant", "Director", "Data Integration Hub", Role.STEWARD, "office", "DOL-HUB"),
    Player("wynn", "Wynn Mercer", "Senior Research Associate", "WestEd", Role.STEWARD, "office", "WESTED",
           government=False),
)  # fmt: skip
REQUESTOR, ATTESTS = STEWARDS[3], STEWARDS[2]
CHECKER = Player("olive", "Olive Barrow", "Output Checker", "Office of Policy and Management", Role.OPM, "office")
EVERYONE = (HUB_STAFF, RESEARCHER, NEWCOMER, ANALYST, *STEWARDS, CHECKER)


def enlist_all(enclave: Enclave) -> None:
    """Put everyone on the list, with approvals of both agencies and, but for the newcomer, what access asks for."""
    letter = _letter(enclave)
    with enclave.store.transaction() as tx:
        for player in EVERYONE:
            people.enlist(tx, player.person, player.listing, CHECKER.id)
        for player in EVERYONE:
            for steward in STEWARDS[:2]:
                if player.role in (Role.RESEARCHER, Role.AGENCY_ANALYST):
                    people.approve(tx, PROJECT, player.id, steward.agency, steward.id)
            if player.signs_exhibits and player.touches_records:
                sign_and_train(enclave, tx, player)
            if player.government and player.touches_records:
                kept = papers.seal(enclave.keystore, enclave.settings, letter)
                papers.add(tx, "government-status", kept, ATTESTS.id, about=player.id)
                people.verify_status(tx, player.id, CHECKER.id)


def sign_and_train(enclave: Enclave, tx: Transaction, player: Player) -> None:
    """Sign both exhibits for a player, and enter the player's training."""
    sign_exhibits(enclave, tx, player)
    kept = papers.seal(enclave.keystore, enclave.settings, _letter(enclave))
    papers.add(tx, "training", kept, ATTESTS.id, about=player.id, until=TRAINED_UNTIL)


def sign_exhibits(enclave: Enclave, tx: Transaction, player: Player) -> None:
    """Sign Exhibits B and C for a player, as the player would in the browser."""
    seal = partial(papers.seal_words, enclave.keystore, enclave.settings)
    for letter in people.LETTERS:
        words = people.exhibit_words(tx, PROJECT, player.id, letter)
        shown = hashlib.sha256(words.encode()).hexdigest()
        people.sign_exhibit(tx, PROJECT, letter, seal, player.id, name=player.name, shown=shown)


def attach_exhibits(enclave: Enclave) -> int:
    """Attach the exhibits, the requestor signing each statement by itself; give the number of statements."""
    letter, signed = _letter(enclave), 0
    with enclave.store.transaction() as tx:
        for name, kind in papers.kinds().items():
            if kind.attached:
                kept = papers.seal(enclave.keystore, enclave.settings, letter)
                exhibit = papers.add(tx, name, kept, CHECKER.id, project=PROJECT)
                for item in kind.items:
                    papers.tick(tx, exhibit.key, item, REQUESTOR.id)
                signed += len(kind.items)
    return signed


def sign_all(enclave: Enclave) -> agreement.InForce:
    """Sign for every party, and designate who speaks for it."""
    titles = ("Deputy Commissioner", "Commissioner", "Commissioner", "Interim Director, Contracts and Grants")
    letter = _letter(enclave)
    with enclave.store.transaction() as tx:
        for player, title in zip(STEWARDS, titles, strict=True):
            signature = agreement.Signature(player.agency, title, SIGNED)
            known = agreement.sign(tx, PROJECT, signature, CHECKER.id)
            kept = papers.seal(enclave.keystore, enclave.settings, letter)
            people.designate(tx, PROJECT, player.agency, player.id, kept, SIGNED, CHECKER.id)
    return known


def _letter(enclave: Enclave) -> Path:
    path = enclave.settings.home / "letter.txt"
    path.write_text(DOCUMENT, "utf-8")
    return path
