"""The design of a model: one row per person, one column per coefficient, from a formula that evaluates nothing."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd
import pyarrow as pa
from formulaic import Formula
from formulaic.errors import FormulaicError
from numpy.typing import NDArray

from p20kit.errors import Finding, ModelInvalid

FloatArray = NDArray[np.float64]

MAX_FORMULA = 1_000
MAX_COEFFICIENTS = 200
_CATEGORICAL = re.compile(r"\bC\(\s*(`[^`]+`|[^\W\d]\w*)\s*\)")
_BETWEEN = re.compile(r":(?![^\[]*\])")
_LEVEL = re.compile(r"\[(?:T\.)?([^\]]*)\]")


@dataclass(frozen=True, eq=False)
class Design:
    """What a model is fitted to.

    Parameters
    ----------
    outcome : str
    basis : DataFrame
        One row per person with every value: the unit, the outcome and the regressors.
    matrix : ndarray of float64, shape (persons, coefficients)
    labels : tuple of str
        Names of the coefficients, as they are displayed.
    terms : tuple of tuple of str
        Columns of each term of the formula, the intercept aside.
    categorical : frozenset of str
        Regressors that are categories.
    """

    outcome: str
    basis: pd.DataFrame
    matrix: FloatArray
    labels: tuple[str, ...]
    terms: tuple[tuple[str, ...], ...]
    categorical: frozenset[str]

    @property
    def regressors(self) -> tuple[str, ...]:
        """Columns the outcome is explained by."""
        return tuple(dict.fromkeys(column for term in self.terms for column in term))

    @cached_property
    def scaled(self) -> FloatArray:
        """The matrix with columns of length 1, so that wages and shares are told apart equally well."""
        lengths = np.linalg.norm(self.matrix, axis=0)
        return np.asarray(self.matrix / np.where(lengths > 0, lengths, 1), dtype=np.float64)

    @property
    def values(self) -> FloatArray:
        """The outcome, shape (persons,)."""
        return self.basis[self.outcome].to_numpy(dtype=np.float64)


def design(frame: Any, formula: str, unit: str, reference: Mapping[str, str], name: str) -> Design:
    """Lay out persons and coefficients.

    Source: DSA III.G.2.b; ExA 3.d.

    Parameters
    ----------
    frame : any DataFrame narwhals reads
        One row per person. Persons with a missing value are left out.
    formula : str
        Columns with ``~ + - : * / ( )`` and ``C(column)`` for a category written in numbers. Nothing in it is
        evaluated: a logarithm is a column of its own, so that it can be recomputed by whoever checks.
    unit : str
        Column that identifies a person.
    reference : mapping of column to category
        What the coefficients of a category are compared with; the most frequent one where none is named.
    name : str

    Returns
    -------
    Design

    Raises
    ------
    ModelInvalid
        If the formula is not of that form, a column is missing or of no usable kind, a person has no id or
        several rows, or the columns of the design add up to one another.
    """
    parsed, outcome, terms, marked = _parse(formula, name)
    columns = list(dict.fromkeys([outcome, *(column for term in terms for column in term)]))
    if unit in columns:
        raise invalid(name, f"the formula uses {unit}, which identifies a person", "Leave it out.")
    rows, categorical = _persons(frame, unit, columns, marked, name)
    if outcome in categorical:
        raise invalid(name, f"the outcome {outcome} is a category", "Make a column of 0 and 1 of it.")
    for column in sorted(categorical):
        rows[column] = _with_reference(rows[column], reference.get(column), name)
    _refuse_size(rows, terms, categorical, name)
    made = parsed.rhs.get_model_matrix(rows[columns], output="numpy")
    matrix = np.asarray(made, dtype=np.float64).reshape(len(rows), -1)
    labels = tuple(_label(label) for label in made.model_spec.column_names)
    laid_out = Design(outcome, rows, matrix, labels, terms, categorical)
    _refuse_rank(laid_out, name)
    return laid_out


def invalid(name: str, what: str, next_step: str, clause: str = "") -> ModelInvalid:
    """Make the error for a model that cannot be fitted."""
    return ModelInvalid(f"model {name!r} cannot be fitted", [Finding("model", clause, name, what, next_step)])


def _parse(formula: str, name: str) -> tuple[Any, str, tuple[tuple[str, ...], ...], frozenset[str]]:
    marked = frozenset(found.strip("`") for found in _CATEGORICAL.findall(formula))
    advice = (
        "Write `outcome ~ column + column`, with + - : * and C(column); make any other expression a column first."
    )
    try:
        if len(formula) > MAX_FORMULA:
            raise FormulaicError
        parsed = Formula(_CATEGORICAL.sub(r"\1", formula))
        outcome, terms = list(parsed.lhs), list(parsed.rhs)
        factors = [factor for term in (*outcome, *terms) for factor in term.factors]
    except (FormulaicError, AttributeError, SyntaxError):
        # the parser's own message quotes the formula with marks for a terminal
        raise invalid(name, "the formula cannot be read", advice) from None
    strange = sum(factor.eval_method.name not in ("LOOKUP", "LITERAL") for factor in factors)
    if strange or len(outcome) != 1 or len(outcome[0].factors) != 1:
        what = f"the formula has {strange} expressions to evaluate" if strange else "there is not exactly one outcome"
        raise invalid(name, what, advice)
    named = tuple(tuple(f.expr for f in t.factors if f.eval_method.name == "LOOKUP") for t in terms)
    return parsed, outcome[0].factors[0].expr, tuple(term for term in named if term), marked


def _persons(
    frame: Any, unit: str, columns: list[str], marked: frozenset[str], name: str
) -> tuple[pd.DataFrame, frozenset[str]]:
    """Take the columns needed, of the persons who have them all; numbers as floats, categories as text."""
    lazy = nw.from_native(frame).lazy()
    absent = [column for column in (unit, *columns) if column not in lazy.collect_schema().names()]
    if absent:
        raise invalid(name, f"columns are missing: {', '.join(absent)}", "Name columns of the frame.")
    table = lazy.select(unit, *columns).collect(backend="pyarrow").to_arrow()
    ids = table.column(unit).cast(pa.string()).to_pandas()
    nobody, several = int((ids.isna() | (ids == "")).sum()), int(ids.duplicated().sum())
    if nobody:
        raise invalid(name, f"{nobody} rows have no person's id", "Drop or complete them.")
    if several:
        what = f"{several} rows are further rows of a person who has one"
        raise invalid(
            name, what, "Make one row per person first (the first, last, highest or a sum).", "DSA III.G.2.b"
        )
    kinds = {column: _kind(table.schema.field(column).type, column, name) for column in columns}
    categorical = frozenset(c for c, kind in kinds.items() if kind == "category") | (marked & set(columns))
    rows = pd.DataFrame({unit: ids})
    for column in columns:
        values = table.column(column)
        plain = values.cast(pa.string()) if column in categorical else values.cast(pa.float64(), safe=False)
        rows[column] = plain.to_pandas()
    numbers = [column for column in columns if column not in categorical]
    unbounded = int(np.isinf(rows[numbers].to_numpy(dtype=np.float64)).sum())
    if unbounded:
        raise invalid(name, f"{unbounded} values are infinite", "Correct them.")
    complete = rows.dropna().reset_index(drop=True)
    if not len(complete):
        raise invalid(name, "no person has a value in every column", "Leave out a column, or widen the filter.")
    return complete, categorical


def _kind(kind: pa.DataType, column: str, name: str) -> str:
    types = pa.types
    if types.is_string(kind) or types.is_large_string(kind) or types.is_dictionary(kind):
        return "category"
    if types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind) or types.is_boolean(kind):
        return "number"
    raise invalid(name, f"{column} holds neither numbers nor categories", "Make a column of one of the two.")


def _with_reference(column: pd.Series[str], reference: str | None, name: str) -> pd.Series[Any]:
    counts = column.value_counts()
    if reference is not None and reference not in counts.index:
        what = f"the reference named for {column.name} is not one of its categories"
        raise invalid(name, what, "Name a category that persons are in.")
    chosen = reference or sorted(counts.index, key=lambda code: (-int(counts[code]), code))[0]
    codes = [chosen, *(code for code in sorted(counts.index) if code != chosen)]
    return pd.Series(pd.Categorical(column, categories=codes), index=column.index)


def _refuse_size(
    rows: pd.DataFrame, terms: tuple[tuple[str, ...], ...], categorical: frozenset[str], name: str
) -> None:
    """Refuse before the design is laid out: a column of ids has as many categories as there are persons."""
    levels = {column: len(rows[column].cat.categories) for column in categorical if column in rows}
    most = 1 + sum(int(np.prod([levels.get(column, 1) for column in term], dtype=object)) for term in terms)
    if most > MAX_COEFFICIENTS:
        what = f"there would be up to {most} coefficients, over the limit of {MAX_COEFFICIENTS}"
        raise invalid(name, what, "Merge categories or leave out an interaction.", "DSA III.G.2.b")


def _refuse_rank(laid_out: Design, name: str) -> None:
    persons, coefficients = laid_out.matrix.shape
    if not coefficients:
        raise invalid(name, "the formula has no coefficient", "Name a regressor or keep the intercept.")
    if coefficients > persons:
        what = f"{persons} individuals are fewer than the {coefficients} coefficients"
        raise invalid(name, what, "Leave out regressors or widen the filter.", "DSA III.G.2.b")
    redundant = coefficients - int(np.linalg.matrix_rank(np.linalg.qr(laid_out.scaled, mode="r")))
    if redundant:
        what = f"{redundant} of {coefficients} coefficients follow from the others: columns add up to one another"
        raise invalid(name, what, "Leave out such a column, or the interaction if nobody is in a combination.")


def _label(column: str) -> str:
    return _LEVEL.sub(r" = \1", _BETWEEN.sub(" × ", column))
