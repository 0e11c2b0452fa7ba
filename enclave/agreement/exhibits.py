"""The exhibits of an agreement: attached and hashed before anyone signs.

Source: ExA 4.b; ExB; ExC; DSA VI.A; EM XVIII.P; ExF.
"""

from __future__ import annotations

from enclave import papers
from enclave.agreement.policy import Policy
from enclave.errors import Finding
from enclave.papers import Paper
from enclave.store import View

REVIEW_BOARD = "exhibit-d"
"""Attached where a review board must approve, and only there."""


def exhibits(view: View, policy: Policy) -> dict[str, Paper | None]:
    """Give each exhibit that the agreement must have, as it is attached today; None where it is not.

    Source: ExA 4.b; DSA VI.A.
    """
    wanted = [name for name, kind in papers.kinds().items() if kind.attached]
    if policy.needs_review_board:
        wanted.append(REVIEW_BOARD)
    return {name: papers.standing(view, name, policy.project) for name in sorted(wanted)}


def not_attached(view: View, policy: Policy) -> list[Finding]:
    """Say which exhibits an agreement lacks, and what those it has lack, to be signed.

    Source: ExA 4.b; ExB; ExC; DSA VI.A; ExF.
    """
    findings = []
    for name, paper in exhibits(view, policy).items():
        if paper is None:
            kind, given = papers.kind_of(name), papers.versions(view, name, policy.project)
            what = "; ".join(given[-1].lacks(view.today)) if given else "it is not attached"
            next = "Mend it, or add a new version." if given else f"`enclave papers add {name}`, and tick its items."
            findings.append(Finding("exhibit", kind.clause, name, what, next))
    return findings
