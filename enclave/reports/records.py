"""What the institution can tell of itself, read from the ledger: registers, activity, where-used, the export.

Source: EM XVII.B; EM XV.B.2.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from operator import attrgetter
from pathlib import Path
from typing import Any

from enclave.agreement import Element, InForce, PartyKind, Version
from enclave.egress import Clearance
from enclave.ledger import Receipt, Verified, verify_export
from enclave.store import Store, View
from enclave.terms import HUB
from enclave.vault import LedgerKey


class Register(StrEnum):
    """The four logs of EM XVII.B."""

    RECEIVED = "files received"
    MATCHES = "matches conducted"
    MAINTAINED = "files maintained"
    SENT = "output files sent"


_ACTIONS = {
    Register.RECEIVED: frozenset({"intake.receive"}),
    Register.MATCHES: frozenset({"match.run", "match.agree", "match.complete"}),
    Register.MAINTAINED: frozenset({"intake.receive", "match.run", "resultant.deliver"}),
    Register.SENT: frozenset({"resultant.deliver", "publication.done"}),
}
_ENDS = frozenset({"intake.withdraw", "resultant.deliver", "destruction.done"})
"""With what a file goes: Resultant Data also when others take their place."""
OF_ALL = frozenset({
    "enclave.init", "store.upgrade", "store.move", "intake.own-key", "clocks.watch", "clocks.doubt", "clocks.accept",
    "controls.look", "agreement.law", "ledger.verify",
})  # fmt: skip
"""What is entered of no project and concerns every party: how the hub itself stands, and the law (EM XV.B.2)."""
_OF_PROJECT_KEY = frozenset({"resultant.deliver"})


@dataclass(frozen=True)
class Row:
    """One line of a register, with the fields the clause names.

    Source: EM XVII.B.

    Parameters
    ----------
    entry : int
        Sequence number in the ledger, where the proof is.
    at, day : str
        When: the instant, and the enclave's calendar day.
    sent_by, received_by : str
    elements : tuple of str
        Data elements involved.
    project : str
        Data Sharing Request.
    destroyed_on : str
        Date of destruction; empty while the data are there, and for what is not destroyed.
    other : mapping
        Whatever else the entry says.
    """

    entry: int
    at: str
    day: str
    action: str
    object: str
    sent_by: str
    received_by: str
    elements: tuple[str, ...]
    project: str
    rows: int | None
    destroyed_on: str
    other: Mapping[str, Any]


def register(view: View, which: Register, project: str | None = None) -> list[Row]:
    """Give one of the four registers, in the order of the ledger.

    Source: EM XVII.B.
    """
    return registers(view, project)[which]


def registers(view: View, project: str | None = None) -> dict[Register, list[Row]]:
    """Give all four registers."""
    return {which: [*rows] for which, rows in view.derive(_registers, project).items()}


def _registers(view: View, project: str | None) -> dict[Register, tuple[Row, ...]]:
    entries = list(view.entries(project=project, action=_ENDS.union(*_ACTIONS.values())))
    ends = [entry for entry in entries if entry["action"] in _ENDS]
    recipients = {name: _recipients(view, name) for name in {entry["project"] for entry in entries}}
    return {
        which: tuple(
            _row(entry, ends, recipients[entry["project"]] if which is Register.SENT else HUB)
            for entry in entries
            if entry["action"] in actions and _done(entry)
        )
        for which, actions in _ACTIONS.items()
    }


@dataclass(frozen=True)
class Activity:
    """What was done up to a day, in counts: for reports to boards and stakeholders.

    Parameters
    ----------
    totals, by_project : counts by what was done
        Of ledger entries; ``.refused`` is added to what was refused.
    agreements : mapping of project -> state
    """

    as_of: date
    entries: int
    totals: Mapping[str, int]
    by_project: Mapping[str, Mapping[str, int]]
    agreements: Mapping[str, str] = field(default_factory=dict)


def activity(view: View, since: date | None = None) -> Activity:
    """Count what was done, from `since` on where given (EM XVII.B)."""
    totals: Counter[str] = Counter()
    by_project: dict[str, Counter[str]] = {}
    for entry in view.entries():
        if since is not None and date.fromisoformat(entry["day"]) < since:
            continue
        what = entry["action"]
        if entry["outcome"] == "refused" and not what.endswith(".refuse"):
            what += ".refused"
        totals[what] += 1
        if entry["project"]:
            by_project.setdefault(entry["project"], Counter())[what] += 1
    agreements = {a.project: a.state(view.today) for a in view.find(InForce)}
    counts = {project: dict(sorted(c.items())) for project, c in sorted(by_project.items())}
    return Activity(view.today, totals.total(), dict(sorted(totals.items())), counts, agreements)


@dataclass(frozen=True)
class Use:
    """Where one data element stands: approved, received, delivered, released.

    Parameters
    ----------
    until : date, optional
        When an amendment took it away; None where it is asked for.
    received, delivered : tuple of int
        Sequence numbers of the ledger entries.
    released : tuple of str
        Ids of the cleared requests that use it.
    """

    project: str
    agency: str
    element: str
    questions: tuple[str, ...]
    matching: bool
    until: date | None
    received: tuple[int, ...]
    delivered: tuple[int, ...]
    released: tuple[str, ...]


def where_used(view: View, element: str, agency: str | None = None) -> list[Use]:
    """Find every project in which an agency's data element is used, or was until an amendment took it away.

    Source: EM XVII.B; DSA VII.
    """
    uses = []
    for agreement in view.find(InForce):
        policy = agreement.policy
        entries = list(view.entries(project=policy.project))
        for code, known, until in _asked_for(view, agreement, element):
            if agency not in {None, code}:
                continue
            spelled = {element, f"{code}.{element}", f"{code.lower()}.{element}"}
            mine = [e for e in entries if _done(e) and spelled.intersection(_elements(e))]
            cleared = view.find(Clearance, policy.project)
            uses.append(
                Use(
                    policy.project, code, element, known.questions, known.matching, until,
                    _numbers(e for e in mine if e["action"] == "intake.receive" and _source(e) == code),
                    _numbers(e for e in mine if e["action"] in _OF_PROJECT_KEY),
                    tuple(c.request_id for c in cleared if spelled.intersection(c.record.get("columns") or ())),
                )
            )  # fmt: skip
    return uses


def _asked_for(view: View, agreement: InForce, element: str) -> Iterator[tuple[str, Element, date | None]]:
    """Give each agency asked for an element now, or by the last version that did, and until when it did."""
    versions = sorted(view.find(Version, agreement.project), key=attrgetter("number"), reverse=True)
    terms = [(agreement.policy, None), *((each.policy, each.until) for each in versions)]
    found = set[str]()
    for policy, until in terms:
        for code in policy.agencies:
            known = policy.element(code, element)
            if known is not None and code not in found:
                found.add(code)
                yield code, known, until


def export_ledger(store: Store, ledger_key: LedgerKey, path: Path) -> Verified:
    """Write the whole ledger and its signed checkpoint to one file, which anyone can verify.

    One canonical entry a line; the last line is ``{"checkpoint": note}``.

    Source: EM XVII.B; EM XV.B.2.

    Returns
    -------
    Verified
        Origin, size and root of what was written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    with store.view() as view, partial.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(line + "\n" for line in _exported(view, ledger_key))
        file.flush()
        os.fsync(file.fileno())
        frontier = view.frontier()
    partial.replace(path)
    return Verified(ledger_key.name, frontier.size, frontier.root().hex())


