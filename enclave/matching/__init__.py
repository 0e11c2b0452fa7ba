"""A match by an approved notebook, its report and review, the parties' agreement in writing, and the clock."""

from enclave.matching.attempt import Attempt, attempt
from enclave.matching.inputs import absent, method_for
from enclave.matching.methods import ApprovedMethod, Number, approved_method, registered_methods
from enclave.matching.place import KINDS, Place, enter_refused, places
from enclave.matching.quality import Quality, Share, quality
from enclave.matching.record import AGREEMENT, MatchRun, agree, keep_until, latest, match_key, reports_of, runs
from enclave.matching.review import close_review, open_review, sit_down, stand_up, under_review
from enclave.matching.reviewed import Review
from enclave.matching.run import open_crosswalk, recover, run, seals
from enclave.matching.trial import put_back, try_out

__all__ = [
    "AGREEMENT",
    "KINDS",
    "ApprovedMethod",
    "Attempt",
    "MatchRun",
    "Number",
    "Place",
    "Quality",
    "Review",
    "Share",
    "absent",
    "agree",
    "approved_method",
    "attempt",
    "close_review",
    "enter_refused",
    "keep_until",
    "latest",
    "match_key",
    "method_for",
    "open_crosswalk",
    "open_review",
    "places",
    "put_back",
    "quality",
    "recover",
    "registered_methods",
    "reports_of",
    "run",
    "runs",
    "seals",
    "sit_down",
    "stand_up",
    "try_out",
    "under_review",
]
