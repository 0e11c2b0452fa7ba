"""Who the people are, what they signed, who approved them; and the one answer to "may I?"."""

from enclave.people.access import PERMITTED, Admission, by_clock, may, reasons_against
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
    "Hold",
    "Listing",
    "Membership",
    "Person",
    "approve",
    "by_clock",
    "enlist",
    "hold_to_party",
    "holds",
    "join",
    "leave",
    "lift",
    "listing_of",
    "may",
    "members",
    "place",
    "reasons_against",
    "sign_exhibit",
    "suspend",
    "unsuspend",
    "withdraw",
]
