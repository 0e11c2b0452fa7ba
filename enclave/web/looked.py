"""What the gate says of a request and its tables, for whoever checks it: judged once, and before anybody opens it.

Source: DSA VI.G.1.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from threading import Event, Lock, Thread

from enclave import egress
from enclave.agreement import InForce
from enclave.app import Enclave
from enclave.egress import ReleaseRequest, Rerun
from enclave.egress.memory import Remembered
from enclave.errors import EnclaveError, Finding
from enclave.publication import Publication
from enclave.publication import State as Put
from enclave.resultant import delivery_of
from enclave.store import View
from enclave.web.beside import Beside, beside_tables
from enclave.web.cells import Shown, of_verdict

_LONGEST = 200
_KEPT = 32
"""Requests whose cells are kept at hand."""
_PAUSE = 1.0
"""Seconds between two looks for what arrived, and after each request that was judged."""
_one_judges = Lock()
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Alike:
    """A finding, and how many more there are of its rule; the cells they are about are marked in the table."""

    finding: Finding
    more: int


@dataclass(frozen=True)
class Looked:
    """What the gate says of a request and the tables it is about, without anything of a unit."""

    verdict: str
    findings: tuple[Alike, ...]
    look_at: tuple[Finding, ...]
    ran: tuple[str, ...]
    tables: tuple[Shown, ...]
    about: tuple[tuple[str, str], ...] = ()
    beside: Beside | None = None


@dataclass(frozen=True)
class ToJudge:
    """A request as it can be judged: `state` is what the answer depends on, by digest."""

    project: str
    request: str
    state: tuple[str, ...]


_answers: dict[tuple[Enclave, ToJudge], Looked] = {}


def to_judge(view: View, request: ReleaseRequest) -> ToJudge:
    """Give a request with the state of its release memory, its re-run and its delivery."""
    known = tuple(r.sha256 for r in view.find(Remembered, request.project))
    known += tuple(run.key for run in view.find(Rerun, request.project))
    tables = tuple(t.sha256 for t in delivery_of(view, request.project).tables)
    return ToJudge(request.project, request.id, (request.sha256, *known, *tables))


def judged(enclave: Enclave, asked: ToJudge) -> Looked:
    """Judge a request, once for each state; whoever asks for the same waits for the one answer.

    Kept are the cells as they would leave, never the persons behind them.

    Raises
    ------
    EnclaveError
        If it cannot be judged.
    """
    known = _answers.get((enclave, asked))
    if known is not None:
        return known
    with _one_judges:
        if (enclave, asked) not in _answers:
            _answers[enclave, asked] = _judge(enclave, asked)
            for oldest in [*_answers][:-_KEPT]:
                del _answers[oldest]
        return _answers[enclave, asked]


def _judge(enclave: Enclave, asked: ToJudge) -> Looked:
    verdict = egress.judge(enclave.store, enclave.keystore, enclave.settings, asked.project, asked.request)
    read = verdict.request
    about = () if read is None else (
        ("Title", read.title), ("For the report", read.report), ("Questions", ", ".join(read.questions)),
        ("Audience", read.audience), ("Population", read.population), ("Methods", ", ".join(read.methods)),
        ("Notes", read.notes),
    )  # fmt: skip
    said = tuple((name, text) for name, text in about if text)
    return Looked(
        verdict.verdict, alike(verdict.findings), verdict.look_at, verdict.ran, of_verdict(verdict), said,
        beside_tables(verdict),
    )  # fmt: skip


def alike(findings: tuple[Finding, ...]) -> tuple[Alike, ...]:
    """Put findings of one rule and next step together, the first of each for all, its place cut short.

    A place repeats labels the requester chose. Were all of them shown, findings would be a way out of the sandbox
    that no one meters.
    """
    groups: dict[tuple[str, str, str], list[Finding]] = {}
    for finding in findings:
        groups.setdefault((finding.rule, finding.clause, finding.next), []).append(finding)
    return tuple(
        Alike(replace(first, where=first.where[:_LONGEST], what=first.what[:_LONGEST]), len(more))
        for first, *more in groups.values()
    )


@contextmanager
def judged_ahead(enclave: Enclave) -> Iterator[None]:
    """Judge what waits for a checker as soon as it has arrived: a large request takes the gate up to a minute.

    At the end the one that is being judged is waited for.
    """
    stop = Event()
    thread = Thread(target=_judge_what_arrives, args=(enclave, stop), name="judged ahead")
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _judge_what_arrives(enclave: Enclave, stop: Event) -> None:
    size, tried = -1, set[ToJudge]()
    while not stop.is_set():
        try:
            with enclave.store.view() as view:
                now = view.frontier().size
                waiting = [] if now == size else _waiting(view)
            for request in waiting:
                if not stop.is_set() and _judge_ahead(enclave, request, tried):
                    stop.wait(_PAUSE)  # who opens pages comes first
            size = now
        except Exception as error:  # noqa: BLE001 - the outermost door of this thread; a traceback may hold a value
            _log.error("nothing was judged ahead: %s", type(error).__name__)
        stop.wait(_PAUSE)


def _judge_ahead(enclave: Enclave, request: ReleaseRequest, tried: set[ToJudge]) -> bool:
    """Judge a request unless that was tried in this state; tell whether it was tried now."""
    try:
        with enclave.store.view() as view:
            asked = to_judge(view, request)
        if asked in tried:
            return False
        tried.add(asked)
        judged(enclave, asked)
    except EnclaveError as error:  # whoever opens it is told why
        _log.info("%s was not judged ahead: %s", request.id, ", ".join(f.rule for f in error.findings))
    return True


def _waiting(view: View) -> list[ReleaseRequest]:
    """Give the requests that a checker may open next, the newest last: no more than are kept."""
    view.load(InForce, ReleaseRequest, Publication)
    found = [
        request
        for agreement in view.find(InForce)
        if agreement.destroyed_on is None
        for request in view.find(ReleaseRequest, agreement.project)
        if request.state != "refused" and not _published(view, request)
    ]
    return sorted(found, key=lambda request: (request.received_on, request.id))[-_KEPT:]


def _published(view: View, request: ReleaseRequest) -> bool:
    publication = view.get(Publication, request.id)
    return publication is not None and publication.state is Put.DONE
