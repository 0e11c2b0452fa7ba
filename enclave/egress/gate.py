"""From outbox to clearance: requests are taken in, judged, and what holds is written anew.

A request that was refused leaves no memory; one that is cleared does, in the same transaction.

Source: DSA I; DSA III.G.2; DSA VI.D.2; DSA VI.G.1.
"""

from __future__ import annotations

import hashlib
import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any, ClassVar

from enclave.agreement import of
from enclave.analysis import opened_outbox
from enclave.egress.check import Desk, Verdict, check
from enclave.egress.clearance import Artefact, Clearance, digest_of
from enclave.egress.collect import Collected, Taken, collect
from enclave.egress.elsewhere import by_of, sums_of
from enclave.egress.memory import Remembered, keep_release, open_request, released_as, sealed_request
from enclave.egress.programs import file_name
from enclave.egress.reading import read_apart
from enclave.egress.render import Leaving, render
from enclave.egress.rerun import Rerun
from enclave.egress.rerun import rerun as run_again
from enclave.errors import EnclaveError, Invalid, Refused, refuse
from enclave.ledger import Details, Entry
from enclave.people import Admission, may
from enclave.resultant import delivery_of
from enclave.scratch import alone, scratch
from enclave.settings import Settings
from enclave.store import Store, View
from enclave.terms import Action, reached
from enclave.vault import Keystore, Seal
from p20kit.request import Request


@dataclass(frozen=True)
class ReleaseRequest:
    """A request as collected; `state` is received, refused, needs-review or cleared."""

    KIND: ClassVar[str] = "request"
    project: str
    id: str
    person: str
    sha256: str
    received_on: date
    state: str = "received"
    findings: tuple[dict[str, str], ...] = ()

    @property
    def key(self) -> str:
        """Project and id."""
        return f"{self.project}/{self.id}"


def desk(view: View, keystore: Keystore, settings: Settings, project: str) -> Desk:
    """Lay out what the gate judges with."""
    return Desk(view, keystore, settings, of(view, project).policy, delivery_of(view, project))


def seals(view: View, settings: Settings) -> Iterator[Seal]:
    """Give what is sealed of every request that was collected, and of what was released."""
    for asked in view.find(ReleaseRequest):
        yield sealed_request(settings, asked.project, asked.id)
    for left in view.find(Remembered):
        yield released_as(settings, left.project, left.request_id)


def take_in(store: Store, keystore: Keystore, settings: Settings, project: str, person: str) -> Collected:
    """Collect a person's outbox: requests are sealed under the project's key, all else is a finding in the ledger.

    Source: DSA I; DSA III.G.2.c.
    """
    with opened_outbox(keystore, settings, project, person) as outbox:
        collected = collect(outbox)
    for taken in collected.taken:
        _keep(store, keystore, settings, project, person, taken)
    if collected.findings:
        details: Details = {"rules": [f.rule for f in collected.findings], "entries": len(collected.findings)}
        store.enter(Entry(person, "egress.stray", person, project, "DSA III.G.2.c", "refused", details))
    return collected


def _keep(store: Store, keystore: Keystore, settings: Settings, project: str, person: str, taken: Taken) -> None:
    request = ReleaseRequest(project, taken.id, person, hashlib.sha256(taken.content).hexdigest(), date.min)
    with store.view() as view:
        known = view.get(ReleaseRequest, request.key)
    if known is not None:
        return
    with scratch(settings.runtime, "request") as bench:
        plain = bench / "request.json"
        plain.write_bytes(taken.content)
        keystore.seal(plain, sealed_request(settings, project, taken.id))
    reached("egress.sealed")
    with store.transaction() as tx:
        details: Details = {"sha256": request.sha256, "bytes": len(taken.content)}
        entry = Entry(person, "egress.request", taken.id, project, "DSA VI.G.1", details=details)
        tx.write(replace(request, received_on=tx.today), entry)


def judge(store: Store, keystore: Keystore, settings: Settings, project: str, request_id: str) -> Verdict:
    """Give the verdict on a collected request, without side effects.

    Raises
    ------
    Invalid
        If the request is malformed.
    """
    with store.view() as view:
        request = _request(view, project, request_id)
        content = _content(keystore, settings, request)
        return check(desk(view, keystore, settings, project), content, request.person)


def rerun(
    store: Store, keystore: Keystore, settings: Settings, admission: Admission, request_id: str
) -> Rerun | None:
    """Run a request's notebook again on the data as they are, once; None where none came with it.

    Who asks while it runs waits for that run.

    Source: DSA VI.G.1.

    Parameters
    ----------
    admission : Admission
        Of an output checker of the Operating Group; never the requester.

    Raises
    ------
    Refused
        If the requester may not analyse the project's data any more.
    """
    admission.hold_to(Action.CHECK, admission.project)
    with store.view() as view:
        request = _request(view, admission.project, request_id)
    _hold_apart(request, admission)
    with alone(settings.runtime, f"rerun-{request.id}"):
        return _rerun(store, keystore, settings, admission, request)


