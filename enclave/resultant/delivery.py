"""What was delivered: every sealed table with its columns, their owners, and its hash in the ledger.

Source: DSA I (Resultant Data); DSA II.H; DSA VI.A; EM IX; EM XIII.C.3.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import ClassVar

from enclave.agreement import Policy, of, persons_taken_away, policy_of
from enclave.errors import refuse
from enclave.people import Sight
from enclave.settings import Settings
from enclave.store import View
from enclave.terms import UNIT
from enclave.vault import Keystore, Seal

CROSSWALK = "crosswalk"


@dataclass(frozen=True)
class Column:
    """A column of a table, with its owner agency through every derivation (EM IX)."""

    name: str
    owner: str
    definition: str
    kind: str = "text"
    codes: tuple[str, ...] = ()
    questions: tuple[str, ...] = ()
    as_of: date | None = None
    uc: bool = False
    sensitive: bool = False
    employer: bool = False


@dataclass(frozen=True)
class SealedTable:
    """A table of Resultant Data at rest."""

    name: str
    path: str
    sha256: str
    context: str
    rows: int
    columns: tuple[Column, ...]

    def hidden_from(self, sight: Sight) -> dict[str, str]:
        """Give the columns that a person may not see, and why.

        Where its very rows say of a person that UC records exist, all are hidden from who may not know it.

        Source: ExA 2.h; DSA I.
        """
        rows = next(
            (sight.hides(column.owner, UNIT, column.uc) for column in self.columns if column.name == UNIT), ""
        )
        own = [column for column in self.columns if column.name != UNIT]
        found = {column.name: sight.hides(column.owner, column.name, column.uc) or rows for column in own}
        return {name: why for name, why in found.items() if why}

    def wholly(self, hidden: Mapping[str, str]) -> bool:
        """Tell whether nothing but the ids of persons would be left: then these are hidden too."""
        return len(hidden) == len(self.columns) - 1


@dataclass(frozen=True)
class Limitation:
    """A known limitation of an agency's file, in its words (DSA II.H)."""

    owner: str
    contents: str
    text: str


@dataclass(frozen=True)
class Delivery:
    """The Resultant Data of a project as delivered.

    Parameters
    ----------
    limitations : tuple of Limitation
        What the agencies said of the files it was cut from.
    withdrawals : tuple of str
        Ids of the lists whose persons were left out (EM XIII.C.3).
    version : int
        Of the agreement by which it was cut.
    """

    KIND: ClassVar[str] = "delivery"
    project: str
    key_id: str
    match: str
    persons: int
    delivered_on: date
    tables: tuple[SealedTable, ...]
    limitations: tuple[Limitation, ...] = ()
    withdrawals: tuple[str, ...] = ()
    version: int = 1

    @property
    def key(self) -> str:
        """The Data Request number."""
        return self.project

    def table(self, name: str) -> SealedTable | None:
        """Give a table by name, or None."""
        return next((t for t in self.tables if t.name == name), None)

    def column(self, table: str, name: str) -> Column | None:
        """Give a column, or None."""
        found = self.table(table)
        return next((c for c in found.columns if c.name == name), None) if found else None


def marked(table: SealedTable, policy: Policy) -> SealedTable:
    """Mark the columns of UC records by an agreement; what bears the mark keeps it.

    Source: ExA 2.h; DSA I; DSA VII.
    """
    columns = tuple(replace(column, uc=column.uc or _is_uc(table, column, policy)) for column in table.columns)
    return replace(table, columns=columns)


def _is_uc(table: SealedTable, column: Column, policy: Policy) -> bool:
    """Tell whether a column holds UC data; an id does, where having one says that UC records exist of somebody."""
    elements = policy.agreement.elements
    if table.name != CROSSWALK:
        of_agency = elements.get(table.name.upper(), ())
        return any(element.uc and column.name in (element.name, UNIT) for element in of_agency)
    # The first agency's own column says of nobody what is not known of all: they are the population.
    if column.name == UNIT or column.owner == table.columns[1].owner:
        return False
    return any(element.uc for element in elements.get(column.owner, ()))


def delivered(view: View, project: str) -> Delivery | None:
    """Give a project's delivery, marked by the agreement as amended; None where there is none.

    Source: ExA 2.h; DSA VII.
    """
    delivery = view.get(Delivery, project)
    if delivery is None:
        return None
    now = of(view, project)
    if delivery.version == now.version:
        return delivery
    return replace(delivery, tables=tuple(marked(table, now.policy) for table in delivery.tables))


def delivery_of(view: View, project: str) -> Delivery:
    """Give a project's delivery.

    Source: DSA VI.C; DSA VII.

    Raises
    ------
    Refused
        If nothing has been delivered, or it holds persons whom the agreement as amended does not ask for.
    """
    delivery = delivered(view, project)
    if delivery is None:
        raise refuse(
            project, "not-delivered", "DSA VI.C", "no Resultant Data have been delivered",
            "The hub cuts them after the match is complete.",
        )  # fmt: skip
    now = of(view, project)
    if delivery.version != now.version and persons_taken_away(policy_of(view, project, delivery.version), now.policy):
        raise refuse(
            project, "cut-before", "DSA VII",
            "the Resultant Data were cut for persons whom the agreement as amended does not ask for",
            "The hub cuts them again.",
        )  # fmt: skip
    return delivery


def seals(view: View, settings: Settings) -> Iterator[Seal]:
    """Give what is sealed of every delivery."""
    for delivery in view.find(Delivery):
        yield from (_seal(settings, delivery, table) for table in delivery.tables)


def open_table(keystore: Keystore, settings: Settings, delivery: Delivery, table: SealedTable, target: Path) -> None:
    """Open one sealed table to `target` as Parquet, after its hash was found to be the manifest's.

    Raises
    ------
    Refused
        If it is missing, altered, or its key was destroyed: never an empty folder in its place.
    """
    keystore.unseal(_seal(settings, delivery, table), target)


def _seal(settings: Settings, delivery: Delivery, table: SealedTable) -> Seal:
    return Seal(settings.sealed / table.path, delivery.key_id, table.context, table.sha256)
