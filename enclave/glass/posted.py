"""What the hub posts about a running server, outside its sandbox, for the glass to go by."""

from __future__ import annotations

from dataclasses import dataclass

from enclave.terms import ApprovedNotebook


@dataclass(frozen=True, slots=True)
class Posted:
    """What holds for one server while it runs.

    Attributes
    ----------
    banner : str
        HTML text of the line above the lab; empty for none.
    only : ApprovedNotebook, optional
        The notebook that alone may run there (EM VII.B.1.c); None where a person's own code may.
    """

    banner: str
    only: ApprovedNotebook | None
