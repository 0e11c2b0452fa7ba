"""Only notebooks the Data Governing Board approved run on identifiers: by content, not by name.

A notebook that changes is a new version with an approval of its own. The last version listed runs; the ones before
it are superseded.

Source: EM VII.B.1.c.
"""

from __future__ import annotations

import re
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from enclave.errors import Finding, Invalid, invalid, refuse
from enclave.settings import policy_file
from enclave.terms import ApprovedNotebook

REGISTRY = "matching_methods.yaml"


class _Listed(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Version(_Listed):
    """A content of a method's notebook, as it was approved."""

    version: Annotated[str, Field(pattern=r"^\d+\.\d+$")]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    approved_by: str
    approved_on: date

    @property
    def number(self) -> tuple[int, ...]:
        """The version as it is ordered."""
        return tuple(map(int, self.version.split(".")))


class Agencies(_Listed):
    """How many agencies' files a method takes; `most` is None for as many as there are."""

    fewest: int
    most: int | None = None

    def take(self, number: int) -> bool:
        """Tell whether these are so many."""
        return self.fewest <= number <= (self.most or number)


class Method(_Listed):
    """A method of the registry with all its versions, oldest first.

    Parameters
    ----------
    does : str
        ``match``, or ``review`` of a match that was run.
    """

    id: str
    title: str
    does: Literal["match", "review"]
    agencies: Agencies
    file: str
    clause: str
    versions: Annotated[tuple[Version, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _in_order(self) -> Method:
        for earlier, later in pairwise(self.versions):
            if later.number <= earlier.number or later.approved_on < earlier.approved_on:
                raise ValueError("a later version has a higher number and no earlier approval")
        if len({version.sha256 for version in self.versions}) < len(self.versions):
            raise ValueError("every version has a content of its own")
        return self


class Number(_Listed):
    """A number of an approved notebook that a run may be given another for.

    Parameters
    ----------
    value : str
        As it was approved.
    does : str
        What the notebook says of it.
    """

    name: str
    type: Literal["int", "float"]
    value: str
    does: str


_NUMBER = re.compile(r"(\w+): (int|float) = (\S+)(?: +# *(.*))?")


class ApprovedMethod(BaseModel):
    """A method of the registry whose notebook is the approved one, in the version that runs.

    Parameters
    ----------
    does : str
        ``match``, or ``review`` of a match that was run.
    """

    model_config = ConfigDict(frozen=True)

    id: str
    version: str
    title: str
    notebook: Path
    sha256: str
    does: str
    agencies: Agencies

    def cells(self) -> ApprovedNotebook:
        """Give the code that may run where only this notebook may.

        The numbers of a match may be others, as a run's parameters may; those of a review would be another sample.

        Source: EM VII.B.1.c.
        """
        import nbformat  # heavy

        code = [cell for cell in nbformat.read(self.notebook, as_version=4).cells if cell.cell_type == "code"]
        parameters = [cell.source for cell in code if "parameters" in cell.metadata.get("tags", [])]
        numbers = parameters[0] if parameters and self.does == "match" else ""
        return ApprovedNotebook(self.notebook.name, frozenset(cell.source for cell in code), numbers)

    def numbers(self) -> tuple[Number, ...]:
        """Give the numbers that a run may be given others for.

        Source: EM VII.B.1.c.
        """
        lines = map(_NUMBER.fullmatch, self.cells().numbers.split("\n"))
        return tuple(
            Number.model_validate({"name": line[1], "type": line[2], "value": line[3], "does": line[4] or ""})
            for line in lines
            if line
        )


def approved_method(policies: Path, method: str, notebook: Path, today: date) -> ApprovedMethod:
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
        If the method is not in the registry, the notebook's content is not the approved content or is superseded, or
        its approval is still to come.
    Invalid
        If the registry is malformed, or a version in it does not follow the one before.
    """
    from p20kit.runner import content_hash  # heavy: papermill and nbconvert

    listed = {each.id: each for each in _read(policies / REGISTRY)}.get(method)
    digest = content_hash(notebook) if listed else ""
    version = next((v for v in listed.versions if v.sha256 == digest), None) if listed else None
    advice = "Use an approved notebook, or have the Data Governing Board approve this one."
    if listed is None:
        what = "it is not in the registry of methods"
    elif version is None:
        what = "its content is not the approved content"
    elif version != (last := listed.versions[-1]):
        what = f"version {version.version} was superseded on {last.approved_on} by version {last.version}"
        advice = f"Install the notebook of version {last.version}."
    elif version.approved_on > today:
        what, advice = f"version {version.version} is approved from {version.approved_on} on", "Wait for that day."
    else:
        return ApprovedMethod(
            id=listed.id, version=version.version, title=listed.title, notebook=notebook, sha256=digest,
            does=listed.does, agencies=listed.agencies,
        )  # fmt: skip
    raise refuse(f"method {method}", "approved-method", "EM VII.B.1.c", what, advice)


def registered_methods(policies: Path) -> tuple[Method, ...]:
    """Give every method of the registry, whether its notebook is here or not.

    Source: EM VII.B.1.c.

    Raises
    ------
    Invalid
        If the registry is malformed.
    """
    return _read(policies / REGISTRY)


def _read(registry: Path) -> tuple[Method, ...]:
    try:
        body: Any = policy_file(registry)
        return tuple(Method.model_validate(each) for each in body["methods"])
    except (OSError, yaml.YAMLError, KeyError, TypeError) as error:
        what = "it is no list of methods that can be read"
        raise invalid(registry.name, "method-registry", "EM VII.B.1.c", what, "Mend the file.") from error
    except ValidationError as error:
        findings = [
            Finding(
                "method-registry", "EM VII.B.1.c", ".".join(map(str, e["loc"])), e["msg"].lower(), "Mend the file."
            )
            for e in error.errors()
        ]
        raise Invalid(registry.name, findings) from error
