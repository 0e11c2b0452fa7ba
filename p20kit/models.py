"""`model`: a regression that is released as a table of coefficients, or not at all."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any, get_args

import numpy as np
import pandas as pd

from p20kit.audit import audit
from p20kit.counting import tabulate
from p20kit.errors import Finding, ModelUnsafe, P20KitError
from p20kit.model_design import Design, design, invalid
from p20kit.model_rules import MINIMUM_DF, RULES, Fitted, Kind, model_findings
from p20kit.policy import COMPLEMENTARY_CLAUSE, COUNT_CLAUSE, FORMULA_CLAUSE, CellPolicy
from p20kit.tables import Table

if TYPE_CHECKING:
    from p20kit.protection import Protected

DIGITS = 4
CONFIDENCE = 95
_POPULATION = "model"


@dataclass(frozen=True, eq=False)
class Model:
    """A fitted model with its evidence, and what speaks against its release.

    It holds no residual, no fitted value and no covariance of coefficients.

    Parameters
    ----------
    name, title, formula, unit : str
    kind : {"ols", "logit", "poisson"}
    robust : bool
    reference : mapping of column to category
        As it was asked for.
    policy : CellPolicy
    estimates : DataFrame
        Unrounded, for the analyst: `term`, `coefficient`, `standard error`, `p value`, `lower`, `upper`.
    persons, df : int
        Individuals in the base; residual degrees of freedom.
    r_squared : float or None
        Of ordinary least squares only.
    sources : mapping of column to str
        Column to "table.Column" of the project, where it is as delivered.
    basis : DataFrame
        One row per person with every value: the unit, the outcome and the regressors.
    tables : tuple of Table
        What a reader knows besides the coefficients: the persons of the model, and every cell of a saturated one.
    findings : tuple of Finding
        Empty when nothing was found by what `ran`.
    ran, not_ran : tuple of str
        The checks that ran, and what could not be checked and why.
    """

    name: str
    title: str
    formula: str
    unit: str
    kind: Kind
    robust: bool
    reference: Mapping[str, str]
    policy: CellPolicy
    estimates: pd.DataFrame
    persons: int
    df: int
    r_squared: float | None
    sources: Mapping[str, str]
    basis: pd.DataFrame
    tables: tuple[Table, ...]
    findings: tuple[Finding, ...]
    ran: tuple[str, ...]
    not_ran: tuple[str, ...]

    def to_frame(self, *, for_analyst: bool = False) -> pd.DataFrame:
        """Read the coefficients as they may be released, the base and the degrees of freedom below them.

        Source: DSA III.G.2.b; DSA VI.D.2.

        Parameters
        ----------
        for_analyst : bool, default False
            Read them although there are findings; what is read then stays in the enclave.

        Returns
        -------
        DataFrame
            `term`, `coefficient`, `standard error`, `p value`, `lower 95 %`, `upper 95 %`, of four significant
            digits (p values: four decimals).

        Raises
        ------
        ModelUnsafe
            If there are findings.
        """
        if self.findings and not for_analyst:
            raise ModelUnsafe(f"model {self.name!r} may not be released", self.findings)
        frame = self.estimates.rename(columns={side: f"{side} {CONFIDENCE} %" for side in ("lower", "upper")})
        for column in frame.columns.drop(["term", "p value"]):
            frame[column] = [_significant(value) for value in frame[column]]
        frame["p value"] = frame["p value"].round(4)
        below: list[tuple[str, float]] = [("Individuals", self.persons), ("Residual degrees of freedom", self.df)]
        if self.r_squared is not None:
            below.append(("R-squared", round(self.r_squared, 3)))
        footers = pd.DataFrame(below, columns=["term", "coefficient"]).astype({"coefficient": "float64"})
        return pd.concat([frame, footers], ignore_index=True)

    def _repr_html_(self) -> str:
        head = f"<p><b>{escape(self.title)}</b><br><code>{escape(self.formula)}</code> ({self.kind})</p>"
        table = self.to_frame(for_analyst=True).to_html(index=False, na_rep="", border=0)
        if not self.findings:
            return f"{head}{table}<p>Nothing was found by: {escape('; '.join(self.ran))}.</p>"
        reasons = "".join(f"<li>{escape(str(finding))}</li>" for finding in self.findings)
        return f"{head}<p>Not for release as it is:</p><ul>{reasons}</ul>{table}"

    def __repr__(self) -> str:
        """Say the form and the number of findings, never a coefficient."""
        return f"<Model {self.name!r}: {self.formula} ({self.kind}), {len(self.findings)} findings>"


def model(
    frame: Any,
    formula: str,
    *,
    policy: CellPolicy,
    unit: str = "P20ID",
    kind: Kind = "ols",
    name: str = "model",
    title: str = "",
    reference: Mapping[str, str] | None = None,
    robust: bool = False,
    sources: Mapping[str, str] | None = None,
    earlier: Sequence[Model | Protected | Table] = (),
) -> Model:
    """Fit a regression on distinct individuals and look at what it tells of a few of them.

    Source: DSA III.G.2.a; DSA III.G.2.b; DSA VI.D.2; ExA 3.d.

    Parameters
    ----------
    frame : any DataFrame narwhals reads (pandas, polars, DuckDB relation, arrow)
        One row per person. Persons with a missing value are left out.
    formula : str
        ``outcome ~ column + column``, with ``: * -`` and ``C(column)`` for a category written in numbers.
    policy : CellPolicy
    unit, name, title : str
    kind : {"ols", "logit", "poisson"}, default "ols"
        Outcome: a number; 0 or 1; a whole number from 0.
    reference : mapping of column to category, optional
        What coefficients are compared with; the most frequent category where none is named.
    robust : bool, default False
        Standard errors that allow for unequal variances (HC1).
    sources : mapping of str to str, optional
        As `tabulate` takes them.
    earlier : sequence of Model, Protected or Table
        What has been released before, or with it.

    Returns
    -------
    Model
        With a finding for every rule of `model_rules` it breaks.

    Raises
    ------
    ModelInvalid
        If the formula, a column or the outcome will not do, or a person has several rows.
    """
    laid_out = design(frame, formula, unit, reference or {}, name)
    _refuse_outcome(laid_out, kind, name)
    estimates, fitted = _fit(laid_out, kind, robust, name, policy)
    tables, unlisted = _tables(laid_out, fitted, unit, name)
    attack = audit(tables, policy, [t for e in earlier for t in (e.tables if isinstance(e, Model) else (e,))])
    beside = [f for e in earlier if isinstance(e, Model) for f in _beside(laid_out, unit, e, name, policy)]
    findings = (*model_findings(fitted), *unlisted, *_of_cells(attack.findings, name), *beside)
    return Model(
        name, title or name, formula, unit, kind, robust, dict(reference or {}), policy, estimates, fitted.persons,
        fitted.persons - len(estimates), fitted.r_squared, dict(sources or {}), laid_out.basis, tables,
        tuple(dict.fromkeys(findings)), (*(r for r, kinds in RULES.items() if kind in kinds), *attack.ran),
        attack.not_ran,
    )  # fmt: skip


def _refuse_outcome(laid_out: Design, kind: Kind, name: str) -> None:
    if kind not in get_args(Kind):
        raise invalid(name, "the kind is none of ols, logit and poisson", "Name one of the three.")
    values = laid_out.values
    if np.ptp(values) == 0:
        what = "the outcome is the same for everyone"
        raise invalid(name, what, "Choose another outcome or widen the filter.", FORMULA_CLAUSE)
    if kind == "logit" and not np.isin(values, (0, 1)).all():
        raise invalid(name, "the outcome of a logit is not 0 or 1 throughout", "Make a column of 0 and 1.")
    if kind == "poisson" and not ((values >= 0) & (values == np.floor(values))).all():
        raise invalid(name, "the outcome of a Poisson model is not whole and from 0", "Choose ols.")


def _fit(laid_out: Design, kind: Kind, robust: bool, name: str, policy: CellPolicy) -> tuple[pd.DataFrame, Fitted]:
    import statsmodels.api as sm  # heavy

    families = {"logit": sm.families.Binomial, "poisson": sm.families.Poisson}
    with warnings.catch_warnings():
        # what statsmodels warns of (separation, no convergence, a perfect fit) is a finding here
        warnings.simplefilter("ignore")
        if kind == "ols":
            specified = sm.OLS(laid_out.values, laid_out.matrix)
        else:
            specified = sm.GLM(laid_out.values, laid_out.matrix, family=families[kind]())
        result = specified.fit(cov_type="HC1" if robust else "nonrobust")
        bounds = np.asarray(result.conf_int(alpha=1 - CONFIDENCE / 100))
        columns = {"coefficient": result.params, "standard error": result.bse, "p value": result.pvalues}
        expected = np.asarray(result.fittedvalues, dtype=np.float64)
        r_squared = float(result.rsquared) if kind == "ols" else None
    estimates = pd.DataFrame({"term": laid_out.labels, **columns, "lower": bounds[:, 0], "upper": bounds[:, 1]})
    weights = np.ones(len(laid_out.values)) if kind == "ols" else np.asarray(specified.weights, dtype=np.float64)
    converged = kind == "ols" or bool(result.converged)
    return estimates, Fitted(name, kind, laid_out, expected, weights, r_squared, converged, policy)


def _tables(laid_out: Design, fitted: Fitted, unit: str, name: str) -> tuple[tuple[Table, ...], list[Finding]]:
    """Spell out the counts a reader of the model knows, for the auditor to attack."""
    everyone = laid_out.basis[[unit]].assign(**{_POPULATION: "included"})
    population = tabulate(everyone, [_POPULATION], unit=unit, name=name)
    combinations = len(np.unique(fitted.numbered(laid_out.regressors)))
    if not laid_out.regressors or combinations > laid_out.matrix.shape[1]:
        return (population,), []
    by = [*laid_out.regressors, *([laid_out.outcome] if fitted.two_valued else [])]
    try:
        return (population, tabulate(laid_out.basis, by, unit=unit, name=f"{name} cells")), []
    except P20KitError as error:
        what = "the cells of the saturated model cannot be attacked"
        advice = "; ".join(finding.what for finding in error.findings)
        return (population,), [
            Finding("saturation", FORMULA_CLAUSE, name, what, f"Leave out a regressor ({advice}).")
        ]


def _of_cells(attacked: Sequence[Finding], name: str) -> Iterator[Finding]:
    """Count the small cells instead of naming them: a cell of a model may be called by a person's own figures."""
    small = sum(finding.rule == "threshold" for finding in attacked)
    if small:
        what = f"{small} counts under the threshold follow from it"
        yield Finding("threshold", COUNT_CLAUSE, name, what, "Leave out the interaction or merge categories.")
    yield from (finding for finding in attacked if finding.rule != "threshold")


def _beside(laid_out: Design, unit: str, other: Model, name: str, policy: CellPolicy) -> Iterator[Finding]:
    """Hold the persons of a model against those of another: nearly the same ones, or the same ones too often."""
    where = f"{name}, {other.name}"
    mine, theirs = set(laid_out.basis[unit]), set(other.basis[other.unit])
    more, fewer = len(mine - theirs), len(theirs - mine)
    if max(more, fewer) and max(more, fewer) < policy.minimum_count:
        what = f"the persons of the two models differ by {more} in the one and {fewer} in the other"
        yield Finding("difference", COMPLEMENTARY_CLAUSE, where, what, "Fit both models to the same persons.")
    left = len(mine) - laid_out.matrix.shape[1] - len(other.estimates)
    if mine == theirs and left < MINIMUM_DF:
        what = f"both models together leave {left} degrees of freedom of the same persons, fewer than {MINIMUM_DF}"
        yield Finding("degrees of freedom", FORMULA_CLAUSE, where, what, "Release one of the two.")


def _significant(value: float) -> float:
    return float(f"{value:.{DIGITS}g}")
