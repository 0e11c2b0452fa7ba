"""The record of a match run, and the written agreement that completes it.

Source: DSA III.F.3; EM XVII.B.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import ClassVar

from enclave.agreement import of
from enclave.calendar import add_business_days
from enclave.errors import refuse
from enclave.ledger import Entry
from enclave.people import Admission, representative
from enclave.settings import Settings
from enclave.store import Transaction, View
from enclave.terms import Action

AGREEMENT = "written agreement with the match"
"""What is open while a party has not agreed."""


@dataclass(frozen=True)
class MatchRun:
    """One run of an approved notebook over a project's files.

    Parameters
    ----------
    inputs : mapping of agency -> SHA-256 of the sealed file
    agencies : tuple of str
        Whose files were matched; the first one's is the population asked for.
    persons : int
        Individuals found with two agencies or more; their crosswalk is sealed under the match job's key with SHA-256
        `crosswalk_sha256`.
    match_rate : str
        Share of the first agency's individuals linked, as printed in the report (per cent).
    report_sha256, printed_sha256, executed_sha256 : str
        Of the report's page, of its PDF and of the executed notebook, which outlive the match data.
    model_sha256 : str
        Of the model, which outlives them too.
    model_from : str
        Id of the run whose model was taken; empty where one was trained.
    agreements : mapping of party -> date
        Representatives who agreed in writing that the results are optimal.
    """

    KIND: ClassVar[str] = "match-run"
    project: str
    id: str
    method: str
    version: str
    notebook_sha256: str
    parameters: dict[str, int | float | str]
    agencies: tuple[str, ...]
    inputs: dict[str, str]
    ran_on: date
    persons: int
    match_rate: str
    crosswalk_sha256: str
    report_sha256: str
    printed_sha256: str
    executed_sha256: str
    model_sha256: str
    model_from: str = ""
    agreements: dict[str, date] = field(default_factory=dict)
    completed_on: date | None = None
    delete_by: date | None = None

    @property
    def key(self) -> str:
        """Project and run."""
        return f"{self.project}/{self.id}"


def match_key(project: str) -> str:
    """Name the key under which everything used for matching is sealed; shredded with it (DSA III.F.3)."""
    return f"match-{project}"


def reports_of(settings: Settings, run: MatchRun) -> Path:
    """Give the folder of a run's pages: aggregates only."""
    return settings.home / "reports" / run.project / run.id


def runs(view: View, project: str) -> list[MatchRun]:
    """Give a project's match runs, oldest first."""
    return sorted(view.find(MatchRun, project), key=lambda run: (len(run.id), run.id))


def latest(view: View, project: str) -> MatchRun:
    """Give the newest match run.

    Raises
    ------
    Refused
        If there is none.
    """
    found = runs(view, project)
    if not found:
        raise refuse(
            project, "no-match", "EM XII", "no match has been run",
            "Run one with `enclave matching run`.",
        )  # fmt: skip
    return found[-1]


def agree(tx: Transaction, run: MatchRun, admission: Admission) -> MatchRun:
    """Record a Representative's written agreement; the last one completes the match and starts the clock.

    Source: DSA III.F.3.

    Returns
    -------
    MatchRun
        With `completed_on` and `delete_by` set once every party has agreed.

    Raises
    ------
    Refused
        If the person is no party's current Representative, the match is complete (its clock is not started anew), or
        it was of other agencies than an amendment left.
    """
    admission.hold_to(Action.AGREE, run.project)
    if run.completed_on is not None:
        raise refuse(
            run.key, "match-complete", "DSA III.F.3", f"the match is complete since {run.completed_on}",
            "Nothing is to agree; a new match is agreed on its own.",
        )  # fmt: skip
    policy = of(tx, run.project).policy
    party = admission.agency
    if party not in policy.signatories or representative(tx, run.project, party) != admission.person:
        raise refuse(
            run.key, "representative", "DSA XII", f"{admission.person} is no party's current Representative",
            "A party's Representative agrees; `enclave people designate` records who that is.",
        )  # fmt: skip
    if run.agencies != policy.agencies:
        raise refuse(
            run.key, "match-of-others", "DSA VII",
            f"it was of {', '.join(run.agencies)}, the agreement as amended names {', '.join(policy.agencies)}",
            "The hub matches again; the Representatives agree with that.",
        )  # fmt: skip
    run = replace(run, agreements={**run.agreements, party: tx.today})
    entry = Entry(
        admission.person, "match.agree", run.key, run.project, "DSA III.F.3",
        details={"party": party, "report": run.report_sha256},
    )  # fmt: skip
    if set(policy.signatories) - set(run.agreements):
        tx.write(run, entry)
        return run
    days = policy.retention.match_data_business_days
    run = replace(run, completed_on=tx.today, delete_by=add_business_days(tx.today, days))
    tx.append(entry)
    done = Entry(
        admission.person, "match.complete", run.key, run.project, "DSA III.F.3",
        details={"completed_on": tx.today.isoformat(), "delete_by": str(run.delete_by)},
    )  # fmt: skip
    tx.write(run, done)
    return run


def keep_until(tx: Transaction, run: MatchRun, until: date, actor: str) -> MatchRun:
    """Keep the data of a match longer, as all parties agreed in writing.

    Source: DSA III.F.3.
    """
    run = replace(run, delete_by=until)
    details = {"until": until.isoformat()}
    tx.write(run, Entry(actor, "match.keep", run.key, run.project, "DSA III.F.3", details=details))
    return run
