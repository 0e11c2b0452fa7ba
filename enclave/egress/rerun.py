"""Run a request's notebook again, in a fresh sandbox on the same data: what it derived is proven if it asks the same.

The code cells that made a request travel with it. Run again they must leave the very same request, byte for byte, in
an empty outbox; then every derived column, and the choice of persons, is what the code says.

Source: DSA VI.G.1; DSA III.G.2.
"""

from __future__ import annotations

import builtins
import hashlib
import json
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import ClassVar

from enclave.analysis import open_again
from enclave.egress.collect import collect
from enclave.errors import Fault
from enclave.ledger import Details, Entry
from enclave.people import Admission
from enclave.resultant import Delivery, delivery_of
from enclave.sandbox import Bubblewrap, Limits, Mount, SandboxSpec, python
from enclave.scratch import scratch
from enclave.settings import Settings
from enclave.store import Store, View
from enclave.terms import reached
from enclave.vault import Keystore
from p20kit.errors import FAILED
from p20kit.request import Request

LONGEST = 1800
"""Seconds a notebook may take."""
_LIMITS = Limits()
_MOST_EVENTS = 1024**2


@dataclass(frozen=True)
class Rerun:
    """A request's notebook as it was run again.

    Parameters
    ----------
    sha256 : str
        Of the request (hex).
    data_sha256 : str
        Of the tables it was run on (hex).
    same : bool
        It left this very request.
    why : str
        Where it did not: the cell and the class of its error, or that it asked for something else; never a value.
    """

    KIND: ClassVar[str] = "rerun"
    project: str
    request_id: str
    sha256: str
    data_sha256: str
    same: bool
    why: str
    ran_on: date

    @property
    def key(self) -> str:
        """Project and request."""
        return f"{self.project}/{self.request_id}"

    @classmethod
    def of(cls, view: View, delivery: Delivery, content: bytes) -> Rerun | None:
        """Give the run of this request on the data as they are now, or None."""
        sha256, data = hashlib.sha256(content).hexdigest(), data_digest(delivery)
        found = view.find(cls, delivery.project)
        return next((run for run in found if (run.sha256, run.data_sha256) == (sha256, data)), None)

    @classmethod
    def holds(cls, view: View, delivery: Delivery, content: bytes) -> bool:
        """Tell whether the request's notebook was run again on the data as they are now, and asked the same."""
        found = cls.of(view, delivery, content)
        return found is not None and found.same


def data_digest(delivery: Delivery) -> str:
    """Give one SHA-256 (hex) for the tables of a delivery."""
    return hashlib.sha256("\n".join(f"{t.name} {t.sha256}" for t in delivery.tables).encode()).hexdigest()


def rerun(
    store: Store,
    keystore: Keystore,
    settings: Settings,
    admission: Admission,
    request_id: str,
    content: bytes,
    request: Request,
    actor: str,
) -> Rerun:
    """Run a request's notebook again, and record what came of it.

    Source: DSA VI.G.1; ExA 2.h.

    Parameters
    ----------
    admission : Admission
        Of the requester to analyse: the notebook sees what the requester sees.
    content : bytes
        The request as collected.
    actor : str
        Who asked for it.

    Raises
    ------
    Fault
        If the sandbox failed and not the notebook; nothing is recorded then.
    """
    with store.view() as view:
        delivery = delivery_of(view, admission.project)
    with scratch(settings.runtime, "rerun") as folder:
        folder.chmod(0o711)  # the sandbox's own uid passes through to what is mounted
        why = _executed(store, keystore, settings, admission, folder, request)
        asked = [taken.content for taken in collect(folder / "home" / "outbox").taken]
    same = content in asked
    why = "" if same else why or f"it left {len(asked)} requests, none of them this one"
    reached("egress.rerun")
    details: Details = {"sha256": hashlib.sha256(content).hexdigest(), "same": same, "cells": len(request.notebook)}
    outcome = "done" if same else "refused"
    entry = Entry(actor, "egress.rerun", request_id, admission.project, "DSA VI.G.1", outcome, details)
    with store.transaction() as tx:
        found = Rerun(
            admission.project, request_id, hashlib.sha256(content).hexdigest(), data_digest(delivery), same, why,
            tx.today,
        )  # fmt: skip
        tx.write(found, entry)
    return found


def _executed(
    store: Store, keystore: Keystore, settings: Settings, admission: Admission, folder: Path, request: Request
) -> str:
    """Run the cells in a sandbox that ends with this process; give why it failed, in which cell, or nothing."""
    import nbformat  # heavy

    mounts = open_again(store, keystore, settings, admission, folder)
    book, out = folder / "request.ipynb", folder / "out"
    out.mkdir(mode=0o700)
    cells = [nbformat.v4.new_code_cell(source, id=f"cell-{n}") for n, source in enumerate(request.notebook)]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), book)
    book.chmod(0o444)
    command = (python(), "-m", "p20kit.runner", "/job/request.ipynb", "--out", "/job/out")
    own = (Mount(book, "/job/request.ipynb"), Mount(out, "/job/out", writable=True))
    name = f"rerun-{hashlib.sha256(str(folder).encode()).hexdigest()[:16]}"
    spec = SandboxSpec(name, command, (*mounts, *own), limits=_LIMITS, tethered=True)
    with (folder / "runner.log").open("wb") as errors, (folder / "events.jsonl").open("wb") as events:
        sandboxed = Bubblewrap(settings.runtime).start(spec, stdout=events, stderr=errors)
        try:
            code = sandboxed.wait(LONGEST)
        except TimeoutError:
            return f"it takes more than {LONGEST // 60} minutes"
        finally:
            sandboxed.kill()  # it has the project's data open
    if code not in (0, FAILED):
        # not the notebook's doing: nothing is recorded, so that it can be run once more
        raise Fault(f"the notebook could not be run again (exit {code}); run it once more")
    return "" if code == 0 else _failure(folder / "events.jsonl", len(cells))


def _failure(events: Path, cells: int) -> str:
    """Say which cell failed and with what; code of another chose every word of it, so no other word is taken."""
    with events.open("rb") as file:
        lines = file.read(_MOST_EVENTS).splitlines()
    for line in reversed(lines):
        try:
            event = json.loads(line)
        except ValueError:
            continue
        if not isinstance(event, dict) or event.get("event") != "failed":
            continue
        position, error = event.get("cell"), event.get("error")
        which = f"cell {position + 1}" if isinstance(position, int) and 0 <= position < cells else "it"
        known = isinstance(error, str) and isinstance(getattr(builtins, error, None), type)
        return f"{which} fails: {error}" if known else f"{which} fails"
    return "it fails"
