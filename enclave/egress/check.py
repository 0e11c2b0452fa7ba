"""The verdict: every cell recomputed, every person known, the result attacked together with all that was released.

`p20kit` does the statistics, so the notebook's preview and the gate's verdict come from the same functions; the gate
runs them in its own process on data it reads itself.

Source: DSA III.G.2; DSA VI.D.2; DSA VI.G.1; ExA 3.e.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from enclave.agreement import Policy
from enclave.egress.evidence import Evidence, examine
from enclave.egress.memory import earlier_releases
from enclave.egress.wording import naming, wording
from enclave.errors import Finding, Invalid
from enclave.resultant import Delivery, open_table
from enclave.scratch import scratch
from enclave.settings import Settings
from enclave.store import View
from enclave.vault import Keystore
from p20kit.audit import audit
from p20kit.claim import as_claimed, cell_findings
from p20kit.errors import P20KitError, RequestInvalid
from p20kit.policy import CellPolicy
from p20kit.protection import Protected
from p20kit.request import Request, read_request

Answer = Literal["cleared", "refused", "needs-review"]


@dataclass(frozen=True)
class Verdict:
    """What the gate says of a request.

    Parameters
    ----------
    verdict : str
        ``cleared``, ``refused``, or ``needs-review``: then `look_at` says what the person must look at.
    findings : tuple of Finding
        Every reason for a refusal.
    bounds : tuple of dict
        For each hidden cell what anyone can work out: ``where``, ``lower``, ``upper``.
    ran : tuple of str
        The checks that ran; without them there is no clearance.
    """

    verdict: Answer
    findings: tuple[Finding, ...]
    look_at: tuple[Finding, ...]
    bounds: tuple[dict[str, Any], ...]
    ran: tuple[str, ...]
    request: Request | None = None
    protected: Protected | None = None
    agencies: tuple[str, ...] = ()
    as_of: tuple[tuple[str, str], ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Give the verdict as the JSON of ``enclave egress check``."""
        return {
            "verdict": self.verdict,
            "findings": [f.as_dict() for f in (*self.findings, *self.look_at)],
            "bounds": list(self.bounds),
            "ran": list(self.ran),
        }


@dataclass(frozen=True)
class Desk:
    """What the gate judges with: policy, delivery, and how to open what is sealed."""

    view: View
    keystore: Keystore
    settings: Settings
    policy: Policy
    delivery: Delivery

    @property
    def cells(self) -> CellPolicy:
        """The compiled cell suppression policy."""
        cells = self.policy.cells
        return CellPolicy(
            minimum_count=cells.minimum_count,
            minimum_base=cells.minimum_base,
            zeros=cells.zeros,
            minimum_employers=cells.minimum_employers,
        )


def check(desk: Desk, content: bytes, person: str) -> Verdict:
    """Judge a request without side effects.

    Source: DSA III.G.2; DSA VI.D.2.

    Parameters
    ----------
    content : bytes
        The request as collected.
    person : str
        Whose outbox it came from; the request's own word does not count.

    Raises
    ------
    Invalid
        If the request is malformed, with every finding.
    """
    try:
        request = read_request(content)
    except RequestInvalid as error:
        raise Invalid("request", [_carried(f) for f in error.findings]) from error
    with scratch(desk.settings.runtime, "gate") as bench:
        for table in desk.delivery.tables:
            open_table(desk.keystore, desk.settings, desk.delivery, table, bench / f"{table.name}.parquet")
        evidence = examine(request.tables, desk.delivery, bench)
        findings = [*_purpose(desk.policy, request, person), *naming(request), *evidence.findings]
        return _attack(desk, request, evidence, findings, bench)


def _attack(desk: Desk, request: Request, evidence: Evidence, findings: list[Finding], bench: Path) -> Verdict:
    """Recompute the cells and attack them together with the release memory; without that there is no clearance."""
    try:
        protected = as_claimed(request, desk.cells)
        findings += [_carried(f) for f in cell_findings(request, protected)]
        project = request.project if request.project == desk.policy.project else desk.policy.project
        earlier = earlier_releases(desk.view, desk.keystore, desk.settings, project, desk.cells, bench)
        attacked = audit(protected, desk.cells, earlier)
        look_at = (*evidence.look_at, *wording(request, protected, desk.policy.agreement))
    except P20KitError as error:
        told = [_carried(f) for f in error.findings] or [_no("evidence", "DSA III.G.2.a", "", str(error))]
        return Verdict("refused", (*findings, *told), tuple(evidence.look_at), (), (), request)
    findings += [_carried(f) for f in attacked.findings]
    findings += [_no("check-not-run", "DSA III.G.2.d", "", what) for what in attacked.not_ran]
    if not attacked.ran:
        findings.append(_no("no-rule-ran", "DSA III.G.2", "", "no check ran"))
    answer: Answer = "refused" if findings else "needs-review" if look_at else "cleared"
    return Verdict(
        verdict=answer,
        findings=tuple(dict.fromkeys(findings)),
        look_at=look_at,
        bounds=tuple({"where": b.where, "lower": b.lower, "upper": b.upper} for b in attacked.bounds),
        ran=(*attacked.ran, f"earlier releases: {len(earlier)}", f"evidence: {len(request.tables)} tables"),
        request=request,
        protected=protected,
        agencies=tuple(sorted(evidence.owners)),
        as_of=tuple(
            sorted({(c.owner, c.as_of.isoformat()) for c in evidence.columns.values() if c.as_of is not None})
        ),
    )


def _purpose(policy: Policy, request: Request, person: str) -> list[Finding]:
    """A request serves a report and questions of the agreement, with methods that were declared."""
    agreement = policy.agreement
    checks = (
        (request.project == policy.project, "project", "DSA VI.A", "it is for another project"),
        (request.person == person, "requester", "DSA VI.E", "it names another person than the outbox's"),
        (request.policy_hash == policy.hash, "policy-version", "DSA VII", "it was made under another policy version"),
        (request.report in {r.id for r in agreement.reports}, "report", "ExA 3.e", "it names no report of 3.e"),
        (set(request.questions) <= {q.id for q in agreement.questions}, "question", "ExA 3.b",
         "it names a question that is not in the agreement"),
        (set(request.methods) <= set(agreement.methods), "method", "ExA 3.f",
         "it uses a method that was not declared"),
    )  # fmt: skip
    return [_no(rule, clause, "request", what) for holds, rule, clause, what in checks if not holds]


def _no(rule: str, clause: str, where: str, what: str) -> Finding:
    return Finding(rule, clause, where, what, "Make the request again with p20kit.request_release.")


def _carried(finding: Any) -> Finding:
    """Give a finding of `p20kit` as one of ours."""
    clause = finding.clause or "DSA III.G.2"
    return Finding(finding.rule, clause, finding.where, finding.what, finding.next)
