"""Looks at the records: the ledger, deadlines, holds, papers, policies, methods.

Source: EM XV.A.1; EM XVII.B; DSA VI.F; DSA VI.H.
"""

from __future__ import annotations

import json
from datetime import timedelta

from enclave import destruction, people, publication
from enclave.agreement import InForce, compile_agreement
from enclave.board import under_law
from enclave.controls.evidence import Evidence, Installed, deviates, holds
from enclave.destruction import Destruction
from enclave.errors import EnclaveError, refuse
from enclave.incidents import Notice
from enclave.ledger import verify_export
from enclave.matching import approved_method, registered_methods
from enclave.people import Hold, Listing
from enclave.publication import Publication

WARNED = timedelta(days=30)
"""How long before its end a paper is named."""


def proven_ledger(installed: Installed) -> Evidence:
    """Recompute the ledger from its entries, and compare with what its own key signs (EM XVII.B)."""
    view, key = installed.view, installed.ledger_key
    first = next(view.entries(), None)
    if first is None or first["details"].get("ledger") != key.verifier.line:
        what = "the key is not the one that its first entry names"
        return deviates(what, "Restore the ledger's key from its backup; open an incident.")
    note = view.checkpoint(key.name, key.key_id, key.sign)
    try:
        proven = verify_export([*view.bodies(), json.dumps({"checkpoint": note})], key.verifier)
    except EnclaveError as error:
        return deviates(
            str(error.findings[0].what), "Compare with the checkpoints the agencies hold; open an incident."
        )
    return holds(f"{proven.size:,} entries give root {proven.root[:16]}")


def nothing_overdue(installed: Installed) -> Evidence:
    """Look for deadlines that have passed: match data, project data, certificates, final copies."""
    view = installed.view
    late = [
        f"{due.what} of {due.project} since {due.due_on}" for due in destruction.due(view, view.today) if due.overdue
    ]
    late += [f"the final copy of {each.request_id}" for each in publication.overdue(view, view.today)]
    if late:
        return deviates(
            f"overdue: {'; '.join(late)}", "Destroy, certify or file it today, and record why it is late."
        )
    coming = [due.due_on for due in destruction.due(view, view.today)]
    return holds(f"the next of {len(coming)} deadlines is on {coming[0]}" if coming else "no deadline runs")


def nothing_held(installed: Installed) -> Evidence:
    """Look for holds, and for breach notices that are not resolved."""
    view = installed.view
    held = [
        f"{hold.scope} is held since {hold.since} ({hold.clause})"
        for hold in view.find(Hold)
        if hold.stands(view.today)
    ]
    held += [f"breach notice {notice.key} is not resolved" for notice in view.find(Notice, determination=None)]
    if held:
        return deviates(
            "; ".join(held), "Bring it to the Data Governing Board; lift or resolve it when that is done."
        )
    return holds("nothing is held, no notice is open")


def nothing_half_done(installed: Installed) -> Evidence:
    """Look for destructions and publications that were begun and not ended."""
    view = installed.view
    begun = [each.key for each in view.find(Destruction) if each.done_on is None]
    begun += [each.key for each in view.find(Publication, state=publication.State.BEGUN)]
    if begun:
        return deviates(f"begun and not ended: {', '.join(begun)}", "Run `enclave recover`.")
    return holds("no destruction and no publication is half done")


def valid_papers(installed: Installed) -> Evidence:
    """Look for people who lack a paper, whose Exhibit C soon runs out, or whose need of access is not looked at."""
    view = installed.view
    running = {each.project: each for each in view.find(InForce) if not each.reasons_not_in_force(view.today)}
    listed = [each for each in view.find(Listing) if each.project in running and each.basis != "office"]
    late = []
    for each in listed:
        late += [f"{each.person}: {finding.what}" for finding in people.lacks(view, each, running[each.project])]
        end, due = people.exhibit_c_until(view, each), people.review_due_on(each)
        if end and view.today <= end < view.today + WARNED:
            late.append(f"{each.person}: Exhibit C runs out on {end}")
        if due and due < view.today:
            late.append(f"{each.person}: whether access is needed was to be looked at by {due}")
    if late:
        return deviates("; ".join(sorted(late)), "Have papers signed and handed in; `enclave people review`.")
    return holds(f"{len(listed)} people have what access asks for")


def unchanged_policies(installed: Installed) -> Evidence:
    """Look whether the files of agreements still say what was registered (DSA VII)."""
    registered = [each for each in installed.view.find(InForce) if each.destroyed_on is None]
    other = [each.project for each in registered if _hash(installed, each) != each.policy.hash]
    if other:
        what = f"the files no longer give the registered policy of {', '.join(other)}"
        return deviates(what, "Put back what was signed, or have all parties sign an amendment.")
    return holds(f"{len(registered)} agreements are as they were registered")


def _hash(installed: Installed, agreement: InForce) -> str:
    try:
        policy = compile_agreement(installed.settings.policies, agreement.project).without(agreement.refused)
        return under_law(installed.view, policy).hash
    except EnclaveError:
        return ""


def approved_methods(installed: Installed) -> Evidence:
    """Look whether every notebook for identifiers is, by its content, the one the board approved (EM VII.B.1.c)."""
    settings, refused = installed.settings, []
    methods = registered_methods(settings.policies)
    for method in methods:
        notebook = settings.notebooks / f"{method.id}.ipynb"
        try:
            if not notebook.is_file():
                raise refuse(method.id, "approved-method", "EM VII.B.1.c", "its notebook is missing", "Install it.")
            approved_method(settings.policies, method.id, notebook, installed.view.today)
        except EnclaveError as error:
            refused.append(f"{method.id}: {error.findings[0].what}")
    if refused:
        return deviates("; ".join(refused), "Install the approved notebook, or have the board approve this one.")
    return holds(f"{len(methods)} notebooks are the approved ones")
