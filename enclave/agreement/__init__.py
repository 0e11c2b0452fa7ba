"""The Data Sharing Agreement as data: compiled to a frozen policy, signed, in force until it ends."""

from enclave.agreement.compared import asked_anew, persons_taken_away
from enclave.agreement.complete import Item, completeness, hold_complete
from enclave.agreement.exhibits import REVIEW_BOARD, exhibits, not_attached
from enclave.agreement.flow import Flow, flow_of
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
from enclave.agreement.versions import Change, Version, diff, policy_of, taken_away

__all__ = [
    "FLOOR",
    "REVIEW_BOARD",
    "Agreement",
    "CellTerms",
    "Change",
    "Conflict",
    "Element",
    "Extension",
    "FileLayout",
    "Flow",
    "InForce",
    "Item",
    "Party",
    "PartyKind",
    "Policy",
    "Report",
    "Retention",
    "School",
    "Signature",
    "Termination",
    "Version",
    "asked_anew",
    "compile_agreement",
    "completeness",
    "conflicts_of",
    "diff",
    "exhibits",
    "flow_of",
    "hold_complete",
    "not_attached",
    "of",
    "persons_taken_away",
    "policy_of",
    "register",
    "sign",
    "taken_away",
]
