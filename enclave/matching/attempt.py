"""A match while it runs, for whoever waits for it: which step it is in; and why the last one came to nothing.

It is told in one small file on the runtime tmpfs: names of steps, ids and counts. What stands in the ledger stands
there without it.

Source: EM VII.B.1.c.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from enclave.errors import EnclaveError, Fault, Finding, refuse
from enclave.matching.job import Progress
from enclave.scratch import alone, prepare
from enclave.settings import Settings


@dataclass(frozen=True)
class Attempt:
    """A match of a project that runs, or the last one that came to nothing.

    Parameters
    ----------
    step : str
        What it is at.
    fraction : float
        How far it is, 0 to 1.
    broke_off : str
        What it was that broke off; empty while it runs.
    findings : tuple of Finding
        Why.
    """

    by: str
    step: str
    fraction: float
    broke_off: str = ""
    findings: tuple[Finding, ...] = ()


_KEPT = TypeAdapter(Attempt)


@contextmanager
def attempted(settings: Settings, project: str, by: str, progress: Progress) -> Iterator[Progress]:
    """Tell of a match while it runs; no project has two at once.

    Raises
    ------
    Refused
        If one of this project runs already.
    """
    path = _path(settings, project)
    with alone(settings.runtime, path.stem, wait=False) as first:
        if not first:
            raise refuse(
                f"match of {project}", "runs-already", "EM VII.B.1.c", "a match of this project is being run",
                "Wait for its end, on the page of matches.",
            )  # fmt: skip

        def follow(event: dict[str, Any]) -> None:
            if event["event"] == "stage":
                _write(path, Attempt(by, event["name"], event["fraction"]))
            progress(event)

        try:
            follow({"event": "stage", "name": "waits its turn", "fraction": 0.0})
            yield follow
            path.unlink()
        except BaseException as error:
            told = error if isinstance(error, EnclaveError) else Fault("the match broke off; nothing was kept")
            _write(path, Attempt(by, "", 0.0, told.subject, told.findings))
            raise


def attempt(settings: Settings, project: str) -> Attempt | None:
    """Give the match that runs, or the last one if it came to nothing.

    None too where its process died: the next start wipes what it had opened.
    """
    path = _path(settings, project)
    try:
        found = _KEPT.validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    with alone(settings.runtime, path.stem, wait=False) as ended:
        return None if ended and not found.broke_off else found


def _path(settings: Settings, project: str) -> Path:
    return settings.runtime / f"match-{project.lower()}.json"


def _write(path: Path, told: Attempt) -> None:
    prepare(path.parent)
    partial = path.with_suffix(".partial")
    partial.touch(mode=0o600)
    partial.write_bytes(_KEPT.dump_json(told))
    partial.replace(path)
