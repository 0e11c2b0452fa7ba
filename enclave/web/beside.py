"""What leaves beside tables, for whoever checks it: charts as the gate draws them, models, texts, programs.

Source: DSA VI.G.1.
"""

from __future__ import annotations

import base64
import math
from dataclasses import dataclass

from enclave.egress import Verdict
from p20kit.models import Model


@dataclass(frozen=True)
class Picture:
    """A chart: its title, what it shows in words, and the drawing as a data address."""

    title: str
    description: str
    address: str


@dataclass(frozen=True)
class Fitted:
    """A model: its form, and its coefficients as text, row by row under their heads."""

    title: str
    formula: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Beside:
    """What is asked for beside tables.

    Parameters
    ----------
    texts : tuple of (str, str)
        Title and Markdown.
    programs : tuple of (str, str, str)
        Title, licence and code as it will leave.
    cells : tuple of str
        Code that made the request; it does not leave.
    """

    charts: tuple[Picture, ...] = ()
    models: tuple[Fitted, ...] = ()
    texts: tuple[tuple[str, str], ...] = ()
    programs: tuple[tuple[str, str, str], ...] = ()
    cells: tuple[str, ...] = ()


def beside_tables(verdict: Verdict) -> Beside:
    """Give what a request asks for beside tables, from verified values."""
    if verdict.request is None:
        return Beside()
    return Beside(
        tuple(Picture(c.title, c.description, _address(c.to_svg())) for c in verdict.charts),
        tuple(_fitted(model) for model in verdict.released.models) if verdict.released else (),
        tuple((text.title, text.markdown) for text in verdict.request.texts),
        tuple((code.title, code.licence, "\n\n".join(code.written)) for code in verdict.request.code),
        tuple(verdict.request.notebook),
    )


def _fitted(model: Model) -> Fitted:
    frame = model.to_frame(for_analyst=True)
    rows = tuple(tuple(map(_spelled, row)) for row in frame.itertuples(index=False, name=None))
    return Fitted(model.title, f"{model.formula} ({model.kind})", tuple(map(str, frame.columns)), rows)


def _spelled(value: str | float) -> str:
    if isinstance(value, str):
        return value
    return "" if math.isnan(value) else f"{value:,.10g}"


def _address(svg: str) -> str:
    return "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode()
