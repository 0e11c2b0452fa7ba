"""What was cleared for other projects, as its readers know it: counts and sums, by the columns and codes they are of.

Who is whom in two projects nobody at the hub can tell: every project has random ids of its own, agencies send other
generic identifiers for each, and the matching identifiers are destroyed ten business days after the match. To keep
anything by which persons could be told again would be a derivative file that is not to be retained. What a reader can
do is to subtract figures of one name; that is looked for here, in figures that were cleared to leave. A total less
another is the total of those by whom they differ: of fewer than a formula may stand on, where the counts say so.

Source: DSA I (a single release or a combination of multiple releases); DSA III.F.3; DSA VI.D.2; DSA VI.H.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

import pandas as pd

from enclave.egress.clearance import Clearance
from enclave.egress.workbook import plain
from enclave.errors import Finding
from enclave.settings import Settings
from enclave.store import View
from p20kit.dimensions import TOTAL
from p20kit.measures import Mean, Total
from p20kit.policy import CellPolicy
from p20kit.tables import Table
from p20kit.verdict import Released

Group = frozenset[tuple[str, str]]
"""Source column and code of each by-column, totals left out: empty for everybody."""
Row = Mapping[str, Any]
"""One cell as it is displayed: codes, count and figures; nothing, or an empty text, where one is hidden."""


@dataclass(frozen=True)
class _Cell:
    """What a reader knows of a group.

    Parameters
    ----------
    persons : int
    sums : dict of str to (float, float)
        By source of the amounts: the lowest and the highest total that the figures are rounded from.
    """

    persons: int
    sums: Mapping[str, tuple[float, float]]


def alike_elsewhere(
    view: View, settings: Settings, project: str, released: Released, policy: CellPolicy
) -> list[Finding]:
    """Find figures that come close to one of the same name cleared for another project.

    Source: DSA I; DSA III.G.2.b; DSA VI.D.2.

    Returns
    -------
    list of Finding
        For a person to look at: counts that differ by fewer than the threshold, and totals or means of one column of
        groups that differ by fewer than a base, or that differ though the counts do not. Whether the two are of the
        same people is not known here. No figure is in them.
    """
    others = [
        (clearance, cells)
        for clearance in view.find(Clearance)
        if clearance.project != project
        for cells in _cleared(settings, clearance)
    ]
    if not others:
        return []
    found: list[Finding] = []
    for number, table in enumerate(released.protected.tables):
        frame = released.protected.to_published(number)
        rows = [_spelled(row, table.by) for row in frame.to_dict("records")]
        for group, cell in _cells(rows, by_of(table), sums_of(table)):
            where = f"{table.name}[{', '.join(sorted(f'{source}={code}' for source, code in group)) or TOTAL}]"
            for clearance, cells in others:
                found += [_look(where, what, clearance.request_id) for what in _close(cell, cells.get(group), policy)]
    return list(dict.fromkeys(found))


def by_of(table: Table) -> dict[str, str]:
    """Give the by-columns of a table and their sources, empty where one is derived: what names its counts."""
    return {column: table.sources.get(column, "") for column in table.by}


def sums_of(table: Table) -> dict[str, dict[str, Any]]:
    """Give the totals and means of a table: by label the source of the amounts, the kind and the places displayed."""
    return {
        measure.label: {"of": table.sources[measure.of], "kind": measure.kind, "decimals": measure.decimals}
        for measure in table.measures
        if isinstance(measure, Total | Mean) and measure.of in table.sources
    }


def _close(mine: _Cell, theirs: _Cell | None, policy: CellPolicy) -> Iterator[str]:
    """Say what a reader of both would come close to."""
    if theirs is None:
        return
    apart = abs(mine.persons - theirs.persons)
    if 0 < apart < policy.minimum_count:
        yield f"it differs by fewer than {policy.minimum_count} from the count of the same name"
    for source in sorted(set(mine.sums) & set(theirs.sums)):
        (low, high), (least, most) = mine.sums[source], theirs.sums[source]
        if 0 < apart < policy.minimum_base:
            yield f"its sum of {source} is of fewer than {policy.minimum_base} individuals more or less than the one"
        elif apart == 0 and (high < least or most < low):
            yield f"its sum of {source} is another than the one of as many individuals and of the same name"


def _cleared(settings: Settings, clearance: Clearance) -> Iterator[Mapping[Group, _Cell]]:
    """Read the tables of a clearance from the very bytes that were cleared: not yet published, or published."""
    nothing: dict[str, Any] = {}
    named = zip_longest(clearance.record.get("by", ()), clearance.record.get("sums", ()), fillvalue=nothing)
    for number, (by, sums) in enumerate(named, start=1):
        name = f"{clearance.request_id}_{number}.csv"
        wanted = {artefact.sha256 for artefact in clearance.artefacts if artefact.name == name}
        for content in _bytes(settings, name):
            if hashlib.sha256(content).hexdigest() in wanted:
                yield dict(_cells(list(csv.DictReader(io.StringIO(content.decode("utf-8")))), by, sums))
                break


def _bytes(settings: Settings, name: str) -> Iterator[bytes]:
    for place in (settings.home / "cleared", settings.home / "published"):
        yield from (path.read_bytes() for path in sorted(place.glob(f"**/{name}")))


def _spelled(row: Mapping[Any, Any], by: Sequence[str]) -> dict[str, Any]:
    """Write a row of a table as its file has it."""
    return {
        str(column): plain(str(value)) if column in by else None if pd.isna(value) else value
        for column, value in row.items()
    }


def _cells(
    rows: Sequence[Row], by: Mapping[str, str], sums: Mapping[str, Mapping[str, Any]]
) -> Iterator[tuple[Group, _Cell]]:
    """Name the displayed cells that are of source columns alone."""
    for row in rows:
        used = [column for column in by if row[column] != TOTAL]
        # in ranges, or over a top code, it comes close to nothing
        if str(row["count"] or "").isdecimal() and all(by[column] for column in used):
            persons = int(row["count"])
            told = {str(s["of"]): _told(float(row[label]), s, persons) for label, s in sums.items() if row[label]}
            yield frozenset((by[column], row[column]) for column in used), _Cell(persons, told)


def _told(figure: float, measure: Mapping[str, Any], persons: int) -> tuple[float, float]:
    """Say between what a total lies of which it or the mean is displayed."""
    half = 0.5 * 10.0 ** -int(measure["decimals"])
    times = persons if measure["kind"] == Mean.kind else 1
    return (figure - half) * times, (figure + half) * times


def _look(where: str, what: str, request_id: str) -> Finding:
    said = f"{what} in {request_id}, which was cleared for another project"
    advice = "A person looks whether both are of the same people; or it is asked without this figure."
    return Finding("other-project", "DSA VI.D.2", where, said, advice)
