"""What was cleared for other projects, as its readers know it: counts, by the columns and codes they are of.

Who is whom in two projects nobody at the hub can tell: every project has random ids of its own, agencies send other
generic identifiers for each, and the matching identifiers are destroyed ten business days after the match. To keep
anything by which persons could be told again would be a derivative file that is not to be retained. What a reader can
do is to subtract counts of one name; that is looked for here, in figures that were cleared to leave.

Source: DSA I (a single release or a combination of multiple releases); DSA III.F.3; DSA VI.D.2; DSA VI.H.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterable, Iterator, Mapping

import pandas as pd

from enclave.egress.clearance import Clearance
from enclave.egress.workbook import plain
from enclave.errors import Finding
from enclave.settings import Settings
from enclave.store import View
from p20kit.dimensions import TOTAL
from p20kit.policy import CellPolicy
from p20kit.tables import Table
from p20kit.verdict import Released

Group = frozenset[tuple[str, str]]
"""Source column and code of each by-column, totals left out: empty for everybody."""


def alike_elsewhere(
    view: View, settings: Settings, project: str, released: Released, policy: CellPolicy
) -> list[Finding]:
    """Find counts that differ by fewer than the threshold from one of the same name cleared for another project.

    Source: DSA I; DSA VI.D.2.

    Returns
    -------
    list of Finding
        For a person to look at: whether the two count the same people is not known here. Neither count is in them.
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
        counts = [None if pd.isna(count) else int(count) for count in frame["count"]]
        rows = [{column: plain(str(row[column])) for column in table.by} for row in frame.to_dict("records")]
        for group, count in _groups(rows, counts, by_of(table)):
            close = (c for c, cells in others if 0 < abs(cells.get(group, count) - count) < policy.minimum_count)
            where = f"{table.name}[{', '.join(sorted(f'{source}={code}' for source, code in group)) or TOTAL}]"
            found += [_look(where, clearance.request_id, policy) for clearance in close]
    return list(dict.fromkeys(found))


def by_of(table: Table) -> dict[str, str]:
    """Give the by-columns of a table and their sources, empty where one is derived: what names its counts."""
    return {column: table.sources.get(column, "") for column in table.by}


def _cleared(settings: Settings, clearance: Clearance) -> Iterator[Mapping[Group, int]]:
    """Read the tables of a clearance from the very bytes that were cleared: not yet published, or published."""
    for number, by in enumerate(clearance.record.get("by", ()), start=1):
        name = f"{clearance.request_id}_{number}.csv"
        wanted = {artefact.sha256 for artefact in clearance.artefacts if artefact.name == name}
        for content in _bytes(settings, name):
            if hashlib.sha256(content).hexdigest() in wanted:
                rows = list(csv.DictReader(io.StringIO(content.decode("utf-8"))))
                counts = [int(row["count"]) if row["count"] else None for row in rows]
                yield dict(_groups(rows, counts, by))
                break


def _bytes(settings: Settings, name: str) -> Iterator[bytes]:
    for place in (settings.home / "cleared", settings.home / "published"):
        yield from (path.read_bytes() for path in sorted(place.glob(f"**/{name}")))


def _groups(
    rows: Iterable[Mapping[str, str]], counts: Iterable[int | None], by: Mapping[str, str]
) -> Iterator[tuple[Group, int]]:
    """Name the displayed cells that are of source columns alone."""
    for row, count in zip(rows, counts, strict=True):
        used = [column for column in by if row[column] != TOTAL]
        if count is not None and all(by[column] for column in used):
            yield frozenset((by[column], row[column]) for column in used), count


def _look(where: str, request_id: str, policy: CellPolicy) -> Finding:
    what = (
        f"it differs by fewer than {policy.minimum_count} from the count of the same name in {request_id}, which was "
        "cleared for another project"
    )
    advice = "A person looks whether both count the same people; or it is asked without this count."
    return Finding("other-project", "DSA VI.D.2", where, what, advice)
