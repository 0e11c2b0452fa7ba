"""The signed package that leaves: what was cleared, byte for byte, with what a reader must know of it."""

from enclave.publication.catalogue import Catalogue, entry_of, is_public, published, write_catalogue
from enclave.publication.final_copy import file_final_copy, overdue
from enclave.publication.outcome import recover
from enclave.publication.package import Contents, Verified, verify_package
from enclave.publication.publish import publish
from enclave.publication.record import Package, Publication, State, folder_of

__all__ = [
    "Catalogue",
    "Contents",
    "Package",
    "Publication",
    "State",
    "Verified",
    "entry_of",
    "file_final_copy",
    "folder_of",
    "is_public",
    "overdue",
    "publish",
    "published",
    "recover",
    "verify_package",
    "write_catalogue",
]
