"""A match by an approved notebook, its report and review, the parties' agreement in writing, and the clock."""

from enclave.matching.methods import ApprovedMethod, approved_method, registered_methods
from enclave.matching.quality import Quality, Share, quality
from enclave.matching.record import AGREEMENT, MatchRun, agree, keep_until, latest, match_key, reports_of, runs
from enclave.matching.review import Place, close_review, open_review, sit_down, stand_up
from enclave.matching.reviewed import Review, places
from enclave.matching.run import open_crosswalk, recover, run

__all__ = [
    "AGREEMENT",
    "ApprovedMethod",
    "MatchRun",
    "Place",
    "Quality",
    "Review",
    "Share",
    "agree",
    "approved_method",
    "close_review",
    "keep_until",
    "latest",
    "match_key",
    "open_crosswalk",
    "open_review",
    "places",
    "quality",
    "recover",
    "registered_methods",
    "reports_of",
    "run",
    "runs",
    "sit_down",
    "stand_up",
]
