"""Clerical review of a match: two of the hub's staff judge pairs of records, and what they say stands by the report.

Where the two differ a third may settle, who is shown those pairs alone and neither answer.

The files are opened for each reviewer in a place of their own that nobody else can read. Answers are numbers of pairs
and one of three words; they rest sealed under the key of everything used for matching, and go with it. What outlives
them are the estimates: aggregates only, as the report is.

Source: EM VII.B.1.c; EM XII; DSA VI.B; DSA III.F.3.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import replace
from datetime import date

from enclave import intake
from enclave.agreement import Policy, of
from enclave.errors import Fault, Finding, Refused, refuse
from enclave.intake import Holding
from enclave.ledger import Details, Entry, refusal
from enclave.matching.answers import Answers, given_in, write_down
from enclave.matching.job import (
    Job,
    Progress,
    execute,
    keep_pages,
    let_read,
    open_files,
    write_order,
)
from enclave.matching.methods import ApprovedMethod, approved_method
from enclave.matching.place import (
    Place,
    lay_out_notebook,
    made,
    mounts_with_notebook,
    name_of,
    place_of,
    places,
)
from enclave.matching.record import MatchRun, latest, match_key, reports_of, runs
from enclave.matching.reviewed import REVIEWERS, Review, answers_of, seal_answers, to_settle
from enclave.people import Admission
from enclave.scratch import alone, scratch, wipe
from enclave.settings import Settings
from enclave.store import Store, Transaction, View
from enclave.terms import Action, project_id, reached
from enclave.vault import Keystore

METHOD = "match_review"
_CLAUSE = "EM VII.B.1.c"


def open_review(tx: Transaction, keystore: Keystore, settings: Settings, admission: Admission) -> Review:
    """Open the review of a project's newest match; nothing is opened yet of its files.

    Source: EM VII.B.1.c.

    Raises
    ------
    Refused
        If the match is of several agencies, its files are destroyed or replaced, or it has a review already.
    """
    admission.hold_to(Action.MATCH, admission.project)
    run = latest(tx, admission.project)
    method = _method(settings, tx.today)
    known = tx.get(Review, run.key)
    findings = []
    if not method.agencies.take(len(run.agencies)):
        what = f"it matched {len(run.agencies)} agencies, and a review judges pairs of two"
        findings.append(
            _because("review-agencies", _CLAUSE, what, "Match two of them with match_pair, review these.")
        )
    if known is not None:
        what = f"its review was opened on {known.opened_on}"
        closed = f"closed on {known.closed_on}; a new match has a review of its own"
        then = "Sit down to it at the hub, or close it." if known.closed_on is None else f"It was {closed}."
        findings.append(_because("review-once", _CLAUSE, what, then))
    if _files(tx, keystore, run) is None:
        findings.append(_gone())
    if findings:
        raise Refused(f"review of {run.key}", findings)
    review = Review(run.project, run.id, admission.person, tx.today, method.sha256)
    tx.write(review, _entry(admission.person, "match.review-open", review, {"version": method.version}))
    return review


def under_review(view: View, project: str) -> bool:
    """Tell whether a review of the project's newest match is open."""
    newest = runs(view, project)[-1:]
    review = view.get(Review, newest[0].key) if newest else None
    return review is not None and review.closed_on is None


