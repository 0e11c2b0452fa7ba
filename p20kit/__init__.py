"""What a notebook imports: tables that carry their evidence, disclosure control, linkage, invented people.

Names are loaded when first used, so that `import p20kit` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

# `audit` is also the name of its module, which the import system would put in the function's place if it
# were loaded later; the module is light for that reason
from p20kit.audit import audit

if TYPE_CHECKING:
    from p20kit.charts import chart
    from p20kit.coding import coded
    from p20kit.counting import tabulate
    from p20kit.measures import Count, CumulativeShare, Mean, Median, Quantile, Rate, Total
    from p20kit.models import model
    from p20kit.policy import CellPolicy
    from p20kit.project import open_project
    from p20kit.protection import protect
    from p20kit.release import preflight, request_release
    from p20kit.tables import Table

_HOMES = {
    "open_project": "project",
    "tabulate": "asking",
    "Table": "tables",
    "Count": "measures",
    "CumulativeShare": "measures",
    "Rate": "measures",
    "Mean": "measures",
    "Median": "measures",
    "Quantile": "measures",
    "Total": "measures",
    "CellPolicy": "policy",
    "chart": "charts",
    "coded": "coding",
    "model": "models",
    "protect": "protection",
    "preflight": "release",
    "request_release": "release",
}
_ROOMS = ("linkage", "synthetic", "treatments")

__all__ = [
    "CellPolicy",
    "Count",
    "CumulativeShare",
    "Mean",
    "Median",
    "Quantile",
    "Rate",
    "Table",
    "Total",
    "audit",
    "chart",
    "coded",
    "model",
    "open_project",
    "preflight",
    "protect",
    "request_release",
    "tabulate",
]


def __getattr__(name: str) -> Any:
    """Load a name, or one of the rooms, at first use."""
    if name in _HOMES:
        return getattr(import_module(f"p20kit.{_HOMES[name]}"), name)
    if name in _ROOMS:
        return import_module(f"p20kit.{name}")
    raise AttributeError(f"module 'p20kit' has no attribute {name!r}")


def __dir__() -> list[str]:
    """List the public names."""
    return [*__all__, *_ROOMS]