def verify_ledger(store: Store, ledger_key: LedgerKey, held: Iterable[str] = ()) -> Verified:
    """Read the whole ledger as it stands, and verify it as an export of it would be.

    Who does not trust the hub takes an export and does the same elsewhere: this one is done by the hub itself.

    Source: EM XVII.B; EM XV.B.2.

    Parameters
    ----------
    held : iterable of str
        Checkpoints of this ledger, kept by anybody since.

    Raises
    ------
    Refused
        If an entry was changed, cut, added or moved, or a checkpoint held is not this ledger's.
    """
    with store.view() as view:
        return verify_export(_exported(view, ledger_key), ledger_key.verifier, held)


def _exported(view: View, ledger_key: LedgerKey) -> Iterator[str]:
    yield from view.bodies()
    note = view.checkpoint(ledger_key.name, ledger_key.key_id, ledger_key.sign)
    yield json.dumps({"checkpoint": note}, ensure_ascii=False)


def receipt(view: View, ledger_key: LedgerKey, seq: int) -> Receipt:
    """Give the proof that the ledger holds an entry, for whom it concerns to keep.

    Source: EM XVII.B; EM XV.B.2.

    Raises
    ------
    Invalid
        If there is no such entry.
    """
    return view.receipt(seq, ledger_key.name, ledger_key.key_id, ledger_key.sign)


