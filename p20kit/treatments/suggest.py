"""`suggest`: try every treatment on the tables, attack each result, and compare what is lost."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import pandas as pd

from p20kit.audit import Audit, audit
from p20kit.errors import Finding, P20KitError, TableInvalid
from p20kit.policy import CellPolicy
from p20kit.protection import Protected, protect
from p20kit.tables import Table
from p20kit.treatments.collapse import collapsed
from p20kit.treatments.noise import noise
from p20kit.treatments.ranges import ranges
from p20kit.treatments.rounding import controlled_rounding, rounding
from p20kit.treatments.sampling import sampling
from p20kit.treatments.suppression import suppression
from p20kit.treatments.treated import Treated, given

PREVIEW = hashlib.sha256(b"a seed for trying, which protects nothing").digest()
MOST_CELLS = 60_000
"""Displayed cells of all tables together; beyond, nothing is tried."""
DENSE_CELLS = 12_000
"""Beyond, what leaves no cell exact is not tried: the attack has every cell to look at."""

LOOKS = {"safe": "nothing found", "unsafe": "unsafe", "skipped": "skipped"}


@dataclass(frozen=True, eq=False)
class Suggestion:
    """One method on these tables.

    Parameters
    ----------
    method : str
    treated : Treated or None
        None where it was skipped.
    audit : Audit or None
    skipped : str
        Why it was skipped; empty where it was not.
    """

    method: str
    treated: Treated | None
    audit: Audit | None
    skipped: str = ""

    @property
    def verdict(self) -> str:
        """`nothing found`, `unsafe` where the attack found something, or `skipped`."""
        if self.audit is None:
            return LOOKS["skipped"]
        return LOOKS["unsafe"] if self.audit.findings else LOOKS["safe"]


@dataclass(frozen=True, eq=False)
class Suggestions:
    """Every method, the one that loses least first; those the attack broke and those skipped at the end.

    Parameters
    ----------
    entries : tuple of Suggestion
    """

    entries: tuple[Suggestion, ...]

    @property
    def best(self) -> Suggestion | None:
        """The method that loses least among those in which the attack found nothing."""
        first = self.entries[0]
        return first if first.verdict == LOOKS["safe"] else None

    def to_frame(self) -> pd.DataFrame:
        """Compare the methods.

        Returns
        -------
        DataFrame
            `method`; `verdict`; `findings`, how many; the losses `cells`, `persons`, `error` (percent) and `bits`
            (see `Loss`), null where skipped; `remark`: parameters, the first finding, or why it was skipped.
        """
        rows = [_row(entry) for entry in self.entries]
        return pd.DataFrame(rows).astype({"findings": "Int64"})

    def _repr_html_(self) -> str:
        frame = self.to_frame()
        return (
            f"{frame.to_html(index=False, na_rep='', border=0, float_format='{:.1f}'.format)}"
            "<p>Cells and persons without an exact figure, and the error of what is displayed, in percent; bits: "
            "what a reader does not know of a cell, on average. ExA 3.f; attacked under DSA III.G.2.a and d.</p>"
        )

    def __repr__(self) -> str:
        """Say each method's verdict."""
        return f"<Suggestions {'; '.join(f'{e.method}: {e.verdict}' for e in self.entries)}>"


def suggest(
    tables: Table | Sequence[Table],
    policy: CellPolicy,
    earlier: Sequence[Protected | Table] = (),
    *,
    seed: bytes = PREVIEW,
) -> Suggestions:
    """Compare suppression with its alternatives on these tables.

    Source: ExA 3.f; DSA III.G.2.a; DSA III.G.2.d.

    Parameters
    ----------
    tables : Table or sequence of Table
    policy : CellPolicy
    earlier : sequence of Protected or Table
    seed : bytes, optional
        The project's. Without it one that everybody knows is used: enough to compare, not to release.

    Returns
    -------
    Suggestions
        The same for the same input. A method is skipped, and says why, where a table is too large for it or its
        persons are not known.

    Raises
    ------
    TableInvalid
        If there are no tables, or they have over 60,000 cells.
    """
    several = given(tables)
    size = sum(table.counts.size for table in several)
    if size > MOST_CELLS:
        raise _too_large("suggest", size, MOST_CELLS)
    protected = cache(lambda: protect(several, policy, earlier))
    methods: dict[str, Callable[[], Treated]] = {
        "suppression": lambda: suppression(protected(), policy),
        "collapse": lambda: collapsed(several, policy, earlier),
    }
    dense: dict[str, Callable[[], Treated]] = {
        "ranges": lambda: ranges(protected(), policy),
        "rounding": lambda: rounding(several, policy),
        "controlled rounding": lambda: controlled_rounding(several, policy, seed=seed),
        "noise": lambda: noise(several, policy, seed=seed),
        "sampling": lambda: sampling(several, policy, earlier, seed=seed),
    }
    if size > DENSE_CELLS:
        reason = str(_too_large("suggest", size, DENSE_CELLS).findings[0])
        tried = [Suggestion(method, None, None, reason) for method in dense]
    else:
        tried = [_tried(method, treat, policy, earlier) for method, treat in dense.items()]
    tried += [_tried(method, treat, policy, earlier) for method, treat in methods.items()]
    return Suggestions(tuple(sorted(tried, key=_rank)))


def _too_large(rule: str, size: int, limit: int) -> TableInvalid:
    what = f"the tables have {size} cells, over the limit of {limit}"
    return TableInvalid("not compared", [Finding(rule, "ExA 3.f", "tables", what, "Use fewer by-columns.")])


def _tried(
    method: str, treat: Callable[[], Treated], policy: CellPolicy, earlier: Sequence[Protected | Table]
) -> Suggestion:
    try:
        treated = treat()
        return Suggestion(method, treated, audit(treated, policy, earlier))
    except P20KitError as error:
        reason = "; ".join(str(finding) for finding in error.findings) or str(error)
        return Suggestion(method, None, None, reason)


def _rank(entry: Suggestion) -> tuple[int, float]:
    order = list(LOOKS.values()).index(entry.verdict)
    return order, entry.treated.loss().bits if entry.treated is not None else 0.0


def _row(entry: Suggestion) -> dict[str, object]:
    if entry.treated is None or entry.audit is None:
        nothing = dict.fromkeys(("cells", "persons", "error", "bits"), np.nan)
        return {
            "method": entry.method,
            "verdict": entry.verdict,
            "findings": None,
            **nothing,
            "remark": entry.skipped,
        }
    loss, found = entry.treated.loss(), entry.audit.findings
    return {
        "method": entry.method,
        "verdict": entry.verdict,
        "findings": len(found),
        "cells": 100 * loss.cells,
        "persons": 100 * loss.persons,
        "error": 100 * loss.error,
        "bits": loss.bits,
        "remark": str(found[0]) if found else entry.treated.said(),
    }
