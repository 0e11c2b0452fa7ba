"""Papers: documents of known kinds, kept sealed and in versions, with what they must say ticked off."""

from enclave.papers.keeping import (
    KEY,
    add,
    look_at,
    open_document,
    recover,
    seal,
    seal_words,
    seals,
    tick,
    withdraw,
)
from enclave.papers.kinds import Kind, added_as_is, kind_of, kinds
from enclave.papers.paper import Kept, Mark, Paper, latest, paper_of, standing, versions

__all__ = [
    "KEY",
    "Kept",
    "Kind",
    "Mark",
    "Paper",
    "add",
    "added_as_is",
    "kind_of",
    "kinds",
    "latest",
    "look_at",
    "open_document",
    "paper_of",
    "recover",
    "seal",
    "seal_words",
    "seals",
    "standing",
    "tick",
    "versions",
    "withdraw",
]
