"""The cells of a protected table as a chart takes them: what is displayed, what is hidden, and in which order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd

from p20kit.disclosed import COUNT

Kind = Literal["bar", "line", "heatmap", "share"]

HIDDEN = "hidden (DSA III.G.2)"
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#6C6C6C", "#B8A400")
"""After Okabe and Ito: told apart with any colour vision, and in print."""


@dataclass(frozen=True, eq=False)
class Cells:
    """What is drawn.

    Parameters
    ----------
    x, colour : str
        Names of the by-columns; `colour` may be absent.
    rows, across : tuple of str
        Their categories in order.
    measure : str
        What the values are.
    frame : DataFrame
        `x`, `colour`, `value` (null where hidden) and `status` (shown, hidden, structural).
    """

    x: str
    colour: str | None
    rows: tuple[str, ...]
    across: tuple[str, ...]
    measure: str
    frame: pd.DataFrame

    @property
    def figures(self) -> str:
        """What the values are, as an axis says it."""
        return "Individuals" if self.measure == COUNT else self.measure

    def shown(self) -> list[dict[str, Any]]:
        """List the displayed cells with the text that stands beside them."""
        kept = self.frame[self.frame["status"] == "shown"]
        return [
            {"x": x, "colour": colour, "value": round(float(value), 6), "label": self.spelled(float(value))}
            for x, colour, value in zip(kept["x"], kept["colour"], kept["value"], strict=True)
        ]

    def gaps(self) -> list[dict[str, Any]]:
        """List the hidden cells, which have no value."""
        kept = self.frame[self.frame["status"] == "hidden"]
        return [
            {"x": x, "colour": colour, "gap": HIDDEN} for x, colour in zip(kept["x"], kept["colour"], strict=True)
        ]

    def spelled(self, value: float) -> str:
        """Write a value as a reader expects it."""
        if self.measure.startswith(("rate", "share", "%")):
            return f"{value:.1f} %"
        return f"{value:,.0f}" if value == int(value) else f"{value:,.6g}"
