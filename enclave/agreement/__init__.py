"""The Data Sharing Agreement as data: compiled to a frozen policy, signed, in force until it ends."""

from enclave.agreement.lifecycle import Extension, InForce, Signature, Termination, of, register, sign
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
from enclave.agreement.versions import Change, Version, diff, policy_of

__all__ = [
    "FLOOR",
    "Agreement",
    "CellTerms",
    "Change",
    "Conflict",
    "Element",
    "Extension",
    "FileLayout",
    "InForce",
    "Party",
    "PartyKind",
    "Policy",
    "Report",
    "Retention",
    "School",
    "Signature",
    "Termination",
    "Version",
    "compile_agreement",
    "conflicts_of",
    "diff",
    "of",
    "policy_of",
    "register",
    "sign",
]
