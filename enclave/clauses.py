"""Every clause the code enforces, by id; `policies/clauses.yaml` holds them."""

from __future__ import annotations

from functools import cache

from enclave.errors import Fault
from enclave.settings import PACKAGED_POLICIES, policy_file


@cache
def clauses() -> dict[str, str]:
    """Give id -> short title of every clause."""
    return dict(policy_file(PACKAGED_POLICIES / "clauses.yaml"))


def title(clause: str) -> str:
    """Give a clause's short title.

    Raises
    ------
    Fault
        If nothing of that id is known: a refusal must not cite a clause that does not exist.
    """
    try:
        return clauses()[clause]
    except KeyError:
        raise Fault(f"clause {clause!r} is not in policies/clauses.yaml") from None