def _rerun(
    store: Store, keystore: Keystore, settings: Settings, admission: Admission, request: ReleaseRequest
) -> Rerun | None:
    project = request.project
    with store.view() as view:
        content = _content(keystore, settings, request)
        known = Rerun.of(view, delivery_of(view, project), content)
        try:
            asked: Request | None = read_apart(settings, content)
        except Invalid:
            asked = None  # what is malformed is refused by the verdict, with every finding
        if known is not None or asked is None or not asked.notebook:
            return known
        requester = may(view, request.person, Action.ANALYSE, project)
    return run_again(store, keystore, settings, requester, request.id, content, asked, admission.person)


def clear(
    store: Store,
    keystore: Keystore,
    settings: Settings,
    admission: Admission,
    request_id: str,
    *,
    looked_at: str = "",
    waived: str = "",
) -> Clearance:
    """Clear a request that holds, or refuse it with every finding; both are entered.

    A notebook that came with it is run again where that can spare a person a look.

    Source: DSA III.G.2; DSA VI.D.2; DSA VI.G.1.

    Parameters
    ----------
    admission : Admission
        Of an output checker of the Operating Group; never the requester.
    looked_at : str
        What the checker saw in that which only a person can judge; needed where the verdict is ``needs-review``.
    waived : str
        Why the notebook is not run again; what it derives is then for a person to judge.

    Raises
    ------
    Refused
        With every finding; the request stays as it was, so that it can be mended.
    """
    project = admission.project
    with store.view() as view:
        request = _request(view, project, request_id)
    _hold_apart(request, admission)
    waived = waived.strip()
    looked_at = f"{looked_at}\nNot run again: {waived}" if waived and looked_at.strip() else looked_at
    while True:
        with store.view() as view:
            request = _request(view, project, request_id)
            cleared, known = view.get(Clearance, request_id), view.find(Remembered, project)
        if request.state == "cleared" and cleared is not None:
            return cleared
        verdict = _judged(store, keystore, settings, admission, request, looked_at, again=not waived)
        clearance = _clear(store, keystore, settings, admission, request, verdict, looked_at, known)
        if clearance is not None:
            return clearance


def _judged(
    store: Store,
    keystore: Keystore,
    settings: Settings,
    admission: Admission,
    request: ReleaseRequest,
    looked_at: str,
    *,
    again: bool,
) -> Verdict:
    """Give the verdict on what may be cleared; anything else is entered and refused.

    Where something is left for a person, the notebook is run `again` first: what it proves need not be looked at.
    """
    try:
        verdict = judge(store, keystore, settings, request.project, request.id)
        if again and verdict.verdict == "needs-review" and rerun(store, keystore, settings, admission, request.id):
            verdict = judge(store, keystore, settings, request.project, request.id)
    except Invalid as error:
        _refuse(store, admission, request, error)
        raise
    if verdict.verdict == "refused" or (verdict.verdict == "needs-review" and not looked_at.strip()):
        state = "refused" if verdict.verdict == "refused" else "needs-review"
        refusal = Refused(f"egress {state} for {request.id}", [*verdict.findings, *verdict.look_at])
        _refuse(store, admission, request, refusal, state)
        raise refusal
    return verdict


def _clear(
    store: Store,
    keystore: Keystore,
    settings: Settings,
    admission: Admission,
    request: ReleaseRequest,
    verdict: Verdict,
    looked_at: str,
    known: list[Remembered],
) -> Clearance | None:
    """Render and remember what holds; None when something else was cleared since, so that it is judged with that."""
    asked, released = verdict.request, verdict.released
    if asked is None or released is None or not verdict.ran:
        raise refuse(request.id, "no-rule-ran", "DSA III.G.2", "no check ran", "Report this to the Operating Group.")
    with store.view() as view:
        delivery = delivery_of(view, request.project)
    as_of = "; ".join(f"{agency} as of {day}" for agency, day in verdict.as_of)
    about = f"Data Request {request.project}. {as_of}".strip()
    artefacts = _written(settings, request.id, Leaving(asked, released, verdict.charts, delivery, about))
    reached("egress.rendered")
    with scratch(settings.runtime, "release") as bench:
        keep_release(keystore, settings, request.project, request.id, asked, bench)
    reached("egress.kept")
    with store.transaction() as tx:
        if tx.find(Remembered, request.project) != known:
            return None
        policy = of(tx, request.project).policy
        clearance = Clearance(
            request_id=request.id,
            project=request.project,
            person=request.person,
            title=asked.title,
            report=asked.report,
            questions=tuple(sorted(set(asked.questions))),
            audience=asked.audience,
            policy_hash=policy.hash,
            cleared_on=tx.today,
            agencies=verdict.agencies,
            artefacts=artefacts,
            digest=digest_of(artefacts),
            record=_record(verdict, policy.terms),
            looked_at=looked_at,
        )
        details: Details = {
            "digest": clearance.digest,
            "agencies": clearance.agencies,
            "policy": policy.hash,
            "ran": verdict.ran,
            "looked_at": bool(looked_at),
        }
        entry = Entry(admission.person, "egress.clear", request.id, request.project, "DSA VI.D.2", details=details)
        remembered = Remembered(request.project, request.id, request.sha256, len(asked.persons))
        tx.write(clearance, entry)
        tx.write(replace(request, state="cleared", findings=()), _step(admission, request, "egress.state"))
        tx.write(remembered, _step(admission, request, "egress.remember"))
    return clearance


