"""A sample of persons: the table is that of some of them, and says which part.

A person is in the sample when their key lies under the fraction. So a smaller sample lies within a larger one,
and the same person is in or out in every table of the project.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from p20kit.errors import Finding, TableInvalid
from p20kit.needs import least_hidden
from p20kit.policy import CellPolicy
from p20kit.protection import Protected, protect
from p20kit.tables import Table, add_margins
from p20kit.treatments.keys import ONE, draw
from p20kit.treatments.treated import Display, Reading, Treated, given, read, shown_or_hidden

CONFIDENCE = 1.96
"""Standard errors either side: 95 %."""


def sampling(
    tables: Table | Sequence[Table],
    policy: CellPolicy,
    earlier: Sequence[Protected | Table] = (),
    *,
    seed: bytes,
    fraction: float = 0.8,
    weighted: bool = False,
) -> Treated:
    """Count a sample of the persons, and hide what is too small in it.

    Source: ExA 3.f (suppression by sampling: data for a portion of students, for example 80 %); DSA III.G.2.a.

    Parameters
    ----------
    tables : Table or sequence of Table
        With their bases.
    policy : CellPolicy
    earlier : sequence of Protected or Table
    seed : bytes
        The project's, at least 16.
    fraction : float, default 0.8
    weighted : bool, default False
        Display estimates, the sample's counts divided by the fraction, in place of the counts.

    Returns
    -------
    Treated
        Its tables are the sample's.

    Raises
    ------
    TableInvalid
        If a table has no basis, the fraction is not between 0 and 1, or nobody is drawn.
    """
    if not 0 < fraction < 1:
        finding = Finding("sampling", "ExA 3.f", "fraction", "the fraction is not between 0 and 1", "Use 0.8.")
        raise TableInvalid("nobody was drawn", [finding])
    several = given(tables)
    protected = protect([sample(table, fraction, seed) for table in several], policy, earlier)
    shown = [
        shown_or_hidden(t, s, least_hidden(t, policy)) for t, s in zip(protected.tables, protected.shown, strict=True)
    ]
    readings = tuple(_reading(table, display, fraction) for table, display in zip(several, shown, strict=True))
    stated = {
        "persons": f"{fraction:.0%} of them, drawn at random",
        "figures": "estimates of all" if weighted else "counts in the sample",
    }
    displays = tuple(_estimated(display, fraction) if weighted else display for display in shown)
    return Treated("sampling", stated, policy, displays, readings)


def sample(table: Table, fraction: float, seed: bytes) -> Table:
    """Keep the persons whose key lies under the fraction; every category keeps its cells.

    Source: ExA 3.f (sampling).

    Raises
    ------
    TableInvalid
        If the table has no basis, or nobody is drawn.
    """
    if table.basis is None:
        finding = Finding("sampling", "ExA 3.f", table.name, "its persons are not known", "Make it with tabulate().")
        raise TableInvalid("nobody was drawn", [finding])
    drawn = draw(table.basis[table.unit].astype(str), seed, "sampling") < fraction * ONE
    basis = table.basis.loc[drawn].reset_index(drop=True)
    if basis.empty:
        finding = Finding("sampling", "ExA 3.f", table.name, "nobody is in the sample", "Use a larger fraction.")
        raise TableInvalid("nobody was drawn", [finding])
    counts = np.zeros_like(table.counts)
    np.add.at(counts, tuple(table.places(axis)[drawn] for axis in range(len(table.by))), 1)
    title = f"{table.title} ({fraction:.0%} sample)"
    return replace(table, counts=add_margins(counts, table.dimensions), basis=basis, title=title)


def _estimated(display: Display, fraction: float) -> Display:
    number = np.round(display.number / fraction)
    text = np.where(np.isnan(number), display.text, np.char.mod("about %d", np.nan_to_num(number)))
    return replace(display, number=number, text=text.astype(object))


def _reading(table: Table, display: Display, fraction: float) -> Reading:
    """Estimate all persons from the sample's counts, with the interval of the estimate."""
    known = read(display)
    spread = CONFIDENCE * np.sqrt((known.estimate + 1) * (1 - fraction)) / fraction
    upper = np.where(np.isfinite(known.upper), known.upper, table.total * fraction)
    lower = np.maximum(np.floor(known.lower / fraction - spread), known.lower)
    return Reading(table, known.estimate / fraction, lower, np.ceil(upper / fraction + spread))
