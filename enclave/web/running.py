"""A match is run, and Resultant Data are cut, by the hub's staff: with a form, and with its progress.

Source: EM VII.B.1.c; EM XII; DSA III.F.3.
"""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass

from enclave import matching, resultant
from enclave.errors import EnclaveError, invalid
from enclave.matching import Attempt, Number
from enclave.people import Admission
from enclave.terms import Action
from enclave.web.access import Place, look
from enclave.web.visit import Done, Page, Visit

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Match:
    """A match before it is run, or while it is.

    Parameters
    ----------
    notebook, version : str
        Of the approved notebook that would run.
    files : int
        Files that are needed, of which `missing` are not here.
    models : list of str
        Ids of earlier runs whose model may be taken.
    attempt : Attempt or None
        The run that is under way, or the last one if it came to nothing.
    """

    method: str
    notebook: str
    version: str
    numbers: list[Number]
    files: int
    missing: list[tuple[str, str]]
    models: list[str]
    attempt: Attempt | None


def show(visit: Visit) -> Page[Match]:
    """Show what a match would be run with, or how far it is."""
    visit.admitted(Action.MATCH)
    settings = visit.enclave.settings
    with visit.view() as view:
        standing = look(view, visit.me.name, visit.project, Place.MATCHING)
        policy = standing.agreement.policy
        method = matching.method_for(settings, policy, view.today)
        model = Match(
            method=method.id,
            notebook=method.title,
            version=method.version,
            numbers=list(method.numbers()),
            files=len(policy.expected()),
            missing=matching.absent(view, visit.enclave.keystore, policy),
            models=[run.id for run in matching.runs(view, visit.project)][::-1],
            attempt=matching.attempt(settings, visit.project),
        )
    return Page("running", "Run a match", model, standing)


def run(visit: Visit) -> Done:
    """Begin a match; its progress stands on its page, and what comes of it on the page of matches."""
    admission, settings = visit.admitted(Action.MATCH), visit.enclave.settings
    with visit.view() as view:
        policy = look(view, visit.me.name, visit.project, Place.MATCHING).agreement.policy
        method = matching.method_for(settings, policy, view.today)
    given = {number.name: _typed(visit, number) for number in method.numbers() if visit.text(number.name)}
    begun = threading.Event()
    asked = (visit, admission, method.id, given, visit.text("model"), begun)
    # it ends with this process, and its sandbox with it; a crash leaves nothing that the next start does not wipe
    threading.Thread(target=_run, args=asked, name=f"match of {visit.project}", daemon=True).start()
    begun.wait()
    return Done(f"projects/{visit.project}/matching/run", "The match has begun. You may leave this page.")


def _run(
    visit: Visit, admission: Admission, method: str, given: dict[str, int | float], model: str,
    begun: threading.Event,
) -> None:  # fmt: skip
    enclave = visit.enclave
    try:
        matching.run(
            enclave.store, enclave.keystore, enclave.settings, admission, method=method, parameters=given,
            model=model, progress=lambda event: begun.set(),
        )  # fmt: skip
    except EnclaveError as error:  # its page says why
        log.warning("match of %s: %s", admission.project, error.subject)
    except Exception as error:  # noqa: BLE001 - the outermost door of this thread; a traceback may hold a value
        log.error("fault: %s in a match", type(error).__name__)
    finally:
        begun.set()


def cut(visit: Visit) -> Done:
    """Cut the Resultant Data of the newest match, and deliver them."""
    admission = visit.admitted(Action.CUT)
    enclave = visit.enclave
    with enclave.store.view() as view:
        newest = matching.latest(view, visit.project)
    delivery = resultant.cut(enclave.store, enclave.keystore, enclave.settings, admission, newest)
    tables = ", ".join(f"{table.name} {table.rows:,}" for table in delivery.tables)
    return Done(f"projects/{visit.project}/matching", f"{delivery.persons:,} persons delivered: {tables}.")


def _typed(visit: Visit, number: Number) -> int | float:
    try:
        return int(visit.text(number.name)) if number.type == "int" else float(visit.text(number.name))
    except ValueError:
        what = f"{number.name} is not written as a number of its kind"
        next = f"Write it as it was approved: {number.value}."
        raise invalid("form", "number", "EM VII.B.1.c", what, next, number.name) from None
