"""Leave to publish: given when nothing is missing, refused with everything that is.

Source: DSA VI.G.1; DSA VI.F.
"""

from __future__ import annotations

from enclave.agreement import of
from enclave.calendar import business_days_between
from enclave.egress import Clearance, digest_of
from enclave.errors import Finding, Refused
from enclave.people import holds
from enclave.review.case import CLAUSE, Approval, Case, State, Statement, barred
from enclave.store import View


def approve(view: View, clearance: Clearance) -> Approval:
    """Give leave to publish, or everything that is missing.

    Source: DSA VI.G.1; DSA VI.F.

    Raises
    ------
    Refused
        With one finding for each agency that lacks statements, the business days left, a hold, another digest
        or policy.
    """
    case = view.get(Case, clearance.request_id)
    if case is None:
        raise barred(
            clearance.request_id, "no-case", "it has not been shared with the Operating Group", "Open a case."
        )
    findings = [*_of_binding(view, case, clearance), *_of_statements(case), *_of_time(view, case)]
    if findings:
        raise Refused(f"release of {case.request_id}", findings)
    return Approval(
        case.request_id, case.project, case.digest, case.policy_hash,
        tuple(c for c in case.confirmations if c.digest == case.digest), case.waiver is not None, view.today,
    )  # fmt: skip


def _of_binding(view: View, case: Case, clearance: Clearance) -> list[Finding]:
    findings = []
    if not case.digest == clearance.digest == digest_of(clearance.artefacts):
        what = "what was confirmed is not what would leave"
        findings.append(Finding("digest", CLAUSE, "", what, "Open a case for the clearance as it is."))
    if of(view, case.project).policy.hash != clearance.policy_hash:
        what = "it was cleared under another policy"
        findings.append(Finding("policy", "DSA VII", "", what, "Clear it again under the policy in force."))
    if case.state is not State.OPEN:
        findings.append(Finding("state", CLAUSE, "", f"the case is {case.state}", "Send a changed request."))
    return findings


def _of_statements(case: Case) -> list[Finding]:
    findings = []
    for agency in case.agencies:
        missing = case.missing(agency)
        if missing:
            what = f"{len(missing)} of {len(Statement)} statements not confirmed: {', '.join(missing)}"
            findings.append(Finding("confirmation", CLAUSE, agency, what, f"A steward of {agency} confirms them."))
    return findings


def _of_time(view: View, case: Case) -> list[Finding]:
    findings = [
        Finding("suspended", hold.clause, "", f"{hold.scope} is suspended since {hold.since}", "Wait for it to end.")
        for hold in holds(view, case.project)
    ]
    if view.today < case.due_on and case.waiver is None:
        left = business_days_between(view.today, case.due_on)
        what = f"{left} business days of review are left, until {case.due_on}"
        findings.append(Finding("review-period", CLAUSE, "", what, "Wait, or ask OPM for a recorded waiver."))
    return findings
