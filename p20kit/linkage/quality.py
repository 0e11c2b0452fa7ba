"""What a match is worth: rates with intervals, by group, and what the model itself expects to be wrong."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from p20kit.linkage.scoring import Floats

SMALL = 6
"""Counts of persons below this are not shown, zero among them (Source: DSA III.G.2.a)."""
THRESHOLDS = (0.5, 0.7, 0.8, 0.9, 0.95, 0.99, 0.999)
_Z = 1.959964


def wilson(successes: int, n: int) -> tuple[float, float]:
    """95 % Wilson score interval of a proportion; (0, 1) when there is nothing to count."""
    if n == 0:
        return 0.0, 1.0
    p, z2 = successes / n, _Z * _Z
    centre = (p + z2 / (2 * n)) / (1 + z2 / n)
    half = _Z / (1 + z2 / n) * float(np.sqrt(p * (1 - p) / n + z2 / (4 * n * n)))
    return max(0.0, centre - half), min(1.0, centre + half)


def rate(linked: int, records: int) -> dict[str, Any]:
    """Match rate with its 95 % Wilson interval."""
    low, high = wilson(linked, records)
    value = linked / records if records else None
    return {"records": records, "linked": linked, "rate": value, "low": low, "high": high}


def rates_by_group(groups: pd.DataFrame, linked: pd.Series, id_column: str) -> list[dict[str, Any]]:
    """Match rate by every group column, small groups hidden.

    Source: DSA III.G.2.a; DSA III.G.2.d.

    Parameters
    ----------
    groups : DataFrame
        `id_column`, then one text column per grouping; missing counts as a group of its own.
    linked : Series of bool
        Indexed by the ids of the left file; ids without a row in `groups` count as missing.
    id_column : str
        Name of the id in `groups`.

    Returns
    -------
    list of dict
        `grouping`, `groups`: per value `group`, `suppressed` and, unless suppressed, what `rate` gives. A row
        is hidden when its linked or its unlinked persons are fewer than 6, and the next smallest with it if
        the total would give it away.
    """
    table = groups.drop_duplicates(id_column).set_index(id_column).reindex(linked.index)
    return [{"grouping": str(name), "groups": _one_grouping(table[name], linked)} for name in table]


def _one_grouping(values: pd.Series, linked: pd.Series) -> list[dict[str, Any]]:
    names = values.astype("object").where(values.notna(), "").astype(str).replace("", "(missing)")
    counts = linked.groupby(names.to_numpy()).agg(["size", "sum"])
    rows = [(str(group), int(n), int(k)) for group, n, k in counts.itertuples()]
    hidden = {group for group, n, k in rows if k < SMALL or n - k < SMALL}
    for group, *_ in sorted(rows, key=lambda row: (row[1], row[0])):
        if not hidden or (len(hidden) > 1 and _withheld(rows, hidden) >= SMALL):
            break
        hidden.add(group)
    return [
        {"group": group, "suppressed": True}
        if group in hidden
        else {"group": group, "suppressed": False, **rate(k, n)}
        for group, n, k in sorted(rows, key=lambda row: (row[0] == "(missing)", row[0]))
    ]


def _withheld(rows: Sequence[tuple[str, int, int]], hidden: set[str]) -> int:
    linked = sum(k for group, _, k in rows if group in hidden)
    unlinked = sum(n - k for group, n, k in rows if group in hidden)
    return min(linked, unlinked)


def at_thresholds(best: Floats, threshold: float) -> list[dict[str, Any]]:
    """Links, expected false links and expected missed matches at several thresholds.

    Parameters
    ----------
    best : ndarray of float64
        Match probabilities of the one-to-one pairs, before any threshold.
    threshold : float
        The one in force; it is among the rows.

    Returns
    -------
    list of dict
        Model-based: the model's probabilities are taken at their word. Missed matches are those among the
        candidate pairs; what blocking never proposed is not in them.
    """
    rows = []
    for cut in sorted({*THRESHOLDS, threshold}):
        above = best >= cut
        links = int(above.sum())
        false, missed = float((1 - best[above]).sum()), float(best[~above].sum())
        rows.append(
            {
                "threshold": cut,
                "in_force": cut == threshold,
                "links": links,
                "expected_false_links": round(false, 1),
                "expected_false_match_rate": false / links if links else None,
                "expected_missed_matches": round(missed, 1),
            }
        )
    return rows
