"""The Data Sharing Agreement as data: compiled to a frozen policy, signed, in force until it ends."""

from enclave.agreement.lifecycle import InForce, Signature, of, register, sign
from enclave.agreement.lint import Conflict
from enclave.agreement.model import (
    Agreement,
    CellTerms,
    Element,
    FileLayout,
    Party,
    PartyKind,
    Report,
    Retention,
    School,
)
from enclave.agreement.policy import FLOOR, Policy, compile_agreement, conflicts_of

__all__ = [
    "FLOOR",
    "Agreement",
    "CellTerms",
    "Conflict",
    "Element",
    "FileLayout",
    "InForce",
    "Party",
    "PartyKind",
    "Policy",
    "Report",
    "Retention",
    "School",
    "Signature",
    "compile_agreement",
    "conflicts_of",
    "of",
    "register",
    "sign",
]
