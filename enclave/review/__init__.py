"""Pre-publication review: every contributing agency confirms four statements, and ten business days pass.

A confirmation is bound to the digest of what was cleared: another digest is another case.
"""

from enclave.review.approval import approve
from enclave.review.case import (
    ALL_STATEMENTS,
    Approval,
    Case,
    Confirmation,
    Remark,
    State,
    Statement,
    Waiver,
)
from enclave.review.steps import confirm, open_case, refuse_case, return_with_comment, waive, withdraw

__all__ = [
    "ALL_STATEMENTS",
    "Approval",
    "Case",
    "Confirmation",
    "Remark",
    "State",
    "Statement",
    "Waiver",
    "approve",
    "confirm",
    "open_case",
    "refuse_case",
    "return_with_comment",
    "waive",
    "withdraw",
]
