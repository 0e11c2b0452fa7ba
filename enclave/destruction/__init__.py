"""Destruction: what must go and by when, erased by key, proven, certified in the form of Exhibit F."""

from enclave.destruction.certificate import Certificate, Proof, read_certificate
from enclave.destruction.deadlines import Due, Identifiers, due, identifiers
from enclave.destruction.erase import Recovery, destroy, destroy_match_data, file_certificate, recover, take_back
from enclave.destruction.issue import Form, issued
from enclave.destruction.record import Destruction, Scope, State
from enclave.destruction.remains import covered
from enclave.destruction.stuck import STUCK, Guard

__all__ = [
    "STUCK",
    "Certificate",
    "Destruction",
    "Due",
    "Form",
    "Guard",
    "Identifiers",
    "Proof",
    "Recovery",
    "Scope",
    "State",
    "covered",
    "destroy",
    "destroy_match_data",
    "due",
    "file_certificate",
    "identifiers",
    "issued",
    "read_certificate",
    "recover",
    "take_back",
]
