"""Only notebooks the Data Governing Board approved run on identifiers: by content, not by name.

Source: EM VII.B.1.c.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import yaml

from enclave.errors import refuse
from enclave.terms import ApprovedNotebook


@dataclass(frozen=True)
class ApprovedMethod:
    """A method of `policies/matching_methods.yaml` whose notebook is the approved one.

    Parameters
    ----------
    does : str
        ``match``, or ``review`` of a match that was run.
    fewest, most : int or None
        Agencies whose files it takes; None for as many as there are.
    """

    id: str
    version: str
    title: str
    notebook: Path
    sha256: str
    does: str
    fewest: int
    most: int | None

    def cells(self) -> ApprovedNotebook:
        """Give the code that may run where only this notebook may.

        Source: EM VII.B.1.c.
        """
        import nbformat  # heavy

        cells = nbformat.read(self.notebook, as_version=4).cells
        return ApprovedNotebook(self.notebook.name, frozenset(c.source for c in cells if c.cell_type == "code"))


def approved_method(policies: Path, method: str, notebook: Path) -> ApprovedMethod:
    """Give an approved method, or refuse.

    Source: EM VII.B.1.c.

    Parameters
    ----------
    policies : Path
        Folder with ``matching_methods.yaml``.
    method : str
        Id of the method.
    notebook : Path
        The notebook that would run.

    Raises
    ------
    Refused
        If the method is not in the registry, or the notebook's content is not the approved content.
    """
    from p20kit.runner import content_hash  # heavy: papermill and nbconvert

    listed = yaml.safe_load((policies / "matching_methods.yaml").read_text("utf-8"))["methods"]
    for entry in listed:
        if entry["id"] == method and entry["sha256"] == content_hash(notebook):
            version, takes = str(entry["version"]), entry["agencies"]
            return ApprovedMethod(
                method, version, entry["title"], notebook, entry["sha256"],
                entry["does"], takes["fewest"], takes.get("most"),
            )  # fmt: skip
    known = any(entry["id"] == method for entry in listed)
    what = "its content is not the approved content" if known else "it is not in the registry of methods"
    raise refuse(
        f"method {method}", "approved-method", "EM VII.B.1.c", what,
        "Use an approved notebook, or have the Data Governing Board approve this one.",
    )  # fmt: skip
