"""Rules of models: what coefficients tell of a few individuals.

Two figures decide. A group whose leverages add up to the rank of its own rows has coefficients of its own: it is a
separate model, and where that rank is 1 its mean follows exactly (a saturated cell). A person's leverage is the share
of the person's fitted value that the person alone determines.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from p20kit.errors import Finding
from p20kit.model_design import Design, FloatArray
from p20kit.policy import COUNT_CLAUSE, FORMULA_CLAUSE, CellPolicy

IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]
Kind = Literal["ols", "logit", "poisson"]

MINIMUM_DF = 10
"""Residual degrees of freedom; the rule of thumb of the handbooks on output checking (ESSnet, 2010)."""
MAXIMUM_LEVERAGE = 0.5
MAXIMUM_R_SQUARED = 0.999
CERTAIN = 1e-6
"""A fitted share or count closer than this to its boundary is one the model is sure of."""
_EXACT = 1e-6
RULES: dict[str, tuple[Kind, ...]] = {
    "base": ("ols", "logit", "poisson"),
    "degrees of freedom": ("ols", "logit", "poisson"),
    "category": ("ols", "logit", "poisson"),
    "attribute": ("ols", "logit", "poisson"),
    "saturation": ("ols", "logit", "poisson"),
    "leverage": ("ols", "logit", "poisson"),
    "fit": ("ols",),
    "separation": ("logit", "poisson"),
}
"""Each rule, and the kinds of model it applies to."""


@dataclass(frozen=True, eq=False)
class Fitted:
    """A fitted model, as far as the rules look at it.

    Parameters
    ----------
    name : str
    kind : {"ols", "logit", "poisson"}
    design : Design
    fitted : ndarray of float64, shape (persons,)
        On the scale of the outcome.
    weights : ndarray of float64, shape (persons,)
        Weights of the last step of the fit; 1 for ordinary least squares.
    r_squared : float or None
    converged : bool
    policy : CellPolicy
    """

    name: str
    kind: Kind
    design: Design
    fitted: FloatArray
    weights: FloatArray
    r_squared: float | None
    converged: bool
    policy: CellPolicy

    @property
    def persons(self) -> int:
        """Individuals in the base."""
        return len(self.design.matrix)

    @cached_property
    def leverage(self) -> FloatArray:
        """Of each person, from the columns of the design alone: what the model can tell apart."""
        return leverages(self.design.scaled)

    def numbered(self, columns: tuple[str, ...]) -> IntArray:
        """Number the groups that some columns divide the persons into."""
        if not columns:
            return np.zeros(self.persons, dtype=np.int64)
        return self.design.basis.groupby(list(columns), observed=True).ngroup().to_numpy().astype(np.int64)

    @cached_property
    def two_valued(self) -> bool:
        """Whether the outcome divides the persons in two, so that a mean is a share."""
        return len(np.unique(self.design.values)) <= 2


def leverages(matrix: FloatArray) -> FloatArray:
    """Give the diagonal of the hat matrix, shape (persons,); between 0 and 1."""
    basis, _ = np.linalg.qr(matrix)
    return np.asarray((basis**2).sum(axis=1), dtype=np.float64)


def model_findings(model: Fitted) -> Iterator[Finding]:
    """Apply every rule of `RULES` to one model by itself.

    Source: DSA III.G.2.a; DSA III.G.2.b; DSA VI.D.2.

    Parameters
    ----------
    model : Fitted

    Yields
    ------
    Finding
        One per rule and grouping; numbers of groups and individuals, never a value.
    """
    yield from _base(model)
    for column in model.design.regressors:
        yield from _rare_values(model, column)
    yield from _groups(model)
    yield from _single_persons(model)
    yield from _separated(model)


def _base(model: Fitted) -> Iterator[Finding]:
    least, left = model.policy.minimum_base, model.persons - model.design.matrix.shape[1]
    if model.persons < least:
        what = f"the base holds {model.persons} individuals, fewer than {least}"
        yield Finding("base", FORMULA_CLAUSE, model.name, what, "Widen the filter.")
    if left < MINIMUM_DF:
        what = f"{left} residual degrees of freedom are fewer than {MINIMUM_DF}"
        yield Finding("degrees of freedom", FORMULA_CLAUSE, model.name, what, "Leave out regressors.")
    yield from _outcomes(model, model.numbered(()), model.name, np.ones(1, dtype=bool))


def _rare_values(model: Fitted, column: str) -> Iterator[Finding]:
    """Find a column that is nearly always the same number: it is an indicator of the others."""
    if _divides(model, column):
        return
    others = model.persons - int(model.design.basis[column].value_counts().iloc[0])
    if others < model.policy.minimum_count:
        what = f"fewer than {model.policy.minimum_count} individuals differ from its most frequent value"
        yield Finding("category", COUNT_CLAUSE, f"{model.name}[{column}]", what, "Leave the column out.")


def _groups(model: Fitted) -> Iterator[Finding]:
    """Look at the groups that terms set apart, and at combinations of all regressors where the model settles them."""
    terms = (tuple(column for column in term if _divides(model, column)) for term in model.design.terms)
    divisions = [columns for columns in dict.fromkeys(terms) if columns]
    for columns in divisions:
        group, where = model.numbered(columns), _where(model, columns)
        sizes = np.bincount(group)
        small = int((sizes < model.policy.minimum_count).sum())
        if small:
            what = f"{small} categories hold fewer than {model.policy.minimum_count} individuals"
            yield Finding("category", COUNT_CLAUSE, where, what, "Merge categories.")
        yield from _outcomes(model, group, where, np.ones(len(sizes), dtype=bool))
        yield from _own_coefficients(model, group, where)
    everything = model.design.regressors
    if everything and everything not in divisions:
        group, where = model.numbered(everything), _where(model, everything)
        yield from _outcomes(model, group, where, np.bincount(group, weights=model.leverage) > 1 - _EXACT)
        yield from _own_coefficients(model, group, where)


def _divides(model: Fitted, column: str) -> bool:
    return column in model.design.categorical or model.design.basis[column].nunique() == 2


def _where(model: Fitted, columns: tuple[str, ...]) -> str:
    return f"{model.name}[{' × '.join(columns)}]"


def _own_coefficients(model: Fitted, group: IntArray, where: str) -> Iterator[Finding]:
    """Ask a base of its own of every group that is a model of its own."""
    sizes, total = np.bincount(group), np.bincount(group, weights=model.leverage)
    whole = (total > _EXACT) & (np.abs(total - np.round(total)) < _EXACT)
    small = short = 0
    for number in np.flatnonzero(whole & (sizes < model.policy.minimum_base + total)):
        rank = int(np.linalg.matrix_rank(model.design.scaled[group == number]))
        if round(float(total[number])) == rank:
            small += int(sizes[number] < model.policy.minimum_base)
            short += int(sizes[number] - rank < MINIMUM_DF)
    if small:
        what = f"{small} groups of fewer than {model.policy.minimum_base} individuals have coefficients of their own"
        yield Finding("saturation", FORMULA_CLAUSE, where, what, "Leave out the interaction or merge categories.")
    if short:
        what = f"{short} groups with coefficients of their own leave fewer than {MINIMUM_DF} degrees of freedom"
        yield Finding("degrees of freedom", FORMULA_CLAUSE, where, what, "Leave out the interaction.")


def _outcomes(model: Fitted, group: IntArray, where: str, judged: BoolArray) -> Iterator[Finding]:
    """Hold the outcome within groups against the threshold: numerator and complement, or everyone the same."""
    outcome, least = model.design.values, model.policy.minimum_count
    if model.two_valued:
        sizes, part = np.bincount(group), np.bincount(group, weights=outcome == outcome.max())
        few = int((judged & (np.minimum(part, sizes - part) < least)).sum())
        if few:
            what = (
                f"in {few} groups fewer than {least} individuals have the outcome, or fewer than {least} have it not"
            )
            yield Finding("attribute", COUNT_CLAUSE, where, what, "Merge categories or leave the column out.")
        return
    within = model.design.basis[model.design.outcome].groupby(group)
    same = int((judged & (within.max() == within.min()).to_numpy()).sum())
    if same:
        what = f"in {same} groups everyone has the same outcome"
        yield Finding("attribute", COUNT_CLAUSE, where, what, "Merge categories or leave the column out.")


def _single_persons(model: Fitted) -> Iterator[Finding]:
    """Find single persons who settle the fit, and a fit that settles single persons."""
    weighted = leverages(model.design.scaled * np.sqrt(model.weights)[:, None])
    alone = int((np.maximum(weighted, model.leverage) > MAXIMUM_LEVERAGE).sum())
    if alone:
        what = f"{alone} individuals each determine more than half of their own fitted value"
        yield Finding("leverage", FORMULA_CLAUSE, model.name, what, "Top-code the column or leave out the category.")
    if model.r_squared is not None and model.r_squared > MAXIMUM_R_SQUARED:
        what = f"R-squared is over {MAXIMUM_R_SQUARED}: each individual's outcome follows from the regressors"
        yield Finding("fit", FORMULA_CLAUSE, model.name, what, "Leave out what the outcome is made of.")


def _separated(model: Fitted) -> Iterator[Finding]:
    if model.kind == "ols":
        return
    room = np.minimum(model.fitted, 1 - model.fitted) if model.kind == "logit" else model.fitted
    sure = int((room < CERTAIN).sum())
    if sure or not model.converged:
        how = f"the outcome of {sure} individuals is certain" if sure else "the fit does not come to an end"
        what = f"regressors separate those with the outcome from those without: {how}"
        yield Finding("separation", FORMULA_CLAUSE, model.name, what, "Leave out the column or merge categories.")
