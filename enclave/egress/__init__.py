"""The gate: a request becomes a clearance, or a refusal with every finding; what leaves is written anew."""

from enclave.egress.check import Desk, Verdict, check
from enclave.egress.clearance import Artefact, Clearance, digest_of
from enclave.egress.collect import Collected, collect
from enclave.egress.gate import ReleaseRequest, clear, desk, judge, rendered, take_in

__all__ = [
    "Artefact",
    "Clearance",
    "Collected",
    "Desk",
    "ReleaseRequest",
    "Verdict",
    "check",
    "clear",
    "collect",
    "desk",
    "digest_of",
    "judge",
    "rendered",
    "take_in",
]
