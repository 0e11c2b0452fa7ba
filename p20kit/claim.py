"""What a request claims: the pattern of hidden cells and figures it chose, held against its own evidence.

Any pattern may be asked for; it has to withstand the audit. So a requester may hide more, or other cells, than
`protect` would. No figure is taken from the request: only which of them are displayed is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from p20kit.errors import Finding
from p20kit.layers import barred_figures, displayed_figures
from p20kit.measures import Count, Share
from p20kit.needs import terms_of
from p20kit.policy import FORMULA_CLAUSE, CellPolicy
from p20kit.protection import Protected
from p20kit.request import Request
from p20kit.requested import TableRequested
from p20kit.tables import Table

BoolArray = NDArray[np.bool_]
Places = dict[tuple[str, ...], int]
_NEXT = "Make the request again with request_release()."
_SAME = 1e-9


def as_claimed(request: Request, policy: CellPolicy) -> Protected:
    """Rebuild a request's tables from their basis, displayed as the request displays them.

    Parameters
    ----------
    request : Request
    policy : CellPolicy

    Returns
    -------
    Protected
        Counts and figures come from the basis alone; only which of them are displayed comes from the request.

    Raises
    ------
    TableInvalid
        If a basis proves nothing.
    """
    tables = tuple(table.as_table() for table in request.tables)
    pairs = list(zip(request.tables, tables, strict=True))
    shown = tuple(_displayed(asked, table, asked.cells["count"]) for asked, table in pairs)
    measured = tuple(
        {
            m.label: _displayed(asked, table, asked.figures[m.label])
            for m in table.measures
            if not isinstance(m, Count)
        }
        for asked, table in pairs
    )
    return Protected(tables, shown, policy, measured)


def cell_findings(request: Request, claimed: Protected) -> list[Finding]:
    """Hold every cell and figure of a request against its evidence, and every figure against its own rules.

    Source: DSA III.G.2.a; DSA III.G.2.b; DSA II.F; DSA VI.G.1 (Data are properly aggregated and labeled correctly).

    Returns
    -------
    list of Finding
        Displayed counts and figures that the basis does not give, statuses that are untrue, cells missing or given
        twice; figures that may not stand by themselves, or where their count is hidden.
    """
    findings: list[Finding] = []
    for position, asked in enumerate(request.tables):
        table, shown = claimed.tables[position], claimed.shown[position]
        findings += _of_table(asked, table, claimed.status(position))
        for label, displayed in claimed.measured[position].items():
            findings += _of_figures(asked, table, label, claimed.policy)
            findings += _barred(table, label, displayed, shown, claimed.policy)
    return findings


def _displayed(asked: TableRequested, table: Table, column: Sequence[object]) -> BoolArray:
    places = _places(table)
    shown = np.zeros(table.counts.size, dtype=bool)
    for codes, value in zip(_codes(asked), column, strict=True):
        if value is not None and codes in places:
            shown[places[codes]] = True
    return shown.reshape(table.counts.shape)


def _of_table(asked: TableRequested, table: Table, truth: list[str]) -> Iterator[Finding]:
    places = _places(table)
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


def _of_figures(asked: TableRequested, table: Table, label: str, policy: CellPolicy) -> Iterator[Finding]:
    """Hold the figures of one measure against those that the basis gives, rounded as they are displayed."""
    places, truth = _places(table), displayed_figures(table, label, policy).ravel()
    for codes, figure in zip(_codes(asked), asked.figures[label], strict=True):
        flat = places.get(codes)
        if figure is None or flat is None:
            continue
        if not np.isclose(figure, truth[flat], rtol=_SAME, atol=_SAME):
            what = f"the displayed {label} is not the one the basis gives, rounded as it may be displayed"
            yield _finding("figure", table.where(flat), what)


def _barred(
    table: Table, label: str, displayed: BoolArray, shown: BoolArray, policy: CellPolicy
) -> Iterator[Finding]:
    """Say of which cells a figure may not be displayed: by its own rules, or because its count is hidden."""
    barred = barred_figures(table, label, policy)
    alone = ~shown if not isinstance(table.figures[label].measure, Share) else np.zeros(shown.shape, dtype=bool)
    least = terms_of(table, policy).minimum_base
    reasons: Mapping[str, BoolArray] = {
        f"{label} stands on fewer than {least} individuals, or its parts or employers are too few": barred,
        f"{label} is displayed where its count is hidden": alone & ~barred,
    }
    for what, mask in reasons.items():
        for flat in np.flatnonzero((displayed & mask).ravel()).tolist():
            yield Finding("formula", FORMULA_CLAUSE, table.where(flat), what, "Hide it: use protect().")


def _places(table: Table) -> Places:
    return {codes: flat for flat, codes in enumerate(table.labels) if table.published[flat]}


def _codes(asked: TableRequested) -> list[tuple[str, ...]]:
    return list(zip(*([str(code) for code in asked.cells[column]] for column in asked.by), strict=True))


def _finding(rule: str, where: str, what: str) -> Finding:
    return Finding(rule, "DSA VI.G.1", where, what, _NEXT)
