"""Figures of UC records for somebody who may not see the records: answered, remembered, and never rows.

A session asks by words alone: columns, and one value for each column that records are chosen by. What it is given is
protected against everything released and answered before, with all that its reader knows from the columns that are
mounted; it enters the release memory like a release, in the same transaction, before it is told. What the gate lets
out of it is taken from what was kept here.

Source: ExA 2.h; DSA I; DSA II.F; DSA III.G.2; DSA VI.D.2.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from enclave.agreement import of
from enclave.egress.answers import Answered, kept
from enclave.egress.asked import hold_to_sight
from enclave.egress.check import Desk
from enclave.egress.memory import Remembered, earlier_releases, keep_release
from enclave.egress.reading import question_apart
from enclave.egress.rerun import data_digest
from enclave.errors import Finding, Refused, invalid, refuse
from enclave.ledger import Details, Entry, refusal
from enclave.people import may
from enclave.resultant import delivery_of, not_asked_for, open_table
from enclave.scratch import scratch
from enclave.settings import Settings
from enclave.store import Store, Transaction, View
from enclave.terms import Action, reached
from enclave.vault import Keystore
from p20kit import answering
from p20kit.asking import Given
from p20kit.errors import P20KitError, TableInvalid, Unprotectable
from p20kit.message import pack
from p20kit.question import LARGEST, Question
from p20kit.request import FORMAT, Request
from p20kit.verdict import judge, rebuilt

MOST = 100
"""Questions that one person may ask of one project; what was refused on looking at records counts."""
ANSWERED, UNANSWERED = "egress.answer", "egress.unanswered"
_ELSE = "Somebody of the project who may see these records asks for the release."


def answer(store: Store, keystore: Keystore, settings: Settings, project: str, person: str, content: bytes) -> Given:
    """Answer a question of a person's session on a project; the same question is given the same answer.

    Source: ExA 2.h; DSA VI.D.2.

    Parameters
    ----------
    project, person : str
        Of the socket it came through; the question says nothing of either.
    content : bytes
        The question as the session wrote it.

    Raises
    ------
    Refused
        If the person may not analyse the data today, may see these records or not the columns asked by, has no
        question left, or the answer could not be protected. What is said of records is said of none of them.
    Invalid
        If it is malformed.
    """
    try:
        with store.view() as view:
            may(view, person, Action.ANALYSE, project)
        if len(content) > LARGEST:
            what = f"it is larger than {LARGEST >> 10} KiB"
            raise invalid("question", "size", "ExA 2.h", what, "Ask with p20kit.tabulate().")
        question = question_apart(settings, content)
        while True:
            given = _answer(store, keystore, settings, project, person, question)
            if given is not None:
                return given
    except Refused as error:
        store.enter(refusal(error, person, UNANSWERED, person, project))
        raise


def _answer(
    store: Store, keystore: Keystore, settings: Settings, project: str, person: str, question: Question
) -> Given | None:
    """Answer; None when something else was cleared or answered since, so that it is protected against that too."""
    with store.view() as view, scratch(settings.runtime, "answer") as bench:
        admission = may(view, person, Action.ANALYSE, project)
        desk = Desk(view, keystore, settings, of(view, project).policy, delivery_of(view, project))
        hold_to_sight(question, admission, desk.delivery)
        id, left = _id(question, desk), MOST - _asked(view, project, person)
        if (known := view.get(Answered, f"{project}/{id}")) is not None:
            return _given(known, kept(keystore, settings, known, bench), desk, left)
        _hold_to_limits(view, project, question, left)
        before = view.find(Remembered, project)
        request = _made(desk, person, question, bench)
        keep_release(keystore, settings, project, id, request, bench)
    reached("egress.answer-kept")
    sha256 = hashlib.sha256(pack(request)).hexdigest()
    with store.transaction() as tx:
        may(tx, person, Action.ANALYSE, project)
        if tx.find(Remembered, project) != before:
            return None
        made = Answered(project, id, person, question.digest, question.records, question.where, sha256, tx.today)
        _enter(tx, made, question, request)
    reached("egress.answered")
    return _given(made, request, desk, left - 1)


def _made(desk: Desk, person: str, question: Question, bench: Path) -> Request:
    """Make and judge the table; where it cannot be given, the words are the same whatever the records hold."""
    for table in desk.delivery.tables:
        open_table(desk.keystore, desk.settings, desk.delivery, table, bench / f"{table.name}.parquet")
    delivered, policy = desk.delivered(bench, person), answering.terms_for(desk.cells)
    left_out = not_asked_for(desk.policy, desk.delivery, question.records)
    try:
        known = answering.known_persons(question, delivered, left_out)
    except TableInvalid as error:
        # of columns that the asker has mounted
        told = [Finding(f.rule, f.clause or "ExA 2.h", f.where, f.what, f.next) for f in error.findings]
        raise Refused("the question is refused", told) from None
    earlier = earlier_releases(desk.view, desk.keystore, desk.settings, desk.policy.project, policy, bench)
    try:
        request = answering.answered(question, known, delivered, policy, earlier, _said(desk, person), left_out)
        given = [*earlier, answering.as_known(known, policy)]
        verdict = judge(request, policy, desk.agreed(person), delivered, given)
    except Unprotectable:
        raise _unsafe() from None
    except P20KitError:
        what = "the records chosen are not one of each person and employer, or there are none"
        raise refuse(question.name, "one-record", "ExA 2.h", what, f"Choose one year and quarter. {_ELSE}") from None
    # nothing of it leaves by being answered: words are read when it is asked for
    if verdict.findings or any(finding.rule != "wording" for finding in verdict.look_at):
        raise _unsafe()
    return request


def _said(desk: Desk, person: str) -> dict[str, Any]:
    agreement = desk.policy.agreement
    return {
        "format": FORMAT, "project": desk.policy.project, "policy_hash": desk.policy.hash, "person": person,
        "title": "Answer", "report": agreement.reports[0].id, "questions": [agreement.questions[0].id],
        "audience": "who asked", "population": "everybody delivered", "methods": [], "planned_on": None, "notes": "",
    }  # fmt: skip


def _hold_to_limits(view: View, project: str, question: Question, left: int) -> None:
    if left < 1:
        what = f"all {MOST} questions of this person on the project are asked"
        raise refuse(question.name, "questions", "DSA VI.D.2", what, _ELSE)
    earlier = [each for each in view.find(Answered, project) if each.records == question.records]
    over = [each for each in earlier if each.where != question.where and not question.chosen.apart_from(each.where)]
    if over:
        what = f"records overlap with those of {over[0].id}: what one holds more than the other would follow"
        advice = "Choose by the same columns, each at one value."
        raise refuse(question.name, "overlapping-records", "DSA III.G.2.d", what, advice)


def _asked(view: View, project: str, person: str) -> int:
    return sum(entry["actor"] == person for entry in view.entries(project=project, action=(ANSWERED, UNANSWERED)))


def _id(question: Question, desk: Desk) -> str:
    words = f"{question.digest} {data_digest(desk.delivery)} {desk.policy.hash}"
    return f"ans-{hashlib.sha256(words.encode()).hexdigest()[:12]}"


def _enter(tx: Transaction, made: Answered, question: Question, request: Request) -> None:
    details: Details = {
        "question": made.question,
        "records": made.records,
        "where": [f"{column} {value}" for column, value in made.where.items()],
        "by": [question.sources[column] for column in question.by],
        "measures": [measure.label for measure in question.counted],
        "sha256": made.sha256,
    }
    tx.write(made, Entry(made.person, ANSWERED, made.id, made.project, "ExA 2.h", details=details))
    remembered = Remembered(made.project, made.id, made.sha256, len(request.persons))
    tx.write(remembered, Entry(made.person, "egress.remember", made.id, made.project, "DSA VI.D.2"))


def _given(known: Answered, request: Request, desk: Desk, left: int) -> Given:
    """Tell an answer: what is displayed, hidden cells all alike."""
    frame = rebuilt(request, answering.terms_for(desk.cells)).protected.to_published()
    columns: Mapping[str, list[Any]] = {
        str(column): [None if value is None or value != value else value for value in values.astype(object).tolist()]
        for column, values in frame.astype(object).where(frame.notna(), None).items()
    }
    return Given(id=known.id, sha256=known.sha256, left=left, columns=dict(columns))


def _unsafe() -> Refused:
    what = "together with what was released and answered before, too much could be worked out of it"
    return refuse("the question is refused", "answer-unsafe", "DSA III.G.2.d", what, f"{answering.FEWER} {_ELSE}")
