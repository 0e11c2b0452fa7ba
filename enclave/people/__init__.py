"""Who the people are, what they signed, who approved them; and the one answer to "may I?"."""

from enclave.people.access import PERMITTED, Admission, by_clock, closed, lacks, may, reasons_against
from enclave.people.exceptions import Deviation, except_from, exceptions, meet, standards
from enclave.people.exhibits import exhibit_form
from enclave.people.holds import ANNOUNCED, Hold, extend, holds, lift, place
from enclave.people.members import Membership, members
from enclave.people.membership import join, leave
from enclave.people.needing import review_access, review_due_on
from enclave.people.register import (
    BASES,
    CLOCK,
    Approval,
    Listing,
    Person,
    approval_text,
    approve,
    enlist,
    hold_to_party,
    listing_of,
    sign_exhibit,
    suspend,
    unsuspend,
    withdraw,
)
from enclave.people.sight import Sight, sight_of
from enclave.people.status import designate, is_government, representative, verify_status, without_representative

__all__ = [
    "ANNOUNCED",
    "BASES",
    "CLOCK",
    "PERMITTED",
    "Admission",
    "Approval",
    "Deviation",
    "Hold",
    "Listing",
    "Membership",
    "Person",
    "Sight",
    "approval_text",
    "approve",
    "by_clock",
    "closed",
    "designate",
    "enlist",
    "except_from",
    "exceptions",
    "exhibit_form",
    "extend",
    "hold_to_party",
    "holds",
    "is_government",
    "join",
    "lacks",
    "leave",
    "lift",
    "listing_of",
    "may",
    "meet",
    "members",
    "place",
    "reasons_against",
    "representative",
    "review_access",
    "review_due_on",
    "sight_of",
    "sign_exhibit",
    "standards",
    "suspend",
    "unsuspend",
    "verify_status",
    "withdraw",
    "without_representative",
]
