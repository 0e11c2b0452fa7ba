"""Which versions of the specification of files are taken, and until when.

Source: EM XII.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from functools import cache

from enclave.errors import Finding
from enclave.settings import PACKAGED_POLICIES, policy_file


@cache
def specifications() -> Mapping[str, date | None]:
    """Give the last day of each known version; None where none is set (policies/specifications.yaml)."""
    known = policy_file(PACKAGED_POLICIES / "specifications.yaml")
    return {str(version): terms["until"] for version, terms in known.items()}


def specification_findings(named: str, today: date, known: Mapping[str, date | None]) -> Iterator[Finding]:
    """Say whether a file follows a version that is taken today; what a manifest names is not repeated.

    Source: EM XII.
    """
    taken = ", ".join(version for version, until in known.items() if until is None or today <= until)
    if named not in known:
        what = "its manifest names a version of the specification that is not known"
        yield Finding("specification", "EM XII", "", what, f"Taken are {taken}.")
    elif (until := known[named]) is not None and today > until:
        what = f"version {named} of the specification is not taken since {until}"
        yield Finding("specification", "EM XII", "", what, f"Taken are {taken}.")
