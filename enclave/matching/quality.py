"""The quality of matching over all requests: one line for each two agencies of each run, from the kept reports.

Source: EM V.A.12; DSA VI.B.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any

from enclave.matching.record import MatchRun, reports_of
from enclave.settings import Settings
from enclave.store import View


@dataclass(frozen=True)
class Share:
    """A share (0 to 1) with the interval it was estimated with."""

    rate: float
    low: float
    high: float


@dataclass(frozen=True)
class Quality:
    """What a run's report says of two agencies.

    Parameters
    ----------
    of : str
        The agencies whose records were linked.
    match_rate : str
        Share of the first agency's individuals linked, as the report prints it (per cent).
    false_match, missed_match : Share, optional
        Expected errors, and what they rest on (`basis`); None where the report is not kept any more.
    judged : Share, optional
        Share of links that are right, after two persons judged pairs; None without a closed review.
    """

    project: str
    run: str
    ran_on: date
    method: str
    of: str
    match_rate: str
    agreed: bool
    basis: str = ""
    false_match: Share | None = None
    missed_match: Share | None = None
    judged: Share | None = None


def quality(view: View, settings: Settings) -> list[Quality]:
    """Give the quality of every run, newest first; aggregates only.

    Source: EM V.A.12.
    """
    found = [line for run in view.find(MatchRun) for line in _lines(settings, run)]
    return sorted(found, key=lambda line: (line.ran_on, line.project, line.run, line.of), reverse=True)


def _lines(settings: Settings, run: MatchRun) -> Iterator[Quality]:
    known = (run.project, run.id, run.ran_on, f"{run.method} {run.version}")
    said, agreed = _read(reports_of(settings, run) / "match-report.json"), run.completed_on is not None
    judged = _read(reports_of(settings, run) / "match-review.json").get("precision")
    pairs = said.get("pairs") or {" and ".join(run.agencies): said}
    for of, report in pairs.items():
        estimates = report.get("estimates")
        if estimates is None:
            yield Quality(*known, of, run.match_rate, agreed)
        else:
            errors = _share(estimates["false_match"]), _share(estimates["missed_match"])
            clerical = _share(judged) if judged else None
            yield Quality(*known, of, run.match_rate, agreed, estimates["basis"], *errors, clerical)


def _read(path: Path) -> dict[str, Any]:
    """Give a kept page's figures; none where it is not kept. The same file is read once."""
    try:
        known = path.stat()
    except FileNotFoundError:
        return {}
    return _parsed(path, known.st_mtime_ns, known.st_size)


@lru_cache(maxsize=2_000)
def _parsed(path: Path, changed: int, size: int) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return read


def _share(found: Mapping[str, float]) -> Share:
    return Share(found["rate"], found["low"], found["high"])
