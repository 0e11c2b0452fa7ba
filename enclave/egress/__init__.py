"""The gate: a request becomes a clearance, or a refusal with every finding; what leaves is written anew."""

from enclave.egress.answering import MOST, answer
from enclave.egress.answers import Answered
from enclave.egress.check import Desk, Verdict, check
from enclave.egress.clearance import Artefact, Clearance, digest_of
from enclave.egress.collect import Collected, collect
from enclave.egress.gate import ReleaseRequest, clear, desk, judge, rendered, rerun, seals, take_in
from enclave.egress.listening import Listening
from enclave.egress.rerun import Rerun

__all__ = [
    "MOST",
    "Answered",
    "Artefact",
    "Clearance",
    "Collected",
    "Desk",
    "Listening",
    "ReleaseRequest",
    "Rerun",
    "Verdict",
    "answer",
    "check",
    "clear",
    "collect",
    "desk",
    "digest_of",
    "judge",
    "rendered",
    "rerun",
    "seals",
    "take_in",
]