def sit_down(store: Store, keystore: Keystore, settings: Settings, admission: Admission) -> Place:
    """Open a match's files for one reviewer, with the answers they gave before.

    Source: EM VII.B.1.c; DSA III.F.1.

    Raises
    ------
    Refused
        If no review is open, this person is one too many, or the files are destroyed or replaced.
    """
    admission.hold_to(Action.MATCH, admission.project)
    name = name_of(admission)
    folder = place_of(settings, "reviews", name)
    stand_up(store, keystore, settings, name, {})  # what a crash left of an earlier time
    with store.view() as view:
        policy = of(view, admission.project).policy
        review, run, files = _open(view, keystore, admission.project)
        method = _method(settings, view.today)
    settles = to_settle(keystore, settings, review, admission.person)
    with store.transaction() as tx:
        # What reaches outside is entered first: opening the files is a disclosure to this person.
        review = replace(review, adjudicator=review.adjudicator if settles is None else admission.person)
        pairs = {} if settles is None else {"to_settle": sum(map(len, settles.values()))}
        details: Details = {"files": [file.name for file in files], **pairs}
        tx.write(review, _entry(admission.person, "match.review-begin", review, details))
    with made(folder):
        job = Job(run.id, folder, files, method)
        before = {admission.person: answers_of(keystore, settings, review, admission.person)}
        about = {"reviewer": admission.person, "settles": settles}
        _lay_out(keystore, settings, policy, job, run, before, review.adjudicator, about)
        notebook = lay_out_notebook(settings, method, folder, view.today).cells()
    reached("matching.sat-down")
    return Place(name, folder, mounts_with_notebook(job), notebook, "identifiers, to judge pairs")


def stand_up(
    store: Store,
    keystore: Keystore,
    settings: Settings,
    name: str,
    counted: Details,
) -> None:
    """Seal what a reviewer answered and wipe what was opened for them; does nothing where nobody sits.

    After destruction there is no key any more: then nothing is kept (DSA III.F.3). The folder goes last: after a
    crash it is there to be put away again.
    """
    folder, person = place_of(settings, "reviews", name), name[8:]
    if not folder.exists():
        return
    wipe(folder / "inputs")  # whether the answers can be put away or not
    project, order = project_id(name[:7]), folder / "job.json"
    details = dict(counted)
    with store.view() as view:
        review = (
            view.get(Review, f"{project}/{json.loads(order.read_text('utf-8'))['job']}") if order.exists() else None
        )
    if review is not None:
        answers = given_in(folder / "out")
        details["answers"] = sum(map(len, answers.values()))
        digest = ""
        if answers and keystore.exists(match_key(project)):
            digest = seal_answers(keystore, settings, review, person, folder, answers)
        reached("matching.answers-sealed")
        with store.transaction() as tx:
            now = tx.get(Review, review.key) or review
            if digest:
                now = replace(now, answers={**now.answers, person: digest})
            tx.write(now, _entry(person, "match.review-end", now, details))
    wipe(folder)


def close_review(
    store: Store,
    keystore: Keystore,
    settings: Settings,
    admission: Admission,
    progress: Progress = lambda event: None,
) -> Review:
    """Reckon what two reviewers answered with the approved notebook, and keep the estimates beside the report.

    Source: EM VII.B.1.c; DSA VI.B.

    Raises
    ------
    Refused
        If no review is open, somebody still sits, or two have not judged yet.
    Fault
        If the notebook failed; its error names a cell, never a value.
    """
    try:
        admission.hold_to(Action.MATCH, admission.project)
        with alone(settings.runtime, "matching"):
            return _close(store, keystore, settings, admission, progress)
    except Refused as error:
        store.enter(refusal(error, admission.person, "match.refuse", admission.project, admission.project))
        raise


def _close(store: Store, keystore: Keystore, settings: Settings, admission: Admission, progress: Progress) -> Review:
    with store.view() as view:
        policy = of(view, admission.project).policy
        review, run, files = _open(view, keystore, admission.project)
        method = _method(settings, view.today)
    _hold_to_two(review, places(settings, admission.project))
    answers = {person: answers_of(keystore, settings, review, person) for person in review.answers}
    with scratch(settings.runtime, "job") as folder:
        job = Job(run.id, folder, files, method)
        _lay_out(keystore, settings, policy, job, run, answers, review.adjudicator)
        try:
            execute(store, settings, admission, job, progress)
        except Fault:
            store.enter(replace(_entry(admission.person, "match.fail", review, {}), outcome="failed"))
            raise
        found = json.loads((job.out / "review.json").read_text("utf-8"))
        if found["agreement"] is None:
            raise _not_two(review, "no pair of the sample was judged by both")
        kept = keep_pages(settings, job, "review")
    sample = found["sample_sha256"]
    with store.transaction() as tx:
        review = replace(
            review, closed_on=tx.today, pairs=sum(stratum["drawn"] for stratum in found["strata"]),
            sample_sha256=sample, judged={who: len(said.get(sample[:16], {})) for who, said in answers.items()},
            page_sha256=kept[".html"], executed_sha256=kept[".ipynb"],
        )  # fmt: skip
        details: Details = {
            "pairs": review.pairs,
            "sample": sample,
            "judged": [f"{who} {number}" for who, number in sorted(review.judged.items())],
            "page": kept[".html"],
            "print": kept[".pdf"],
            "executed": kept[".ipynb"],
        }
        tx.write(review, _entry(admission.person, "match.review", review, details))
    return review


