"""What was delivered to a project, as whoever checks a request looks at it: columns with owners, and the files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

UNIT = "P20ID"
CROSSWALK = "crosswalk"
"""Everybody delivered. Its other columns are generic identifiers: each of them names one person."""


@dataclass(frozen=True)
class Source:
    """A column as delivered.

    Parameters
    ----------
    owner : str
        The Participating Agency it is from.
    codes : tuple of str
        Its code set; empty where it has none.
    uc : bool
        Confidential UC Information (DSA I).
    employer : bool
        It identifies employers: for counting them, never released.
    as_of : str
        "YYYY-MM-DD", empty where it is not known.
    """

    owner: str
    codes: tuple[str, ...] = ()
    uc: bool = False
    employer: bool = False
    as_of: str = ""


@dataclass(frozen=True)
class Delivered:
    """Resultant Data, opened.

    Parameters
    ----------
    folder : Path
        Holds each table as ``<name>.parquet``.
    persons : int
    columns : mapping of str to Source
        By "table.Column".
    sees_uc : bool
        Whether the requester has UC data mounted, so that what is derived may be derived from them.
    """

    folder: Path
    persons: int
    columns: Mapping[str, Source]
    sees_uc: bool

    def source(self, name: str) -> Source | None:
        """Give the column of that name; None where there is none, or it names persons."""
        table, _, column = name.partition(".")
        return None if column == UNIT or table == CROSSWALK else self.columns.get(name)

    def file(self, name: str) -> tuple[Path, str]:
        """Give the file and the column of "table.Column"."""
        table, _, column = name.partition(".")
        return self.folder / f"{table}.parquet", column

    @property
    def owners(self) -> set[str]:
        """Every agency that data were delivered of."""
        return {source.owner for name, source in self.columns.items() if not name.endswith(f".{UNIT}")}
