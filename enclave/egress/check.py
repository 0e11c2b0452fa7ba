"""The verdict: every cell recomputed, every person known, the result attacked together with all that was released.

`p20kit.verdict` judges, so the notebook's preview and the gate's verdict come from the same functions; the gate runs
them in its own process on data it opens itself, and on what another process read of the request.

Source: DSA III.G.2; DSA VI.D.2; DSA VI.G.1; ExA 3.e.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from enclave.agreement import Agreement, Policy, taken_away
from enclave.calendar import add_business_days
from enclave.clauses import clauses
from enclave.egress.answers import with_answers
from enclave.egress.elsewhere import alike_elsewhere
from enclave.egress.memory import earlier_releases
from enclave.egress.reading import read_apart
from enclave.egress.rerun import Rerun
from enclave.errors import Finding, Invalid
from enclave.people import Listing, Sight, sight_of
from enclave.resultant import Delivery, open_table
from enclave.scratch import scratch
from enclave.settings import Settings
from enclave.store import View
from enclave.vault import Keystore
from p20kit import errors
from p20kit.charts import Chart
from p20kit.delivered import Delivered, Source
from p20kit.disclosed import COUNT
from p20kit.policy import CellPolicy
from p20kit.request import Request
from p20kit.verdict import Agreed, Answer, Released
from p20kit.verdict import judge as judged


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
        For each hidden count what anyone can work out: ``where``, ``lower``, ``upper``.
    ran : tuple of str
        The checks that ran; without them there is no clearance.
    released : Released or None
        What would leave, from verified values.
    """

    verdict: Answer
    findings: tuple[Finding, ...]
    look_at: tuple[Finding, ...]
    bounds: tuple[dict[str, Any], ...]
    ran: tuple[str, ...]
    request: Request | None = None
    released: Released | None = None
    charts: tuple[Chart, ...] = ()
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
        """The compiled cell suppression policy, with what agencies ask of single columns."""
        return CellPolicy.of(self.policy.terms)

    def agreed(self, person: str) -> Agreed:
        """Say what a request of this person is held to."""
        agreement = self.policy.agreement
        return Agreed(
            project=self.policy.project,
            policy_hash=self.policy.hash,
            person=person,
            reports=frozenset(report.id for report in agreement.reports),
            questions=frozenset(question.id for question in agreement.questions),
            methods=frozenset(agreement.methods),
            names=names_of(agreement),
        )

    def delivered(self, folder: Path, person: str) -> Delivered:
        """Say what was delivered, the tables being opened in `folder`; what a person's purpose closes was not."""
        listing = self.view.get(Listing, f"{self.policy.project}/{person}")
        taken = taken_away(self.view, self.policy.project)
        sight = sight_of(self.view, listing) if listing else Sight(government=False, taken=taken)
        columns = {
            f"{table.name}.{c.name}": Source(
                c.owner, c.codes, c.uc, c.employer, c.as_of.isoformat() if c.as_of else ""
            )
            for table in self.delivery.tables
            for c in table.columns
            if c.owner not in sight.closed and not sight.took(c.owner, c.name)
        }
        return Delivered(folder, self.delivery.persons, columns, sees_uc=listing is None or sight.government)


def names_of(agreement: Agreement) -> tuple[str, ...]:
    """Give what the agreement and the documents call things: in a text they are no data."""
    ids = (*(report.id for report in agreement.reports), *(question.id for question in agreement.questions))
    return (agreement.dr, agreement.title, *ids, *clauses())


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
        If the request is malformed or cannot be read, with every finding.
    """
    request = read_apart(desk.settings, content)
    with scratch(desk.settings.runtime, "gate") as bench:
        request = _with_answers(desk, request, bench)
        for table in desk.delivery.tables:
            open_table(desk.keystore, desk.settings, desk.delivery, table, bench / f"{table.name}.parquet")
        earlier = earlier_releases(desk.view, desk.keystore, desk.settings, desk.policy.project, desk.cells, bench)
        verdict = judged(
            request, desk.cells, desk.agreed(person), desk.delivered(bench, person), earlier,
            reproduced=Rerun.holds(desk.view, desk.delivery, content),
        )  # fmt: skip
    look_at = (*map(_carried, verdict.look_at), *_planned(desk, request), *_alike(desk, verdict.released))
    answer: Answer = "needs-review" if verdict.verdict == "cleared" and look_at else verdict.verdict
    return Verdict(
        verdict=answer,
        findings=tuple(map(_carried, verdict.findings)),
        look_at=look_at,
        bounds=tuple(
            {"where": b.where, "lower": b.lower, "upper": b.upper} for b in verdict.bounds if b.layer == COUNT
        ),
        ran=verdict.ran,
        request=request,
        released=verdict.released,
        charts=verdict.charts,
        agencies=tuple(sorted(verdict.owners)),
        as_of=tuple(sorted({(source.owner, source.as_of) for source in verdict.used if source.as_of})),
    )


def _with_answers(desk: Desk, request: Request, bench: Path) -> Request:
    try:
        return with_answers(desk.view, desk.keystore, desk.settings, desk.policy.project, request, bench)
    except errors.RequestInvalid as error:
        raise Invalid("request", map(_carried, error.findings)) from error


def _planned(desk: Desk, request: Request) -> list[Finding]:
    """A date of publication before the review can be over is possible only with a waiver (DSA VI.G.1)."""
    first = add_business_days(desk.view.today, desk.policy.retention.review_business_days)
    if request.planned_on is None or request.planned_on >= first:
        return []
    what = f"publication is planned for {request.planned_on}, before the review can be over on {first}"
    return [Finding("planned-date", "DSA VI.G.1", "request", what, "Plan a later day, or ask OPM for a waiver.")]


def _alike(desk: Desk, released: Released | None) -> list[Finding]:
    """Hold what would leave against what was cleared for other projects."""
    if released is None:
        return []
    return alike_elsewhere(desk.view, desk.settings, desk.policy.project, released, desk.cells)


def _carried(finding: errors.Finding) -> Finding:
    """Give a finding of `p20kit` as one of ours."""
    clause = finding.clause or "DSA III.G.2"
    return Finding(finding.rule, clause, finding.where, finding.what, finding.next)
