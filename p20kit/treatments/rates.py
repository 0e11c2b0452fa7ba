"""Rates with top and bottom codes: `under 5 %`, `over 95 %`.

A rate and its base give the numerator and its complement. Where one of them is small, the rate is coded, and the
code is as coarse as leaves it open whether the small one reaches the threshold: 5 % of 40 is 2, which would say it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from p20kit.dimensions import TOTAL
from p20kit.errors import Finding, TableInvalid
from p20kit.needs import terms_of
from p20kit.policy import CellPolicy
from p20kit.primary import small_bases, small_counts
from p20kit.protection import Protected, protect
from p20kit.tables import Table
from p20kit.treatments.collapse import collapse
from p20kit.treatments.treated import HIDDEN, FloatArray, Treated, given, read, shown_or_hidden

IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

STEPS = (5, 10, 20, 30, 40)
"""Percent; the finest that is coarse enough is used, and its complement at the top."""
HALF = 0.05
"""Half of the last decimal displayed, in percent."""


def coded_rates(
    table: Table,
    of: str,
    value: str,
    policy: CellPolicy,
    earlier: Sequence[Protected | Table] = (),
) -> Treated:
    """Display the share of one category within every cell of the other by-columns, coded where it is extreme.

    Source: ExA 3.f (top and bottom categories); DSA III.G.2.b; DSA VI.D.2.

    Parameters
    ----------
    table : Table
    of, value : str
        A by-column and the category whose share is wanted.
    policy : CellPolicy
    earlier : sequence of Protected or Table

    Returns
    -------
    Treated
        Of a table with two categories, `value` and the rest: bases stand at `Total`, rates at `value`. A rate is
        hidden where its base is under `policy.minimum_base`, or where it would give away a small one beside it.

    Raises
    ------
    TableInvalid
        If there is no such by-column or category, or no other ones.
    Unprotectable
        If earlier releases make some cell recoverable.
    """
    both = _two_categories(table, of, value)
    axis, terms = both.by.index(of), terms_of(table, policy)
    (shown,) = protect(given(both), policy, earlier).shown
    at, rest = (both.dimensions[axis].codes.index(code) for code in (value, _other(both, axis, value)))
    part, other, base = (np.asarray(both.counts.take(position, axis=axis)) for position in (at, rest, -1))
    seen_part, seen_other, seen_base = (np.asarray(shown.take(position, axis=axis)) for position in (at, rest, -1))
    clear = seen_part & seen_other & (part > 0) & (other > 0)
    text, lower, upper = _coded(part, base, seen_base & ~small_bases(base, terms), clear, terms)
    bases = np.zeros_like(shown)
    np.moveaxis(bases, axis, 0)[-1] = seen_base
    display = shown_or_hidden(both, bases)
    for target, source in ((display.text, text), (display.lower, lower), (display.upper, upper)):
        np.moveaxis(target, axis, 0)[at] = source
    np.moveaxis(display.text, axis, 0)[rest] = ""
    stated = {"share": f"{of}={value}", "extremes": f"under {STEPS[0]} %, over {100 - STEPS[0]} %, or coarser"}
    return Treated("coded rates", stated, policy, (display,), (read(display),))


def _two_categories(table: Table, of: str, value: str) -> Table:
    codes = table.dimensions[table.by.index(of)].codes if of in table.by else ()
    leaves = codes[: table.dimensions[table.by.index(of)].leaves] if codes else ()
    others = [code for code in leaves if code != value]
    if value not in leaves or not others or len(table.by) == 1:
        what = f"a share of {of}={value} needs that category, another one, and another by-column"
        advice = "Name a category of the table, and count by a second column."
        raise TableInvalid("no rates were made", [Finding("rates", "ExA 3.f", table.name, what, advice)])
    return collapse(table, of, {f"Not {value}": others}) if len(others) > 1 else table


def _other(table: Table, axis: int, value: str) -> str:
    return next(code for code in table.dimensions[axis].codes if code not in (value, TOTAL))


def _coded(
    part: IntArray, base: IntArray, stands: BoolArray, clear: BoolArray, policy: CellPolicy
) -> tuple[NDArray[np.object_], FloatArray, FloatArray]:
    """Write each rate, and the numerators it leaves possible."""
    text = np.full(part.shape, HIDDEN, dtype=object)
    lower, upper = np.zeros(part.shape), np.full(part.shape, np.inf)
    nothing_ruled_out = np.zeros(part.shape, dtype=bool)
    low = (part == 0) | small_counts(part, nothing_ruled_out, policy)
    high = (part == base) | small_counts(base - part, nothing_ruled_out, policy)
    for place in zip(*stands.nonzero(), strict=True):
        n, persons = int(base[place]), int(part[place])
        if clear[place]:
            rate = round(100 * persons / n, 1)
            text[place] = f"{rate:.1f} %"
            lower[place], upper[place] = np.ceil(n * (rate - HALF) / 100), np.floor(n * (rate + HALF) / 100)
        elif low[place] or high[place]:
            few = persons if low[place] else n - persons
            step = _step(few, n, policy)
            if step:
                most = -(-step * n // 100) - 1
                text[place] = f"under {step} %" if low[place] else f"over {100 - step} %"
                lower[place], upper[place] = (0, most) if low[place] else (n - most, n)
    return text, lower, upper


def _step(few: int, base: int, policy: CellPolicy) -> int:
    """Give the finest code under which a small number stands and the threshold could; 0 where there is none."""
    reaching = (step for step in STEPS if -(-step * base // 100) - 1 >= max(policy.minimum_count, few))
    return next(reaching, 0)