def _written(settings: Settings, request_id: str, leaving: Leaving) -> tuple[Artefact, ...]:
    """Write every file, whole or not at all."""
    target = rendered(settings, request_id)
    partial = target.with_name(target.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    artefacts = render(leaving, request_id, partial)
    shutil.rmtree(target, ignore_errors=True)
    partial.replace(target)
    return artefacts


def _record(verdict: Verdict, thresholds: dict[str, Any]) -> dict[str, Any]:
    """Give the disclosure record that travels with the release."""
    asked, released = verdict.request, verdict.released
    assert asked is not None and released is not None  # noqa: S101 - the caller has looked
    protected = released.protected
    statuses = Counter(s for i in range(len(protected.tables)) for s in protected.to_published(i)["status"])
    uppers = [b["upper"] for b in verdict.bounds if b["upper"] is not None]
    return {
        "rules": list(verdict.ran),
        "thresholds": thresholds,
        "cells": {"shown": statuses["shown"], "hidden": statuses["hidden"]},
        "bounds": {"hidden_cells": len(verdict.bounds), "smallest_upper": min(uppers, default=None)},
        "as_of": dict(verdict.as_of),
        "columns": sorted({s for sources in _sources(asked) for s in sources.values()}),
        "by": [by_of(table) for table in protected.tables],
        "sums": [sums_of(table) for table in protected.tables],
        "kinds": _kinds(asked),
        "methods": sorted(set(asked.methods)),
        "coding": [table.coding.in_words(table) for table in protected.tables],
        "licences": {file_name(n, code): code.licence for n, code in enumerate(asked.code, start=1)},
        "population": asked.population,
        "planned_on": asked.planned_on.isoformat() if asked.planned_on else None,
        "notes": [asked.notes] if asked.notes else [],
    }


def _sources(asked: Request) -> list[dict[str, str]]:
    return [*(table.sources for table in asked.tables), *(model.sources for model in asked.models)]


def _kinds(asked: Request) -> dict[str, int]:
    """Count what leaves by kind: measures of tables, charts, models, texts, programs."""
    measures = Counter(measure.kind for table in asked.tables for measure in table.measures)
    others = {"chart": len(asked.charts), "model": len(asked.models), "text": len(asked.texts)}
    others["code"] = len(asked.code)
    return dict(sorted((measures + Counter(others)).items()))


def _hold_apart(request: ReleaseRequest, admission: Admission) -> None:
    if request.person == admission.person:
        raise refuse(
            request.id, "self-check", "DSA VI.G.1", "nobody checks their own request",
            "Another output checker looks at it.",
        )  # fmt: skip


def _refuse(
    store: Store, admission: Admission, request: ReleaseRequest, error: EnclaveError, state: str = "refused"
) -> None:
    findings = tuple(f.as_dict() for f in error.findings)
    details: Details = {"rules": [f.rule for f in error.findings], "findings": len(findings)}
    entry = Entry(admission.person, "egress.refuse", request.id, request.project, "DSA VI.D.2", state, details)
    with store.transaction() as tx:
        tx.write(replace(request, state=state, findings=findings), entry)


def _step(admission: Admission, request: ReleaseRequest, action: str) -> Entry:
    return Entry(admission.person, action, request.id, request.project, "DSA VI.D.2")


def _request(view: View, project: str, request_id: str) -> ReleaseRequest:
    request = view.get(ReleaseRequest, f"{project}/{request_id}")
    if request is None:
        raise refuse(
            request_id, "unknown-request", "DSA VI.G.1", "no such request has been collected",
            "Collect the outbox first: `enclave egress collect`.",
        )  # fmt: skip
    return request


def _content(keystore: Keystore, settings: Settings, request: ReleaseRequest) -> bytes:
    with scratch(settings.runtime, "request") as bench:
        content = open_request(keystore, settings, request.project, request.id, bench)
    if hashlib.sha256(content).hexdigest() != request.sha256:
        raise refuse(
            request.id, "request-changed", "DSA VI.G.1", "the sealed request is not the one collected",
            "Open an incident.",
        )  # fmt: skip
    return content


def rendered(settings: Settings, request_id: str) -> Path:
    """Give the folder of what the gate wrote for a cleared request."""
    return settings.home / "cleared" / request_id
