"""The breach notice: eight items within 24 hours, to those whose data they are, and the record of what came of it.

It is resolved when the board has reviewed four matters and, unless it was no breach, each party named in it has
confirmed that the security of its systems is restored; what came of it and the lessons go to all parties.

Source: DSA VI.F; EM A2.1.A; EM A2.1.B; EM A2.2.A; EM A2.2.C; EM V.A.14.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import fields, replace
from datetime import UTC, datetime

from enclave.agreement import Policy, of
from enclave.calendar import BREACH
from enclave.errors import Finding, Invalid, Refused, refuse
from enclave.incidents.notice import Affected, Breach, Determination, Matters, Notice, Status, Supplement
from enclave.incidents.words import CONTENT, digest, hold_clean, unsaid
from enclave.ledger import Details, Entry
from enclave.people import Listing, hold_to_party, members
from enclave.store import Transaction, View
from enclave.terms import Role

REVIEW, RESOLUTION, SECURED = "EM A2.2.A", "EM A2.2.C", "EM V.A.14"


def report_breach(
    tx: Transaction, project: str, breach: Breach, discovered_at: datetime, reported_at: datetime, actor: str
) -> Notice:
    """Take a breach notice and say who must have it.

    Source: EM A2.1.A; EM A2.1.B; DSA VI.F.

    Parameters
    ----------
    discovered_at, reported_at : datetime
        With time zone; both are kept, and a report after 24 hours is marked late.

    Raises
    ------
    Invalid
        If an item is missing, or anything in it looks like data of a person.
    """
    findings = [*_missing(breach), *_of_times(discovered_at, reported_at), *unsaid(_texts(breach))]
    policy = of(tx, project).policy
    findings += [
        Finding("item", CONTENT, "parties", f"{code} is not a party of {project}", "Use the codes of the agreement.")
        for code in breach.parties
        if policy.party(code) is None
    ]
    if findings:
        raise Invalid(f"breach notice of {project}", findings)
    number = len(tx.find(Notice, project)) + 1
    discovered_at = discovered_at.astimezone(UTC)  # where every day has 24 hours
    due_at, recipients = BREACH.due_at(discovered_at), _recipients(policy)
    notice = Notice(number, project, breach, discovered_at, reported_at, due_at, recipients, recipients, actor)
    notice = replace(notice, told=notice.concerned)
    details: Details = {
        "discovered_at": discovered_at.isoformat(),
        "reported_at": reported_at.isoformat(),
        "late": notice.late,
        "estimated": breach.estimated,
        "parties": list(breach.parties),
        "recipients": list(notice.recipients),
        "content_sha256": digest("\n".join(text for _, text in _texts(breach))),
    }
    tx.write(notice, Entry(actor, "incident.breach", notice.key, project, "EM A2.1.A", "reported", details))
    return notice


def supplement(tx: Transaction, key: str, text: str, at: datetime, actor: str) -> Notice:
    """Add what has become known to a notice; earlier words stay as they are.

    Source: EM A2.1.B.

    Raises
    ------
    Refused
        If the notice is not open, or who adds to it is not of the Operating Group and speaks for no party concerned.
    """
    notice = _unresolved(tx, key)
    _hold_to_concerned(tx, notice, actor)
    hold_clean(f"breach notice {key}", "supplement", text)
    notice = replace(notice, supplements=(*notice.supplements, Supplement(text.strip(), actor, at)))
    details: Details = {"number": len(notice.supplements), "content_sha256": digest(text.strip())}
    tx.write(notice, Entry(actor, "incident.supplement", key, notice.project, CONTENT, details=details))
    return notice


def affects(
    tx: Transaction, key: str, party: str, reason: str, known_at: datetime, entered_at: datetime, actor: str
) -> Notice:
    """Widen a notice to a party of which it became known later that the breach concerns it, and tell it.

    The party's own 24 hours run from when that became known; it reads the whole notice, and confirms like all named
    when its systems are secure again.

    Source: EM A2.1.A; EM A2.1.B; EM V.A.14; DSA VI.F.

    Parameters
    ----------
    known_at, entered_at : datetime
        With time zone; both are kept, and what is entered after 24 hours is marked late.

    Raises
    ------
    Refused
        If the notice is not open, or who widens it is not of the Operating Group and speaks for no party concerned.
    Invalid
        If it is no party of the project or named already, the times cannot be, or the reason is empty or looks like
        data of a person.
    """
    notice = _unresolved(tx, key)
    _hold_to_concerned(tx, notice, actor)
    policy = of(tx, notice.project).policy
    findings = [*_of_times(known_at, entered_at)]
    if not findings and known_at < notice.discovered_at:
        what = "it was known before the breach was discovered"
        findings.append(Finding("time", "EM A2.1.A", "", what, "Mend the time."))
    if policy.party(party) is None or party in notice.parties:
        what = "named in it already" if party in notice.parties else f"no party of {notice.project}"
        next = "Name a party of the agreement that is not named yet."
        findings.append(Finding("item", CONTENT, "parties", f"{party} is {what}", next))
    if findings:
        raise Invalid(f"breach notice {key}", findings)
    reason = hold_clean(f"breach notice {key}", "reason", reason)
    known_at = known_at.astimezone(UTC)
    found = Affected(party, reason, known_at, entered_at, BREACH.due_at(known_at), actor)
    notice = replace(notice, affected=(*notice.affected, found), recipients=_recipients(policy, notice.recipients))
    notice = replace(notice, told=tuple(dict.fromkeys((*notice.told, *notice.concerned))))
    details: Details = {
        "known_at": known_at.isoformat(),
        "entered_at": entered_at.isoformat(),
        "late": found.late,
        "parties": [party],
        "told": list(notice.told),
        "content_sha256": digest(reason),
    }
    tx.write(notice, Entry(actor, "incident.affects", key, notice.project, "EM A2.1.A", "reported", details))
    return notice


def review_breach(tx: Transaction, key: str, matters: Matters, actor: str) -> Notice:
    """Record what the board determined of the four matters; reviewed again, the newest holds.

    Source: EM A2.2.A.

    Raises
    ------
    Refused
        If the notice is not open, or who enters it is not of the Operating Group.
    Invalid
        If one of the four is empty, or looks like data of a person.
    """
    notice = _unresolved(tx, key)
    hold_to_party(tx, key, actor, REVIEW, role=Role.OPM)
    texts = [(each.name, str(getattr(matters, each.name))) for each in fields(matters)]
    findings = [
        Finding("matter", REVIEW, name, "the matter is empty", "Determine all four; `none` is an answer.")
        for name, text in texts
        if not text.strip()
    ]
    if findings := [*findings, *unsaid(texts)]:
        raise Invalid(f"review of breach notice {key}", findings)
    notice = replace(notice, reviewed=matters)
    details: Details = {"content_sha256": digest("\n".join(text for _, text in texts))}
    tx.write(notice, Entry(actor, "incident.review", key, notice.project, REVIEW, details=details))
    return notice


def confirm_secure(tx: Transaction, key: str, party: str, text: str, at: datetime, actor: str) -> Notice:
    """Record a party's confirmation that the security of its systems is restored, and how that was made sure.

    Source: EM V.A.14.

    Raises
    ------
    Refused
        If the notice is not open, or the person does not speak for the party.
    """
    notice = _unresolved(tx, key)
    hold_to_party(tx, key, actor, SECURED, party=party, project=notice.project)
    text = hold_clean(f"breach notice {key}", "secured", text)
    notice = replace(notice, secured={**notice.secured, party: Supplement(text, actor, at)})
    details: Details = {"party": party, "at": at.isoformat(), "content_sha256": digest(text)}
    tx.write(notice, Entry(actor, "incident.secured", key, notice.project, SECURED, details=details))
    return notice


def resolve(tx: Transaction, key: str, determination: Determination, lessons: str, actor: str) -> Notice:
    """Record what the Data Governing Board determined and the lessons that go to all parties.

    The record is kept also where it was not a breach (EM A2.1.B).

    Source: EM A2.1.B; EM A2.2.A; EM A2.2.C.

    Raises
    ------
    Refused
        If the four matters are not reviewed, a party named in it has not confirmed that its security is restored
        though there was a breach or may have been one, or who enters it is not of the Operating Group.
    """
    notice = _unresolved(tx, key)
    hold_to_party(tx, key, actor, RESOLUTION, role=Role.OPM)
    findings = []
    if notice.reviewed is None:
        what, next = "the board has not reviewed the four matters", "Enter them: `enclave incident review`."
        findings.append(Finding("matter", REVIEW, key, what, next))
    if determination is not Determination.NONE:
        what, next = "it has not confirmed that its systems are secure again", "It does: `enclave incident secured`."
        findings += [Finding("secured", SECURED, party, what, next) for party in notice.unsecured]
    if findings:
        raise Refused(f"breach notice {key}", findings)
    hold_clean(f"breach notice {key}", "lessons", lessons)
    breach = replace(notice.breach, status=Status.RESOLVED)
    all_parties = (*notice.told, *of(tx, notice.project).policy.signatories, *members(tx))
    told = tuple(dict.fromkeys(all_parties))  # lessons are for all
    notice = replace(notice, breach=breach, determination=determination, lessons=lessons.strip(), told=told)
    details: Details = {
        "determination": determination, "told": list(told), "content_sha256": digest(lessons.strip()),
    }  # fmt: skip
    tx.write(notice, Entry(actor, "incident.resolve", key, notice.project, RESOLUTION, "resolved", details))
    return notice


def notices(view: View, parties: Collection[str]) -> list[Notice]:
    """Give the notices that are told to one of these, newest first; whom it does not concern reads the lessons alone.

    Source: EM A2.1.B; EM A2.2.C.
    """
    return [notice for notice in view.find(Notice)[::-1] if {*notice.told} & {*parties}]


def _recipients(policy: Policy, before: Iterable[str] = ()) -> tuple[str, ...]:
    """Give who must have a notice: the Operating Group, and each agency whose data are in the project."""
    return tuple(dict.fromkeys((*before, "Operating Group", *policy.agencies)))


def _hold_to_concerned(tx: Transaction, notice: Notice, actor: str) -> None:
    speaks = tx.find(Listing, notice.project, person=actor, role=Role.STEWARD, suspension=None)
    if not {each.agency for each in speaks} & {*notice.concerned}:
        hold_to_party(tx, notice.key, actor, CONTENT, role=Role.OPM, project=notice.project)


def _unresolved(tx: Transaction, key: str) -> Notice:
    notice = tx.get(Notice, key)
    if notice is None or notice.determination is not None:
        raise _no(key, "there is no such notice" if notice is None else "the notice is resolved and closed")
    return notice


def _missing(breach: Breach) -> Iterator[Finding]:
    for where, text in _texts(breach):
        if not text.strip():
            yield Finding("item", CONTENT, where, "the item is empty", "Give all eight; `unknown yet` is an answer.")
    if not breach.parties:
        yield Finding("item", CONTENT, "parties", "no party is named", "Name those likely impacted.")
    if breach.estimated < 0:
        yield Finding("item", CONTENT, "estimated", "the number is negative", "Give an estimate of 0 or more.")


def _of_times(discovered_at: datetime, reported_at: datetime) -> Iterator[Finding]:
    if discovered_at.tzinfo is None or reported_at.tzinfo is None:
        yield Finding("time", "EM A2.1.A", "", "a time has no time zone", "Give both times with their zone.")
    elif reported_at < discovered_at:
        yield Finding("time", "EM A2.1.A", "", "it is reported before it was discovered", "Mend the times.")


def _texts(breach: Breach) -> list[tuple[str, str]]:
    values = [(each.name, getattr(breach, each.name)) for each in fields(breach)]
    return [(name, value) for name, value in values if isinstance(value, str)]


def _no(key: str, what: str) -> Refused:
    return refuse(f"breach notice {key}", "notice", CONTENT, what, "Report a new one.")
