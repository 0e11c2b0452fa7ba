"""Destruction: what must go and by when, erased by key, proven, certified in the form of Exhibit F."""

from enclave.destruction.certificate import Certificate, Proof, read_certificate
from enclave.destruction.deadlines import Due, due
from enclave.destruction.erase import destroy, destroy_match_data, file_certificate, recover
from enclave.destruction.issue import Form, issued
from enclave.destruction.record import Destruction, Scope, State
from enclave.destruction.remains import covered

__all__ = [
    "Certificate",
    "Destruction",
    "Due",
    "Form",
    "Proof",
    "Scope",
    "State",
    "covered",
    "destroy",
    "destroy_match_data",
    "due",
    "file_certificate",
    "issued",
    "read_certificate",
    "recover",
]
