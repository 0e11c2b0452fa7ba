"""Who the people are, what they signed, who approved them; and the one answer to "may I?"."""

from enclave.people.access import PERMITTED, Admission, by_clock, may, reasons_against
from enclave.people.exceptions import Deviation, except_from, exceptions, meet
from enclave.people.holds import Hold, holds, lift, place
from enclave.people.membership import Membership, join, leave, members
from enclave.people.register import (
    CLOCK,
    Listing,
    Person,
    approve,
    enlist,
    hold_to_party,
    listing_of,
    sign_exhibit,
    suspend,
    unsuspend,
    withdraw,
)

__all__ = [
    "CLOCK",
    "PERMITTED",
    "Admission",
    "Deviation",
    "Hold",
    "Listing",
    "Membership",
    "Person",
    "approve",
    "by_clock",
    "enlist",
    "except_from",
    "exceptions",
    "hold_to_party",
    "holds",
    "join",
    "leave",
    "lift",
    "listing_of",
    "may",
    "meet",
    "members",
    "place",
    "reasons_against",
    "sign_exhibit",
    "suspend",
    "unsuspend",
    "withdraw",
]