def _hold_to_two(review: Review, sitting: list[str]) -> None:
    findings = [
        _because("still-open", "DSA III.F.1", f"the files stand open for {place[8:]}", "End that server, then close.")
        for place in sitting
    ]
    if len(review.reviewers) < REVIEWERS:
        raise Refused(
            f"review of {review.key}",
            [*findings, *_not_two(review, f"{len(review.reviewers)} of {REVIEWERS} have judged pairs").findings],
        )
    if findings:
        raise Refused(f"review of {review.key}", findings)


def _not_two(review: Review, what: str) -> Refused:
    return refuse(
        f"review of {review.key}", "two-reviewers", _CLAUSE, what,
        "Two of the hub's staff judge the pairs, each at a server of their own; then close.",
    )  # fmt: skip


def _open(view: View, keystore: Keystore, project: str) -> tuple[Review, MatchRun, tuple[Holding, ...]]:
    """Give a project's open review with its run and files."""
    run = latest(view, project)
    review = view.get(Review, run.key)
    if review is None or review.closed_on is not None:
        what, then = "no review of it is open", f"Hub staff open one: `enclave matching open-review {project}`."
        if review is not None:
            what, then = f"its review was closed on {review.closed_on}", "Run a new match, and review that one."
        raise refuse(f"review of {run.key}", "no-review", _CLAUSE, what, then)
    files = _files(view, keystore, run)
    if files is None:
        raise Refused(f"review of {run.key}", [_gone()])
    return review, run, files


def _files(view: View, keystore: Keystore, run: MatchRun) -> tuple[Holding, ...] | None:
    """Give the files a run matched, or None where one was destroyed, withdrawn or replaced."""
    held = {h.source: h for h in intake.holdings(view, run.project) if h.contents == "matching"}
    same = all(agency in held and held[agency].sha256 == run.inputs[agency] for agency in run.agencies)
    return tuple(held[a] for a in run.agencies) if same and keystore.exists(match_key(run.project)) else None


def _lay_out(
    keystore: Keystore, settings: Settings, policy: Policy, job: Job, run: MatchRun,
    answers: Mapping[str, Answers], adjudicator: str, about: Mapping[str, object] | None = None,
) -> None:  # fmt: skip
    """Put files, order, report and answers where the notebook looks for them."""
    open_files(keystore, settings, job)
    let_read(job)
    write_order(policy, job, {}, about)
    shutil.copyfile(reports_of(settings, run) / "match-report.json", job.out / "report.json")
    write_down(job.out, answers, adjudicator)


def _method(settings: Settings, today: date) -> ApprovedMethod:
    return approved_method(settings.policies, METHOD, settings.notebooks / f"{METHOD}.ipynb", today)


def _gone() -> Finding:
    what = "the files it matched are destroyed or replaced"
    return _because("match-data", "DSA III.F.3", what, "Run a new match, and review that one.")


def _because(rule: str, clause: str, what: str, then: str) -> Finding:
    return Finding(rule, clause, "", what, then)


def _entry(person: str, action: str, review: Review, details: Details) -> Entry:
    always: Details = {"notebook": review.notebook_sha256}
    return Entry(person, action, review.key, review.project, _CLAUSE, details={**always, **details})
