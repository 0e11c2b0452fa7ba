"""When something goes wrong: stop at once, tell those who must know within their hours, keep the record."""

from enclave.incidents.breach import (
    Breach,
    Determination,
    Notice,
    Status,
    Supplement,
    report_breach,
    resolve,
    supplement,
)
from enclave.incidents.case import Case, CaseKind, cases, open_case, take_step
from enclave.incidents.complaint import Act, Owed, act, complain, owed, vote
from enclave.incidents.stops import (
    Suspended,
    hold_project,
    lift_project,
    refuse_recipient,
    reinstate,
    suspend_agency,
    suspend_person,
    suspensions,
    with_cause,
)

__all__ = [
    "Act",
    "Breach",
    "Case",
    "CaseKind",
    "Determination",
    "Notice",
    "Owed",
    "Status",
    "Supplement",
    "Suspended",
    "act",
    "cases",
    "complain",
    "hold_project",
    "lift_project",
    "open_case",
    "owed",
    "refuse_recipient",
    "reinstate",
    "report_breach",
    "resolve",
    "supplement",
    "suspend_agency",
    "suspend_person",
    "suspensions",
    "take_step",
    "vote",
    "with_cause",
]
