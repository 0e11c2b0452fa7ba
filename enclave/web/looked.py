"""What the gate says of a request and its tables, for whoever checks it: judged once, and before anybody opens it.

Source: DSA VI.G.1.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from operator import itemgetter
from threading import Event, Lock, Thread

from enclave import egress, people
from enclave.agreement import InForce, of
from enclave.app import Enclave
from enclave.egress import ReleaseRequest, Rerun
from enclave.egress.memory import Remembered
from enclave.errors import EnclaveError, Finding
from enclave.publication import Publication
from enclave.publication import State as Put
from enclave.resultant import Delivery
from enclave.review import Case
from enclave.review import State as Stage
from enclave.store import View
from enclave.web.apart import Apart
from enclave.web.beside import Beside, beside_tables
from enclave.web.cells import Shown, of_verdict

_LONGEST = 200
_AT_HAND = 500_000
"""Cells kept at hand, a request counted as a thousand more than it has."""
_OF_A_PROJECT = (ReleaseRequest, Case, Publication, Remembered, Rerun, Delivery)
"""What tells which requests are open, and in what state."""
_PAUSE = 1.0
"""Seconds between two looks for what arrived."""
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


class _Answers:
    """What was judged, as much as is kept at hand; what is asked for is judged once."""

    def __init__(self) -> None:
        self._known: dict[tuple[Enclave, ToJudge], Looked] = {}
        self._one = Lock()
        self._judge = Apart(judge)

    def give(self, enclave: Enclave, asked: ToJudge) -> Looked:
        """Give an answer; who asks for the same waits for the one, who asks for another for a turn."""
        known = self._known.get((enclave, asked))
        if known is not None:
            return known
        with self._one:
            if (enclave, asked) not in self._known:
                self._known[enclave, asked] = self._judge(enclave, asked)
            answer = self._known[enclave, asked]
            while self._full() and len(self._known) > 1:
                del self._known[next(iter(self._known))]
            return answer

    def room(self, waiting: Collection[ToJudge]) -> bool:
        """Tell whether there is room for one more; what nobody waits for any more gives way."""
        with self._one:
            if self._full(1_000):
                self._known = {each: known for each, known in self._known.items() if each[1] in waiting}
            return not self._full(1_000)

    def _full(self, more: int = 0) -> bool:
        return sum(1_000 + _cells(each) for each in self._known.values()) + more > _AT_HAND


def _cells(looked: Looked) -> int:
    return sum(len(table.cells) for table in looked.tables)


def to_judge(view: View, request: ReleaseRequest) -> ToJudge:
    """Give a request with the state of its agreement, release memory, re-run and delivery."""
    known = tuple(r.sha256 for r in view.find(Remembered, request.project))
    known += tuple(run.key for run in view.find(Rerun, request.project))
    delivery = view.get(Delivery, request.project)
    tables = tuple(t.sha256 for t in delivery.tables) if delivery else ()
    policy = of(view, request.project).policy.hash
    return ToJudge(request.project, request.id, (request.sha256, policy, *known, *tables))


def judged(enclave: Enclave, asked: ToJudge) -> Looked:
    """Judge a request in a process of its own, once for each state.

    Kept are the cells as they would leave, never the persons behind them.

    Raises
    ------
    EnclaveError
        If it cannot be judged.
    """
    return _answers.give(enclave, asked)


def judge(enclave: Enclave, asked: ToJudge) -> Looked:
    """Judge a request here and now.

    Raises
    ------
    EnclaveError
        If it cannot be judged.
    """
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


_answers = _Answers()


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
                found = None if now == size else waiting(view)
            if found is not None:
                tried &= set(found)
                _judge_ahead(enclave, found, tried, stop)
            size = now
        except Exception as error:  # noqa: BLE001 - the outermost door of this thread; a traceback may hold a value
            _log.error("nothing was judged ahead: %s", type(error).__name__)
        stop.wait(_PAUSE)


def _judge_ahead(enclave: Enclave, waiting: Sequence[ToJudge], tried: set[ToJudge], stop: Event) -> None:
    """Judge what was not tried in its state, as far as there is room for what it comes to."""
    for asked in waiting:
        if asked in tried:
            continue
        if stop.is_set() or not _answers.room(waiting):
            return
        tried.add(asked)
        try:
            judged(enclave, asked)
        except EnclaveError as error:  # whoever opens it is told why
            _log.info("%s was not judged ahead: %s", asked.request, ", ".join(f.rule for f in error.findings))


def waiting(view: View) -> list[ToJudge]:
    """Give the requests that a checker may open next, in the order in which the queue lists them."""
    view.load(*_OF_A_PROJECT, InForce)
    projects = (agreement.project for agreement in view.find(InForce) if agreement.destroyed_on is None)
    found = [each for project in projects if not people.closed(view, project) for each in view.derive(_open, project)]
    return [asked for _, asked in sorted(found, key=itemgetter(0))]


def _open(view: View, project: str) -> list[tuple[tuple[date, date, str], ToJudge]]:
    """Give the requests of a project on which something is still to be done, and what puts them in order."""
    found: list[tuple[tuple[date, date, str], ToJudge]] = []
    for request in view.find(ReleaseRequest, project):
        case, publication = view.get(Case, request.id), view.get(Publication, request.id)
        closed = case is not None and case.state is not Stage.OPEN
        published = publication is not None and publication.state is Put.DONE
        if request.state != "refused" and not closed and not published:
            by = case.due_on if case else date.max, request.received_on, request.id
            found.append((by, to_judge(view, request)))
    return found
