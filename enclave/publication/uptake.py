"""How often open data are taken: what the portal that serves them counts, package by package and month by month.

The portal stands outside the enclave and tells what it counted in a file::

    package,month,downloads
    DR-0034-out-0147,2022-07,118

``package`` is the folder of the catalogue, ``downloads`` how often anything in it was taken in that month. Nothing
else of a reader comes back.

Source: SDP 10.c.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import ClassVar

from enclave.errors import Finding, Invalid, Refused
from enclave.ledger import Details, Entry
from enclave.people import hold_to_party
from enclave.publication.public import published
from enclave.publication.record import Publication
from enclave.store import Transaction, View
from enclave.terms import Role

_CLAUSE = "SDP 10.c"
_COLUMNS = ["package", "month", "downloads"]
_MONTH = re.compile(r"2\d{3}-(?:0[1-9]|1[0-2])", re.ASCII)
_COUNT = re.compile(r"\d{1,9}", re.ASCII)
_MOST_BYTES = 1_000_000


@dataclass(frozen=True)
class Downloads:
    """A line of the portal's file: how often a package was taken in a month (``YYYY-MM``); `line` counts from 1."""

    line: int
    package: str
    month: str
    times: int


@dataclass(frozen=True)
class Uptake:
    """How often one package of open data was taken.

    Parameters
    ----------
    package : str
        Its folder in the catalogue.
    months : mapping of str to int
        Downloads by month (``YYYY-MM``), as the portal last told them.
    """

    KIND: ClassVar[str] = "uptake"
    request_id: str
    project: str
    package: str
    months: Mapping[str, int] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """The request's id."""
        return self.request_id

    @property
    def total(self) -> int:
        """Downloads in all."""
        return sum(self.months.values())

    @property
    def last(self) -> str:
        """The newest month that was counted."""
        return max(self.months, default="")

    def in_year(self, year: int) -> int:
        """Downloads of one calendar year."""
        return sum(times for month, times in self.months.items() if int(month[:4]) == year)


def read_downloads(path: Path) -> tuple[Downloads, ...]:
    """Read the portal's file.

    Source: SDP 10.c.

    Raises
    ------
    Invalid
        With every line that is none: other columns, no month, no whole number, a package and month twice.
    """
    if path.stat().st_size > _MOST_BYTES:
        what = f"it has over {_MOST_BYTES:,} bytes"
        raise Invalid(path.name, [_finding("size", "", what, "Send one year at a time.")])
    try:
        lines = list(csv.reader(io.StringIO(path.read_text("utf-8-sig"), newline=""), strict=True))
    except (UnicodeDecodeError, csv.Error):
        raise Invalid(path.name, [_finding("csv", "", "it is no CSV file in UTF-8", _FORM)]) from None
    if not lines or lines[0] != _COLUMNS:
        raise Invalid(path.name, [_finding("columns", "line 1", f"it does not name {', '.join(_COLUMNS)}", _FORM)])
    found, findings = dict[tuple[str, ...], Downloads](), list[Finding]()
    for number, cells in enumerate(lines[1:], 2):
        where, package_and_month = f"line {number}", tuple(cells[:2])
        if len(cells) != len(_COLUMNS) or not _MONTH.fullmatch(cells[1]) or not _COUNT.fullmatch(cells[2]):
            findings.append(_finding("line", where, "it is no package, month and whole number", _FORM))
        elif package_and_month in found:
            what = f"its package and month stand in line {found[package_and_month].line} already"
            findings.append(_finding("twice", where, what, "Add the two up, or leave one out."))
        else:
            found[package_and_month] = Downloads(number, cells[0], cells[1], int(cells[2]))
    if findings:
        raise Invalid(path.name, findings)
    return tuple(found.values())


def count(tx: Transaction, told: Sequence[Downloads], actor: str) -> list[Uptake]:
    """Enter what the portal counted; what stands already is not entered again.

    A month that has not ended may be told again with more.

    Source: SDP 10.c.

    Returns
    -------
    list of Uptake
        The packages of which something is new, as they are now.

    Raises
    ------
    Refused
        With every line of a package that is not open data, a month in which it was not out, or fewer downloads than
        were told before; or if who asks is not of the Operating Group. Then nothing is entered.
    """
    hold_to_party(tx, "use of open data", actor, _CLAUSE, role=Role.OPM)
    out = {publication.folder: publication for publication, _ in published(tx)}
    known = {each.package: each for each in uptakes(tx)}
    findings = [wrong for line in told if (wrong := _wrong(line, out, known, tx.today))]
    if findings:
        raise Refused("use of open data", findings)
    counted = dict[str, Uptake]()
    for line in told:
        if known[line.package].months.get(line.month) != line.times:
            now = counted.get(line.package, known[line.package])
            counted[line.package] = replace(now, months={**now.months, line.month: line.times})
    for package, now in counted.items():
        new = {month: times for month, times in now.months.items() if known[package].months.get(month) != times}
        details: Details = {"months": list(new), "downloads": list(new.values())}
        tx.write(now, Entry(actor, "publication.count", now.key, now.project, _CLAUSE, details=details))
    return list(counted.values())


def uptake_of(view: View, publication: Publication) -> Uptake:
    """Give how often one package was taken; of one that nobody counted, none."""
    known = view.get(Uptake, publication.key)
    return known or Uptake(publication.key, publication.project, publication.folder)


def uptakes(view: View) -> list[Uptake]:
    """Give how often each package of open data was taken, most taken first; also those nobody counted yet."""
    found = [uptake_of(view, publication) for publication, _ in published(view)]
    return sorted(found, key=lambda each: (-each.total, each.package))


def _wrong(
    line: Downloads, out: Mapping[str, Publication], known: Mapping[str, Uptake], today: date
) -> Finding | None:
    where, publication = f"line {line.line}", out.get(line.package)
    if publication is None or publication.published_on is None:
        return _finding("not-open", where, "no package of this name was published to the public",
                        "Write the folder as the catalogue names it: `publication counted` lists them.")  # fmt: skip
    if line.month > f"{today:%Y-%m}":
        return _finding("future", where, "its month has not begun", "Tell it once it has.")
    if line.month < f"{publication.published_on:%Y-%m}":
        what = f"its package was published later, on {publication.published_on}"
        return _finding("before-publication", where, what, "Ask the portal what it counted then.")
    if line.times < (stood := known[line.package].months.get(line.month, 0)):
        what = f"{stood:,} downloads of that month were told before, now fewer"
        return _finding("fewer", where, what, "A count only grows: ask the portal which of the two is right.")
    return None


_FORM = f"Write {','.join(_COLUMNS)} in the first line, then lines such as DR-0034-out-0147,2022-07,118."


def _finding(rule: str, where: str, what: str, next: str) -> Finding:
    return Finding(rule, _CLAUSE, where, what, next)
