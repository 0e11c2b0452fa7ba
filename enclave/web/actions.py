"""What a form does. Every one asks `people.may` first, then the room; the room's refusal is the answer.

Source: DSA VI.G.1; DSA III.F.3.
"""

from __future__ import annotations

import logging
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Thread

from starlette.exceptions import HTTPException

from enclave import egress, incidents, matching, publication, review
from enclave.egress import Clearance
from enclave.errors import Finding, Invalid, invalid, refuse
from enclave.matching import MatchRun
from enclave.review import Statement
from enclave.store import View
from enclave.terms import Action
from enclave.web.request import found
from enclave.web.visit import Done, Page, Visit

log = logging.getLogger(__name__)
_PATIENCE = 20.0
"""Seconds for which a form waits for what it began."""


@dataclass(frozen=True)
class Collected:
    """What was taken out of an outbox, and why the rest of it stays."""

    requests: list[str]
    findings: tuple[Finding, ...]
    project: str


def collect(visit: Visit) -> Page[Collected]:
    """Take the requests out of one's own outbox, and say of all else there why it does not leave."""
    admission = visit.admitted(Action.REQUEST)
    enclave = visit.enclave
    taken = egress.take_in(enclave.store, enclave.keystore, enclave.settings, visit.project, admission.person)
    model = Collected([t.id for t in taken.taken], tuple(taken.findings), visit.project)
    return Page("collected", "Outbox collected", model)


def rerun(visit: Visit) -> Done:
    """Run a request's notebook again in a fresh sandbox on the same data, and say whether it asks for the same.

    One that takes long runs on by itself: a proxy may not wait for it. It ends with this process.
    """
    request = _request(visit)
    admission = visit.admitted(Action.CHECK)
    enclave, came = visit.enclave, Future[egress.Rerun | None]()

    def run() -> None:
        try:
            came.set_result(egress.rerun(enclave.store, enclave.keystore, enclave.settings, admission, request))
        except Exception as error:  # noqa: BLE001 - who waits for it is told; a traceback may hold a value
            log.warning("%s run again: %s", request, getattr(error, "subject", type(error).__name__))
            came.set_exception(error)

    Thread(target=run, name=f"{request} again", daemon=True).start()
    try:
        ran = came.result(timeout=_PATIENCE)
    except TimeoutError:
        return _back(visit, "It runs, for half an hour at most. You may leave; what comes of it stands here.")
    if ran is None:
        return _back(visit, "No notebook came with it.")
    return _back(visit, f"Run again: {ran.why or 'it made the very same request'}.")


def clear(visit: Visit) -> Done:
    """Clear a request that holds and share it with the agencies, or refuse it with every finding."""
    request = _request(visit)
    admission = visit.admitted(Action.CHECK)
    enclave = visit.enclave
    clearance = egress.clear(
        enclave.store, enclave.keystore, enclave.settings, admission, request, looked_at=visit.text("looked_at"),
        waived=visit.text("without_rerun"),
    )  # fmt: skip
    with enclave.store.transaction() as tx:
        case = review.open_case(tx, clearance, admission.person)
    return _back(visit, f"Cleared and shared with {', '.join(case.agencies)}; the review ends on {case.due_on}.")


def confirm(visit: Visit) -> Done:
    """Record the statements a steward ticked, of what had the digest on their page."""
    request = _request(visit)
    admission = visit.admitted(Action.CONFIRM)
    ticked = frozenset(s for s in Statement if s in visit.form.get("statement", ()))
    with visit.enclave.store.transaction() as tx:
        case = review.confirm(tx, request, admission, visit.text("digest"), ticked)
    left = len(case.missing(admission.agency))
    said = f"{left} of its four statements are open." if left else "All four statements are confirmed."
    return _back(visit, f"Recorded for {admission.agency}. {said}")


def give_back(visit: Visit) -> Done:
    """Give a request back to be changed, with the reason."""
    request = _request(visit)
    admission = visit.admitted(Action.CONFIRM)
    with visit.enclave.store.transaction() as tx:
        review.return_with_comment(tx, request, admission, visit.text("comment"))
    return _back(visit, "Returned with your comment.")


def withdraw(visit: Visit) -> Done:
    """Take one's own request back."""
    request = _request(visit)
    with visit.enclave.store.transaction() as tx:
        review.withdraw(tx, request, visit.me.name)
    return _back(visit, "Withdrawn.")


