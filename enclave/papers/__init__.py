"""Papers: documents of known kinds, kept sealed and in versions, with what they must say ticked off."""

from enclave.papers.keeping import KEY, add, look_at, open_document, place, recover, seal, tick, withdraw
from enclave.papers.kinds import Kind, kind_of, kinds
from enclave.papers.paper import Kept, Mark, Paper, latest, paper_of, standing, versions

__all__ = [
    "KEY",
    "Kept",
    "Kind",
    "Mark",
    "Paper",
    "add",
    "kind_of",
    "kinds",
    "latest",
    "look_at",
    "open_document",
    "paper_of",
    "place",
    "recover",
    "seal",
    "standing",
    "tick",
    "versions",
    "withdraw",
]
