"""What the institution can tell of itself: the four registers, activity, where-used, proofs, the report of a year.

Source: EM XVII.B; EM XV.B.2; EM V.A.6.
"""

from enclave.reports.records import (
    OF_ALL,
    Activity,
    Register,
    Row,
    Use,
    activity,
    export_ledger,
    receipt,
    register,
    registers,
    verify_ledger,
    where_used,
)
from enclave.reports.yearly import Yearly, yearly, yearly_page, yearly_print

__all__ = [
    "OF_ALL",
    "Activity",
    "Register",
    "Row",
    "Use",
    "Yearly",
    "activity",
    "export_ledger",
    "receipt",
    "register",
    "registers",
    "verify_ledger",
    "where_used",
    "yearly",
    "yearly_page",
    "yearly_print",
]
