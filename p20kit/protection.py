"""`protect`: decide for every cell of every table whether it may be displayed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from p20kit.aims import Against, Aim, Costs, Optimality
from p20kit.companions import companions
from p20kit.disclosed import Disclosed
from p20kit.display import as_html
from p20kit.layers import disclosed_layers, displayed_figures, known_counts, measured_in_full, suppress_figures
from p20kit.needs import count_needs
from p20kit.policy import CellPolicy
from p20kit.progress import Progress, Step, automatic
from p20kit.suppression import suppress_counts
from p20kit.tables import Table, listed, position_of

BoolArray = NDArray[np.bool_]
FloatArray = NDArray[np.float64]
STATUSES = ("shown", "primary", "complementary", "structural")


@dataclass(frozen=True, eq=False)
class Protected:
    """Tables with a decision for every cell.

    Parameters
    ----------
    tables : tuple of Table
    shown : tuple of ndarray of bool
        Per table, shape of its counts: True = displayed.
    policy : CellPolicy
    measured : tuple of mapping of str to ndarray of bool
        Per table and label of a measure: where its figure is displayed; empty for tables of counts alone.
    optimality : Optimality, optional
        What the complementary counts cost, and what any choice must; None where `protect` did not choose them.
    """

    tables: tuple[Table, ...]
    shown: tuple[BoolArray, ...]
    policy: CellPolicy
    measured: tuple[Mapping[str, BoolArray], ...] = ()
    optimality: Optimality | None = None

    def to_frame(self, table: int | str = 0) -> pd.DataFrame:
        """Read one table.

        Parameters
        ----------
        table : int or str, default 0
            Position or name.

        Returns
        -------
        DataFrame
            The by-columns (margins labelled `Total`), `count` (Int64, null where hidden), `status`: shown,
            primary, complementary or structural, and one column per measure (Float64, rounded as it is
            displayed, null where hidden). For the analyst: who publishes uses `to_published`, because to tell
            primary from complementary says which cells are under 6.
        """
        i = position_of(self.tables, table)
        source = self.tables[i]
        frame = source.cells
        displayed = self.shown[i].ravel()[source.published]
        frame["count"] = frame["count"].astype("Int64").where(displayed)
        frame["status"] = np.array(self.status(i), dtype=object)[source.published]
        frame["status"] = frame["status"].astype("str")
        for label, displayed in self._measured(i).items():
            values = np.where(displayed, displayed_figures(source, label, self.policy), np.nan).ravel()
            frame[label] = pd.array(values[source.published], dtype="Float64")
        return frame

    def to_published(self, table: int | str = 0) -> pd.DataFrame:
        """Read one table as it may be published: `status` is shown, hidden or structural, figures as they are coded.

        Source: DSA III.G.2.d; ExA 3.f.
        """
        frame = self.to_frame(table)
        frame["status"] = frame["status"].replace({"primary": "hidden", "complementary": "hidden"})
        source = self.tables[position_of(self.tables, table)]
        return source.coding.written(source, frame)

    def status(self, table: int | str = 0) -> list[str]:
        """Give the status of every cell, unpublished margins included, in flat order."""
        i = position_of(self.tables, table)
        source = self.tables[i]
        small = count_needs(source, self.policy).ravel() > 0
        status = np.where(self.shown[i].ravel(), "shown", np.where(small, "primary", "complementary"))
        status[source.impossible.ravel()] = "structural"
        return [str(s) for s in status]

    def disclosed(self) -> tuple[Disclosed, ...]:
        """Say what a reader of the release knows: of every count, and of what the figures give away.

        Source: DSA III.G.2.d; DSA VI.D.2.

        Returns
        -------
        tuple of Disclosed
            Per table its counts; the counts behind its rates, as far as rounding leaves them open; and the totals
            behind its totals and means.
        """
        return tuple(
            layer
            for i, (table, shown) in enumerate(zip(self.tables, self.shown, strict=True))
            for layer in disclosed_layers(table, shown, self._measured(i), self.policy)
        )

    def summary(self) -> pd.DataFrame:
        """Count cells by table and status, of the displayed part of each table."""
        rows = [
            {"table": t.name, **self.to_frame(i)["status"].value_counts().reindex(STATUSES, fill_value=0)}
            for i, t in enumerate(self.tables)
        ]
        return pd.DataFrame(rows, columns=["table", *STATUSES])

    def _measured(self, position: int) -> Mapping[str, BoolArray]:
        return self.measured[position] if self.measured else {}

    def _repr_html_(self) -> str:
        return as_html(self.tables, [self.to_frame(i) for i in range(len(self.tables))], self.policy)

    def __repr__(self) -> str:
        """Say how many cells are hidden, never what is in them."""
        lines = [
            f"{t.name}: {int(s.sum())} of {s.size} cells shown" for t, s in zip(self.tables, self.shown, strict=True)
        ]
        return f"<Protected {'; '.join(lines)}>"


def protect(
    tables: Table | Sequence[Table],
    policy: CellPolicy,
    earlier: Sequence[Protected | Table] = (),
    *,
    also_hide: Sequence[BoolArray] | None = None,
    keep: Sequence[BoolArray] = (),
    weights: Costs | Sequence[FloatArray] = "balanced",
    against: Against = "inference",
    fast: bool | None = None,
    seconds: float | None = None,
    progress: Progress = automatic,
) -> Protected:
    """Hide what must be hidden, together, so that nothing under the threshold can be worked out.

    Source: DSA III.G.2.a; DSA III.G.2.b; DSA III.G.2.d; DSA II.F; DSA VI.D.2.

    Parameters
    ----------
    tables : Table or sequence of Table
    policy : CellPolicy
    earlier : sequence of Protected or Table
        What has been released before; a plain Table counts as shown in full.
    also_hide : sequence of ndarray of bool, optional
        Per table: counts that must be hidden for another reason.
    keep : sequence of ndarray of bool, optional
        Per table: counts that must be displayed.
    weights : {"balanced", "cells", "persons", "log"} or sequence of ndarray of float64
        What is made least: what hiding a cell costs (`Aim`).
    against : {"inference", "bounds", "recovery"}
        Which reader is kept out (`Aim`). The gate attacks as "inference" does; the others are for comparison.
    fast : bool, optional
        Take the first choice that protects, without looking for the least. By default so where more than 50,000
        cells may be displayed or hidden.
    seconds : float, optional
        After so much time what is left is done fast: the answer still protects, and may differ from run to run.
    progress : Progress, default automatic
        Draws how far a long run is; `progress.silent` draws nothing.

    Returns
    -------
    Protected
        The same for the same input, unless `seconds` are given.

    Raises
    ------
    Unprotectable
        If earlier releases make some cell recoverable whatever is hidden now, or if `keep` and what must be hidden
        contradict each other; the findings name the cells.
    TableInvalid
        If there are no tables, or `keep`, `weights` or `against` do not fit them.
    """
    new = listed(tables, "protect")
    aim = Aim(against, weights, keep, fast, seconds).checked(new)
    with progress(f"protect {len(new)} table{'s' * (len(new) > 1)}") as step:
        return _protect(new, policy, [_as_protected(release, policy) for release in earlier], also_hide, aim, step)


def _protect(
    new: tuple[Table, ...],
    policy: CellPolicy,
    earlier: Sequence[Protected],
    also_hide: Sequence[BoolArray] | None,
    aim: Aim,
    step: Step,
) -> Protected:
    """Choose the counts that are displayed, those behind rates with them, and then the figures."""
    behind = [companion for table in new for companion in companions(table)]
    every = [*new, *(companion.table for companion in behind)]
    known = [pair for release in earlier for pair in known_counts(release.tables, release.shown, release.measured)]
    none = [np.zeros(table.counts.shape, dtype=bool) for table in every]
    forced = [*(also_hide or none[: len(new)]), *none[len(new) :]]
    wanted = [*(~mask for mask in none[: len(new)]), *(companion.wanted(policy) for companion in behind)]
    shown, optimality = suppress_counts(every, known, forced, wanted, policy, aim, step)
    of_companions = list(zip(behind, shown[len(new) :], strict=True))
    before = [p for release in earlier for p in zip(release.tables, release.shown, release.measured, strict=False)]
    measured = suppress_figures(new, shown[: len(new)], of_companions, before, policy, step)
    return Protected(new, shown[: len(new)], policy, measured, optimality)


def _as_protected(release: Protected | Table, policy: CellPolicy) -> Protected:
    if isinstance(release, Protected):
        return release
    published = release.published.reshape(release.counts.shape)
    return Protected((release,), (published,), policy, (measured_in_full(release),))
