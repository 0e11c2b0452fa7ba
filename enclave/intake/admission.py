"""What a manifest must say before anything is opened: known sender, us, this project, in force, new, expected.

A manifest is not verified yet: what it claims is compared, and never repeated unless it is a known word.

Source: EM XV.D; EM XII; DSA XI.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from uuid import UUID

from enclave import agreement
from enclave.errors import EnclaveError, Finding
from enclave.intake.holdings import Holding
from enclave.intake.names import WITHDRAWN, Layout, encoding_of, is_encoded, layout_of, parse_file_name
from enclave.intake.senders import SenderKey, sender_key
from enclave.intake.specifications import specification_findings, specifications
from enclave.people import holds
from enclave.store import View
from enclave.terms import GENERIC_ID, HUB
from enclave.vault import Header, PublicKeys

_RESEND = "Ask the agency to seal the file again."
_FLAG = re.compile(r"FLAG_[A-Z0-9_]{1,20}")


def findings_before_opening(view: View, header: Header, hub: PublicKeys, project: str) -> list[Finding]:
    """Give every reason not to open a transmittal.

    Source: EM XV.D; EM XII; DSA XI.
    """
    known = sender_key(view, header.source)
    return [
        *_about_sender(header, known),
        *_about_destination(header, hub, project),
        *_about_agreement(view, project),
        *_about_name(header, project),
        *_about_encoding(view, header, project),
        *_about_expectation(view, header, project),
        *_about_repetition(view, header, project),
        *_about_date(view, header),
        *specification_findings(header.specification, view.today, specifications()),
    ]


def layout_for(view: View, header: Header, project: str) -> Layout | None:
    """Give the layout the agreement expects of this transmittal, or None."""
    policy = agreement.of(view, project).policy
    columns = header.elements if header.contents == "finder" else (GENERIC_ID, *header.elements)
    return layout_of(policy, header.source, header.contents, columns)


def _about_sender(header: Header, known: SenderKey | None) -> Iterator[Finding]:
    if known is None:
        yield Finding("sender-known", "EM XV.D", "", "no key is registered for its sender", "Register it first.")
    elif known.algorithm != header.alg:
        what = f"the algorithm agreed on with {known.owner} is {known.algorithm}"
        yield Finding("algorithm", "EM XIV.A", "", what, "Ask the agency to send it so, or agree anew.")
    elif known.fingerprint != header.source_key:
        what = f"it is not sealed with the registered key of {known.owner}"
        yield Finding("sender-key", "EM XV.D", "", what, "Compare fingerprints with the agency by telephone.")


def _about_destination(header: Header, hub: PublicKeys, project: str) -> Iterator[Finding]:
    if header.destination != HUB or header.destination_key != hub.fingerprint:
        yield Finding("destination", "EM XV.D", "", "it is sealed to another hub, or another key of ours", _RESEND)
    if header.project != project:
        what = f"it is for another Data Request than {project}"
        yield Finding("project", "DSA VI.A", "", what, "Receive it for its own Data Request.")


def _about_agreement(view: View, project: str) -> Iterator[Finding]:
    for rule, clause, what in agreement.of(view, project).reasons_not_in_force(view.today):
        yield Finding(rule, clause, project, what, "Nothing may be received while the agreement is not in force.")
    for hold in holds(view, project):
        yield Finding(
            "suspended", hold.clause, project, f"{hold.scope} is held since {hold.since}", "Wait for its end."
        )


def _about_name(header: Header, project: str) -> Iterator[Finding]:
    if not _is_uuid(header.id):
        yield Finding("transmittal-id", "EM XV.D", "", "its id is not a UUID", _RESEND)
    try:
        name = parse_file_name(header.name)
    except EnclaveError as error:
        yield from error.findings
        return
    if (name.source, name.project, name.contents) != (header.source, header.project, header.contents):
        yield Finding("file-name", "EM XII", "", "its file name and its manifest disagree", _RESEND)


def _is_uuid(id: str) -> bool:
    """Tell whether an id is a UUID in its one spelling; it names folders and files."""
    try:
        return str(UUID(id)) == id
    except ValueError:
        return False


def _about_encoding(view: View, header: Header, project: str) -> Iterator[Finding]:
    """Compare what a file is encoded with with what is promised, and with the files it is to be matched with.

    Source: EM IX; DSA VI.A; EM XII.
    """
    policy, made = agreement.of(view, project).policy, header.encoded_with
    if not is_encoded(policy, header.source, header.contents):
        if made is not None:
            what = "it holds encodings, and the agreement has none of this file"
            yield Finding("encodings-not-promised", "DSA VI.A", "", what, "Seal it without --pprl.")
        return
    if made is None:
        what = "the agreement promises encodings of this file, and it was sealed without"
        yield Finding("encodings-promised", "EM IX", "", what, "Seal it with --pprl; it was not opened.")
        return
    if made.schema_sha256 != encoding_of(policy).sha256:
        what = "it is encoded with other parameters than the agreement has"
        next = "Seal it with the agreement in force and the program that goes with it."
        yield Finding("encoding-parameters", "EM XII", "", what, next)
    others = [
        h
        for h in view.find(Holding, project, contents=header.contents, destroyed_on=None)
        if h.source != header.source
    ]
    for held in others:
        if held.key_check != made.key_check:
            what = f"it is encoded with another secret than the file of {held.source}"
            next = "Agree on one secret (`enclave pprl-secret`); the agency that took another seals again."
            yield Finding("encoding-secret", "EM XII", f"holding {held.id}", what, next)


def _about_expectation(view: View, header: Header, project: str) -> Iterator[Finding]:
    if layout_for(view, header, project) is None:
        expected = ", ".join(" ".join(pair) for pair in agreement.of(view, project).policy.expected())
        what = "the agreement expects no such file of this party"
        yield Finding("file-expected", "ExA 1.e", "", what, f"Expected: {expected}.")


def _about_repetition(view: View, header: Header, project: str) -> Iterator[Finding]:
    """Look for the transmittal in the ledger, which forgets nothing, and for a holding in its place."""
    held = view.find(Holding, project, source=header.source, contents=header.contents, destroyed_on=None)
    lists = {each.id for each in held if (each.contents, each.name) == (WITHDRAWN, header.name)}
    for entry in view.entries(action="intake.receive"):
        if entry["object"] == header.id or entry["object"] in lists:
            what = f"it was received before, on {entry['day']}"
            yield Finding("replayed", "EM XVII.B", f"ledger entry {entry['seq']}", what, "Nothing to do.")
            return
    flag = next((column for column in header.elements if _FLAG.fullmatch(column)), "")
    for each in held:
        if each.contents != WITHDRAWN and (each.contents != "finder" or each.flag == flag):
            what = f"a {each.contents} file of {each.source} is held already"
            next_step = f"Withdraw that one first: `enclave intake withdraw {project} {each.id}`."
            yield Finding("already-held", "EM XII.A", f"holding {each.id}", what, next_step)


def _about_date(view: View, header: Header) -> Iterator[Finding]:
    if header.as_of > view.today:
        yield Finding("as-of", "DSA II.H", "", "its as-of date lies in the future", _RESEND)
