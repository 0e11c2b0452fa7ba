"""Agreements as files: what their documents leave open, what a request must still say, and their registration.

Source: EM II; EM XI.A; EM XI.B; EM XVIII.F; ExA 1.a.
"""

from __future__ import annotations

from dataclasses import dataclass

from starlette.exceptions import HTTPException

from enclave import agreement, board
from enclave.agreement import Change, Conflict, InForce, Item, Policy
from enclave.errors import EnclaveError, Finding, invalid
from enclave.people import hold_to_party
from enclave.settings import Settings
from enclave.store import View
from enclave.terms import Role, project_id
from enclave.web.access import governing
from enclave.web.visit import Done, Page, Visit

_PAGE = "agreements", "EM II"


@dataclass(frozen=True)
class Line:
    """A file, and how the agreement it holds stands."""

    project: str
    title: str
    state: str
    unsigned: tuple[str, ...]


@dataclass(frozen=True)
class Drafts:
    """The agreements there are files of."""

    lines: list[Line]


@dataclass(frozen=True)
class Draft:
    """What a file says, before it is registered.

    Parameters
    ----------
    policy : str
        Hash of what it compiles to; empty where it does not.
    findings : tuple of Finding
        Why it cannot be registered.
    conflicts : tuple of Conflict
        What its documents leave open or say in two ways, with the reading taken.
    items : tuple of Item
        What a request must say, ticked off.
    without_standard : tuple of str
        Elements of which nobody has said what they go with in an adopted standard.
    agencies, signatories : tuple of str
        Who will be asked, and who will sign.
    elements : int
    changes : tuple of Change
        Where what would be asked for differs from what is registered.
    registered, signed : bool
        Whether it is registered, and whether all have signed that: then it is not replaced.
    void : tuple of str
        Parties that have signed what would be replaced.
    registers : bool
        Whether the person at the browser can register it now.
    """

    project: str
    title: str
    purpose: str
    policy: str
    findings: tuple[Finding, ...]
    conflicts: tuple[Conflict, ...]
    items: tuple[Item, ...]
    without_standard: tuple[str, ...]
    agencies: tuple[str, ...]
    signatories: tuple[str, ...]
    elements: int
    changes: tuple[Change, ...]
    registered: bool
    signed: bool
    void: tuple[str, ...]
    registers: bool


def show(visit: Visit) -> Page[Drafts]:
    """Show the files there are, and how the agreement of each stands."""
    with visit.view() as view:
        governing(view, visit.me.name, *_PAGE)
        known = {each.project: each for each in view.find(InForce)}
        lines = [_line(view, name, known.get(name)) for name in _files(visit.enclave.settings)]
    return Page("drafts", "Agreements", Drafts(lines))


def draft(visit: Visit) -> Page[Draft]:
    """Show what a file says and leaves open, and what would be registered."""
    settings, name = visit.enclave.settings, _name(visit)
    with visit.view() as view:
        mine = governing(view, visit.me.name, *_PAGE)
        known = view.get(InForce, name)
        policy, findings = _compiled(settings, name)
        asked = policy.agreement if policy else None
        items = agreement.completeness(asked) if asked else ()
        findings += tuple(item.finding for item in items if not item.said)
        signed = known is not None and known.effective_on is not None
        then, wrong = _asked(view, known, policy)
        findings += wrong
        changes = agreement.diff(known.policy, then) if known and then else ()
        model = Draft(
            project=name,
            title=asked.title if asked else name,
            purpose=asked.purpose if asked else "",
            policy=policy.hash if policy else "",
            findings=findings,
            conflicts=_conflicts(settings, name),
            items=items,
            without_standard=asked.without_standard if asked else (),
            agencies=policy.agencies if policy else (),
            signatories=policy.signatories if policy else (),
            elements=sum(map(len, asked.elements.values())) if asked else 0,
            changes=changes,
            registered=known is not None,
            signed=signed,
            void=tuple(each.party for each in known.signatures) if known and not signed else (),
            registers=bool(mine[Role.OPM]) and not (findings or signed or (known and not changes)),
        )
    return Page("draft", f"{name}: {model.title}", model)


def register(visit: Visit) -> Done:
    """Register what was read, and ask its agencies; one that not all have signed is replaced."""
    name = _name(visit)
    with visit.view() as view:
        hold_to_party(view, name, visit.me.name, "EM II", role=Role.OPM)
    policy = agreement.compile_agreement(visit.enclave.settings.policies, name)
    if policy.hash != visit.text("policy"):
        what = "the agreement's file has changed since this page was opened"
        raise invalid(name, "policy", "EM II", what, "Read what it says now, then register it.")
    with visit.enclave.store.transaction() as tx:
        hold_to_party(tx, name, visit.me.name, "EM II", role=Role.OPM)
        board.request(tx, policy, visit.me.name)
    return Done(f"agreements/{name}", f"{name} is registered; {', '.join(policy.agencies)} are asked.")


def _line(view: View, name: str, known: InForce | None) -> Line:
    if known is None:
        return Line(name, "", "not registered", ())
    state = known.state(view.today)
    words = {"signatures": "waits for signatures" if known.approved_on else "waits for its agencies"}
    return Line(name, known.policy.agreement.title, words.get(state, state), known.unsigned)


def _files(settings: Settings) -> list[str]:
    return sorted(path.stem for path in (settings.policies / "agreements").glob("DR-????.yaml"))


def _name(visit: Visit) -> str:
    name = project_id(visit.path["agreement"])
    if name not in _files(visit.enclave.settings):
        raise HTTPException(404)
    return name


def _compiled(settings: Settings, name: str) -> tuple[Policy | None, tuple[Finding, ...]]:
    try:
        return agreement.compile_agreement(settings.policies, name), ()
    except EnclaveError as error:
        return None, error.findings


def _asked(
    view: View, known: InForce | None, policy: Policy | None
) -> tuple[Policy | None, tuple[Finding, ...]]:  # fmt: skip
    """Give what would be asked for, now that the file says this, or why nothing could be."""
    if known is None or policy is None:
        return None, ()
    try:
        if known.effective_on is None:  # it is registered anew, and asks for everything
            return board.under_law(view, policy), ()
        return board.terms_asked(view, known.project, policy), ()
    except EnclaveError as error:
        return None, error.findings


def _conflicts(settings: Settings, name: str) -> tuple[Conflict, ...]:
    """Give the conflicts of the documents; none where the file cannot be read, of which its findings tell."""
    try:
        return agreement.conflicts_of(settings.policies, name)
    except EnclaveError:
        return ()
