"""A match by an approved notebook, its report, the parties' agreement in writing, and the clock that starts."""

from enclave.matching.methods import ApprovedMethod, approved_method
from enclave.matching.record import MatchRun, agree, latest, match_key, runs
from enclave.matching.run import open_crosswalk, recover, run

__all__ = [
    "ApprovedMethod",
    "MatchRun",
    "agree",
    "approved_method",
    "latest",
    "match_key",
    "open_crosswalk",
    "recover",
    "run",
    "runs",
]