def _recipients(view: View, project: str) -> str:
    agreement = view.get(InForce, project)
    parties = agreement.policy.agreement.parties if agreement else ()
    return ", ".join(party.code for party in parties if party.kind is PartyKind.RECIPIENT) or HUB


def _row(entry: Mapping[str, Any], ends: Iterable[Mapping[str, Any]], receiver: str) -> Row:
    details = dict(entry["details"])
    elements, rows = _elements(entry), details.pop("rows", None)
    sent_by, received_by = _transfer(details, receiver)
    details.pop("elements", None)
    return Row(
        entry=entry["seq"],
        at=entry["at"],
        day=entry["day"],
        action=entry["action"],
        object=entry["object"],
        sent_by=sent_by,
        received_by=received_by,
        elements=elements,
        project=entry["project"],
        rows=rows if isinstance(rows, int) else None,
        destroyed_on=_destroyed_on(entry, ends),
        other=details,
    )


def _transfer(details: dict[str, Any], receiver: str) -> tuple[str, str]:
    """Tell who sent and who received; between rooms of the enclave that is the hub, unless said."""
    sent = details.pop("sent_by", None) or details.pop("source", None) or HUB
    received = details.pop("received_by", None) or details.pop("destination", None) or details.pop("recipient", None)
    return _text(sent), _text(received or receiver)


def _destroyed_on(entry: Mapping[str, Any], ends: Iterable[Mapping[str, Any]]) -> str:
    """Find when it went: withdrawn, replaced, or its key destroyed; a package published is not destroyed."""
    if entry["action"].startswith("publication."):
        return ""
    key = entry["details"].get("key_id") or _key_of(entry)
    for later in ends:
        if later["seq"] <= entry["seq"] or later["project"] != entry["project"]:
            continue
        withdrawn = (later["action"], later["object"]) == ("intake.withdraw", entry["object"])
        replaced = entry["action"] == later["action"] == "resultant.deliver"
        if (
            withdrawn
            or replaced
            or (later["action"] == "destruction.done" and key in later["details"].get("keys", ()))
        ):
            return str(later["details"].get("destroyed_on", later["day"]))
    return ""


def _key_of(entry: Mapping[str, Any]) -> str:
    analytical = entry["details"].get("contents") == "analytical" or entry["action"] in _OF_PROJECT_KEY
    return f"{'project' if analytical else 'match'}-{entry['project']}"


def _elements(entry: Mapping[str, Any]) -> tuple[str, ...]:
    found = entry["details"].get("elements") or entry["details"].get("columns") or ()
    return tuple(map(str, found)) if isinstance(found, list) else ()


def _source(entry: Mapping[str, Any]) -> str:
    return str(entry["details"].get("source", ""))


def _done(entry: Mapping[str, Any]) -> bool:
    return bool(entry["outcome"] != "refused")


def _numbers(entries: Iterator[Mapping[str, Any]]) -> tuple[int, ...]:
    return tuple(int(entry["seq"]) for entry in entries)


def _text(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