def waive(visit: Visit) -> Done:
    """Waive what is left of the ten business days, with a reason that is recorded."""
    request = _request(visit)
    admission = visit.admitted(Action.PUBLISH)
    with visit.enclave.store.transaction() as tx:
        review.waive(tx, request, admission, visit.text("reason"))
    return _back(visit, "The rest of the review period is waived, with your reason.")


def publish(visit: Visit) -> Done:
    """Put out the signed package of what the agencies confirmed."""
    request = _request(visit)
    admission = visit.admitted(Action.PUBLISH)
    enclave = visit.enclave
    with enclave.store.view() as view:
        clearance = view.get(Clearance, request)
        if clearance is None:
            raise refuse(request, "no-clearance", "DSA VI.G.1", "it has not been cleared", "Clear it first.")
        approval = review.approve(view, clearance)
    package = publication.publish(
        enclave.store, enclave.settings, clearance, approval, admission, enclave.hub_keys, enclave.checkpoint()
    )
    return _back(visit, f"Published. The copy of the work is due on {package.final_copy_due_on}.")


def file_copy(visit: Visit) -> Done:
    """File the electronic copy of the published work, for the Data Recipient or as the Operating Group (DSA VI.G)."""
    request = _request(visit)
    admission = visit.admitted(Action.DECIDE)
    enclave = visit.enclave
    with visit.document("copy", "DSA VI.G") as path, enclave.store.transaction() as tx:
        filed = publication.file_final_copy(tx, enclave.settings, request, path, admission)
    late = " It comes after its last day, and is taken all the same." if filed.late else ""
    return _back(visit, f"The copy of the published work is filed.{late}")


def agree(visit: Visit) -> Done:
    """Record a Representative's written agreement with the run whose report they had before them."""
    admission = visit.admitted(Action.AGREE)
    with visit.enclave.store.transaction() as tx:
        run = _newest(tx, visit)
        if visit.text("report") != run.report_sha256:
            raise _not_newest(visit)
        run = matching.agree(tx, run, admission)
    ends = f"The match is complete; its data are destroyed by {run.delete_by}." if run.completed_on else ""
    return Done(f"projects/{visit.project}/matching", f"{admission.agency} agrees with {run.id}. {ends}".strip())


def open_review(visit: Visit) -> Done:
    """Open the clerical review of the newest match; two of the hub's staff then judge pairs at their desks."""
    admission = visit.admitted(Action.MATCH)
    enclave = visit.enclave
    with enclave.store.transaction() as tx:
        _newest(tx, visit)
        review = matching.open_review(tx, enclave.keystore, enclave.settings, admission)
    said = f"The review of {review.run} is open. Two of the hub's staff go to the desk."
    return Done(f"projects/{visit.project}/matching", said)


def close_review(visit: Visit) -> Done:
    """Reckon what was answered, and keep the estimates beside the match report."""
    admission = visit.admitted(Action.MATCH)
    enclave = visit.enclave
    with enclave.store.view() as view:
        _newest(view, visit)
    review = matching.close_review(enclave.store, enclave.keystore, enclave.settings, admission)
    said = f"The review of {review.run} is closed: {review.pairs} pairs. Its estimates stand beside the report."
    return Done(f"projects/{visit.project}/matching", said)


def _newest(view: View, visit: Visit) -> MatchRun:
    """Give the newest run, if it is the one of the address."""
    run = matching.latest(view, visit.project)
    if run.id != visit.path["run"]:
        raise _not_newest(visit)
    return run


def _not_newest(visit: Visit) -> Invalid:
    what = "this is not the newest run, or not its report"
    return invalid(visit.project, "run", "DSA III.F.3", what, "Read the report of the newest run, then go on.")


def _request(visit: Visit) -> str:
    """Give the id of the address, if this person may look at that request at all."""
    with visit.view() as view:
        return found(view, visit)[1].id


def tell(visit: Visit) -> Done:
    """Take in what a user noticed or asks; of a problem 24 hours run from now (ExC; EM A2.1.A; DSA VI.B; ExA 6.a)."""
    now = datetime.now(UTC)
    kind = next((kind for kind in incidents.OF_USERS if kind == visit.text("kind")), None)
    if kind is None:
        raise HTTPException(404)
    with visit.enclave.store.transaction() as tx:
        case = incidents.open_case(tx, kind, visit.project, visit.text("text"), now, now, visit.me.name)
    late = " It comes after the ten business days, and is taken all the same." if case.asked_late else ""
    return Done(f"projects/{visit.project}", f"Taken in as {case.key}, for {', '.join(case.told)}.{late}")


def _back(visit: Visit, said: str) -> Done:
    return Done(f"projects/{visit.project}/requests/{visit.path['request']}", said)
