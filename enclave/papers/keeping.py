"""Keep papers: sealed, hashed, in versions beside each other, every change in the ledger.

What is kept of a paper is for people to read; nothing here looks into a document. The ledger holds kind, subject and
digests, never a word of it.

Source: EM VII.A.1.m; EM XVIII.P.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from functools import partial
from pathlib import Path

from enclave.errors import Finding, Invalid, invalid, refuse
from enclave.ledger import Details, Entry
from enclave.papers.paper import Kept, Mark, Paper, paper_of, versions
from enclave.scratch import scratch
from enclave.settings import Settings
from enclave.store import Store, Transaction, View
from enclave.vault import Keystore, Seal

KEY = "papers"
_SUBJECT = re.compile(r"[\w .,&'()@+-]{1,80}")


def seal(keystore: Keystore, settings: Settings, document: Path) -> Kept:
    """Seal a document under the papers' own key; every call makes a file of its own, which is never written again.

    Source: EM VII.A.1.m; DSA II.I.
    """
    keystore.create(KEY)
    name = f"{secrets.token_hex(8)}.sealed"
    with document.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    kept = _seal(settings, Kept(name, digest, ""))
    sealed_digest = keystore.seal(document, kept)
    kept.path.chmod(0o400)
    return Kept(name, digest, sealed_digest)


def seal_words(keystore: Keystore, settings: Settings, words: str) -> Kept:
    """Seal a document of words that were made here; its plaintext rests on the runtime tmpfs until then.

    Source: EM VII.A.1.m.
    """
    with scratch(settings.runtime, "paper") as folder:
        document = folder / "words.html"
        document.write_bytes(words.encode())
        return seal(keystore, settings, document)


def add(
    tx: Transaction, kind: str, kept: Kept, actor: str, *, project: str = "", about: str = "",
    since: date | None = None, until: date | None = None, names: str = "", status: str = "",
) -> Paper:  # fmt: skip
    """Enter a sealed document as the next version of a paper; it holds from today if no day is given.

    Source: EM XVIII.P.

    Raises
    ------
    Invalid
        With everything the table of kinds wants and it does not say.
    """
    number = len(versions(tx, kind, project, about)) + 1
    added = Mark(tx.today, actor)
    paper = Paper(kind, about, kept, added, since or tx.today, until, names, status, number, project=project)
    if findings := list(_of_kind(paper)):
        raise Invalid(paper.series, findings)
    details: Details = {
        "sha256": kept.sha256, "since": paper.since.isoformat(), "until": str(until or ""), "status": status,
        "names": names,
    }  # fmt: skip
    return _write(tx, paper, "add", actor, details)


def tick(tx: Transaction, key: str, item: str, actor: str) -> Paper:
    """Tick one item of a paper: it says so, or whoever signs agrees to it.

    Source: ExA 4.b; DSA II.D; DSA II.E.

    Raises
    ------
    Invalid
        If its kind has no such item.
    Refused
        If it is withdrawn.
    """
    paper = paper_of(tx, key)
    if item not in paper.of.items:
        wanted = ", ".join(paper.of.items) or "it has none"
        raise invalid(key, "paper-item", paper.of.clause, f"{item} is none of its items", f"Items: {wanted}.")
    _hold_open(paper)
    words = hashlib.sha256(paper.of.items[item].encode()).hexdigest()
    paper = replace(paper, ticked={**paper.ticked, item: Mark(tx.today, actor)})
    return _write(tx, paper, "tick", actor, {"item": item, "words_sha256": words, "sha256": paper.kept.sha256})


def look_at(tx: Transaction, key: str, actor: str) -> Paper:
    """Record that a second person has looked at a paper and found it true.

    Source: ExA 2.h.

    Raises
    ------
    Refused
        If it is whoever added it or whom it is about, or it is withdrawn.
    """
    paper = paper_of(tx, key)
    _hold_open(paper)
    if actor in (paper.added.by, paper.about):
        raise refuse(
            key, "second-person", paper.of.clause, f"{actor} added it, or it is about {actor}",
            "Somebody else looks at it.",
        )  # fmt: skip
    paper = replace(paper, seen=Mark(tx.today, actor))
    return _write(tx, paper, "look-at", actor, {"sha256": paper.kept.sha256})


def withdraw(tx: Transaction, key: str, actor: str) -> Paper:
    """Take a paper back from today on; it stays in the files, and with it what came before it no longer stands.

    Source: EM XVIII.P.

    Raises
    ------
    Refused
        If it is withdrawn already.
    """
    paper = paper_of(tx, key)
    _hold_open(paper)
    paper = replace(paper, withdrawn=Mark(tx.today, actor))
    return _write(tx, paper, "withdraw", actor, {"sha256": paper.kept.sha256})


def open_document(keystore: Keystore, settings: Settings, paper: Paper, target: Path) -> None:
    """Give a copy of a paper's document, read-only, after its digests were found to be those entered.

    Source: EM XVIII.P.

    Raises
    ------
    Refused
        If it is missing or altered.
    """
    keystore.unseal(_seal(settings, paper.kept), target)
    target.chmod(0o400)


def seals(view: View, settings: Settings) -> Iterator[Seal]:
    """Give what is sealed of every paper."""
    yield from (_seal(settings, paper.kept) for paper in view.find(Paper))


def recover(store: Store, settings: Settings) -> None:
    """Delete documents that were sealed for a paper nobody entered: a crash came between."""
    with store.transaction() as tx:  # whoever adds a paper seals inside a transaction, so none is half added now
        known = {paper.kept.sealed for paper in tx.find(Paper)}
        for path in (settings.sealed / KEY).glob("*"):
            if path.name not in known:
                path.unlink()


def _of_kind(paper: Paper) -> Iterator[Finding]:
    kind, itself = paper.of, paper.of.about in ("project", "programme")
    lacks = partial(Finding, clause=kind.clause, where=paper.series)
    if kind.of_project != bool(paper.project):
        said = "belongs to a Data Request" if kind.of_project else "belongs to no single Data Request"
        yield lacks("paper-project", what=f"{kind.title} {said}", next="Give or leave out the project.")
    if itself == bool(paper.about):
        what = f"it is about the {kind.about} itself" if itself else f"it does not say about which {kind.about}"
        yield lacks("paper-about", what=what, next="Name whom or what it is about, where it is not the whole.")
    elif paper.about and not _SUBJECT.fullmatch(paper.about):
        what = f"its {kind.about} is not named plainly"
        yield lacks("paper-about", what=what, next="Letters, digits and . , & ' ( ) @ + - in 80 places.")
    if kind.names and not paper.names.strip():
        yield lacks("paper-names", what=f"{kind.names} is missing", next="Give it.")
    if paper.status not in (kind.statuses or {"": False}):
        what = "its status is none of its kind"
        yield lacks("paper-status", what=what, next=f"Statuses: {', '.join(kind.statuses) or 'none'}.")
    if paper.until is None and (kind.ends or kind.statuses.get(paper.status)):
        yield lacks("paper-end", what="it does not say until when it holds", next="Give its last day.")
    if paper.until is not None and paper.until < paper.since:
        yield lacks("paper-end", what="it ends before it begins", next="Give the right days.")


def _hold_open(paper: Paper) -> None:
    if paper.withdrawn:
        raise refuse(
            paper.key, "paper-withdrawn", paper.of.clause, f"it was withdrawn on {paper.withdrawn.on}",
            "Add a new version.",
        )  # fmt: skip


def _write(tx: Transaction, paper: Paper, deed: str, actor: str, details: Details) -> Paper:
    tx.write(paper, Entry(actor, f"papers.{deed}", paper.key, paper.project, paper.of.clause, details=details))
    return paper


def _seal(settings: Settings, kept: Kept) -> Seal:
    return Seal(settings.sealed / KEY / kept.sealed, KEY, f"{KEY}|{kept.sealed}", kept.sealed_sha256)
