"""What becomes of a file in an inbox: it is told of when it comes, leaves when it is settled, and its sender is told.

A file is settled when it is received, or turned away for what it is: the record comes first, then the file goes. What
stands against a file without lying in it (an agreement not in force, a file held in its place) leaves it waiting.

Source: EM XII; EM XVII.B; EM XV.B.2; DSA II.H.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import ClassVar

from enclave.errors import Finding
from enclave.intake.holdings import Holding
from enclave.intake.names import FINDINGS, RECEIPT, is_enveloped_name, manifest_name, parse_sealed_name
from enclave.intake.sftp import PARTIAL, waiting
from enclave.ledger import Entry
from enclave.people import CLOCK
from enclave.settings import Settings
from enclave.store import Store, View
from enclave.vault import LedgerKey

_NOT_THE_FILES = frozenset({
    "admission", "already-held", "being-received", "cms-own-key", "effective", "key-service", "key-volume",
    "membership", "not-scanned", "openpgp-own-key", "room", "sender-known", "signatures", "suspended",
})  # fmt: skip
"""Rules that say nothing of the file: it can be received once somebody at the hub has mended what they name."""


@dataclass(frozen=True)
class TurnedAway:
    """The newest file of its kind that was turned away, with every finding, for its sender to read.

    Parameters
    ----------
    sent_as : str
        Name of the sealed file.
    entry : int
        Number of the ledger's entry.
    came : str
        Since when it stood in the inbox, as `came_at` gives it.
    """

    KIND: ClassVar[str] = "turned-away"
    project: str
    source: str
    contents: str
    flag: str
    sent_as: str
    on: date
    entry: int
    findings: tuple[Finding, ...]
    came: str = ""

    @property
    def key(self) -> str:
        """Project, source and kind of file."""
        return f"{self.project}/{self.source}/{self.contents}/{self.flag}"


Settled = Holding | TurnedAway


def stays(findings: Iterable[Finding]) -> bool:
    """Tell whether a file that is refused goes on waiting: nothing in it is to be mended by its sender.

    Source: EM XII.
    """
    rules = {finding.rule for finding in findings}
    return "project" in rules or rules <= _NOT_THE_FILES  # received for another Data Request, nothing of it is judged


def came_at(settings: Settings, sealed: Path) -> str:
    """Tell a file in an inbox from another that comes under its name later; empty for one that is in none."""
    if not sealed.resolve().is_relative_to((settings.home / "inbox").resolve()) or not sealed.is_file():
        return ""
    return str(sealed.stat().st_ctime_ns)


def leave(settings: Settings, sealed: Path, came: str) -> None:
    """Take a settled file out of its inbox, so that its sender may send another under its name."""
    if came and came_at(settings, sealed) == came:
        sealed.unlink(missing_ok=True)
        if is_enveloped_name(sealed.name):
            sealed.with_name(manifest_name(sealed.name)).unlink(missing_ok=True)


def clear(settings: Settings, store: Store, source: str = "") -> int:
    """Take out what was settled before a crash and still lies in an inbox (of a party); give the number."""
    here = {(path.name, came_at(settings, path)): path for path in waiting(settings, source=source)}
    if not here:
        return 0
    with store.view() as view:
        done = [each for each in _settled(view) if (each.sent_as, each.came) in here]
    for each in done:
        leave(settings, here[each.sent_as, each.came], each.came)
    return len(done)


def notice(settings: Settings, store: Store, source: str) -> list[Path]:
    """Enter each file of a party that has arrived and waits, once: the hub's staff are told.

    Source: EM XII.
    """
    clear(settings, store, source)
    here = {(path.name, came_at(settings, path)): path for path in waiting(settings, source=source)}
    if here:
        with store.transaction() as tx:
            for entry in tx.entries(action="intake.arrive"):
                here.pop((entry["object"], entry["details"]["came"]), None)
            for (name, came), path in here.items():
                details = {"source": path.parent.name, "came": came}
                named = parse_sealed_name(name)
                project = named.project if named else ""
                tx.append(Entry(CLOCK, "intake.arrive", name, project, "EM XII", details=details))
    return [*here.values()]


def answers(view: View, project: str | None = None, source: str = "") -> list[Settled]:
    """Give what became of the files that were sent: what is held, and what was turned away since, newest first.

    Source: EM XVII.B; EM XV.B.2.
    """
    found = [each for each in _settled(view, project) if source in ("", each.source)]
    accepted: dict[tuple[str, str, str, str], int] = {}
    for each in found:
        if isinstance(each, Holding):
            kind = (each.project, each.source, each.contents, each.flag)
            accepted[kind] = max(each.entry, accepted.get(kind, -1))
    standing = (
        each
        for each in found
        if (isinstance(each, Holding) and each.destroyed_on is None)
        or (
            isinstance(each, TurnedAway)
            and each.entry > accepted.get((each.project, each.source, each.contents, each.flag), -1)
        )
    )
    return sorted(standing, key=lambda each: each.entry, reverse=True)


def answer_to(view: View, sent_as: str) -> Settled | None:
    """Give what became of the newest file of a name, or None."""
    found = [each for each in _settled(view) if each.sent_as == sent_as]
    return max(found, key=lambda each: each.entry, default=None)


def give_receipts(settings: Settings, store: Store, key: LedgerKey) -> list[Path]:
    """Write into each sender's folder the ledger's receipt of what became of its file, and the findings.

    Both can be read there, over SFTP, and nothing else. What stands there already is passed over: safe to repeat.

    Source: EM XVII.B; EM XV.B.2.
    """
    written = []
    with store.view() as view:
        newest: dict[Path, Settled] = {}
        for each in sorted(_settled(view), key=lambda each: each.entry):
            folder = settings.home / "inbox" / each.source
            if each.sent_as and folder.is_dir():
                newest[folder / each.sent_as] = each
        for place, each in newest.items():
            path = place.with_name(place.name + RECEIPT)
            if _entry_in(path) == each.entry:
                continue
            found = place.with_name(place.name + FINDINGS)
            if isinstance(each, TurnedAway):
                _write(found, json.dumps([finding.as_dict() for finding in each.findings], indent=1))
            else:
                found.unlink(missing_ok=True)
            proof = view.receipt(each.entry, key.name, key.key_id, key.sign)
            _write(path, proof.model_dump_json(indent=1))
            written.append(path)
    return written


def _settled(view: View, project: str | None = None) -> list[Settled]:
    return [*view.find(Holding, project), *view.find(TurnedAway, project)]


def _entry_in(path: Path) -> int | None:
    try:
        seq = json.loads(json.loads(path.read_text("utf-8"))["entry"])["seq"]
    except (OSError, ValueError, LookupError, TypeError):
        return None
    return seq if isinstance(seq, int) else None


def _write(path: Path, text: str) -> None:
    partial = path.with_name(f".{path.name}{PARTIAL}")
    handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(f"{text}\n")
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
