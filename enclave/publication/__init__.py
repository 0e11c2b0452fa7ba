"""The signed package that leaves: what was cleared, byte for byte, with what a reader must know of it."""

from enclave.publication.catalogue import Catalogue, entry_of, write_catalogue
from enclave.publication.final_copy import file_final_copy, overdue
from enclave.publication.outcome import recover
from enclave.publication.package import Contents, Verified, verify_package
from enclave.publication.public import is_public, published
from enclave.publication.publish import publish
from enclave.publication.record import Package, Publication, State, folder_of
from enclave.publication.uptake import Downloads, Uptake, count, read_downloads, uptakes

__all__ = [
    "Catalogue",
    "Contents",
    "Downloads",
    "Package",
    "Publication",
    "State",
    "Uptake",
    "Verified",
    "count",
    "entry_of",
    "file_final_copy",
    "folder_of",
    "is_public",
    "overdue",
    "publish",
    "published",
    "read_downloads",
    "recover",
    "uptakes",
    "verify_package",
    "write_catalogue",
]
