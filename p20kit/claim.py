"""What a request claims: the pattern of hidden cells it chose, held against its own evidence.

Any pattern may be asked for; it has to withstand the audit. So a requester may hide more, or other cells, than
`protect` would.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from p20kit.errors import Finding
from p20kit.policy import CellPolicy
from p20kit.protection import Protected
from p20kit.request import Request, TableRequested
from p20kit.tables import Table

BoolArray = NDArray[np.bool_]
_NEXT = "Make the request again with request_release()."


def as_claimed(request: Request, policy: CellPolicy) -> Protected:
    """Rebuild a request's tables from their basis, displayed as the request displays them.

    Parameters
    ----------
    request : Request
    policy : CellPolicy

    Returns
    -------
    Protected
        Counts come from the basis alone; only which cells are displayed comes from the request.

    Raises
    ------
    TableInvalid
        If a basis proves nothing.
    """
    tables = tuple(table.as_table() for table in request.tables)
    shown = tuple(_displayed(asked, table) for asked, table in zip(request.tables, tables, strict=True))
    return Protected(tables, shown, policy)


def cell_findings(request: Request, claimed: Protected) -> list[Finding]:
    """Hold every cell of a request against its evidence.

    Source: DSA III.G.2.a; DSA VI.G.1 (Data are properly aggregated and labeled correctly).

    Returns
    -------
    list of Finding
        Displayed counts that the basis does not give, statuses that are untrue, cells missing or given twice.
    """
    return [
        finding
        for position, asked in enumerate(request.tables)
        for finding in _of_table(asked, claimed.tables[position], claimed.status(position))
    ]


def _displayed(asked: TableRequested, table: Table) -> BoolArray:
    places = {codes: flat for flat, codes in enumerate(table.labels) if table.published[flat]}
    shown = np.zeros(table.counts.size, dtype=bool)
    for codes, count in zip(_codes(asked), asked.cells["count"], strict=True):
        if count is not None and codes in places:
            shown[places[codes]] = True
    return shown.reshape(table.counts.shape)


def _of_table(asked: TableRequested, table: Table, truth: list[str]) -> Iterator[Finding]:
    places = {codes: flat for flat, codes in enumerate(table.labels) if table.published[flat]}
    counts = table.counts.ravel()
    claimed = _codes(asked)
    for codes, count, status in zip(claimed, asked.cells["count"], asked.cells["status"], strict=True):
        flat = places.get(codes)
        if flat is None:
            yield _finding("cell", asked.name, "a cell is not one the basis gives")
        elif count is not None and count != int(counts[flat]):
            yield _finding("value", table.where(flat), "the displayed count is not the one the basis gives")
        elif status != truth[flat]:
            yield _finding("status", table.where(flat), f"the status says {status}; it is {truth[flat]}")
    missing, doubled = len(set(places) - set(claimed)), len(claimed) - len(set(claimed))
    if missing:
        yield _finding("cell", asked.name, f"{missing} cells of the table are missing")
    if doubled:
        yield _finding("cell", asked.name, f"{doubled} cells are given more than once")


def _codes(asked: TableRequested) -> list[tuple[str, ...]]:
    return list(zip(*([str(code) for code in asked.cells[column]] for column in asked.by), strict=True))


def _finding(rule: str, where: str, what: str) -> Finding:
    return Finding(rule, "DSA VI.G.1", where, what, _NEXT)
