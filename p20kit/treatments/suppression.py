"""Suppression, as one treatment among the others."""

from __future__ import annotations

from collections.abc import Sequence

from p20kit.needs import least_hidden
from p20kit.policy import CellPolicy
from p20kit.protection import Protected, protect
from p20kit.tables import Table
from p20kit.treatments.treated import Treated, given, read, shown_or_hidden


def suppression(
    tables: Protected | Table | Sequence[Table], policy: CellPolicy, earlier: Sequence[Protected | Table] = ()
) -> Treated:
    """Hide what `protect` hides, and display the rest as it is.

    Source: DSA III.G.2.a; DSA III.G.2.d; ExA 3.f.

    Parameters
    ----------
    tables : Protected, Table or sequence of Table
        What is protected already is taken as it is.
    policy : CellPolicy
    earlier : sequence of Protected or Table

    Raises
    ------
    Unprotectable
        If earlier releases make some cell recoverable whatever is hidden now.
    """
    protected = tables if isinstance(tables, Protected) else protect(given(tables), policy, earlier)
    displays = tuple(
        shown_or_hidden(table, shown, least_hidden(table, policy))
        for table, shown in zip(protected.tables, protected.shown, strict=True)
    )
    return Treated("suppression", {}, policy, displays, tuple(read(display) for display in displays))
